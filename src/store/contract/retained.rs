//! For how long, and how many, ended sessions are kept.

use std::time::Duration;

use super::Maker;
use crate::domain::EndReason;
use crate::store::{Created, Ended, Scan, SessionStore, StateFilter, Touch};

pub(super) async fn ended_sessions_are_kept_for_the_retention_time(
    maker: &Maker,
    store: &impl SessionStore,
) {
    let session = maker.session("ann");
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Kept
    ));
    maker.clock.advance(Duration::from_secs(1000));
    assert!(matches!(
        store
            .end(Touch::last_of(&session), maker.end(EndReason::Terminated))
            .await
            .unwrap(),
        Ended::Now(_)
    ));
    maker.clock.advance(Duration::from_secs(99));
    assert_eq!(store.purge().await.unwrap(), 0);
    assert!(store.get(session.id()).await.unwrap().is_some());
    maker.clock.advance(Duration::from_secs(1));
    assert_eq!(store.purge().await.unwrap(), 1);
    assert!(store.get(session.id()).await.unwrap().is_none());
}

pub(super) async fn ended_sessions_are_bounded(maker: &Maker, store: &impl SessionStore) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        let session = maker.session("ann");
        assert!(matches!(
            store.create(&session).await.unwrap(),
            Created::Kept
        ));
        assert!(matches!(
            store
                .end(Touch::last_of(&session), maker.end(EndReason::LoggedOut))
                .await
                .unwrap(),
            Ended::Now(_)
        ));
        ids.push(session.id());
    }
    // At once, or step by step.
    while store.purge().await.unwrap() > 0 {}
    let page = store
        .scan(Scan {
            state: StateFilter::Ended,
            limit: 10,
            ..Scan::default()
        })
        .await
        .unwrap();
    assert_eq!(
        page.sessions.iter().map(|s| s.id()).collect::<Vec<_>>(),
        [ids[4], ids[3], ids[2]]
    );
}
