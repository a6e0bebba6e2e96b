//! Credentials after a restart.

use std::sync::Arc;
use std::time::Duration;

use super::{Home, create};
use crate::domain::{Clock as _, EndReason, Session, TokenDigest};
use crate::store::contract::Maker;
use crate::store::file::FileStore;
use crate::store::{Claimed, Created, CredentialStore, KeptCredential, SessionStore, Touch};

const HOUR: Duration = Duration::from_secs(3600);

fn digest(n: u8) -> TokenDigest {
    TokenDigest::from_bytes([n; 32])
}

async fn claim(store: &FileStore, n: u8, session: &Arc<Session>, time: Duration) {
    let claimed = store.claim(digest(n), session, time).await.unwrap();
    assert!(matches!(claimed, Claimed::Kept));
}

#[tokio::test]
async fn a_restart_finds_the_credentials_of_open_sessions() {
    let mut home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    let (ann, bob) = (maker.session("ann"), maker.session("bob"));
    // With the session, and afterwards.
    claim(&store, 1, &ann, HOUR).await;
    claim(&store, 2, &bob, HOUR).await;
    for session in [&ann, &bob] {
        let created = store.create(session).await.unwrap();
        assert!(matches!(created, Created::Kept));
    }
    claim(&store, 3, &ann, Duration::from_secs(10)).await;
    claim(&store, 4, &ann, HOUR).await;
    let until = home.clock.wall().after(HOUR);
    // Of a session that never came.
    let ghost = maker.session("eve");
    claim(&store, 5, &ghost, HOUR).await;
    store.release(digest(5), &ghost).await.unwrap();
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&bob), end).await.unwrap();
    claim(&store, 6, &bob, HOUR).await;

    let (store, mut found) = home.restart(store, Duration::from_secs(20)).await;
    found.credentials.sort_by_key(|kept| kept.digest);
    let kept = |n| KeptCredential {
        digest: digest(n),
        session: ann.id(),
        until,
    };
    let [first, second] = &found.credentials[..] else {
        panic!("{:?}", found.credentials)
    };
    assert_eq!((first.digest, first.session), (digest(1), ann.id()));
    assert!(until.since(first.until) < Duration::from_secs(1));
    assert_eq!(*second, kept(4));

    // What has ended is opened by nothing, and nothing is left of it.
    let again = store.load(ann.digest()).await.unwrap().unwrap();
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&again), end).await.unwrap();
    let (store, found) = home.restart(store, Duration::ZERO).await;
    assert_eq!(found.credentials, []);
    store.close().await.unwrap();
}

#[tokio::test]
async fn renewed_credentials_are_bounded_and_the_last_to_run_out_stay() {
    let mut home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    let ann = create(&store, &maker, "ann").await;
    for n in 0..40 {
        claim(&store, n, &ann, HOUR + Duration::from_secs(n.into())).await;
    }
    let (store, found) = home.restart(store, Duration::ZERO).await;
    let mut there: Vec<_> = found.credentials.iter().map(|kept| kept.digest).collect();
    there.sort_unstable();
    let expected: Vec<_> = (24..40).map(digest).collect();
    assert_eq!(there, expected);
    store.close().await.unwrap();
}
