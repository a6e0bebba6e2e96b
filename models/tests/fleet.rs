//! Two nodes and a store: whoever goes first, what has ended is refused once that is known, and
//! at the end every node thinks of every session as the store does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatepass_models::domain::{
    Clock, Identity, LimitPolicy, ManualClock, Session, SessionPolicy, TokenDigest,
};
use gatepass_models::fleet::{BELIEVED_FOR, ChangeFeed, Fleet, Node};
use gatepass_models::sessions::{EndOutcome, EstablishError, LockOrder, Resolution};
use gatepass_models::stage::{ORDERS, check, limited, terminated};
use gatepass_models::store::Retention;
use shuttle::future::{JoinHandle, block_on, spawn};

/// Two nodes, and what tells them of changes.
struct Pair {
    fleet: Arc<Fleet>,
    nodes: [Node; 2],
    feeds: [ChangeFeed; 2],
}

impl Pair {
    async fn start(policy: SessionPolicy) -> Self {
        let fleet = Fleet::new(ManualClock::new(), Retention::default());
        let (a, feed_a) = Node::start(&fleet, policy).await;
        let (b, feed_b) = Node::start(&fleet, policy).await;
        Self {
            fleet,
            nodes: [a, b],
            feeds: [feed_a, feed_b],
        }
    }

    /// Once everybody has heard of everything, all nodes think as the store does.
    async fn agree(&mut self, logins: &[(Arc<Session>, TokenDigest)]) {
        for (node, feed) in self.nodes.iter().zip(&mut self.feeds) {
            feed.settle(&node.sessions).await;
        }
        let open = self.fleet.open();
        for (number, node) in self.nodes.iter().enumerate() {
            for (session, digest) in logins {
                let is_open = open.contains(&session.id());
                // From the table, if it is there; else, or if not, from the store.
                let cached = node.sessions.resolve(digest, &node.space);
                let accepted = matches!(cached, Resolution::Live(_));
                assert!(is_open || !accepted, "node {number} accepts what has ended");
                let admitted = node.admits(digest).await.unwrap();
                assert_eq!(admitted, is_open, "node {number}");
            }
            assert_eq!(node.sessions.open(), open.len(), "node {number} counts");
        }
    }
}

/// Ends `session` on `node`.
fn end(node: &Node, session: &Arc<Session>) -> JoinHandle<()> {
    let (node, id) = (node.clone(), session.id());
    spawn(async move {
        let end = node.sessions.end_by_id(node.space.id(), id, terminated());
        let outcome = end.await.unwrap();
        assert!(!matches!(outcome, EndOutcome::Unknown), "{outcome:?}");
    })
}

/// A request on `node`.
fn request(node: &Node, digest: TokenDigest) -> JoinHandle<bool> {
    let node = node.clone();
    spawn(async move { node.admits(&digest).await.unwrap() })
}

/// What is pushed at some time, and arrives at another.
fn push(feed: &ChangeFeed) -> JoinHandle<()> {
    let pusher = feed.pusher();
    spawn(async move {
        if let Some(push) = pusher.any() {
            push.deliver().await;
        }
    })
}

/// Reads the stream while other things happen.
fn poll(mut feed: ChangeFeed) -> JoinHandle<ChangeFeed> {
    spawn(async move {
        feed.poll().await;
        feed
    })
}

#[test]
fn s11_an_end_elsewhere_and_a_look_up_that_fills_the_table() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                let Pair {
                    feeds: [feed_a, feed_b],
                    ..
                } = pair;
                let (end, requests) = (end(&a, &login.0), [0, 1].map(|_| request(&b, login.1)));
                let push = push(&feed_b);
                let feed_b = poll(feed_b);
                end.await.unwrap();
                // The store knows: whoever asks it now is refused.
                let found = b.sessions.recall(&login.1, &b.space).await.unwrap();
                assert!(
                    !matches!(found, Resolution::Live(_)),
                    "recalled after its end"
                );
                for request in requests {
                    request.await.unwrap();
                }
                push.await.unwrap();
                pair.feeds = [feed_a, feed_b.await.unwrap()];
                pair.agree(&[login]).await;
            });
        },
        ORDERS,
    );
}

