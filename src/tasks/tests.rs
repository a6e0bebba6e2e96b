//! Tasks from submission to oblivion.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};

use super::{
    SharedTasks, SubmitError, Task, TaskFailure, TaskId, TaskKeeper, TaskStatus, Tasks,
    TasksBuilder,
};
use crate::domain::{Clock, ManualClock, SpaceId};

const LONG: Duration = Duration::from_secs(30);

fn stage(set: impl FnOnce(TasksBuilder) -> TasksBuilder) -> (Tasks, ManualClock) {
    let clock = ManualClock::new();
    let tasks = set(Tasks::builder(Arc::new(clock.clone()))).start();
    (tasks, clock)
}

fn space(id: &str) -> SpaceId {
    SpaceId::new(id).unwrap()
}

/// Submits a job that does nothing.
async fn nothing(tasks: &Tasks, owner: &str) -> Result<TaskId, SubmitError> {
    let job = |_| async { Ok(()) };
    tasks.submit("nothing", space(owner), job).await
}

async fn ids(tasks: &Tasks, owner: &str) -> Vec<TaskId> {
    let tasks = tasks.of_space(&space(owner)).await.unwrap();
    tasks.iter().map(|task| task.id).collect()
}

async fn ended(tasks: &Tasks, id: TaskId) -> Task {
    let task = tasks.wait(id, LONG).await.unwrap().expect("it is kept");
    assert!(task.status.has_ended(), "{task:?}");
    task
}

#[tokio::test]
async fn a_task_reports_what_it_did_and_when() {
    let (tasks, clock) = stage(|b| b.max_errors(2));
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let submitted = clock.wall();
    let id = tasks
        .submit("end", space("1"), {
            let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
            move |work| async move {
                work.expect(5);
                work.done();
                begun.notify_one();
                go_on.notified().await;
                work.already();
                for index in 2..5 {
                    work.error(index, "not_found", format!("x{index}"));
                }
                Ok(())
            }
        })
        .await
        .unwrap();
    begun.notified().await;
    let half = tasks.get(id).await.unwrap().unwrap();
    assert_eq!(half.status, TaskStatus::Running);
    assert_eq!((half.report.requested, half.report.processed()), (5, 1));
    assert_eq!(half.ended, None);

    clock.advance(Duration::from_secs(7));
    go_on.notify_one();
    let task = ended(&tasks, id).await;
    assert_eq!(task.status, TaskStatus::CompletedWithErrors);
    assert_eq!((task.report.done, task.report.already), (1, 1));
    assert_eq!((task.report.total_errors, task.report.errors.len()), (3, 2));
    let error = &task.report.errors[1];
    assert_eq!(
        (error.index, &*error.code, &*error.entity_id),
        (3, "not_found", "x3")
    );
    assert_eq!((task.created, task.started), (submitted, Some(submitted)));
    assert_eq!(task.ended, Some(submitted.after(Duration::from_secs(7))));
    assert_eq!(task.report.processed(), 5);
}

#[tokio::test]
async fn tasks_are_kept_for_a_day_and_seen_in_their_space() {
    let (tasks, clock) = stage(|b| b);
    let first = nothing(&tasks, "1").await.unwrap();
    let second = nothing(&tasks, "1").await.unwrap();
    let other = nothing(&tasks, "2").await.unwrap();
    for id in [first, second, other] {
        ended(&tasks, id).await;
    }
    assert!(first < second && second < other);
    assert_eq!(first.to_string().parse(), Ok(first));
    let ids = async |of| ids(&tasks, of).await;
    assert_eq!(
        (ids("1").await, ids("2").await),
        (vec![second, first], vec![other])
    );

    clock.advance(Duration::from_secs(86_399));
    assert!(tasks.get(first).await.unwrap().is_some());
    // The wall has no say in it.
    clock.step_wall(10 * 86_400_000);
    assert!(tasks.get(first).await.unwrap().is_some());
    clock.advance(Duration::from_secs(1));
    assert!(tasks.get(first).await.unwrap().is_none());
    assert!(tasks.wait(first, LONG).await.unwrap().is_none());
    assert_eq!(ids("1").await, []);
}

