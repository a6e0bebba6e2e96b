//! The file store: the contract, and what is there after a restart.

mod crash;
mod credentials;
mod refreshes;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{FileError, FileStore};
use crate::domain::{
    Clock, DayPeak, EndReason, Identity, LicensePeak, ManualClock, Session, SpaceId, Spaces, Task,
    TaskId, TaskReport, TaskStatus, Ticket, Timestamp, TokenDigest, UserLock,
};
use crate::store::contract::{self, Maker};
use crate::store::{
    Created, Ended, IdRange, Recovered, Retention, Scan, SessionStore, StateFilter, Touch,
};

/// A folder with a store's file.
struct Home {
    folder: TempDir,
    clock: ManualClock,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            clock: ManualClock::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gatepass.redb")
    }

    fn open(&self) -> FileStore {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<FileStore, FileError> {
        let clock = Arc::new(self.clock.clone());
        FileStore::open(&self.path(), Retention::default(), &Spaces::new(), clock)
    }

    /// Closes `store` and opens it again in a process whose clock starts anew, `later`.
    async fn restart(&mut self, store: FileStore, later: Duration) -> (FileStore, Recovered) {
        store.close().await.unwrap();
        let wall = self.clock.wall().after(later);
        self.clock = ManualClock::new();
        let behind = wall.unix_millis() - self.clock.wall().unix_millis();
        self.clock.step_wall(behind);
        let store = self.open();
        let found = store.recover().await.unwrap();
        (store, found)
    }
}

#[tokio::test]
async fn fulfils_the_contract() {
    let folder = TempDir::new().unwrap();
    contract::check(async |clock, retention, place| {
        let path = folder.path().join(place.to_string());
        FileStore::open(&path, retention, &Spaces::new(), Arc::new(clock)).unwrap()
    })
    .await;
}

async fn create(store: &FileStore, maker: &Maker, user: &str) -> Arc<Session> {
    let session = maker.session(user);
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Kept
    ));
    session
}

