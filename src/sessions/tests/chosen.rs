//! Sessions whose secret a trusted program chose.

use std::sync::Arc;
use std::time::Duration;

use super::{new_session, open, space};
use crate::domain::{
    EndReason, LimitPolicy, ManualClock, Session, SpaceState, Token, TokenDigest, UserLimit,
};
use crate::sessions::{Chosen, EndCause, EstablishError, LockOrder, Resolution, Sessions};

fn digest(secret: &str) -> TokenDigest {
    TokenDigest::of_chosen(secret.as_bytes()).unwrap()
}

async fn add(
    sessions: &Sessions,
    space: &Arc<SpaceState>,
    user: &str,
    secret: &str,
) -> Result<Chosen, EstablishError> {
    sessions
        .establish_chosen(space, new_session(user), digest(secret))
        .await
}

fn opens(sessions: &Sessions, space: &SpaceState, secret: &str) -> Option<Arc<Session>> {
    match sessions.resolve(&digest(secret), space) {
        Resolution::Live(session) => Some(session),
        Resolution::Due(..) | Resolution::Unknown => None,
    }
}

const ONE: &str = "chosen-by-a-portal-1";
const TWO: &str = "chosen-by-a-portal-2";

#[tokio::test]
async fn the_secret_opens_the_session_in_its_space() {
    let sessions = Sessions::default();
    let (here, there) = (space(&sessions, "1", None), space(&sessions, "2", None));
    let added = add(&sessions, &here, "ann", ONE).await.unwrap();
    assert!(added.new_user);
    let found = opens(&sessions, &here, ONE).unwrap();
    assert_eq!(found.id(), added.session.id());
    assert!(opens(&sessions, &there, ONE).is_none());
    let looked_at = sessions.get_by_digest(here.id(), &digest(ONE)).await;
    assert_eq!(looked_at.unwrap().unwrap().id(), found.id());
    let elsewhere = sessions.get_by_digest(there.id(), &digest(ONE)).await;
    assert!(elsewhere.unwrap().is_none());
    // The text of a token is that token.
    let token = Token::generate();
    let text = token.expose();
    let second = add(&sessions, &here, "ANN", &text).await.unwrap();
    assert!(!second.new_user, "users compare without case");
    assert_eq!(*second.session.digest(), token.digest());
}

#[tokio::test]
async fn a_secret_that_is_taken_opens_no_second_session() {
    let sessions = Sessions::default();
    let (here, there) = (space(&sessions, "1", None), space(&sessions, "2", None));
    let first = add(&sessions, &here, "ann", ONE).await.unwrap().session;
    for (at, user) in [(&here, "ann"), (&here, "bob"), (&there, "ann")] {
        let refused = add(&sessions, at, user, ONE).await;
        assert!(matches!(refused, Err(EstablishError::SecretTaken)));
    }
    let (_, token) = open(&sessions, &here, "eve").await;
    let refused = add(&sessions, &here, "ann", &token.expose()).await;
    assert!(matches!(refused, Err(EstablishError::SecretTaken)));
    assert_eq!(opens(&sessions, &here, ONE).unwrap().id(), first.id());
    assert_eq!(sessions.open(), 2);
}

#[tokio::test]
async fn s11_the_secret_of_an_ended_session_stays_dead() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let first = add(&sessions, &here, "ann", ONE).await.unwrap().session;
    let cause = EndCause::because(EndReason::LoggedOut);
    let _ = sessions.end(&first, cause).await.unwrap();
    assert!(opens(&sessions, &here, ONE).is_none());
    let looked_at = sessions.get_by_digest(here.id(), &digest(ONE)).await;
    assert!(looked_at.unwrap().is_none());
    clock.advance(Duration::from_secs(60));
    let refused = add(&sessions, &here, "ann", ONE).await;
    assert!(matches!(refused, Err(EstablishError::SecretTaken)));
    assert!(opens(&sessions, &here, ONE).is_none());
}

#[tokio::test]
async fn s22_limits_and_locks_hold_for_them_too() {
    let sessions = Sessions::default();
    let limit = |policy| Some(UserLimit { max: 1, policy });
    let refusing = space(&sessions, "1", limit(LimitPolicy::Refuse));
    add(&sessions, &refusing, "ann", ONE).await.unwrap();
    let refused = add(&sessions, &refusing, "ann", TWO).await;
    assert!(matches!(
        refused,
        Err(EstablishError::LimitReached { max: 1 })
    ));
    // A refusal does not use the secret up.
    add(&sessions, &refusing, "bob", TWO).await.unwrap();

    let ending = space(&sessions, "2", limit(LimitPolicy::EndOldest));
    let oldest = add(&sessions, &ending, "ann", "chosen-by-a-portal-3").await;
    let oldest = oldest.unwrap().session;
    let newest = add(&sessions, &ending, "ann", "chosen-by-a-portal-4").await;
    assert!(!newest.unwrap().new_user);
    assert_eq!(oldest.end().unwrap().reason, EndReason::Displaced);

    let zoe = crate::domain::Identity::new("LAB", "zoe").unwrap();
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: None,
    };
    let _ = sessions.lock_user(ending.id(), &zoe, order).await.unwrap();
    let refused = add(&sessions, &ending, "zoe", "chosen-by-a-portal-5").await;
    assert!(matches!(
        refused,
        Err(EstablishError::Locked { until: None })
    ));
}

#[tokio::test]
async fn of_parallel_calls_with_one_secret_one_opens_a_session() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..100 {
        let (sessions, here) = (sessions.clone(), Arc::clone(&here));
        calls.spawn(async move {
            let user = format!("user{}", number % 7);
            add(&sessions, &here, &user, ONE).await.is_ok()
        });
    }
    let opened = calls.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!((opened, here.open()), (1, 1));
}
