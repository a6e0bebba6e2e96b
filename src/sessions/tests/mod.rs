//! Races and journeys through time over the whole room.

mod chosen;
mod ends;
mod feed;
#[cfg(feature = "server")]
mod fleet;
mod interleavings;
mod licenses;
mod locks;
#[cfg(feature = "server")]
mod lost_history;
#[cfg(feature = "server")]
mod machine;
#[cfg(feature = "server")]
mod mass_ends;
#[cfg(feature = "server")]
mod recover;
#[cfg(feature = "server")]
mod refresh;
#[cfg(feature = "server")]
mod shared_seats;
#[cfg(feature = "server")]
mod transfer;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::{
    Admission, EndCause, EndOutcome, EstablishError, Established, FindQuery, JoinKey, Observer,
    Resolution, Sessions,
};
use crate::domain::{
    ClientInfo, EndReason, Identity, Lifetime, LimitPolicy, ManualClock, Method, NewSession,
    Session, SessionPolicy, SpaceId, SpaceState, Token, TokenDigest, UserLimit,
};
use crate::store::StateFilter;

fn new_session(user: &str) -> NewSession {
    NewSession {
        identity: Arc::new(Identity::new("LAB", user).unwrap()),
        method: Method::Custom,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    }
}

fn space(sessions: &Sessions, id: &str, limit: Option<UserLimit>) -> Arc<SpaceState> {
    let lifetime = Lifetime {
        idle: Duration::from_secs(60),
        absolute: Duration::from_secs(600),
    };
    sessions.space(
        &SpaceId::new(id).unwrap(),
        SessionPolicy { lifetime, limit },
    )
}

async fn open(sessions: &Sessions, space: &Arc<SpaceState>, user: &str) -> (Arc<Session>, Token) {
    match sessions
        .establish(space, new_session(user), Admission::default())
        .await
        .unwrap()
    {
        Established::Opened { session, token } => (session, token),
        Established::Joined(session) => panic!("joined {session:?}"),
    }
}

fn is_live(sessions: &Sessions, space: &SpaceState, token: &Token) -> bool {
    matches!(
        sessions.resolve(&token.digest(), space),
        Resolution::Live(_)
    )
}

fn join(text: &str) -> Admission {
    let digest = TokenDigest::of(text.as_bytes());
    Admission {
        join: Some(JoinKey {
            digest,
            valid_for: Some(Duration::from_secs(30)),
        }),
        replaces: None,
    }
}

#[tokio::test]
async fn a_token_opens_its_session_in_its_space_until_the_end() {
    let sessions = Sessions::default();
    let (here, there) = (space(&sessions, "1", None), space(&sessions, "2", None));
    let (session, token) = open(&sessions, &here, "ann").await;
    assert!(is_live(&sessions, &here, &token));
    assert!(
        !is_live(&sessions, &there, &token),
        "a session of another space"
    );
    assert!(!is_live(&sessions, &here, &Token::generate()));
    assert_eq!((here.open(), sessions.open()), (1, 1));

    let cause = EndCause::terminated_by("root");
    assert!(matches!(
        sessions
            .end_by_id(there.id(), session.id(), cause.clone())
            .await
            .unwrap(),
        EndOutcome::Unknown
    ));
    assert!(is_live(&sessions, &here, &token));
    assert!(matches!(
        sessions
            .end_by_id(here.id(), session.id(), cause.clone())
            .await
            .unwrap(),
        EndOutcome::Ended(_)
    ));
    assert!(!is_live(&sessions, &here, &token));
    let again = sessions
        .end_by_id(here.id(), session.id(), EndCause::because(EndReason::Idle))
        .await
        .unwrap();
    assert!(
        matches!(&again, EndOutcome::AlreadyEnded(s) if s.end().unwrap().reason == EndReason::Terminated)
    );
    assert_eq!(session.end().unwrap().by.as_deref(), Some("root"));
    assert_eq!(here.open(), 0);
}