#[tokio::test]
async fn of_too_many_ended_tasks_the_first_to_end_goes() {
    let (tasks, clock) = stage(|b| b.max_ended(3));
    let mut all = Vec::new();
    for _ in 0..5 {
        let id = nothing(&tasks, "1").await.unwrap();
        ended(&tasks, id).await;
        clock.advance(Duration::from_millis(1));
        all.push(id);
    }
    // The next submission counts those that have ended before it.
    ended(&tasks, nothing(&tasks, "2").await.unwrap()).await;
    assert_eq!(ids(&tasks, "1").await, [all[4], all[3], all[2]]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing_of_it() {
    let (tasks, _) = stage(|b| b.workers(1).max_queued(2));
    let gate = Arc::new(Semaphore::new(0));
    let (begun, mut running) = mpsc::unbounded_channel();
    let waiting = async || {
        let (gate, begun) = (Arc::clone(&gate), begun.clone());
        tasks
            .submit("wait", space("1"), move |_| async move {
                begun.send(()).unwrap();
                gate.acquire().await.unwrap().forget();
                Ok(())
            })
            .await
    };
    let first = waiting().await.unwrap();
    running.recv().await.unwrap();
    let queued = [waiting().await.unwrap(), waiting().await.unwrap()];
    let refused = waiting().await;
    assert!(matches!(refused, Err(SubmitError::TooMany { max: 2 })));
    assert_eq!(ids(&tasks, "1").await.len(), 3);
    assert_eq!(
        tasks.get(queued[1]).await.unwrap().unwrap().status,
        TaskStatus::Queued
    );
    // A wait that is over says how far the task is.
    let waited = tasks.wait(queued[1], Duration::from_millis(5)).await;
    assert_eq!(waited.unwrap().unwrap().status, TaskStatus::Queued);
    gate.add_permits(3);
    for id in [first, queued[0], queued[1]] {
        assert_eq!(ended(&tasks, id).await.status, TaskStatus::Completed);
    }
    assert!(waiting().await.is_ok());
    gate.add_permits(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_tasks_run_at_a_time_than_there_are_workers() {
    let (tasks, _) = stage(|b| b.workers(3).max_queued(100));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut ids = Vec::new();
    for _ in 0..50 {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let job = move |_| async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        ids.push(tasks.submit("count", space("1"), job).await.unwrap());
    }
    for id in &ids {
        ended(&tasks, *id).await;
    }
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 50);
}

#[tokio::test]
async fn a_job_that_panics_or_gives_up_has_failed_and_the_worker_lives_on() {
    let (tasks, _) = stage(|b| b.workers(1));
    let early = tasks
        .submit("panic", space("1"), |work| {
            assert_eq!(work.id().as_u64(), 0, "panics before it has a future");
            async { Ok(()) }
        })
        .await
        .unwrap();
    let late = tasks
        .submit("panic", space("1"), |work| async move {
            work.done();
            panic!("as it must")
        })
        .await
        .unwrap();
    let gave_up = tasks
        .submit("give up", space("1"), |_| async move {
            let cause = std::io::Error::other("disk full");
            Err(TaskFailure::because("session x was not ended", &cause))
        })
        .await
        .unwrap();
    for id in [early, late] {
        let task = ended(&tasks, id).await;
        assert_eq!(task.status, TaskStatus::Failed);
        assert_eq!(task.failure.as_deref(), Some("the task panicked"));
    }
    assert_eq!(tasks.get(late).await.unwrap().unwrap().report.done, 1);
    let reason = ended(&tasks, gave_up).await.failure;
    assert_eq!(
        reason.as_deref(),
        Some("session x was not ended: disk full")
    );
    let after = ended(&tasks, nothing(&tasks, "1").await.unwrap()).await;
    assert_eq!(after.status, TaskStatus::Completed);
}

#[tokio::test]
async fn a_shutdown_ends_running_tasks_between_two_steps_and_fails_the_rest() {
    let (tasks, _) = stage(|b| b.workers(1));
    let gate = Arc::new(Semaphore::new(0));
    let (begun, mut running) = mpsc::unbounded_channel();
    let steps = Arc::new(AtomicUsize::new(0));
    let job = {
        let (gate, steps) = (Arc::clone(&gate), Arc::clone(&steps));
        tasks.submit("steps", space("1"), move |work| async move {
            for _ in 0..5 {
                work.proceed()?;
                begun.send(()).unwrap();
                gate.acquire().await.unwrap().forget();
                steps.fetch_add(1, Ordering::SeqCst);
                work.done();
            }
            Ok(())
        })
    };
    let job = job.await.unwrap();
    let queued = nothing(&tasks, "1").await.unwrap();
    running.recv().await.unwrap();
    let down = tokio::spawn({
        let tasks = tasks.clone();
        async move { tasks.shut_down().await }
    });
    // The queued one fails at once; the running one is in the middle of a step.
    let waiting = ended(&tasks, queued).await;
    assert_eq!(waiting.status, TaskStatus::Failed);
    assert!(waiting.failure.unwrap().contains("shut down"));
    assert_eq!(
        tasks.get(job).await.unwrap().unwrap().status,
        TaskStatus::Running
    );
    assert!(!down.is_finished());
    let refused = nothing(&tasks, "1").await;
    assert!(matches!(refused, Err(SubmitError::Stopped)));

    gate.add_permits(1);
    down.await.unwrap();
    let task = tasks.get(job).await.unwrap().unwrap();
    assert_eq!(task.status, TaskStatus::Failed);
    assert!(task.failure.unwrap().contains("shut down"));
    assert_eq!((task.report.done, steps.load(Ordering::SeqCst)), (1, 1));
    tasks.shut_down().await;
}

#[tokio::test]
async fn workers_finish_the_queue_and_end_when_nobody_can_submit_any_more() {
    let (tasks, _) = stage(|b| b.workers(2));
    let (sent, mut received) = mpsc::unbounded_channel();
    for n in 0..5 {
        let sent = sent.clone();
        let job = move |_| async move {
            sent.send(n).unwrap();
            Ok(())
        };
        tasks.submit("send", space("1"), job).await.unwrap();
    }
    let workers_end = tasks.workers_end();
    drop((tasks, sent));
    workers_end.await;
    let mut seen = Vec::new();
    while let Some(n) = received.recv().await {
        seen.push(n);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn ids_go_on_from_where_an_earlier_process_was() {
    let clock = ManualClock::new();
    let first = Tasks::builder(Arc::new(clock.clone())).start();
    let old = nothing(&first, "1").await.unwrap();
    clock.advance(Duration::from_secs(1));
    let second = Tasks::builder(Arc::new(clock.clone())).start();
    let new = nothing(&second, "1").await.unwrap();
    assert!(new > old);
    assert!(second.get(old).await.unwrap().is_none());
}

/// Notes what it is told.
#[derive(Debug, Default)]
struct Notes(std::sync::Mutex<Vec<Task>>);

impl TaskKeeper for Notes {
    fn keep(&self, task: Task) {
        self.0.lock().unwrap().push(task);
    }

    fn shared(&self) -> Option<&dyn SharedTasks> {
        None
    }
}

#[tokio::test]
async fn tasks_of_a_process_that_died_can_be_asked_about() {
    let clock = ManualClock::new();
    let notes = Arc::new(Notes::default());
    let tasks = Tasks::builder(Arc::new(clock.clone()))
        .keeper(Arc::clone(&notes) as Arc<dyn TaskKeeper>)
        .start();
    let id = tasks
        .submit("end", SpaceId::new("1").unwrap(), |work| async move {
            work.expect(2);
            work.done();
            Ok(())
        })
        .await
        .unwrap();
    let ended = ended(&tasks, id).await;
    let told = eventually(&notes, 3).await;
    let status: Vec<_> = told.iter().map(|task| task.status).collect();
    assert_eq!(
        status,
        [
            TaskStatus::Queued,
            TaskStatus::Running,
            TaskStatus::Completed
        ]
    );
    // The next process, with what was told of last or before that.
    for (last, status, failure) in [
        (ended.clone(), TaskStatus::Completed, None),
        (
            told[1].clone(),
            TaskStatus::Failed,
            Some("the server ended before the task was through"),
        ),
    ] {
        let notes = Arc::new(Notes::default());
        let tasks = Tasks::builder(Arc::new(clock.clone()))
            .restored(vec![last])
            .keeper(Arc::clone(&notes) as Arc<dyn TaskKeeper>)
            .start();
        let found = tasks.get(id).await.unwrap().unwrap();
        assert_eq!((found.status, found.failure.as_deref()), (status, failure));
        let told: Vec<_> = notes.0.lock().unwrap().clone();
        assert_eq!(told.len(), usize::from(failure.is_some()));
        let next = tasks
            .submit("end", SpaceId::new("1").unwrap(), |_| async { Ok(()) })
            .await
            .unwrap();
        assert!(next > id);
        clock.advance(Duration::from_secs(86_400));
        assert!(
            tasks.get(id).await.unwrap().is_none(),
            "a day after its end"
        );
    }
}

async fn eventually(notes: &Notes, count: usize) -> Vec<Task> {
    loop {
        let told = notes.0.lock().unwrap().clone();
        if told.len() >= count {
            return told;
        }
        tokio::task::yield_now().await;
    }
}
