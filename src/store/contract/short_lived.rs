//! Tickets and targets.

use std::sync::Arc;
use std::time::Duration;

use super::Maker;
use crate::domain::{Identity, TargetId, Ticket, TokenDigest};
use crate::store::SessionStore;

pub(super) async fn s30_a_ticket_is_taken_once_and_in_time(
    maker: &Maker,
    store: &impl SessionStore,
) {
    let ticket = Ticket {
        identity: Arc::new(
            Identity::new("LAB", "ann")
                .unwrap()
                .with_email("a@b.c")
                .unwrap(),
        ),
        target: Some("https://app.example.com/x?y=1".into()),
    };
    let digest = |n: u8| TokenDigest::from_bytes([n; 32]);
    let minute = Duration::from_secs(60);
    for n in [1, 2] {
        store
            .put_ticket(digest(n), ticket.clone(), minute)
            .await
            .unwrap();
    }
    assert_eq!(store.take_ticket(&digest(3)).await.unwrap(), None);
    let takers: Vec<_> = (0..100).map(|_| store.take_ticket(&digest(1))).collect();
    let taken: Vec<_> = futures_util::future::join_all(takers)
        .await
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    assert_eq!(taken, [ticket], "exactly one of a hundred");
    assert_eq!(store.take_ticket(&digest(1)).await.unwrap(), None);
    maker.clock.advance(minute);
    assert_eq!(
        store.take_ticket(&digest(2)).await.unwrap(),
        None,
        "too late"
    );
}

pub(super) async fn targets_are_remembered_for_a_while(maker: &Maker, store: &impl SessionStore) {
    let (id, target): (_, Arc<str>) = (TargetId::generate(), "/a?b=c".into());
    store
        .put_target(id, Arc::clone(&target), Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(store.target(TargetId::generate()).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(store.target(id).await.unwrap().as_ref(), Some(&target));
    }
    maker.clock.advance(Duration::from_secs(10));
    assert_eq!(store.target(id).await.unwrap(), None);
}
