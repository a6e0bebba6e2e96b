//! Licenses counted and limited, whatever happens at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{is_live, new_session, space};
use crate::domain::{
    Clock, EndReason, LicensePeak, LicenseUsage, LimitPolicy, ManualClock, NewSession, SeatLimit,
    Session, SessionEnd, SessionId, SpaceState, TargetId, Task, Ticket, Token, TokenDigest,
    UserKey, UserLimit, UserLock,
};
use crate::sessions::{Admission, EndCause, EstablishError, Established, Sessions};
use crate::store::{
    Created, CredentialStore, Ended, IdRange, MemoryStore, Merged, Recovered, RefreshStore,
    Retention, Scan, ScanPage, SessionStore, SharedStore, StoreError, StoreFuture, StoreState,
    Touch,
};

fn licensed(user: &str, license: &str) -> NewSession {
    NewSession {
        license: Some(license.into()),
        ..new_session(user)
    }
}

fn seats(license: &str, seats: u32, policy: LimitPolicy) -> SeatLimit {
    SeatLimit {
        license: license.into(),
        seats,
        policy,
    }
}

async fn login(
    sessions: &Sessions,
    space: &Arc<SpaceState>,
    new: NewSession,
) -> Result<(Arc<Session>, Token), EstablishError> {
    match sessions.establish(space, new, Admission::default()).await? {
        Established::Opened { session, token } => Ok((session, token)),
        Established::Joined(session) => panic!("joined {session:?}"),
    }
}

fn stage() -> (ManualClock, Sessions, Arc<SpaceState>) {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let here = space(&sessions, "1", None);
    (clock, sessions, here)
}

/// Open sessions and today's peak.
fn usage(sessions: &Sessions, space: &SpaceState, license: Option<&str>) -> (u64, u64) {
    let all = sessions.licenses().of_space(space.id());
    let found = all.iter().find(|u| u.license.as_deref() == license);
    found.map_or((0, 0), |usage| (usage.open, usage.peak_today))
}