#[test]
fn s16_after_the_bound_a_table_that_heard_nothing_is_not_believed() {
    check(
        || {
            block_on(async {
                let pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let (session, digest) = a.log_in("ann").await.unwrap();
                assert!(b.admits(&digest).await.unwrap());
                let [_feed_a, mut feed_b] = pair.feeds;
                let clock = pair.fleet.clock().clone();
                // When the end was acknowledged.
                let ended = Arc::new(AtomicU64::new(u64::MAX));
                let end = spawn({
                    let (clock, ended) = (clock.clone(), ended.clone());
                    async move {
                        let outcome = a.sessions.end(&session, terminated()).await.unwrap();
                        assert!(matches!(outcome, EndOutcome::Ended(_)));
                        ended.store(clock.tick().as_millis(), Ordering::SeqCst);
                    }
                });
                let polls = spawn(async move {
                    feed_b.poll().await;
                    feed_b.poll().await;
                    feed_b
                });
                for _ in 0..4 {
                    let (known, now) = (ended.load(Ordering::SeqCst), clock.tick());
                    let found = b.sessions.resolve_at(&digest, &b.space, now);
                    let age = now.as_millis().saturating_sub(known);
                    let late = u128::from(age) > BELIEVED_FOR.as_millis();
                    assert!(
                        !(late && matches!(found, Resolution::Live(_))),
                        "accepted {age} ms after the end"
                    );
                    clock.advance(Duration::from_millis(1100));
                    shuttle::future::yield_now().await;
                }
                end.await.unwrap();
                polls.await.unwrap();
            });
        },
        ORDERS,
    );
}

#[test]
fn s12_an_end_of_all_elsewhere_and_a_login() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let [feed_a, feed_b] = pair.feeds;
                let login = spawn(async move { b.log_in("ann").await });
                let feed_b = poll(feed_b);
                let user = a.user("ann");
                let ended = a.sessions.end_user(user, &terminated()).await.unwrap();
                let login = login.await.unwrap();
                pair.feeds = [feed_a, feed_b.await.unwrap()];
                match login {
                    Ok(login) => {
                        let over = ended.iter().any(|e| e.id() == login.0.id());
                        assert_eq!(over, pair.fleet.open().is_empty());
                        pair.agree(&[login]).await;
                    }
                    Err(EstablishError::EndedMeanwhile) => pair.agree(&[]).await,
                    Err(other) => panic!("{other}"),
                }
            });
        },
        ORDERS,
    );
}

#[test]
fn s16_changes_that_were_missed_and_a_look_up_that_fills_the_table() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                let (request, end) = (request(&b, login.1), end(&a, &login.0));
                let [feed_a, mut feed_b] = pair.feeds;
                let check = spawn({
                    let fleet = Arc::clone(&pair.fleet);
                    async move {
                        fleet.trim();
                        feed_b.poll().await;
                        feed_b
                    }
                });
                request.await.unwrap();
                end.await.unwrap();
                pair.feeds = [feed_a, check.await.unwrap()];
                pair.agree(&[login]).await;
            });
        },
        ORDERS,
    );
}

#[test]
fn s16_changes_that_were_missed_and_a_login() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let [feed_a, mut feed_b] = pair.feeds;
                let login = spawn(async move { b.log_in("ann").await });
                let check = spawn({
                    let fleet = Arc::clone(&pair.fleet);
                    async move {
                        fleet.trim();
                        feed_b.poll().await;
                        feed_b
                    }
                });
                a.sessions
                    .end_user(a.user("ann"), &terminated())
                    .await
                    .unwrap();
                let login = login.await.unwrap();
                pair.feeds = [feed_a, check.await.unwrap()];
                match login {
                    Ok(login) => pair.agree(&[login]).await,
                    Err(EstablishError::EndedMeanwhile) => pair.agree(&[]).await,
                    Err(other) => panic!("{other}"),
                }
            });
        },
        ORDERS,
    );
}

