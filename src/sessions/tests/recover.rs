//! A process that goes on where the last one ended.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{is_live, new_session, space};
use crate::domain::{
    Clock as _, EndReason, Identity, LicenseUsage, LimitPolicy, ManualClock, NewSession, SeatLimit,
    Session, SpaceState, Spaces, Token, UserLimit,
};
use crate::sessions::{
    Admission, EndCause, EstablishError, Established, FindQuery, LockOrder, Observer, Sessions,
};
use crate::store::file::FileStore;
use crate::store::{Retention, SessionStore, StateFilter};

/// A process on the file in a folder.
struct Process {
    store: Arc<dyn SessionStore>,
    sessions: Sessions,
    clock: ManualClock,
    ends: Arc<Ends>,
}

#[derive(Default)]
struct Ends(std::sync::Mutex<Vec<EndReason>>);

impl Observer for Ends {
    fn started(&self, _: &Arc<Session>) {}

    fn ended(&self, session: &Arc<Session>) {
        self.0.lock().unwrap().push(session.end().unwrap().reason);
    }
}

impl Process {
    fn start(folder: &TempDir, clock: ManualClock) -> Self {
        let spaces = Spaces::new();
        let path = folder.path().join("store");
        let ticks: Arc<ManualClock> = Arc::new(clock.clone());
        let store = FileStore::open(&path, Retention::default(), &spaces, ticks).unwrap();
        let (store, ends): (Arc<dyn SessionStore>, _) =
            (Arc::new(store), Arc::new(Ends::default()));
        let sessions = Sessions::builder()
            .clock(Arc::new(clock.clone()))
            .spaces(spaces)
            .observer(Arc::clone(&ends) as Arc<dyn Observer>)
            .store(Arc::clone(&store))
            .build();
        Self {
            store,
            sessions,
            clock,
            ends,
        }
    }

    /// Ends the process, and starts the next one `later`, whose clock starts anew.
    async fn restart(self, folder: &TempDir, later: Duration) -> Self {
        self.store.close().await.unwrap();
        let clock = ManualClock::new();
        let wall = self.clock.wall().after(later).unix_millis();
        clock.step_wall(wall - clock.wall().unix_millis());
        Self::start(folder, clock)
    }

    async fn log_in(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
    ) -> Result<(Arc<Session>, Token), EstablishError> {
        let opened = self.sessions.establish(space, new, Admission::default());
        match opened.await? {
            Established::Opened { session, token } => Ok((session, token)),
            Established::Joined(session) => panic!("joined {session:?}"),
        }
    }
}

const LIMIT: Option<UserLimit> = Some(UserLimit {
    max: 2,
    policy: LimitPolicy::Refuse,
});

fn licensed(user: &str) -> NewSession {
    NewSession {
        license: Some("pro".into()),
        ..new_session(user)
    }
}

fn seats() -> Vec<SeatLimit> {
    vec![SeatLimit {
        license: "pro".into(),
        seats: 2,
        policy: LimitPolicy::Refuse,
    }]
}

#[tokio::test]
async fn open_sessions_are_live_and_counted() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(&folder, ManualClock::new());
    let here = space(&first.sessions, "1", LIMIT);
    let (ann, token) = first.log_in(&here, licensed("ann")).await.unwrap();
    let (bob, bobs) = first.log_in(&here, new_session("bob")).await.unwrap();
    let cause = EndCause::because(EndReason::LoggedOut);
    let _ = first.sessions.end(&bob, cause).await.unwrap();

    let next = first.restart(&folder, Duration::from_secs(30)).await;
    let here = space(&next.sessions, "1", LIMIT);
    next.sessions.set_seats(here.id(), seats());
    let recovery = next.sessions.recover().await.unwrap();
    assert_eq!((recovery.open, recovery.ended, here.open()), (1, 0, 1));
    assert!(is_live(&next.sessions, &here, &token));
    assert!(!is_live(&next.sessions, &here, &bobs));
    let of_ann = next.sessions.of_user(ann.user_key());
    assert_eq!(
        of_ann.iter().map(|s| s.id()).collect::<Vec<_>>(),
        [ann.id()]
    );
    // Under the limit of two there is room for one more; of two seats one is taken.
    next.log_in(&here, licensed("ann")).await.unwrap();
    let third = next.log_in(&here, licensed("ann")).await.unwrap_err();
    assert!(matches!(third, EstablishError::LimitReached { max: 2 }));
    let third = next.log_in(&here, licensed("eve")).await.unwrap_err();
    assert!(matches!(third, EstablishError::NoSeat { seats: 2, .. }));
    // Its end is told of once, and holds.
    let ann = &of_ann[0];
    let cause = EndCause::because(EndReason::Terminated);
    let _ = next.sessions.end(ann, cause).await.unwrap();
    assert_eq!(*next.ends.0.lock().unwrap(), [EndReason::Terminated]);
    assert_eq!(here.open(), 1);
    next.log_in(&here, licensed("eve")).await.unwrap();
    let next = next.restart(&folder, Duration::ZERO).await;
    let here = space(&next.sessions, "1", LIMIT);
    assert_eq!(next.sessions.recover().await.unwrap().open, 2);
    assert!(!is_live(&next.sessions, &here, &token));
}

