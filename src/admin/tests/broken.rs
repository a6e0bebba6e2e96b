//! What callers learn when something here fails.

use std::sync::Arc;
use std::time::Duration;

use super::{Side, id, request};
use crate::admin::builder;
use crate::admin::keys::{ApiKeys, NewKey, Role};
use crate::domain::{
    LicensePeak, Session, SessionEnd, SessionId, SessionPolicy, SharedSecret, SpaceId, TargetId,
    Task, TaskId, Tick, Ticket, TokenDigest, UserKey, UserLock,
};
use crate::sessions::Sessions;
use crate::store::{
    Changes, Created, CredentialStore, EndScope, Ended, Entered, Epoch, Finished, Fleet, IdRange,
    Lease, Merged, Node, NodeRegistry, Opens, Recovered, RefreshStore, Refreshed, Scan, ScanPage,
    SeatStore, SessionStore, Settled, SharedStore, Standing, StoreError, StoreFuture, StoreState,
    StoredTasks, Touch,
};

/// A store that cannot be reached, or that has a bug.
#[derive(Debug)]
enum Broken {
    Away,
    Panics,
}

impl Broken {
    fn fail<T>(&self) -> StoreFuture<'_, T> {
        Box::pin(async move {
            match self {
                Self::Away => Err(StoreError::Unavailable("secret-host refuses".into())),
                Self::Panics => panic!("a secret detail"),
            }
        })
    }
}

impl StoredTasks for Broken {
    fn number_task(&self, _: &Task) -> StoreFuture<'_, TaskId> {
        self.fail()
    }

    fn task(&self, _: TaskId) -> StoreFuture<'_, Option<Task>> {
        self.fail()
    }

    fn tasks_of(&self, _: SpaceId) -> StoreFuture<'_, Vec<Task>> {
        self.fail()
    }

    fn all_tasks(&self) -> StoreFuture<'_, Vec<Task>> {
        self.fail()
    }
}

impl SharedStore for Broken {
    fn end_user(
        &self,
        _: UserKey,
        _: Option<SessionId>,
        _: SessionEnd,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.fail()
    }

    fn end_scope(&self, _: EndScope, _: SessionEnd) -> StoreFuture<'_, Vec<Epoch>> {
        self.fail()
    }

    fn settle(&self, _: Option<EndScope>) -> StoreFuture<'_, Settled> {
        self.fail()
    }

    fn end_overdue(&self, _: Duration) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.fail()
    }

    fn walk_open(
        &self,
        _: Option<SpaceId>,
        _: IdRange,
        _: usize,
    ) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.fail()
    }

    fn standing(&self, _: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Standing>> {
        self.fail()
    }

    fn find_credential(&self, _: &TokenDigest) -> StoreFuture<'_, Option<Opens>> {
        self.fail()
    }

    fn seats(&self) -> Option<&dyn SeatStore> {
        None
    }

    fn locks(&self) -> StoreFuture<'_, Vec<UserLock>> {
        self.fail()
    }

    fn secret(&self) -> StoreFuture<'_, SharedSecret> {
        self.fail()
    }

    fn changes(&self) -> Option<Changes> {
        None
    }

    fn believed_for(&self) -> Duration {
        Duration::MAX
    }

    fn nodes(&self) -> &dyn NodeRegistry {
        self
    }
}

impl NodeRegistry for Broken {
    fn enter(&self, _: &Node) -> StoreFuture<'_, Entered> {
        self.fail()
    }

    fn beat(&self, _: &Node) -> StoreFuture<'_, Fleet> {
        self.fail()
    }

    fn fleet(&self) -> StoreFuture<'_, Fleet> {
        self.fail()
    }

    fn leave(&self, _: &Node) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn behind(&self) -> StoreFuture<'_, u64> {
        self.fail()
    }
}

impl RefreshStore for Broken {
    fn lease(&self, _: &Arc<Session>, _: u64, _: u64, _: Duration) -> StoreFuture<'_, Lease> {
        self.fail()
    }

    fn finish(&self, _: &Arc<Session>, _: u64, _: Option<Arc<[u8]>>) -> StoreFuture<'_, Finished> {
        self.fail()
    }

    fn refreshed(&self, _: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        self.fail()
    }
}

impl SessionStore for Broken {
    fn outlives_process(&self) -> bool {
        true
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        None
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self
    }

    fn state(&self) -> StoreState {
        let never = Tick::from_millis(0);
        StoreState {
            lost_since: Some(never),
            losses: 1,
            confirmed: never,
        }
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        self.fail()
    }

    fn create(&self, _: &Arc<Session>) -> StoreFuture<'_, Created> {
        self.fail()
    }

    fn import(&self, _: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        self.fail()
    }

    fn load(&self, _: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        self.fail()
    }

    fn touch_many(&self, _: &[Touch]) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn end(&self, _: Touch, _: SessionEnd) -> StoreFuture<'_, Ended> {
        self.fail()
    }

    fn get(&self, _: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        self.fail()
    }

    fn scan(&self, _: Scan) -> StoreFuture<'_, ScanPage> {
        self.fail()
    }

    fn walk_ended(&self, _: IdRange, _: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.fail()
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        self.fail()
    }

    fn put_ticket(&self, _: TokenDigest, _: Ticket, _: Duration) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn take_ticket(&self, _: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        self.fail()
    }

    fn put_target(&self, _: TargetId, _: Arc<str>, _: Duration) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn target(&self, _: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        self.fail()
    }

    fn put_lock(&self, _: &UserLock) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn remove_lock(&self, _: UserKey) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn put_task(&self, _: &Task) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn put_peaks(&self, _: &[LicensePeak]) -> StoreFuture<'_, ()> {
        self.fail()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.fail()
    }
}

#[tokio::test]
async fn s15_a_store_that_is_away_is_503_and_a_panic_is_500_and_neither_says_why() {
    for (store, status, name) in [
        (Broken::Away, 503, "store-unavailable"),
        (Broken::Panics, 500, "internal"),
    ] {
        let sessions = Sessions::builder().store(Arc::new(store)).build();
        sessions.space(&id("1001"), SessionPolicy::default());
        let new = NewKey::new("ops", Role::SiteAdmin);
        let (key, bearer) = new.make(sessions.clock().wall()).unwrap();
        let side = Side {
            router: builder(sessions, ApiKeys::new([key])).build(),
            ..Side::new()
        };
        let session = "/api/v1/spaces/1001/sessions/00000000-0000-7000-8000-000000000000";
        for (method, path) in [
            ("GET", "/api/v1/spaces/1001/sessions"),
            ("GET", session),
            ("DELETE", session),
        ] {
            let answer = side.send(request(method, path, Some(&bearer), "")).await;
            answer.problem(status, name);
            assert!(!answer.text.contains("secret"), "{}", answer.text);
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
        side.send(request("GET", "/health/live", None, ""))
            .await
            .json(200);
    }
}