#[test]
fn s22_a_limit_holds_over_nodes() {
    for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
        check(
            move || {
                block_on(async {
                    let mut pair = Pair::start(limited(1, policy)).await;
                    let [feed_a, feed_b] = pair.feeds;
                    let feeds = [poll(feed_a), poll(feed_b)];
                    let fleet = Arc::clone(&pair.fleet);
                    let logins = pair.nodes.clone().map(|node| {
                        let fleet = Arc::clone(&fleet);
                        spawn(async move {
                            let login = node.log_in("ann").await;
                            assert!(fleet.open().len() <= 1, "more than the limit");
                            login
                        })
                    });
                    let mut opened = Vec::new();
                    for login in logins {
                        match login.await.unwrap() {
                            Ok(login) => opened.push(login),
                            Err(
                                EstablishError::LimitReached { .. }
                                | EstablishError::EndedMeanwhile,
                            ) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                    let [feed_a, feed_b] = feeds;
                    pair.feeds = [feed_a.await.unwrap(), feed_b.await.unwrap()];
                    assert_eq!(pair.fleet.open().len(), 1, "one login comes through");
                    pair.agree(&opened).await;
                });
            },
            ORDERS / 2,
        );
    }
}

#[test]
fn s12_an_end_of_a_space_elsewhere_a_look_up_and_a_login() {
    for missed in [false, true] {
        check(
            move || {
                block_on(async {
                    let mut pair = Pair::start(SessionPolicy::default()).await;
                    let [a, b] = pair.nodes.clone();
                    let [feed_a, mut feed_b] = pair.feeds;
                    let older = a.log_in("ann").await.unwrap();
                    let request = request(&b, older.1);
                    let login = spawn({
                        let b = b.clone();
                        async move { b.log_in("bob").await }
                    });
                    let fleet = Arc::clone(&pair.fleet);
                    let feed_b = spawn(async move {
                        if missed {
                            fleet.trim();
                        }
                        feed_b.poll().await;
                        feed_b
                    });
                    a.sessions.end_space(&a.space, &terminated()).await.unwrap();
                    request.await.unwrap();
                    let mut logins = vec![older];
                    match login.await.unwrap() {
                        Ok(login) => logins.push(login),
                        Err(EstablishError::EndedMeanwhile) => {}
                        Err(other) => panic!("{other}"),
                    }
                    pair.feeds = [feed_a, feed_b.await.unwrap()];
                    assert!(!pair.fleet.open().contains(&logins[0].0.id()));
                    pair.agree(&logins).await;
                });
            },
            ORDERS,
        );
    }
}

#[test]
fn a_credential_opens_one_session_on_all_nodes_whoever_ends_it() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let logins = pair.nodes.clone().map(|node| {
                    spawn(async move { node.log_in_with(b"a token of another's").await })
                });
                let end = spawn({
                    let a = a.clone();
                    async move {
                        let (user, cause) = (a.user("ann"), terminated());
                        a.sessions.end_user(user, &cause).await.unwrap();
                    }
                });
                let [feed_a, feed_b] = pair.feeds;
                let feed_b = poll(feed_b);
                end.await.unwrap();
                let mut opened = Vec::new();
                for login in logins {
                    match login.await.unwrap() {
                        Ok(session) => opened.push((Arc::clone(&session), *session.digest())),
                        Err(EstablishError::EndedMeanwhile) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                pair.feeds = [feed_a, feed_b.await.unwrap()];
                assert!(
                    pair.fleet.open().len() <= 1,
                    "two sessions of one credential"
                );
                let open: Vec<_> = pair.fleet.open();
                opened.retain(|(session, _)| open.contains(&session.id()));
                pair.agree(&opened).await;
                for node in [&a, &b] {
                    let found = node.recall_with(b"a token of another's").await.unwrap();
                    assert_eq!(found.map(|session| session.id()), open.first().copied());
                }
            });
        },
        ORDERS,
    );
}

