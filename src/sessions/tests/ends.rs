//! Ends of some of many sessions.

use super::*;
use crate::domain::Clock as _;

#[tokio::test]
async fn s19_a_session_with_an_open_exchange_is_looked_at_by_itself() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let (tied, _) = open(&sessions, &here, "ann").await;
    let (other, _) = open(&sessions, &here, "ann").await;
    assert_eq!(
        sessions.sweep_tied().await.unwrap(),
        (0, crate::domain::Tick::MAX)
    );
    let tie = sessions.tie(&tied);
    clock.advance(Duration::from_secs(10));
    sessions.touch(&tied);
    let due = clock.tick().after(Duration::from_secs(60));
    assert_eq!(sessions.sweep_tied().await.unwrap(), (0, due));
    clock.advance(Duration::from_secs(60));
    let (ended, _) = sessions.sweep_tied().await.unwrap();
    assert_eq!(ended, 1);
    tie.ended().await;
    assert_eq!(tied.end().unwrap().reason, EndReason::Idle);
    assert!(other.end().is_none(), "the sweep of all ends it");
}

#[tokio::test(start_paused = true)]
async fn s19_the_sweeper_looks_when_the_next_of_them_is_due() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let (tied, _) = open(&sessions, &here, "ann").await;
    let tie = sessions.tie(&tied);
    clock.advance(Duration::from_millis(59_500));
    let sweeper = tokio::spawn(sessions.clone().run_sweeper(Duration::from_secs(3600)));
    tokio::time::sleep(Duration::from_millis(400)).await;
    clock.advance(Duration::from_millis(400));
    assert!(tied.end().is_none());
    clock.advance(Duration::from_millis(100));
    tokio::time::sleep(Duration::from_millis(200)).await;
    tie.ended().await;
    sweeper.abort();
}

#[tokio::test]
async fn a_user_ends_all_sessions_of_the_space_but_one() {
    let sessions = Sessions::default();
    let (here, there) = (space(&sessions, "1", None), space(&sessions, "2", None));
    let (kept, token) = open(&sessions, &here, "ann").await;
    let (first, _) = open(&sessions, &here, "ANN").await;
    let (second, _) = open(&sessions, &here, "ann").await;
    let (elsewhere, _) = open(&sessions, &there, "ann").await;
    let (bobs, _) = open(&sessions, &here, "bob").await;
    let cause = EndCause::logged_out_by(kept.identity());
    let ended = sessions.end_others(&kept, &cause).await.unwrap();
    let has = |one: &Session| ended.iter().any(|session| session.id() == one.id());
    assert!(ended.len() == 2 && has(&first) && has(&second), "{ended:?}");
    assert!(is_live(&sessions, &here, &token));
    assert!(elsewhere.end().is_none() && bobs.end().is_none());
    let end = first.end().unwrap();
    assert_eq!(end.reason, EndReason::LoggedOut);
    assert_eq!(end.by.as_deref(), Some("LAB\\ann"));
    assert!(sessions.end_others(&kept, &cause).await.unwrap().is_empty());
}