#[tokio::test]
async fn a_restart_finds_what_was_acknowledged() {
    let mut home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    let (ann, bob) = (
        create(&store, &maker, "ann").await,
        create(&store, &maker, "bob").await,
    );
    home.clock.advance(Duration::from_secs(60));
    let touch = maker.touch(&ann, home.clock.tick());
    store.touch_many(&[touch]).await.unwrap();
    let ended = store
        .end(Touch::last_of(&bob), maker.end(EndReason::LoggedOut))
        .await
        .unwrap();
    assert!(matches!(ended, Ended::Now(_)));

    let (store, found) = home.restart(store, Duration::from_secs(40)).await;
    let [again] = &found.sessions[..] else {
        panic!("{found:?}")
    };
    assert_eq!(again.record(), ann.record());
    assert_eq!(again.last_active(), touch.at);
    let idle = home.clock.tick().since(again.last_active_tick());
    assert_eq!(idle, Duration::from_secs(40), "it is as old as it was");
    let by_digest = store.load(ann.digest()).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&by_digest, again));
    assert!(store.load(bob.digest()).await.unwrap().is_none());
    let bob_again = store.get(bob.id()).await.unwrap().unwrap();
    assert_eq!(bob_again.record(), bob.record());
    let walked = store.walk_ended(IdRange::ALL, 9).await.unwrap();
    assert_eq!(walked.len(), 1);
    let scan = Scan {
        state: StateFilter::All,
        limit: 9,
        ..Scan::default()
    };
    let page = store.scan(scan).await.unwrap();
    assert_eq!((page.sessions.len(), page.total), (2, 2));
    // The end of one that was ended by the process before.
    let again = store.end(Touch::last_of(&bob), maker.end(EndReason::Idle));
    let Ended::Before(kept) = again.await.unwrap() else {
        panic!("it had ended")
    };
    assert_eq!(kept.end(), bob.end());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_restart_finds_locks_tickets_tasks_and_peaks() {
    let mut home = Home::new();
    let store = home.open();
    let space = SpaceId::new("1001").unwrap();
    let lock = |id: &str, until: Option<u64>| UserLock {
        space: space.clone(),
        directory: "LAB".into(),
        id: id.into(),
        until: until.map(|s| home.clock.wall().after(Duration::from_secs(s))),
        since: home.clock.wall(),
        by: "ops".into(),
        reason: None,
    };
    let locks = [lock("a", None), lock("b", Some(100)), lock("c", Some(10))];
    for lock in &locks {
        store.put_lock(lock).await.unwrap();
    }
    store.put_lock(&lock("d", None)).await.unwrap();
    store.remove_lock(lock("D", None).user_key()).await.unwrap();
    let digest = |n| TokenDigest::from_bytes([n; 32]);
    let ticket = Ticket {
        identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
        target: None,
    };
    for n in 1..=2 {
        let put = store.put_ticket(digest(n), ticket.clone(), Duration::from_secs(60));
        put.await.unwrap();
    }
    let taken = store.take_ticket(&digest(1)).await.unwrap();
    assert_eq!(taken.as_ref(), Some(&ticket));
    let task = Task {
        id: TaskId::new(5),
        kind: "end".into(),
        space: space.clone(),
        status: TaskStatus::Running,
        report: TaskReport::default(),
        created: home.clock.wall(),
        started: None,
        ended: None,
        failure: None,
    };
    store.put_task(&task).await.unwrap();
    let peak = LicensePeak {
        space: space.clone(),
        license: None,
        day: DayPeak {
            day: home.clock.wall(),
            peak: 4,
        },
    };
    store.put_peaks(std::slice::from_ref(&peak)).await.unwrap();

    let (store, found) = home.restart(store, Duration::from_secs(20)).await;
    assert_eq!(found.locks.len(), 2);
    assert!(found.locks.contains(&locks[0]) && found.locks.contains(&locks[1]));
    assert_eq!(
        (&found.tasks[..], &found.peaks[..]),
        (&[task][..], &[peak][..])
    );
    assert_eq!(
        store.take_ticket(&digest(1)).await.unwrap(),
        None,
        "taken once"
    );
    assert_eq!(store.take_ticket(&digest(2)).await.unwrap(), Some(ticket));
    // What is past its time is forgotten: the lock c, then b; the peak after its month.
    assert_eq!(store.purge().await.unwrap(), 0);
    let (store, found) = home.restart(store, Duration::from_secs(40 * 86_400)).await;
    assert_eq!((found.locks.len(), found.peaks.len()), (1, 1));
    assert_eq!(store.purge().await.unwrap(), 0);
    let (store, found) = home.restart(store, Duration::ZERO).await;
    assert_eq!((found.locks.len(), found.peaks.len()), (1, 0));
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s11_what_is_asked_for_at_once_is_kept_or_ended_each() {
    let home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), Arc::new(home.open()));
    let sessions: Vec<_> = (0..500).map(|n| maker.session(&format!("u{n}"))).collect();
    let ends = sessions.iter().enumerate().map(|(n, session)| {
        let (store, session) = (Arc::clone(&store), Arc::clone(session));
        let end = maker.end(EndReason::LoggedOut);
        tokio::spawn(async move {
            assert!(matches!(
                store.create(&session).await.unwrap(),
                Created::Kept
            ));
            if n % 2 == 0 {
                let touch = Touch::last_of(&session);
                let (ended, again) =
                    tokio::join!(store.end(touch, end.clone()), store.end(touch, end.clone()));
                let outcomes = [ended.unwrap(), again.unwrap()];
                let now = outcomes.iter().filter(|e| matches!(e, Ended::Now(_)));
                assert_eq!(now.count(), 1, "one of two ends is the first");
                store.touch_many(&[touch]).await.unwrap();
            }
        })
    });
    for end in ends.collect::<Vec<_>>() {
        end.await.unwrap();
    }
    store.close().await.unwrap();
    let found = home.open().recover().await.unwrap();
    let mut open: Vec<_> = found.sessions.iter().map(|s| s.id()).collect();
    open.sort_unstable();
    let expected: Vec<_> = sessions.iter().skip(1).step_by(2).map(|s| s.id()).collect();
    assert_eq!(open, expected);
}