#[test]
fn s14_an_exchange_hears_of_an_end_elsewhere_whenever_it_was_tied() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                // One request fills the table, another finds the session there.
                let filling = request(&b, login.1);
                let exchange = spawn({
                    let (b, digest) = (b.clone(), login.1);
                    async move {
                        let found = b.sessions.resolve(&digest, &b.space);
                        if let Resolution::Live(session) = found {
                            let tie = b.sessions.tie(&session);
                            // Were the cut missed, this would be for ever.
                            tie.ended().await;
                        }
                    }
                });
                let end = end(&a, &login.0);
                let [feed_a, feed_b] = pair.feeds;
                let feed_b = poll(feed_b);
                end.await.unwrap();
                let mut feed_b = feed_b.await.unwrap();
                feed_b.poll().await;
                filling.await.unwrap();
                exchange.await.unwrap();
                pair.feeds = [feed_a, feed_b];
                pair.agree(&[login]).await;
                assert_eq!(b.sessions.tied(), 0);
            });
        },
        ORDERS,
    );
}

#[test]
fn s14_an_exchange_hears_of_an_end_of_its_own_node_whenever_it_was_tied() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, _] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                let exchange = spawn({
                    let (a, session) = (a.clone(), login.0.clone());
                    async move { a.sessions.tie(&session).ended().await }
                });
                end(&a, &login.0).await.unwrap();
                exchange.await.unwrap();
                pair.agree(&[login]).await;
            });
        },
        ORDERS,
    );
}

#[test]
fn s14_an_exchange_hears_of_an_end_of_its_own_node_that_did_not_know_the_session() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                let exchange = spawn({
                    let (b, digest) = (b.clone(), login.1);
                    async move {
                        let found = b.sessions.recall(&digest, &b.space).await.unwrap();
                        if let Resolution::Live(session) = found {
                            b.sessions.tie(&session).ended().await;
                        }
                    }
                });
                end(&b, &login.0).await.unwrap();
                exchange.await.unwrap();
                pair.agree(&[login]).await;
            });
        },
        ORDERS,
    );
}

#[test]
fn a_lock_that_is_lifted_is_lifted_on_every_node() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let ann = Identity::new("LAB", "ann").unwrap();
                let [feed_a, feed_b] = pair.feeds;
                let locks = spawn({
                    let ann = ann.clone();
                    async move {
                        let order = LockOrder {
                            time: None,
                            by: "ops".into(),
                            reason: None,
                        };
                        let locked = a.sessions.lock_user(a.space.id(), &ann, order);
                        locked.await.unwrap();
                        let lifted = a.sessions.unlock_user(a.space.id(), &ann).await;
                        assert!(lifted.unwrap().is_some(), "it was there to be lifted");
                    }
                });
                let push = push(&feed_b);
                let (feed_a, feed_b) = (poll(feed_a), poll(feed_b));
                let login = spawn(async move { b.log_in("ann").await });
                locks.await.unwrap();
                push.await.unwrap();
                let login = login.await.unwrap();
                pair.feeds = [feed_a.await.unwrap(), feed_b.await.unwrap()];
                let mut logins = Vec::new();
                match login {
                    Ok(login) => logins.push(login),
                    Err(EstablishError::EndedMeanwhile | EstablishError::Locked { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
                pair.agree(&logins).await;
                for node in &pair.nodes {
                    let lock = node.sessions.user_lock(node.space.id(), &ann);
                    assert_eq!(lock, None, "it was lifted");
                }
            });
        },
        ORDERS,
    );
}

#[test]
fn s15_a_store_that_is_away_logs_nobody_out() {
    check(
        || {
            block_on(async {
                let mut pair = Pair::start(SessionPolicy::default()).await;
                let [a, b] = pair.nodes.clone();
                let login = a.log_in("ann").await.unwrap();
                let outage = spawn({
                    let fleet = Arc::clone(&pair.fleet);
                    async move {
                        fleet.set_down(true);
                        fleet.clock().advance(Duration::from_millis(2100));
                        shuttle::future::yield_now().await;
                        fleet.set_down(false);
                    }
                });
                let [feed_a, feed_b] = pair.feeds;
                let feed_b = poll(feed_b);
                for node in [&b, &a, &b] {
                    // Unable to tell is no refusal.
                    let admitted = node.admits(&login.1).await;
                    assert!(!matches!(admitted, Ok(false)), "logged out by an outage");
                }
                outage.await.unwrap();
                pair.feeds = [feed_a, feed_b.await.unwrap()];
                pair.agree(&[login]).await;
            });
        },
        ORDERS,
    );
}
