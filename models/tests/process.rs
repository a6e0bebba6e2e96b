//! One process: whoever goes first, an end is final and counts are right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepass_models::domain::{
    Identity, LimitPolicy, Liveness, Session, SessionPolicy, SpaceId, SpaceState, TokenDigest,
};
use gatepass_models::sessions::{
    Admission, EndOutcome, EstablishError, Established, JoinKey, LockOrder, Resolution, Sessions,
};
use gatepass_models::stage::{ORDERS, check, limited, new_session, terminated};
use shuttle::future::{block_on, spawn};

/// A process whose store is the memory.
#[derive(Clone)]
struct Process {
    sessions: Sessions,
    space: Arc<SpaceState>,
}

impl Process {
    fn start(policy: SessionPolicy) -> Self {
        let sessions = Sessions::builder().build();
        let space = sessions.space(&SpaceId::new("1").unwrap(), policy);
        Self { sessions, space }
    }

    async fn log_in(&self) -> Result<(Arc<Session>, TokenDigest), EstablishError> {
        let new = new_session("ann");
        let opened = self
            .sessions
            .establish(&self.space, new, Admission::default());
        match opened.await? {
            Established::Opened { session, token } => Ok((session, token.digest())),
            Established::Joined(session) => panic!("joined {session:?}"),
        }
    }

    async fn log_in_with(&self, join: JoinKey) -> Result<Established, EstablishError> {
        let admission = Admission {
            join: Some(join),
            replaces: None,
        };
        let new = new_session("ann");
        self.sessions.establish(&self.space, new, admission).await
    }

    fn is_live(&self, digest: &TokenDigest) -> bool {
        let found = self.sessions.resolve(digest, &self.space);
        matches!(found, Resolution::Live(_))
    }

    /// That what the table holds of the user is what is counted, and can all be used.
    fn is_whole(&self, logins: &[TokenDigest]) {
        let user = new_session("ann").identity.key(self.space.id());
        let held = self.sessions.of_user(user);
        assert_eq!(self.space.open(), held.len(), "counted");
        for session in &held {
            assert!(session.end().is_none(), "it ended and holds a place");
            assert!(
                self.is_live(session.digest()),
                "it holds a place and is refused"
            );
        }
        let live = logins.iter().filter(|digest| self.is_live(digest)).count();
        assert_eq!(live, held.len(), "half-indexed");
    }
}

fn credential() -> JoinKey {
    JoinKey {
        digest: TokenDigest::of(b"a token of another's"),
        valid_for: None,
    }
}

#[test]
fn s11_an_end_is_final_for_the_token_and_every_credential() {
    check(
        || {
            block_on(async {
                let process = Process::start(SessionPolicy::default());
                let (session, digest) = process.log_in().await.unwrap();
                let ended = Arc::new(AtomicBool::new(false));
                let end = spawn({
                    let (process, session, ended) =
                        (process.clone(), session.clone(), ended.clone());
                    async move {
                        let outcome = process.sessions.end(&session, terminated()).await.unwrap();
                        assert!(matches!(outcome, EndOutcome::Ended(_)), "{outcome:?}");
                        ended.store(true, Ordering::SeqCst);
                    }
                });
                let add = spawn({
                    let (process, session) = (process.clone(), session.clone());
                    async move {
                        process
                            .sessions
                            .add_credential(&session, credential())
                            .await
                    }
                });
                for _ in 0..3 {
                    let over = ended.load(Ordering::SeqCst);
                    assert!(!(process.is_live(&digest) && over), "ended and accepted");
                    let over = ended.load(Ordering::SeqCst);
                    let by_credential = process
                        .sessions
                        .resolve_credential(&credential().digest, &process.space);
                    let accepted = matches!(by_credential, Resolution::Live(_));
                    assert!(!(accepted && over), "ended and accepted by its credential");
                }
                end.await.unwrap();
                add.await.unwrap();
                process.is_whole(&[digest]);
            });
        },
        ORDERS,
    );
}

