//! Locks on users, on time and in races.

use std::sync::Arc;
use std::time::Duration;

use super::{is_live, new_session, open, space};
use crate::domain::{EndReason, Identity, ManualClock};
use crate::sessions::{
    Admission, EstablishError, Established, LockError, LockOrder, Locked, Sessions,
};

fn ann() -> Identity {
    Identity::new("LAB", "ann").unwrap()
}

fn order(seconds: Option<u64>) -> LockOrder {
    LockOrder {
        time: seconds.map(Duration::from_secs),
        by: "root".into(),
        reason: Some("left the company".into()),
    }
}

#[tokio::test]
async fn a_lock_ends_the_open_sessions_and_bars_new_ones_until_its_time() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let (here, there) = (space(&sessions, "1", None), space(&sessions, "2", None));
    let (session, token) = open(&sessions, &here, "ann").await;
    let (_, bobs) = open(&sessions, &here, "bob").await;
    let (_, elsewhere) = open(&sessions, &there, "ann").await;

    let locked = sessions.lock_user(here.id(), &ann(), order(Some(30))).await;
    let Locked { lock, ended } = locked.unwrap();
    assert_eq!(ended.len(), 1);
    assert!(!is_live(&sessions, &here, &token));
    let end = session.end().unwrap();
    assert_eq!(
        (end.reason, end.by.as_deref()),
        (EndReason::Terminated, Some("root"))
    );
    assert!(is_live(&sessions, &here, &bobs) && is_live(&sessions, &there, &elsewhere));
    let until = lock.until.unwrap();
    assert_eq!(until, lock.since.after(Duration::from_secs(30)));
    assert_eq!(sessions.locks(here.id()), std::slice::from_ref(&lock));
    assert_eq!(sessions.locks(there.id()), []);

    let login = async |user: &str, replaces| {
        let admission = Admission {
            join: None,
            replaces,
        };
        sessions
            .establish(&here, new_session(user), admission)
            .await
    };
    // Without case, and nothing of the login has happened when it is refused.
    let (bob, kept) = open(&sessions, &here, "bob").await;
    let refused = login("ANN", Some(bob)).await;
    assert!(
        matches!(refused, Err(EstablishError::Locked { until: Some(t) }) if t == until),
        "{refused:?}"
    );
    assert!(is_live(&sessions, &here, &kept));
    // A lock lasts as long as it was to, wherever the wall clock is set.
    clock.step_wall(3_600_000);
    clock.advance(Duration::from_millis(29_999));
    assert!(login("ann", None).await.is_err());
    clock.advance(Duration::from_millis(1));
    assert!(login("ann", None).await.is_ok());
    assert_eq!(sessions.user_lock(here.id(), &ann()), None);
    assert_eq!(sessions.0.locks.len(), 1);
    sessions.sweep().await.unwrap();
    assert_eq!(sessions.0.locks.len(), 0);
}

#[tokio::test]
async fn a_lock_without_a_time_holds_until_it_is_lifted() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let none = sessions
        .lock_user(here.id(), &ann(), order(Some(0)))
        .await
        .unwrap_err();
    assert!(matches!(none, LockError::NoTime), "{none}");
    for time in [Some(5), None] {
        let locked = sessions.lock_user(here.id(), &ann(), order(time)).await;
        assert_eq!(locked.unwrap().lock.until.is_some(), time.is_some());
    }
    clock.advance(Duration::from_secs(400 * 86_400));
    sessions.sweep().await.unwrap();
    let refused = sessions
        .establish(&here, new_session("ann"), Admission::default())
        .await;
    assert!(matches!(
        refused,
        Err(EstablishError::Locked { until: None })
    ));
    let lifted = sessions
        .unlock_user(here.id(), &ann())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lifted.reason.as_deref(), Some("left the company"));
    assert_eq!(sessions.unlock_user(here.id(), &ann()).await.unwrap(), None);
    open(&sessions, &here, "ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_no_login_that_races_with_a_lock_comes_out_with_a_live_session() {
    let (mut refused, mut ended) = (0, 0);
    for round in 0..100 {
        let sessions = Sessions::default();
        let here = space(&sessions, "1", None);
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let (sessions, here) = (sessions.clone(), Arc::clone(&here));
                tokio::spawn(async move {
                    sessions
                        .establish(&here, new_session("ann"), Admission::default())
                        .await
                })
            })
            .collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        let locked = sessions.lock_user(here.id(), &ann(), order(None)).await;
        let locked = locked.unwrap();
        for login in logins {
            match login.await.unwrap() {
                Ok(Established::Opened { session, token }) => {
                    assert!(!is_live(&sessions, &here, &token), "it passed the lock");
                    assert!(locked.ended.iter().any(|s| s.id() == session.id()));
                    ended += 1;
                }
                Err(EstablishError::Locked { until: None } | EstablishError::EndedMeanwhile) => {
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(here.open(), 0);
        assert_eq!(sessions.of_user(ann().key(here.id())).len(), 0);
    }
    assert_eq!(refused + ended, 800);
    assert!(refused > 0, "the lock was never first");
}
