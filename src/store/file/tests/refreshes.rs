//! What was renewed for sessions, after a restart.

use std::time::Duration;

use super::{Home, create};
use crate::domain::EndReason;
use crate::store::contract::Maker;
use crate::store::{Finished, Lease, RefreshStore, SessionStore, Touch};

#[tokio::test]
async fn s25_a_restart_finds_what_was_renewed_and_the_last_attempt_is_over() {
    let mut home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    let ann = create(&store, &maker, "ann").await;
    let time = Duration::from_secs(10);
    for secret in [&b"one"[..], b"two"] {
        let lease = store.lease(&ann, u64::MAX, 0, time).await.unwrap();
        let Lease::Held { attempt, .. } = lease else {
            panic!("{lease:?}")
        };
        let told = store.finish(&ann, attempt, Some(secret.into()));
        assert!(matches!(told.await.unwrap(), Finished::Kept { .. }));
    }
    let lease = store.lease(&ann, 2, 0, time).await.unwrap();
    assert!(matches!(lease, Lease::Held { attempt: 3, .. }));

    let (store, found) = home.restart(store, Duration::ZERO).await;
    let ann = &found.sessions[0];
    let kept = store.refreshed(ann).await.unwrap().unwrap();
    assert_eq!((kept.version, &*kept.secret), (2, &b"two"[..]));
    let lease = store.lease(ann, 2, 0, time).await.unwrap();
    assert!(matches!(&lease, Lease::Held { current: Some(now), .. } if *now == kept));
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(ann), end).await.unwrap();
    let (store, _) = home.restart(store, Duration::ZERO).await;
    assert_eq!(store.refreshed(ann).await.unwrap(), None);
    store.close().await.unwrap();
}
