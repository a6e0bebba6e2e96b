//! Background tasks: what an administrator starts and then asks about. The mechanism only; no
//! task in particular.
//!
//! A task is [submitted](Tasks::submit) under the space that owns it, waits in a bounded queue
//! for one of a bounded number of workers, and says how far it is. When it has ended it is
//! kept for a day, and then forgotten:
//!
//! ```text
//! queued -> running -> completed | completed_with_errors | failed
//! ```
//!
//! A job owes the room two things. It is *idempotent*: what it finds done already it counts
//! as [already done](Work::already), so a task that failed half-way is simply submitted again.
//! And it asks [`Work::proceed`] before each step, so that a shutdown ends it between two
//! steps and never within one.
//!
//! Where there are other processes ([`SharedTasks`]), a task runs where it was submitted, and
//! all of them can tell how far it is: the process itself at every moment, the others as of a
//! [second](PACE) ago.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use gatepass::domain::{SpaceId, SystemClock};
//! use gatepass::tasks::{TaskStatus, Tasks};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let tasks = Tasks::builder(Arc::new(SystemClock::new())).workers(2).start();
//! let id = tasks.submit("count", SpaceId::new("1001")?, |work| async move {
//!     work.expect(3);
//!     for _ in 0..3 {
//!         work.proceed()?;
//!         work.done();
//!     }
//!     Ok(())
//! }).await?;
//! let task = tasks.wait(id, Duration::from_secs(5)).await?.expect("it is kept for a day");
//! assert_eq!((task.status, task.report.done), (TaskStatus::Completed, 3));
//! # tasks.shut_down().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod driver;
mod entry;
mod job;
mod keeper;
mod kept;

#[cfg(test)]
mod tests;

pub use crate::domain::{Task, TaskError, TaskId, TaskReport, TaskStatus};
pub use builder::TasksBuilder;
pub use driver::{PACE, SubmitError, Tasks};
pub use job::{JobResult, TaskFailure, Work};
pub use keeper::{KeeperFuture, SharedTasks, TaskKeeper, Unreachable};