#[tokio::test]
async fn s19_both_limits_hold_at_resolve_and_in_the_sweep() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let (_, idle) = open(&sessions, &here, "ann").await;
    let (busy_session, busy) = open(&sessions, &here, "bob").await;
    for _ in 0..11 {
        clock.advance(Duration::from_secs(50));
        assert!(is_live(&sessions, &here, &busy));
    }
    let resolved = sessions.resolve(&idle.digest(), &here);
    assert!(
        matches!(resolved, Resolution::Due(_, EndReason::Idle)),
        "{resolved:?}"
    );
    assert_eq!(sessions.sweep().await.unwrap().ended, 1);
    clock.advance(Duration::from_secs(50));
    let resolved = sessions.resolve(&busy.digest(), &here);
    assert!(
        matches!(resolved, Resolution::Due(_, EndReason::Expired)),
        "{resolved:?}"
    );
    assert_eq!(sessions.sweep().await.unwrap().ended, 1);
    assert_eq!(busy_session.end().unwrap().reason, EndReason::Expired);
    assert_eq!(sessions.open(), 0);
    let ended = FindQuery {
        state: StateFilter::Ended,
        limit: 10,
        ..FindQuery::default()
    };
    assert_eq!(sessions.find(ended.clone()).await.unwrap().total, 2);
    clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(sessions.sweep().await.unwrap().purged, 2);
    assert_eq!(sessions.find(ended).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_new_policy_holds_for_open_sessions() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let (_, token) = open(&sessions, &here, "ann").await;
    clock.advance(Duration::from_secs(30));
    let lifetime = Lifetime {
        idle: Duration::from_secs(20),
        absolute: Duration::from_secs(600),
    };
    sessions.space(
        here.id(),
        SessionPolicy {
            lifetime,
            limit: None,
        },
    );
    assert!(matches!(
        sessions.resolve(&token.digest(), &here),
        Resolution::Due(_, EndReason::Idle)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s22_parallel_logins_never_exceed_the_limit() {
    for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
        let sessions = Sessions::default();
        let here = space(&sessions, "1", Some(UserLimit { max: 3, policy }));
        let most = Arc::new(AtomicUsize::new(0));
        let logins: Vec<_> = (0..100)
            .map(|_| {
                let (sessions, here, most) =
                    (sessions.clone(), Arc::clone(&here), Arc::clone(&most));
                tokio::spawn(async move {
                    let result = sessions
                        .establish(&here, new_session("ann"), Admission::default())
                        .await;
                    most.fetch_max(here.open(), Ordering::SeqCst);
                    result
                })
            })
            .collect();
        let (mut opened, mut refused) = (0, 0);
        for login in logins {
            match login.await.unwrap() {
                Ok(Established::Opened { .. }) => opened += 1,
                Ok(Established::Joined(_)) => panic!("nothing to join"),
                Err(EstablishError::LimitReached { max: 3 } | EstablishError::EndedMeanwhile) => {
                    refused += 1
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(
            most.load(Ordering::SeqCst) <= 3,
            "{policy:?}: {most:?} at once"
        );
        assert_eq!(opened + refused, 100);
        let user = new_session("ann").identity.key(here.id());
        assert_eq!(sessions.of_user(user).len(), 3, "{policy:?}");
        assert_eq!(here.open(), 3);
        if policy == LimitPolicy::Refuse {
            assert_eq!(opened, 3);
        }
    }
}

#[tokio::test]
async fn the_oldest_makes_room_and_a_due_session_holds_no_place() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(
        &sessions,
        "1",
        Some(UserLimit {
            max: 2,
            policy: LimitPolicy::EndOldest,
        }),
    );
    let (first, _) = open(&sessions, &here, "ann").await;
    clock.advance(Duration::from_millis(5));
    let (second, _) = open(&sessions, &here, "ANN").await;
    clock.advance(Duration::from_millis(5));
    let _third = open(&sessions, &here, "ann").await;
    assert_eq!(first.end().map(|e| e.reason), Some(EndReason::Displaced));
    assert!(second.end().is_none());
    let there = space(
        &sessions,
        "2",
        Some(UserLimit {
            max: 1,
            policy: LimitPolicy::Refuse,
        }),
    );
    let (old, _) = open(&sessions, &there, "ann").await;
    let refused = sessions
        .establish(&there, new_session("ann"), Admission::default())
        .await;
    assert!(matches!(
        refused,
        Err(EstablishError::LimitReached { max: 1 })
    ));
    clock.advance(Duration::from_secs(61));
    let _new = open(&sessions, &there, "ann").await;
    assert_eq!(old.end().map(|e| e.reason), Some(EndReason::Idle));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_a_login_racing_with_the_end_of_all_is_ended_or_newer() {
    for _ in 0..50 {
        let sessions = Sessions::default();
        let here = space(&sessions, "1", None);
        let user = new_session("ann").identity.key(here.id());
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
        let ended = sessions
            .end_user(user, &EndCause::terminated_by("root"))
            .await
            .unwrap();
        let mut live = 0;
        for login in logins {
            match login.await.unwrap() {
                Ok(Established::Opened { session, token }) => {
                    let listed = sessions
                        .of_user(user)
                        .iter()
                        .any(|s| s.id() == session.id());
                    assert_eq!(is_live(&sessions, &here, &token), listed, "half-indexed");
                    assert_ne!(listed, ended.iter().any(|s| s.id() == session.id()));
                    live += usize::from(listed);
                }
                Err(EstablishError::EndedMeanwhile) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((here.open(), sessions.of_user(user).len()), (live, live));
        let all = FindQuery {
            state: StateFilter::Open,
            limit: 100,
            ..FindQuery::default()
        };
        assert_eq!(sessions.find(all).await.unwrap().total, live);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_with_the_same_credential_share_one_session() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let logins: Vec<_> = (0..100)
        .map(|_| {
            let (sessions, here) = (sessions.clone(), Arc::clone(&here));
            tokio::spawn(async move {
                sessions
                    .establish(&here, new_session("ann"), join("jwt"))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut opened = 0;
    for login in logins {
        opened += usize::from(matches!(login.await.unwrap(), Established::Opened { .. }));
    }
    assert_eq!((opened, here.open()), (1, 1));
    assert!(sessions.0.flights.is_empty());
}

#[tokio::test]
async fn a_credential_opens_its_session_until_it_is_stale_or_the_session_ends() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    let credential = join("jwt").join.unwrap().digest;
    let first = sessions
        .establish(&here, new_session("ann"), join("jwt"))
        .await
        .unwrap();
    assert!(matches!(
        sessions.resolve_credential(&credential, &here),
        Resolution::Live(_)
    ));
    clock.advance(Duration::from_secs(30));
    assert!(matches!(
        sessions.resolve_credential(&credential, &here),
        Resolution::Unknown
    ));
    let second = sessions
        .establish(&here, new_session("ann"), join("jwt"))
        .await
        .unwrap();
    assert_ne!(first.session().id(), second.session().id());
    let _ = sessions
        .end(second.session(), EndCause::because(EndReason::LoggedOut))
        .await
        .unwrap();
    assert!(matches!(
        sessions.resolve_credential(&credential, &here),
        Resolution::Unknown
    ));
}

#[tokio::test]
async fn s10_a_replaced_session_is_dead_before_the_new_token_is_given_out() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let (old, old_token) = open(&sessions, &here, "ann").await;
    let admission = Admission {
        join: None,
        replaces: Some(Arc::clone(&old)),
    };
    let new = sessions
        .establish(&here, new_session("bob"), admission)
        .await
        .unwrap();
    assert!(!is_live(&sessions, &here, &old_token));
    assert_eq!(old.end().map(|e| e.reason), Some(EndReason::Replaced));
    assert_ne!(old.digest(), new.session().digest());
}

#[tokio::test]
async fn an_end_tells_the_exchanges_that_are_tied_to_the_session() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let (session, _) = open(&sessions, &here, "ann").await;
    let (one, two) = (sessions.tie(&session), sessions.tie(&session));
    drop(two);
    let ended = one.ended();
    let _ = sessions
        .end(&session, EndCause::because(EndReason::LoggedOut))
        .await
        .unwrap();
    ended.await;
    sessions.tie(&session).ended().await;
    drop(one);
    assert_eq!(sessions.tied(), 0);
}

#[derive(Default)]
struct Counter(Mutex<Vec<(bool, String)>>);

impl Observer for Counter {
    fn started(&self, session: &Arc<Session>) {
        self.0
            .lock()
            .unwrap()
            .push((true, session.user_id().to_owned()));
    }

    fn ended(&self, session: &Arc<Session>) {
        self.0
            .lock()
            .unwrap()
            .push((false, session.user_id().to_owned()));
    }
}

#[tokio::test]
async fn observers_see_every_start_and_end_once() {
    let counter = Arc::new(Counter::default());
    let sessions = Sessions::builder()
        .observer(Arc::clone(&counter) as Arc<dyn Observer>)
        .build();
    let here = space(&sessions, "1", None);
    let (session, _) = open(&sessions, &here, "ann").await;
    let _ = open(&sessions, &here, "bob").await;
    let _ = sessions
        .end(&session, EndCause::because(EndReason::LoggedOut))
        .await
        .unwrap();
    let _ = sessions
        .end(&session, EndCause::because(EndReason::LoggedOut))
        .await
        .unwrap();
    assert_eq!(
        sessions
            .end_space(&here, &EndCause::terminated_by("root"))
            .await
            .unwrap(),
        1
    );
    let seen = counter.0.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            (true, "ann".into()),
            (true, "bob".into()),
            (false, "ann".into()),
            (false, "bob".into())
        ]
    );
}
