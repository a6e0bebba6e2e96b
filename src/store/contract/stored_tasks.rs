//! Background tasks of several processes, and what these know in common.

use std::time::Duration;

use super::Maker;
use crate::domain::{
    Clock as _, SpaceId, Task, TaskError, TaskId, TaskReport, TaskStatus, Timestamp,
};
use crate::store::{MAX_TASKS, SILENCE, SessionStore};

fn task(maker: &Maker, space: &str) -> Task {
    Task {
        id: TaskId::new(0),
        kind: "end".into(),
        space: SpaceId::new(space).unwrap(),
        status: TaskStatus::Queued,
        report: TaskReport::default(),
        created: maker.clock.wall(),
        started: None,
        ended: None,
        failure: None,
    }
}

/// The times of tasks go through the server's clock, which may cost a millisecond.
fn close(one: Timestamp, other: Timestamp) -> bool {
    one.unix_millis().abs_diff(other.unix_millis()) <= 2
}

pub(super) async fn tasks_are_told_to_all(maker: &Maker, store: &impl SessionStore) {
    let Some(shared) = store.shared() else {
        return;
    };
    let new = task(maker, "1");
    let id = shared.number_task(&new).await.unwrap();
    let next = shared.number_task(&task(maker, "2")).await.unwrap();
    assert!(id < next, "{id} {next}");
    let found = shared.task(id).await.unwrap().unwrap();
    assert!(close(found.created, new.created), "{found:?} {new:?}");
    assert_eq!((found.id, found.status), (id, TaskStatus::Queued));
    assert_eq!(shared.task(TaskId::new(7)).await.unwrap(), None);

    // What is said last stands.
    let mut running = Task { id, ..new };
    running.status = TaskStatus::Running;
    running.started = Some(maker.clock.wall());
    running.report.requested = 3;
    running.report.done = 1;
    store.put_task(&running).await.unwrap();
    let found = shared.task(id).await.unwrap().unwrap();
    assert_eq!(
        (found.status, &found.report),
        (TaskStatus::Running, &running.report)
    );

    // Of who is silent, nothing more is expected; it may come back all the same.
    let silent_since = maker.clock.wall();
    maker
        .clock
        .advance(SILENCE.checked_sub(Duration::from_millis(50)).unwrap());
    let found = shared.task(id).await.unwrap().unwrap();
    assert_eq!(found.status, TaskStatus::Running);
    maker.clock.advance(Duration::from_millis(100));
    let found = shared.task(id).await.unwrap().unwrap();
    assert_eq!(found.status, TaskStatus::Failed);
    assert_eq!(found.report, running.report);
    let failure = found.failure.unwrap();
    assert!(failure.starts_with("the server ended before"), "{failure}");
    assert!(close(found.ended.unwrap(), silent_since.after(SILENCE)));

    let ended = Task {
        status: TaskStatus::CompletedWithErrors,
        ended: Some(maker.clock.wall()),
        report: TaskReport {
            errors: vec![TaskError {
                index: 1,
                code: "not_found".into(),
                entity_id: "x".into(),
            }],
            total_errors: 1,
            ..running.report
        },
        ..running
    };
    store.put_task(&ended).await.unwrap();
    maker.clock.advance(10 * SILENCE);
    let found = shared.task(id).await.unwrap().unwrap();
    assert_eq!((found.status, found.failure), (ended.status, None));
    assert_eq!(found.report, ended.report);

    let of = async |space| shared.tasks_of(SpaceId::new(space).unwrap()).await.unwrap();
    let ids = async |space| -> Vec<_> { of(space).await.iter().map(|task| task.id).collect() };
    assert_eq!((ids("1").await, ids("2").await), (vec![id], vec![next]));
    assert_eq!(ids("3").await, []);
    let mut all: Vec<_> = shared.all_tasks().await.unwrap();
    all.sort_by_key(|task| task.id);
    assert_eq!(all, [of("1").await, of("2").await].concat());
}

pub(super) async fn tasks_are_bounded(maker: &Maker, store: &impl SessionStore) {
    let Some(shared) = store.shared() else {
        return;
    };
    let first = shared.number_task(&task(maker, "1")).await.unwrap();
    let second = shared.number_task(&task(maker, "1")).await.unwrap();
    for _ in 0..MAX_TASKS - 1 {
        let _ = shared.number_task(&task(maker, "1")).await.unwrap();
    }
    assert_eq!(shared.task(first).await.unwrap(), None);
    let of_space = shared.tasks_of(SpaceId::new("1").unwrap()).await.unwrap();
    assert_eq!(of_space.len(), MAX_TASKS);
    assert_eq!(of_space.last().unwrap().id, second);
    assert!(of_space.is_sorted_by(|a, b| a.id > b.id));
}

pub(super) async fn the_secret_is_one(store: &impl SessionStore) {
    let Some(shared) = store.shared() else {
        return;
    };
    let secret = shared.secret().await.unwrap();
    assert_eq!(shared.secret().await.unwrap().expose(), secret.expose());
}
