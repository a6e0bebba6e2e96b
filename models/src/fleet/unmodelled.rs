//! What the scenarios do not ask for: whoever does is told so.

use std::sync::Arc;
use std::time::Duration;

use super::store::FleetStore;
use crate::domain::{Session, SpaceId, Task, TaskId};
use crate::store::{
    Entered, Finished, Fleet, Lease, Node, NodeRegistry, RefreshStore, Refreshed, StoreError,
    StoreFuture, StoredTasks,
};

/// No answer, to whoever asks for something that is not modelled.
pub(super) fn unmodelled<'a, T: Send + 'a>() -> StoreFuture<'a, T> {
    let what = "this is not modelled".to_owned();
    Box::pin(async { Err(StoreError::Refused { what }) })
}

impl StoredTasks for FleetStore {
    fn number_task(&self, _: &Task) -> StoreFuture<'_, TaskId> {
        unmodelled()
    }

    fn task(&self, _: TaskId) -> StoreFuture<'_, Option<Task>> {
        unmodelled()
    }

    fn tasks_of(&self, _: SpaceId) -> StoreFuture<'_, Vec<Task>> {
        unmodelled()
    }

    fn all_tasks(&self) -> StoreFuture<'_, Vec<Task>> {
        unmodelled()
    }
}

impl NodeRegistry for FleetStore {
    fn enter(&self, _: &Node) -> StoreFuture<'_, Entered> {
        unmodelled()
    }

    fn beat(&self, _: &Node) -> StoreFuture<'_, Fleet> {
        unmodelled()
    }

    fn fleet(&self) -> StoreFuture<'_, Fleet> {
        unmodelled()
    }

    fn leave(&self, _: &Node) -> StoreFuture<'_, ()> {
        unmodelled()
    }

    fn behind(&self) -> StoreFuture<'_, u64> {
        unmodelled()
    }
}

impl RefreshStore for FleetStore {
    fn lease(&self, _: &Arc<Session>, _: u64, _: u64, _: Duration) -> StoreFuture<'_, Lease> {
        unmodelled()
    }

    fn finish(&self, _: &Arc<Session>, _: u64, _: Option<Arc<[u8]>>) -> StoreFuture<'_, Finished> {
        unmodelled()
    }

    fn refreshed(&self, _: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        unmodelled()
    }
}
