//! A store that does not answer.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    LicensePeak, Session, SessionEnd, SessionId, TargetId, Task, Tick, Ticket, TokenDigest,
    UserKey, UserLock,
};
use crate::store::{
    Created, CredentialStore, Ended, Finished, IdRange, Lease, Merged, Recovered, RefreshStore,
    Refreshed, Scan, ScanPage, SessionStore, SharedStore, StoreError, StoreFuture, StoreState,
    Touch,
};

#[derive(Debug)]
pub(super) struct Away;

fn fail<'a, T: Send + 'a>() -> StoreFuture<'a, T> {
    Box::pin(std::future::ready(Err(StoreError::Unavailable(
        "nobody there".into(),
    ))))
}

impl RefreshStore for Away {
    fn lease(&self, _: &Arc<Session>, _: u64, _: u64, _: Duration) -> StoreFuture<'_, Lease> {
        fail()
    }

    fn finish(&self, _: &Arc<Session>, _: u64, _: Option<Arc<[u8]>>) -> StoreFuture<'_, Finished> {
        fail()
    }

    fn refreshed(&self, _: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        fail()
    }
}

impl SessionStore for Away {
    fn outlives_process(&self) -> bool {
        false
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        None
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        fail()
    }

    fn state(&self) -> StoreState {
        StoreState::always_reached(Tick::from_millis(0))
    }

    fn import(&self, _: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        fail()
    }

    fn create(&self, _: &Arc<Session>) -> StoreFuture<'_, Created> {
        fail()
    }

    fn load(&self, _: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        fail()
    }

    fn touch_many(&self, _: &[Touch]) -> StoreFuture<'_, ()> {
        fail()
    }

    fn end(&self, _: Touch, _: SessionEnd) -> StoreFuture<'_, Ended> {
        fail()
    }

    fn get(&self, _: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        fail()
    }

    fn scan(&self, _: Scan) -> StoreFuture<'_, ScanPage> {
        fail()
    }

    fn walk_ended(&self, _: IdRange, _: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        fail()
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        fail()
    }

    fn put_ticket(&self, _: TokenDigest, _: Ticket, _: Duration) -> StoreFuture<'_, ()> {
        fail()
    }

    fn take_ticket(&self, _: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        fail()
    }

    fn put_target(&self, _: TargetId, _: Arc<str>, _: Duration) -> StoreFuture<'_, ()> {
        fail()
    }

    fn target(&self, _: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        fail()
    }

    fn put_lock(&self, _: &UserLock) -> StoreFuture<'_, ()> {
        fail()
    }

    fn remove_lock(&self, _: UserKey) -> StoreFuture<'_, ()> {
        fail()
    }

    fn put_task(&self, _: &Task) -> StoreFuture<'_, ()> {
        fail()
    }

    fn put_peaks(&self, _: &[LicensePeak]) -> StoreFuture<'_, ()> {
        fail()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        fail()
    }
}