#[test]
fn s12_a_login_is_ended_with_the_others_of_its_user_or_is_newer() {
    check(
        || {
            block_on(async {
                let process = Process::start(SessionPolicy::default());
                let user = new_session("ann").identity.key(process.space.id());
                let logins = [0, 1].map(|_| {
                    let process = process.clone();
                    spawn(async move { process.log_in().await })
                });
                let ended = process
                    .sessions
                    .end_user(user, &terminated())
                    .await
                    .unwrap();
                let mut opened = Vec::new();
                for login in logins {
                    match login.await.unwrap() {
                        Ok((session, digest)) => {
                            let is_ended = ended.iter().any(|e| e.id() == session.id());
                            assert_ne!(process.is_live(&digest), is_ended);
                            opened.push(digest);
                        }
                        Err(EstablishError::EndedMeanwhile) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                process.is_whole(&opened);
            });
        },
        ORDERS,
    );
}

#[test]
fn a_lock_leaves_no_login_that_began_earlier() {
    check(
        || {
            block_on(async {
                let process = Process::start(SessionPolicy::default());
                let login = spawn({
                    let process = process.clone();
                    async move { process.log_in().await }
                });
                let ann = Identity::new("LAB", "ann").unwrap();
                let order = LockOrder {
                    time: Some(Duration::from_secs(600)),
                    by: "ops".into(),
                    reason: None,
                };
                let locked = process.sessions.lock_user(process.space.id(), &ann, order);
                locked.await.unwrap();
                match login.await.unwrap() {
                    Ok((_, digest)) => assert!(!process.is_live(&digest), "locked and let in"),
                    Err(EstablishError::Locked { .. } | EstablishError::EndedMeanwhile) => {}
                    Err(other) => panic!("{other}"),
                }
                process.is_whole(&[]);
                let refused = process.log_in().await;
                assert!(
                    matches!(refused, Err(EstablishError::Locked { .. })),
                    "{refused:?}"
                );
            });
        },
        ORDERS,
    );
}

#[test]
fn s14_an_exchange_hears_of_the_end_whenever_it_was_tied() {
    check(
        || {
            block_on(async {
                let process = Process::start(SessionPolicy::default());
                let (session, _) = process.log_in().await.unwrap();
                let exchanges = [0, 1].map(|_| {
                    let (process, session) = (process.clone(), session.clone());
                    spawn(async move {
                        let tie = process.sessions.tie(&session);
                        // Were the cut missed, this would be for ever.
                        tie.ended().await;
                    })
                });
                let _ = process.sessions.end(&session, terminated()).await.unwrap();
                for exchange in exchanges {
                    exchange.await.unwrap();
                }
                assert_eq!(process.sessions.tied(), 0);
            });
        },
        ORDERS,
    );
}

#[test]
fn s22_a_limit_holds_at_every_moment() {
    for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
        check(
            move || {
                block_on(async {
                    let process = Process::start(limited(1, policy));
                    let logins = [0, 1].map(|_| {
                        let process = process.clone();
                        spawn(async move {
                            let login = process.log_in().await;
                            assert!(process.space.open() <= 1, "more than the limit");
                            login
                        })
                    });
                    let mut opened = Vec::new();
                    for login in logins {
                        match login.await.unwrap() {
                            Ok((_, digest)) => opened.push(digest),
                            Err(
                                EstablishError::LimitReached { .. }
                                | EstablishError::EndedMeanwhile,
                            ) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                    assert_eq!(process.space.open(), 1, "one login at least comes through");
                    process.is_whole(&opened);
                });
            },
            ORDERS / 2,
        );
    }
}

#[test]
fn a_credential_opens_one_session_at_a_time_whoever_ends_it() {
    check(
        || {
            block_on(async {
                let process = Process::start(SessionPolicy::default());
                let logins = [0, 1].map(|_| {
                    let process = process.clone();
                    spawn(async move { process.log_in_with(credential()).await })
                });
                let user = new_session("ann").identity.key(process.space.id());
                process
                    .sessions
                    .end_user(user, &terminated())
                    .await
                    .unwrap();
                for login in logins {
                    match login.await.unwrap() {
                        Ok(_) | Err(EstablishError::EndedMeanwhile) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                let held = process.sessions.of_user(user);
                assert!(held.len() <= 1, "two sessions of one credential");
                let found = process
                    .sessions
                    .resolve_credential(&credential().digest, &process.space);
                match (held.first(), found) {
                    (Some(held), Resolution::Live(found)) => assert!(Arc::ptr_eq(held, &found)),
                    (None, Resolution::Unknown) => {}
                    other => panic!("{other:?}"),
                }
            });
        },
        ORDERS,
    );
}

#[test]
fn a_session_that_is_used_while_it_is_swept_goes_on_or_has_ended() {
    use gatepass_models::domain::ManualClock;
    check(
        || {
            block_on(async {
                let clock = ManualClock::new();
                let sessions = Sessions::builder()
                    .clock(Arc::new(clock.clone()))
                    .idle_timeout(Duration::from_secs(60))
                    .build();
                let space = Arc::clone(sessions.default_space());
                let process = Process { sessions, space };
                let (session, digest) = process.log_in().await.unwrap();
                clock.advance(Duration::from_secs(59));
                let request = spawn({
                    let (process, session) = (process.clone(), session.clone());
                    async move {
                        let live = process.is_live(&digest);
                        if live {
                            // The request that was let in prolongs the session, or ran into
                            // its end; it does not leave one that is due and not live.
                            assert_ne!(
                                session.liveness(process.sessions.now()),
                                Liveness::Due(gatepass_models::domain::EndReason::Expired)
                            );
                        }
                        live
                    }
                });
                clock.advance(Duration::from_secs(1));
                process.sessions.sweep().await.unwrap();
                request.await.unwrap();
                process.is_whole(&[digest]);
            });
        },
        ORDERS / 2,
    );
}