fn end_reason(session: &Session) -> Option<EndReason> {
    session.end().map(|end| end.reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s22_parallel_logins_never_exceed_the_seats() {
    for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
        let sessions = Sessions::default();
        let user_limit = UserLimit {
            max: 2,
            policy: LimitPolicy::EndOldest,
        };
        let here = space(&sessions, "1", Some(user_limit));
        sessions.set_seats(here.id(), vec![seats("pro", 3, policy)]);
        let most = Arc::new(AtomicU64::new(0));
        let logins: Vec<_> = (0..100)
            .map(|n| {
                let (sessions, here, most) =
                    (sessions.clone(), Arc::clone(&here), Arc::clone(&most));
                tokio::spawn(async move {
                    // Several users, with several sessions each.
                    let new = licensed(&format!("user{}", n % 30), "pro");
                    let result = login(&sessions, &here, new).await;
                    most.fetch_max(here.open() as u64, Ordering::SeqCst);
                    result
                })
            })
            .collect();
        let (mut opened, mut refused) = (0, 0);
        for login in logins {
            match login.await.unwrap() {
                Ok(_) => opened += 1,
                Err(EstablishError::NoSeat { license, seats: 3 }) if &*license == "pro" => {
                    refused += 1;
                }
                Err(error) => panic!("{policy:?}: {error}"),
            }
        }
        assert_eq!(opened + refused, 100);
        assert_eq!(most.load(Ordering::SeqCst), 3, "{policy:?}");
        assert_eq!(usage(&sessions, &here, Some("pro")), (3, 3), "{policy:?}");
        assert_eq!(here.open(), 3);
        match policy {
            // A user's own older session may have made room for one more.
            LimitPolicy::Refuse => assert!((3..100).contains(&opened), "{opened} opened"),
            LimitPolicy::EndOldest => assert_eq!(opened, 100),
        }
        assert!(sessions.0.flights.is_empty());
    }
}

#[tokio::test]
async fn the_oldest_of_the_license_makes_room_whoever_has_it() {
    let (clock, sessions, here) = stage();
    let oldest_goes = vec![seats("pro", 2, LimitPolicy::EndOldest)];
    sessions.set_seats(here.id(), oldest_goes);
    let mut opened = Vec::new();
    for (user, license) in [
        ("ann", "pro"),
        ("bob", "pro"),
        ("cat", "lite"),
        ("dan", "pro"),
    ] {
        opened.push(
            login(&sessions, &here, licensed(user, license))
                .await
                .unwrap(),
        );
        clock.advance(Duration::from_millis(5));
    }
    let reasons: Vec<_> = opened.iter().map(|(s, _)| end_reason(s)).collect();
    assert_eq!(reasons, [Some(EndReason::Displaced), None, None, None]);
    assert!(!is_live(&sessions, &here, &opened[0].1));
    // Another space has seats of its own, or none.
    let there = space(&sessions, "2", None);
    login(&sessions, &there, licensed("eve", "pro"))
        .await
        .unwrap();
    login(&sessions, &here, new_session("fay")).await.unwrap();
    assert_eq!(usage(&sessions, &here, Some("pro")), (2, 2));
    assert_eq!(usage(&sessions, &here, None), (1, 1));
    assert_eq!(usage(&sessions, &there, Some("pro")), (1, 1));
}

#[tokio::test]
async fn a_session_whose_time_is_up_holds_no_seat() {
    for policy in [LimitPolicy::Refuse, LimitPolicy::EndOldest] {
        let (clock, sessions, here) = stage();
        sessions.set_seats(here.id(), vec![seats("pro", 2, policy)]);
        let (busy, token) = login(&sessions, &here, licensed("ann", "pro"))
            .await
            .unwrap();
        clock.advance(Duration::from_millis(5));
        let (idle, _) = login(&sessions, &here, licensed("bob", "pro"))
            .await
            .unwrap();
        if policy == LimitPolicy::Refuse {
            let refused = login(&sessions, &here, licensed("cat", "pro")).await;
            assert!(matches!(
                refused,
                Err(EstablishError::NoSeat { seats: 2, .. })
            ));
        }
        clock.advance(Duration::from_secs(50));
        assert!(is_live(&sessions, &here, &token));
        clock.advance(Duration::from_secs(50));
        login(&sessions, &here, licensed("cat", "pro"))
            .await
            .unwrap();
        // The idle one went, not the oldest.
        assert_eq!(end_reason(&idle), Some(EndReason::Idle), "{policy:?}");
        assert_eq!(end_reason(&busy), None, "{policy:?}");
        assert_eq!(usage(&sessions, &here, Some("pro")), (2, 2));
    }
}

#[tokio::test]
async fn a_login_that_is_refused_a_seat_ends_nobody_and_one_may_take_its_own_users() {
    let sessions = Sessions::default();
    let one = UserLimit {
        max: 1,
        policy: LimitPolicy::EndOldest,
    };
    let here = space(&sessions, "1", Some(one));
    sessions.set_seats(here.id(), vec![seats("pro", 1, LimitPolicy::Refuse)]);
    let (ann, _) = login(&sessions, &here, licensed("ann", "pro"))
        .await
        .unwrap();
    let (bob, token) = login(&sessions, &here, licensed("bob", "lite"))
        .await
        .unwrap();
    let refused = login(&sessions, &here, licensed("bob", "pro")).await;
    assert!(
        matches!(refused, Err(EstablishError::NoSeat { .. })),
        "{refused:?}"
    );
    assert!(is_live(&sessions, &here, &token));
    assert_eq!(end_reason(&bob), None);
    // The seat that the user's own older session leaves is theirs.
    login(&sessions, &here, licensed("ann", "pro"))
        .await
        .unwrap();
    assert_eq!(end_reason(&ann), Some(EndReason::Displaced));
    assert_eq!(usage(&sessions, &here, Some("pro")), (1, 1));
}

#[tokio::test]
async fn new_seats_count_the_sessions_that_are_open_already() {
    let (clock, sessions, here) = stage();
    let mut opened = Vec::new();
    for user in ["ann", "bob", "cat"] {
        opened.push(
            login(&sessions, &here, licensed(user, "pro"))
                .await
                .unwrap()
                .0,
        );
        clock.advance(Duration::from_millis(5));
    }
    sessions.set_seats(here.id(), vec![seats("pro", 2, LimitPolicy::Refuse)]);
    assert_eq!(
        usage(&sessions, &here, Some("pro")),
        (3, 3),
        "nobody is thrown out"
    );
    assert!(
        login(&sessions, &here, licensed("dan", "pro"))
            .await
            .is_err()
    );
    sessions.set_seats(here.id(), vec![seats("pro", 2, LimitPolicy::EndOldest)]);
    login(&sessions, &here, licensed("dan", "pro"))
        .await
        .unwrap();
    let ended: Vec<_> = opened.iter().map(|s| s.end().is_some()).collect();
    assert_eq!(ended, [true, true, false]);
    let listed = sessions.licenses().of_space(here.id());
    let limit = listed[0].seats.clone().unwrap();
    assert_eq!((limit.seats, limit.policy), (2, LimitPolicy::EndOldest));
    sessions.set_seats(here.id(), Vec::new());
    login(&sessions, &here, licensed("eve", "pro"))
        .await
        .unwrap();
    assert_eq!(usage(&sessions, &here, Some("pro")), (3, 3));
    assert!(sessions.licenses().of_space(here.id())[0].seats.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_starts_and_ends_are_counted_once_each() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let limit = seats("lite", 5, LimitPolicy::EndOldest);
    let users: Vec<_> = (0..8)
        .map(|n| {
            let (sessions, here, limit) = (sessions.clone(), Arc::clone(&here), limit.clone());
            tokio::spawn(async move {
                for round in 0..40 {
                    let user = format!("user{}", n % 3);
                    let mut new = new_session(&user);
                    new.license =
                        [None, Some("pro".into()), Some("lite".into())][round % 3].clone();
                    let key = new.identity.key(here.id());
                    let (session, _) = match login(&sessions, &here, new).await {
                        Ok(opened) => opened,
                        Err(EstablishError::EndedMeanwhile) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    match (n + round) % 5 {
                        0 => drop(sessions.end_user(key, &EndCause::terminated_by("x")).await),
                        1 => sessions.set_seats(here.id(), vec![limit.clone()]),
                        2 => sessions.set_seats(here.id(), Vec::new()),
                        _ => drop(sessions.expire(&session, EndReason::LoggedOut).await),
                    }
                }
            })
        })
        .collect();
    for user in users {
        user.await.unwrap();
    }
    let all = sessions.licenses().all();
    let open: u64 = all.iter().map(|usage| usage.open).sum();
    assert_eq!(open, here.open() as u64, "{all:?}");
    for usage in &all {
        let of_license = |s: &Arc<Session>| s.license() == usage.license.as_deref();
        let listed: usize = (0..3)
            .map(|n| new_session(&format!("user{n}")).identity.key(here.id()))
            .map(|key| {
                sessions
                    .of_user(key)
                    .iter()
                    .filter(|s| of_license(s))
                    .count()
            })
            .sum();
        assert_eq!(usage.open, listed as u64, "{usage:?}");
        assert!(usage.peak_today >= usage.open);
    }
    sessions.set_seats(here.id(), vec![seats("lite", 5, LimitPolicy::Refuse)]);
    sessions
        .end_space(&here, &EndCause::terminated_by("x"))
        .await
        .unwrap();
    assert!(
        sessions
            .licenses()
            .all()
            .iter()
            .all(|usage| usage.open == 0)
    );
    for n in 0..5 {
        let new = licensed(&format!("new{n}"), "lite");
        login(&sessions, &here, new)
            .await
            .expect("every seat is free again");
    }
    assert!(
        login(&sessions, &here, licensed("sixth", "lite"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn peaks_are_kept_for_each_day() {
    let (clock, sessions, here) = stage();
    let day = Duration::from_secs(86_400);
    let first = clock.wall();
    let (ann, _) = login(&sessions, &here, licensed("ann", "pro"))
        .await
        .unwrap();
    login(&sessions, &here, licensed("bob", "pro"))
        .await
        .unwrap();
    let _ = sessions
        .end(&ann, EndCause::terminated_by("x"))
        .await
        .unwrap();
    clock.advance(2 * day);
    sessions.sweep().await.unwrap();
    let peaks = |license| -> Vec<_> {
        let peaks = sessions.licenses().peaks(here.id(), license).into_iter();
        peaks
            .map(|p| (p.day.since(first).as_secs() / 86_400, p.peak))
            .collect()
    };
    assert_eq!(peaks(Some("pro")), [(0, 2), (1, 1), (2, 1)]);
    assert_eq!(usage(&sessions, &here, Some("pro")), (0, 1));
    clock.advance(day);
    assert_eq!(usage(&sessions, &here, Some("pro")), (0, 0));
    assert_eq!(peaks(None), []);
    assert_eq!(peaks(Some("unheard of")), []);
    clock.advance(40 * day);
    assert_eq!(peaks(Some("pro")).len(), 30);
}

#[tokio::test]
async fn licenses_beyond_the_number_are_counted_together() {
    let (_, sessions, here) = stage();
    for n in 0..LicenseUsage::MAX_LICENSES {
        let new = licensed("ann", &format!("license {n}"));
        login(&sessions, &here, new).await.unwrap();
    }
    let (late, _) = login(&sessions, &here, licensed("bob", "late"))
        .await
        .unwrap();
    let (named, _) = login(&sessions, &here, licensed("bob", "(other)"))
        .await
        .unwrap();
    assert_eq!(usage(&sessions, &here, Some(LicenseUsage::OTHER)), (2, 2));
    // A limit has a count of its own from now on, and still knows who is there.
    sessions.set_seats(here.id(), vec![seats("late", 1, LimitPolicy::Refuse)]);
    assert!(
        login(&sessions, &here, licensed("cat", "late"))
            .await
            .is_err()
    );
    for session in [late, named] {
        sessions
            .expire(&session, EndReason::LoggedOut)
            .await
            .unwrap();
    }
    login(&sessions, &here, licensed("cat", "late"))
        .await
        .unwrap();
    assert_eq!(usage(&sessions, &here, Some(LicenseUsage::OTHER)), (0, 2));
    assert_eq!(usage(&sessions, &here, Some("late")), (1, 1));
}

#[tokio::test]
async fn a_store_that_fails_leaves_no_place_taken_and_no_session_half_known() {
    let clock = ManualClock::new();
    let memory = MemoryStore::new(Retention::default(), Arc::new(clock.clone()));
    let store = Arc::new(Broken {
        memory,
        is_broken: AtomicBool::new(false),
    });
    let sessions = Sessions::builder()
        .clock(Arc::new(clock.clone()))
        .store(Arc::clone(&store) as Arc<dyn SessionStore>)
        .build();
    let here = space(&sessions, "1", None);
    sessions.set_seats(here.id(), vec![seats("pro", 1, LimitPolicy::Refuse)]);
    store.is_broken.store(true, Ordering::SeqCst);
    let failed = login(&sessions, &here, licensed("ann", "pro")).await;
    assert!(
        matches!(failed, Err(EstablishError::Store(_))),
        "{failed:?}"
    );
    store.is_broken.store(false, Ordering::SeqCst);
    let (ann, token) = login(&sessions, &here, licensed("ann", "pro"))
        .await
        .unwrap();
    assert_eq!(usage(&sessions, &here, Some("pro")), (1, 1));

    sessions.set_seats(here.id(), vec![seats("pro", 1, LimitPolicy::EndOldest)]);
    store.is_broken.store(true, Ordering::SeqCst);
    let failed = login(&sessions, &here, licensed("bob", "pro")).await;
    assert!(
        matches!(failed, Err(EstablishError::Store(_))),
        "{failed:?}"
    );
    assert!(is_live(&sessions, &here, &token));
    assert_eq!(sessions.of_user(ann.user_key()).len(), 1);
    store.is_broken.store(false, Ordering::SeqCst);
    login(&sessions, &here, licensed("bob", "pro"))
        .await
        .unwrap();
    assert_eq!(end_reason(&ann), Some(EndReason::Displaced));
    assert_eq!(
        (here.open(), usage(&sessions, &here, Some("pro"))),
        (1, (1, 1))
    );
}

/// A memory whose creates and ends can be made to fail.
#[derive(Debug)]
struct Broken {
    memory: MemoryStore,
    is_broken: AtomicBool,
}

impl Broken {
    fn or<'a, T: Send + 'a>(
        &self,
        does: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        if self.is_broken.load(Ordering::SeqCst) {
            let error = StoreError::Unavailable("unplugged".into());
            return Box::pin(async move { Err(error) });
        }
        does()
    }
}

impl SessionStore for Broken {
    fn outlives_process(&self) -> bool {
        self.memory.outlives_process()
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    fn credentials(&self) -> Option<&dyn CredentialStore> {
        None
    }

    fn refreshes(&self) -> &dyn RefreshStore {
        self.memory.refreshes()
    }

    fn recover(&self) -> StoreFuture<'_, Recovered> {
        self.memory.recover()
    }

    fn state(&self) -> StoreState {
        self.memory.state()
    }

    fn import(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, Vec<Merged>> {
        self.memory.import(sessions)
    }

    fn create(&self, session: &Arc<Session>) -> StoreFuture<'_, Created> {
        self.or(|| self.memory.create(session))
    }

    fn load(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Arc<Session>>> {
        self.memory.load(digest)
    }

    fn touch_many(&self, touched: &[Touch]) -> StoreFuture<'_, ()> {
        self.memory.touch_many(touched)
    }

    fn end(&self, last: Touch, end: SessionEnd) -> StoreFuture<'_, Ended> {
        self.or(|| self.memory.end(last, end))
    }

    fn get(&self, id: SessionId) -> StoreFuture<'_, Option<Arc<Session>>> {
        self.memory.get(id)
    }

    fn scan(&self, scan: Scan) -> StoreFuture<'_, ScanPage> {
        self.memory.scan(scan)
    }

    fn walk_ended(&self, range: IdRange, limit: usize) -> StoreFuture<'_, Vec<Arc<Session>>> {
        self.memory.walk_ended(range, limit)
    }

    fn purge(&self) -> StoreFuture<'_, usize> {
        self.memory.purge()
    }

    fn put_ticket(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> StoreFuture<'_, ()> {
        self.memory.put_ticket(digest, ticket, lifetime)
    }

    fn take_ticket(&self, digest: &TokenDigest) -> StoreFuture<'_, Option<Ticket>> {
        self.memory.take_ticket(digest)
    }

    fn put_target(&self, id: TargetId, to: Arc<str>, lifetime: Duration) -> StoreFuture<'_, ()> {
        self.memory.put_target(id, to, lifetime)
    }

    fn target(&self, id: TargetId) -> StoreFuture<'_, Option<Arc<str>>> {
        self.memory.target(id)
    }

    fn put_lock(&self, lock: &UserLock) -> StoreFuture<'_, ()> {
        self.memory.put_lock(lock)
    }

    fn remove_lock(&self, user: UserKey) -> StoreFuture<'_, ()> {
        self.memory.remove_lock(user)
    }

    fn put_task(&self, task: &Task) -> StoreFuture<'_, ()> {
        self.memory.put_task(task)
    }

    fn put_peaks(&self, peaks: &[LicensePeak]) -> StoreFuture<'_, ()> {
        self.memory.put_peaks(peaks)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.memory.close()
    }
}
