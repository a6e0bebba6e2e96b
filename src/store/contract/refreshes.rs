//! What is renewed for sessions: by one at a time, in order, and forgotten with the session.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Maker;
use crate::domain::{EndReason, Session};
use crate::store::{Created, Finished, Lease, RefreshStore, Refreshed, SessionStore, Touch};

const TIME: Duration = Duration::from_secs(10);

fn secret(text: &str) -> Option<Arc<[u8]>> {
    Some(text.as_bytes().into())
}

fn refreshed(version: u64, text: &str) -> Refreshed {
    Refreshed {
        version,
        secret: text.as_bytes().into(),
    }
}

struct Kept<'s> {
    store: &'s dyn RefreshStore,
    session: Arc<Session>,
}

impl Kept<'_> {
    async fn lease(&self, seen: u64, waited: u64) -> Lease {
        let lease = self.store.lease(&self.session, seen, waited, TIME);
        lease.await.unwrap()
    }

    async fn finish(&self, attempt: u64, outcome: Option<Arc<[u8]>>) -> Finished {
        let finish = self.store.finish(&self.session, attempt, outcome);
        finish.await.unwrap()
    }

    async fn get(&self) -> Option<Refreshed> {
        self.store.refreshed(&self.session).await.unwrap()
    }
}

async fn kept_of<'s>(maker: &Maker, store: &'s impl SessionStore) -> Kept<'s> {
    let session = maker.session("ann");
    let created = store.create(&session).await.unwrap();
    assert!(matches!(created, Created::Kept));
    Kept {
        store: store.refreshes(),
        session,
    }
}

fn held(attempt: u64, current: Option<Refreshed>) -> Lease {
    Lease::Held { attempt, current }
}

pub(super) async fn s25_one_refreshes_at_a_time(maker: &Maker, store: &impl SessionStore) {
    let kept = kept_of(maker, store).await;
    assert_eq!(kept.get().await, None);
    let leases = join_all((0..20).map(|_| kept.lease(0, 0))).await;
    let first: Vec<_> = leases.iter().filter(|l| **l == held(1, None)).collect();
    assert_eq!(first.len(), 1, "one of twenty: {leases:?}");
    let elsewhere = Lease::Elsewhere { attempt: 1 };
    assert_eq!(leases.iter().filter(|l| **l == elsewhere).count(), 19);
    let told = kept.finish(1, secret("one")).await;
    assert_eq!(told, Finished::Kept { version: 1 });
    assert_eq!(kept.get().await, Some(refreshed(1, "one")));
    let again = kept.finish(1, secret("one")).await;
    assert_eq!(
        again,
        Finished::Kept { version: 1 },
        "once is as good as twice"
    );
    // Who waited, or comes with what is stale, has it; who has seen it renews it.
    assert_eq!(kept.lease(0, 1).await, Lease::Newer(refreshed(1, "one")));
    let current = Some(refreshed(1, "one"));
    assert_eq!(kept.lease(1, 0).await, held(2, current.clone()));
    // A failure is one for those who waited, and not for who comes after.
    assert_eq!(kept.finish(2, None).await, Finished::Kept { version: 1 });
    assert_eq!(kept.lease(1, 2).await, Lease::Failed);
    assert_eq!(kept.lease(1, 0).await, held(3, current));
    let told = kept.finish(3, secret("\0two")).await;
    assert_eq!(told, Finished::Kept { version: 2 });
    assert_eq!(kept.get().await, Some(refreshed(2, "\0two")));
    // The end of the session is the end of it, also of what is under way.
    assert_eq!(kept.lease(2, 0).await, held(4, Some(refreshed(2, "\0two"))));
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&kept.session), end).await.unwrap();
    assert_eq!(kept.get().await, None);
    assert_eq!(kept.finish(4, secret("three")).await, Finished::Ended);
    assert_eq!(kept.get().await, None);
    assert_eq!(kept.lease(0, 0).await, Lease::Ended);
}

pub(super) async fn what_a_late_one_brings_is_refused(maker: &Maker, store: &impl SessionStore) {
    let kept = kept_of(maker, store).await;
    assert_eq!(kept.lease(0, 0).await, held(1, None));
    maker.clock.advance(TIME);
    // Its time is over, and nobody else has begun: what it brings is not to be had again.
    assert_eq!(
        kept.finish(1, secret("one")).await,
        Finished::Kept { version: 1 }
    );
    let one = || Some(refreshed(1, "one"));
    assert_eq!(kept.lease(1, 0).await, held(2, one()));
    assert_eq!(kept.lease(1, 2).await, Lease::Elsewhere { attempt: 2 });
    maker.clock.advance(TIME);
    assert_eq!(kept.lease(1, 2).await, held(3, one()), "the node has died");
    assert_eq!(kept.finish(2, secret("late")).await, Finished::Late);
    assert_eq!(kept.finish(2, None).await, Finished::Late);
    assert_eq!(kept.lease(1, 0).await, Lease::Elsewhere { attempt: 3 });
    assert_eq!(
        kept.finish(3, secret("two")).await,
        Finished::Kept { version: 2 }
    );
    assert_eq!(kept.get().await, Some(refreshed(2, "two")));
}
