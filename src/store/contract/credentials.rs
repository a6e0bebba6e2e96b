//! Credentials: which session they open, for how long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Maker;
use crate::domain::{EndReason, Session, TokenDigest};
use crate::store::{Claimed, Created, CredentialStore, SessionStore, Touch};

const MINUTE: Duration = Duration::from_secs(60);

fn digest(n: u8) -> TokenDigest {
    TokenDigest::from_bytes([n; 32])
}

async fn claim(
    store: &dyn CredentialStore,
    n: u8,
    session: &Arc<Session>,
    time: Duration,
) -> Option<Arc<Session>> {
    match store.claim(digest(n), session, time).await.unwrap() {
        Claimed::Kept => None,
        Claimed::Opens(opens) => Some(opens.session),
    }
}

pub(super) async fn a_credential_opens_one_session_at_a_time(
    maker: &Maker,
    store: &impl SessionStore,
) {
    let Some(credentials) = store.credentials() else {
        return;
    };
    let (ann, other) = (maker.session("ann"), maker.session("ann"));
    assert!(claim(credentials, 1, &ann, MINUTE).await.is_none());
    assert!(matches!(store.create(&ann).await.unwrap(), Created::Kept));
    assert!(
        claim(credentials, 1, &ann, MINUTE).await.is_none(),
        "its own claim is in nobody's way"
    );
    assert!(claim(credentials, 2, &ann, 2 * MINUTE).await.is_none());
    // One that is given up is free for the next.
    assert!(claim(credentials, 3, &other, MINUTE).await.is_none());
    credentials.release(digest(3), &other).await.unwrap();
    assert!(claim(credentials, 3, &ann, MINUTE).await.is_none());
    // Where others share the store, they find it, and join instead of claiming.
    let Some(shared) = store.shared() else {
        return;
    };
    let found = async |n| shared.find_credential(&digest(n)).await.unwrap();
    let opens = found(1).await.expect("it opens a session");
    assert_eq!(opens.session.id(), ann.id());
    assert!(opens.valid_for <= MINUTE && opens.valid_for > MINUTE / 2);
    assert!(found(9).await.is_none());
    let claims = join_all((0..10).map(|_| claim(credentials, 1, &other, MINUTE))).await;
    for opened in claims {
        assert_eq!(opened.expect("joined").id(), ann.id());
    }
    credentials.release(digest(1), &other).await.unwrap();
    assert!(
        found(1).await.is_some(),
        "another one's claim is not given up"
    );
    // Its time is up.
    maker.clock.advance(MINUTE);
    assert!(found(1).await.is_none());
    assert!(claim(credentials, 1, &other, MINUTE).await.is_none());
    assert!(found(1).await.is_none(), "nothing is open yet");
    assert!(matches!(store.create(&other).await.unwrap(), Created::Kept));
    assert_eq!(found(1).await.unwrap().session.id(), other.id());
    // The session ends: nothing opens it, and nobody has to wait.
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&ann), end).await.unwrap();
    assert!(found(2).await.is_none());
    assert_eq!(found(1).await.unwrap().session.id(), other.id());
    assert!(claim(credentials, 2, &other, MINUTE).await.is_none());
    assert_eq!(found(2).await.unwrap().session.id(), other.id());
}
