//! What is there after the process: of stores that outlive it.

use std::sync::Arc;
use std::time::Duration;

use super::Maker;
use crate::domain::{
    Clock as _, DayPeak, EndReason, Identity, LicensePeak, SpaceId, TargetId, Task, TaskId,
    TaskReport, TaskStatus, Ticket, Timestamp, TokenDigest, UserLock,
};
use crate::store::{Created, IdRange, SessionStore, StoreState, Touch};

const DAY: i64 = 86_400_000;

/// What a process kept that is no more.
pub(super) struct Left {
    ann: Arc<crate::domain::Session>,
    bob: Arc<crate::domain::Session>,
    active: Touch,
    locks: Vec<UserLock>,
    task: Task,
    peak: LicensePeak,
    ticket: Ticket,
    target: TargetId,
}

fn digest(n: u8) -> TokenDigest {
    TokenDigest::from_bytes([n; 32])
}

/// That times are the same but for what passed meanwhile on the clock of a server.
#[track_caller]
fn near(found: Timestamp, expected: Timestamp) {
    let apart = found.unix_millis().abs_diff(expected.unix_millis());
    assert!(apart < 10_000, "{found} and {expected}");
}

pub(super) async fn keep_something_of_everything(maker: &Maker, store: &impl SessionStore) -> Left {
    let StoreState {
        lost_since, losses, ..
    } = store.state();
    assert_eq!((lost_since, losses), (None, 0), "it is reached");
    let (ann, bob) = (maker.session("ann"), maker.session("bob"));
    for session in [&ann, &bob] {
        let created = store.create(session).await.unwrap();
        assert!(matches!(created, Created::Kept));
    }
    // Not for longer: the clocks of servers do not travel.
    maker.clock.advance(Duration::from_millis(5));
    let active = maker.touch(&ann, maker.clock.tick());
    store.touch_many(&[active]).await.unwrap();
    let end = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&bob), end).await.unwrap();
    let (space, wall) = (SpaceId::new("1001").unwrap(), maker.clock.wall());
    let lock = |user: &str, until: Option<Timestamp>| UserLock {
        space: space.clone(),
        directory: "LAB".into(),
        id: user.into(),
        until,
        since: wall,
        by: "ops".into(),
        reason: Some("left".into()),
    };
    let hour = wall.after(Duration::from_secs(3600));
    let locks = vec![lock("cid", None), lock("dan", Some(hour))];
    let lifted = lock("eve", None);
    for lock in locks.iter().chain([&lifted]) {
        store.put_lock(lock).await.unwrap();
    }
    store.remove_lock(lifted.user_key()).await.unwrap();
    let mut task = Task {
        id: TaskId::new(7),
        kind: "end".into(),
        space: space.clone(),
        status: TaskStatus::Running,
        report: TaskReport::default(),
        created: wall,
        started: Some(wall),
        ended: None,
        failure: None,
    };
    store.put_task(&task).await.unwrap();
    (task.status, task.ended) = (TaskStatus::Completed, Some(wall));
    store.put_task(&task).await.unwrap();
    let peak = LicensePeak {
        space,
        license: Some("Pro".into()),
        day: DayPeak {
            day: Timestamp::from_unix_millis(wall.unix_millis().div_euclid(DAY) * DAY),
            peak: 5,
        },
    };
    store.put_peaks(std::slice::from_ref(&peak)).await.unwrap();
    let ticket = Ticket {
        identity: Arc::new(Identity::new("LAB", "fay").unwrap()),
        target: Some("/x".into()),
    };
    let minute = Duration::from_secs(60);
    for n in [1, 2] {
        let put = store.put_ticket(digest(n), ticket.clone(), minute);
        put.await.unwrap();
    }
    let taken = store.take_ticket(&digest(2)).await.unwrap();
    assert_eq!(taken.as_ref(), Some(&ticket));
    let target = TargetId::generate();
    store.put_target(target, "/a".into(), minute).await.unwrap();
    Left {
        ann,
        bob,
        active,
        locks,
        task,
        peak,
        ticket,
        target,
    }
}

pub(super) async fn find_all_of_it(left: &Left, store: &impl SessionStore) {
    let found = store.recover().await.unwrap();
    let is_shared = store.shared().is_some();
    let ids: Vec<_> = found.sessions.iter().map(|session| session.id()).collect();
    let expected = if is_shared {
        vec![]
    } else {
        vec![left.ann.id()]
    };
    assert_eq!(ids, expected, "shared stores are asked one by one");
    let ann = store.load(left.ann.digest()).await.unwrap().unwrap();
    assert!(ann.last_active() > ann.started_at());
    near(ann.started_at(), left.ann.started_at());
    near(ann.last_active(), left.active.at);
    let mut record = left.ann.record();
    (record.started_at, record.last_active) = (ann.started_at(), ann.last_active());
    assert_eq!(ann.record(), record);
    assert!(store.load(left.bob.digest()).await.unwrap().is_none());
    let bob = store.get(left.bob.id()).await.unwrap().unwrap();
    assert_eq!(bob.end().map(|end| end.reason), Some(EndReason::LoggedOut));
    let walked = store.walk_ended(IdRange::ALL, 9).await.unwrap();
    assert_eq!(walked.len(), 1);
    let created = store.create(&left.bob).await.unwrap();
    assert!(
        matches!(created, Created::Exists),
        "what has ended stays so"
    );
    let mut locks = found.locks;
    locks.sort_by(|a, b| a.id.cmp(&b.id));
    for (lock, left) in locks.iter_mut().zip(&left.locks) {
        near(lock.since, left.since);
        let untils = lock.until.into_iter().zip(left.until);
        untils.for_each(|(found, left)| near(found, left));
        lock.since = left.since;
        lock.until = lock.until.and(left.until);
    }
    assert_eq!(locks, left.locks);
    let tasks = match store.shared() {
        None => found.tasks,
        Some(shared) => Vec::from_iter(shared.task(left.task.id).await.unwrap()),
    };
    let [task] = tasks.as_slice() else {
        panic!("{tasks:?}");
    };
    assert_eq!((task.id, task.status), (left.task.id, left.task.status));
    near(task.ended.unwrap(), left.task.ended.unwrap());
    assert_eq!(found.peaks, std::slice::from_ref(&left.peak));
    let taken = store.take_ticket(&digest(1)).await.unwrap();
    assert_eq!(taken.as_ref(), Some(&left.ticket));
    for n in [1, 2] {
        assert_eq!(store.take_ticket(&digest(n)).await.unwrap(), None, "{n}");
    }
    // Where a browser was going is worth no write to a disk, as anybody can cause that.
    let target = store.target(left.target).await.unwrap();
    assert_eq!(target.is_some(), is_shared);
}