#[tokio::test]
async fn a_space_that_is_gone_keeps_its_sessions() {
    let home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    let ann = create(&store, &maker, "ann").await;
    store.close().await.unwrap();
    let spaces = Spaces::new();
    let clock = Arc::new(home.clock.clone());
    let store = FileStore::open(&home.path(), Retention::default(), &spaces, clock).unwrap();
    let found = store.recover().await.unwrap();
    assert_eq!(found.sessions[0].id(), ann.id());
    let state = spaces.find(maker.space.id()).unwrap();
    assert!(Arc::ptr_eq(found.sessions[0].space(), &state));
    let ended = store.end(Touch::last_of(&ann), maker.end(EndReason::Terminated));
    assert!(matches!(ended.await.unwrap(), Ended::Now(_)));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_kind_or_in_use_is_refused_with_a_way_out() {
    let home = Home::new();
    let refused = |part: &str| {
        let error = home.try_open().unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
        assert!(text.contains(&home.path().display().to_string()), "{text}");
        assert!(
            text.contains("store.path") || text.contains("gatepass store"),
            "{text}"
        );
    };
    std::fs::create_dir(home.path()).unwrap();
    refused("it is no file");
    std::fs::remove_dir(home.path()).unwrap();
    std::fs::write(home.path(), "").unwrap();
    refused("it is empty");
    std::fs::write(home.path(), vec![b'x'; 9000]).unwrap();
    refused("is no store of Gatepass");
    std::fs::remove_file(home.path()).unwrap();
    drop(redb::Database::create(home.path()).unwrap());
    refused("a database of another program");
    std::fs::remove_file(home.path()).unwrap();

    let store = home.open();
    refused("in use by another process");
    store.close().await.unwrap();
    let store = home.open();
    assert_private(&home.path());
    store.close().await.unwrap();
    {
        use super::tables::{ABOUT, FORMAT_KEY};
        let file = redb::Database::open(home.path()).unwrap();
        let change = file.begin_write().unwrap();
        let mut about = change.open_table(ABOUT).unwrap();
        about.insert(FORMAT_KEY, 2).unwrap();
        drop(about);
        change.commit().unwrap();
    }
    let text = home.try_open().unwrap_err().to_string();
    assert!(
        text.contains("format 2") && text.contains("up to 1"),
        "{text}"
    );
    let nowhere = home.folder.path().join("no/such/folder.redb");
    let clock = Arc::new(home.clock.clone());
    let error = FileStore::open(&nowhere, Retention::default(), &Spaces::new(), clock).unwrap_err();
    assert!(matches!(error, FileError::Io { .. }), "{error}");
}

fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Whatever is done to the bytes, the file opens as it was or is refused.
#[tokio::test]
async fn a_damaged_file_is_refused() {
    let home = Home::new();
    let (maker, store) = (Maker::new(home.clock.clone()), home.open());
    for n in 0..200 {
        create(&store, &maker, &format!("user{n}")).await;
    }
    store.close().await.unwrap();
    let good = std::fs::read(home.path()).unwrap();
    let mut refused = 0;
    let try_with = async |bytes: &[u8]| {
        std::fs::write(home.path(), bytes).unwrap();
        match home.try_open() {
            Ok(store) => {
                let found = store.recover().await.unwrap();
                assert_eq!(found.sessions.len(), 200, "nothing is lost in silence");
                store.close().await.unwrap();
                0
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("gatepass.redb"), "{text}");
                1
            }
        }
    };
    for part in [1, 100, 4096, good.len() / 2, good.len() - 1] {
        refused += try_with(&good[..part]).await;
    }
    let mut random = 1_u64;
    for _ in 0..20 {
        let mut bad = good.clone();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = usize::try_from(random >> 33).unwrap() % bad.len();
        let end = bad.len().min(at + 64);
        bad[at..end].fill(0xa5);
        refused += try_with(&bad).await;
    }
    assert!(refused >= 4, "{refused} of 25");
    std::fs::write(home.path(), &good).unwrap();
    assert_eq!(home.open().recover().await.unwrap().sessions.len(), 200);
}

/// The size of the file is bound by what is in it, not by what has been.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn churn_does_not_grow_the_file() {
    let home = Home::new();
    let retention = Retention {
        time: Duration::from_secs(1000),
        max: 200,
    };
    let clock = Arc::new(home.clock.clone());
    let store = FileStore::open(&home.path(), retention, &Spaces::new(), clock).unwrap();
    let (store, maker) = (Arc::new(store), Maker::new(home.clock.clone()));
    let mut sizes = Vec::new();
    for _ in 0..10 {
        let round = (0..200).map(|n| {
            let (store, session) = (Arc::clone(&store), maker.session(&format!("u{n}")));
            let end = maker.end(EndReason::LoggedOut);
            tokio::spawn(async move {
                let _ = store.create(&session).await.unwrap();
                let _ = store.end(Touch::last_of(&session), end).await.unwrap();
            })
        });
        for one in round.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        sizes.push(std::fs::metadata(home.path()).unwrap().len());
    }
    assert!(sizes[9] <= sizes[4], "{sizes:?}");
    store.close().await.unwrap();
}

#[test]
fn a_time_of_purging_is_a_time_of_the_wall() {
    let early = crate::store::file::notes::peak_keys_from(Timestamp::from_unix_millis(-1));
    let late = crate::store::file::notes::peak_keys_from(Timestamp::from_unix_millis(1));
    assert!(early < late, "keys sort as times do");
}
