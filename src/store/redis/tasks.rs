//! The background tasks of all nodes.
//!
//! A task stands in Redis as its node told of it last, and until when that is to be believed:
//! the node says the same again every second. What it does not say any more has failed, which
//! every node concludes by itself.

use futures_util::future::join_all;

use super::error::damaged;
use super::notes::DAY_MS;
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::{SpaceId, Task, TaskId, Timestamp};
use crate::store::record::notes;
use crate::store::{MAX_TASKS, SILENCE, StoreError, StoreFuture, StoredTasks};

/// Tasks that are read at once.
const PIECE: usize = 64;

impl StoredTasks for RedisStore {
    fn number_task(&self, task: &Task) -> StoreFuture<'_, TaskId> {
        let task = task.clone();
        Box::pin(async move { self.tell_task(&task, None).await })
    }

    fn task(&self, id: TaskId) -> StoreFuture<'_, Option<Task>> {
        Box::pin(self.task_now(id))
    }

    fn tasks_of(&self, space: SpaceId) -> StoreFuture<'_, Vec<Task>> {
        Box::pin(async move { self.tasks_now(&space).await })
    }

    fn all_tasks(&self) -> StoreFuture<'_, Vec<Task>> {
        Box::pin(async {
            let mut spaces = ::redis::cmd("SMEMBERS");
            spaces.arg(self.keys().task_spaces());
            let spaces: Vec<String> = self.link().ask(&spaces).await?;
            let mut tasks = Vec::new();
            for space in spaces.iter().filter_map(|space| SpaceId::new(space).ok()) {
                tasks.extend(self.tasks_now(&space).await?);
            }
            Ok(tasks)
        })
    }
}

impl RedisStore {
    pub(super) async fn put_task_now(&self, task: &Task) -> Result<(), StoreError> {
        self.tell_task(task, Some(task.id)).await.map(drop)
    }

    /// Keeps how `task` is under `id`, or under a new one; that one.
    async fn tell_task(&self, task: &Task, id: Option<TaskId>) -> Result<TaskId, StoreError> {
        let now = self.time().now();
        let until = match task.ended {
            Some(_) => String::new(),
            None => now.saturating_add(millis(SILENCE)).to_string(),
        };
        let time = self.time();
        let server = |wall: Timestamp| Timestamp::from_unix_millis(time.server_of(wall));
        let record = notes::task(&with_times(task.clone(), server));
        let mut script = self.scripts().task.prepare_invoke();
        script
            .key(self.keys().last_task())
            .arg(self.keys().tasks())
            .arg(now)
            .arg(id.map(|id| id.to_string()).unwrap_or_default())
            .arg(task.space.as_str())
            .arg(record)
            .arg(until)
            .arg(DAY_MS)
            .arg(MAX_TASKS);
        self.link().run::<u64>(&script).await.map(TaskId::new)
    }

    async fn task_now(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(self.keys().task(id)).arg("r").arg("u");
        let (record, until): (Option<Vec<u8>>, Option<String>) = self.link().ask(&command).await?;
        let Some(record) = record else {
            return Ok(None);
        };
        let task = notes::read_task(id.as_u64(), &record).map_err(|e| damaged("task", e))?;
        let until: Option<i64> = until.and_then(|until| until.parse().ok());
        let task = match until {
            Some(until) if until <= self.time().now() => {
                task.of_dead_process(Timestamp::from_unix_millis(until))
            }
            _ => task,
        };
        let here = |at: Timestamp| self.time().to_wall(at.unix_millis());
        Ok(Some(with_times(task, here)))
    }

    async fn tasks_now(&self, space: &SpaceId) -> Result<Vec<Task>, StoreError> {
        let of_space = self.keys().tasks_of(space);
        let mut ids = ::redis::cmd("ZREVRANGE");
        ids.arg(&of_space).arg(0).arg(MAX_TASKS - 1);
        let ids: Vec<u64> = self.link().ask(&ids).await?;
        let (mut tasks, mut gone) = (Vec::new(), Vec::new());
        for some in ids.chunks(PIECE) {
            let read = some.iter().map(|id| self.task_now(TaskId::new(*id)));
            for (id, task) in some.iter().zip(join_all(read).await) {
                match task? {
                    Some(task) => tasks.push(task),
                    None => gone.push(id),
                }
            }
        }
        if !gone.is_empty() {
            let mut forget = ::redis::cmd("ZREM");
            forget.arg(&of_space).arg(gone);
            self.link().ask::<i64>(&forget).await?;
        }
        Ok(tasks)
    }
}

/// `task` with its times in another clock's.
fn with_times(task: Task, time: impl Fn(Timestamp) -> Timestamp) -> Task {
    Task {
        created: time(task.created),
        started: task.started.map(&time),
        ended: task.ended.map(&time),
        ..task
    }
}