#[tokio::test]
async fn s19_what_fell_due_meanwhile_ended_then() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(&folder, ManualClock::new());
    let here = space(&first.sessions, "1", None);
    let (idle, _) = first.log_in(&here, new_session("ann")).await.unwrap();
    first.clock.advance(Duration::from_secs(50));
    let (live, token) = first.log_in(&here, new_session("bob")).await.unwrap();

    let next = first.restart(&folder, Duration::from_secs(20)).await;
    let here = space(&next.sessions, "1", None);
    let recovery = next.sessions.recover().await.unwrap();
    assert_eq!((recovery.open, recovery.ended), (1, 1));
    let ended = next
        .sessions
        .get(here.id(), idle.id())
        .await
        .unwrap()
        .unwrap();
    let end = ended.end().unwrap();
    let due = idle.started_at().after(Duration::from_secs(60));
    assert_eq!((end.at, end.reason), (due, EndReason::Idle));
    assert_eq!(*next.ends.0.lock().unwrap(), [EndReason::Idle]);
    assert!(is_live(&next.sessions, &here, &token));
    let query = FindQuery {
        state: StateFilter::All,
        limit: 9,
        ..FindQuery::default()
    };
    let page = next.sessions.find(query).await.unwrap();
    let ids: Vec<_> = page.sessions.iter().map(|s| s.id()).collect();
    assert_eq!((ids, page.total), (vec![live.id(), idle.id()], 2));
}

#[tokio::test]
async fn locks_hold_and_end_what_they_left_open() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(&folder, ManualClock::new());
    let here = space(&first.sessions, "1", None);
    let ann = Identity::new("LAB", "ann").unwrap();
    let order = LockOrder {
        time: Some(Duration::from_secs(100)),
        by: "ops".into(),
        reason: Some("left".into()),
    };
    let locked = first.sessions.lock_user(here.id(), &ann, order).await;
    let lock = locked.unwrap().lock;
    // As if the process had died before the lock ended this one.
    let session = Session::start(
        new_session("ann"),
        Arc::clone(&here),
        Token::generate().digest(),
        &first.clock,
    );
    let _ = first.store.create(&Arc::new(session)).await.unwrap();

    let next = first.restart(&folder, Duration::from_secs(40)).await;
    let here = space(&next.sessions, "1", None);
    let recovery = next.sessions.recover().await.unwrap();
    assert_eq!((recovery.open, recovery.ended, recovery.locked), (0, 1, 1));
    assert_eq!(next.sessions.user_lock(here.id(), &ann), Some(lock));
    let refused = next.log_in(&here, new_session("ANN")).await.unwrap_err();
    assert!(matches!(refused, EstablishError::Locked { .. }));
    next.clock.advance(Duration::from_secs(60));
    next.log_in(&here, new_session("ann")).await.unwrap();
    assert_eq!(
        next.sessions.unlock_user(here.id(), &ann).await.unwrap(),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn the_flusher_tells_of_activity_and_peaks_and_once_more_at_the_end() {
    let folder = TempDir::new().unwrap();
    let first = Process::start(&folder, ManualClock::new());
    let here = space(&first.sessions, "1", None);
    let (ann, token) = first.log_in(&here, licensed("ann")).await.unwrap();
    let (bob, _) = first.log_in(&here, new_session("bob")).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let flusher = first
        .sessions
        .clone()
        .run_flusher(Duration::from_secs(2), stop.clone().cancelled_owned());
    let flusher = tokio::spawn(flusher);
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.clock.advance(Duration::from_secs(10));
    assert!(is_live(&first.sessions, &here, &token));
    stop.cancel();
    flusher.await.unwrap();

    let next = first.restart(&folder, Duration::from_secs(5)).await;
    let here = space(&next.sessions, "1", None);
    let _ = next.sessions.recover().await.unwrap();
    let active = |session: &Session| {
        let found = next.sessions.of_user(session.user_key());
        found[0].last_active()
    };
    assert_eq!(
        active(&ann),
        ann.started_at().after(Duration::from_secs(10))
    );
    assert_eq!(active(&bob), bob.started_at());
    for license in [None, Some("pro")] {
        let peaks = next.sessions.licenses().peaks(here.id(), license);
        assert_eq!(peaks.last().map(|day| day.peak), Some(1), "{license:?}");
    }
    let all = next.sessions.licenses().of_space(here.id());
    assert!(all.iter().all(|usage: &LicenseUsage| usage.open == 1));
}
