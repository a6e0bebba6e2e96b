//! The end of all sessions of a space, or of all that there are.

use std::sync::Arc;

use super::end::EndOutcome;
use super::{EndCause, Sessions};
use crate::domain::{Session, SessionEnd, SpaceState};
use crate::store::{EndScope, SharedStore, StoreError};
use crate::sync::task;

/// Sessions that a store is told of in a few milliseconds.
const FEW: usize = 2048;

impl Sessions {
    /// Ends all sessions of `space` that are open now, on whatever process of a shared store.
    /// Returns how many ended.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_space(
        &self,
        space: &SpaceState,
        cause: &EndCause,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        let scope = EndScope::Space(space.id().clone());
        self.end_scope(scope, cause, |ended| count += ended.len())
            .await?;
        Ok(count)
    }

    /// Ends all sessions that there are, as [`end_space`](Self::end_space) does.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_everything(&self, cause: &EndCause) -> Result<usize, StoreError> {
        let mut count = 0;
        self.end_scope(EndScope::Everything, cause, |ended| count += ended.len())
            .await?;
        Ok(count)
    }

    /// Ends all sessions of `scope`, and shows `visit` those that ended, some at a time. With a
    /// shared store all of them are refused everywhere before it sees the first.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end). When `visit` has been called, all have ended.
    pub async fn end_scope(
        &self,
        scope: EndScope,
        cause: &EndCause,
        mut visit: impl FnMut(&[Arc<Session>]),
    ) -> Result<(), StoreError> {
        if let Some(store) = self.0.store.shared() {
            self.tell_last_of(&self.few_of(&scope)).await?;
            let end = SessionEnd {
                at: self.0.clock.wall(),
                reason: cause.reason(),
                by: cause.by().cloned(),
            };
            let epochs = store.end_scope(scope.clone(), end).await?;
            self.apply_epochs(epochs).await;
            return self.settle(store, Some(&scope), visit).await;
        }
        if let EndScope::User(user) = scope {
            visit(&self.end_user(user, cause).await?);
            return Ok(());
        }
        let mut open = Vec::new();
        self.0.table.for_each(|session| {
            if scope.includes(session) {
                open.push(Arc::clone(session));
            }
        });
        let outcomes = self.end_many(&open, cause).await?;
        let ended = outcomes.into_iter().filter_map(EndOutcome::into_ended);
        visit(&ended.collect::<Vec<_>>());
        Ok(())
    }

    /// The sessions of `scope` in the table, unless they are so many that to tell when they were
    /// last active would take its time: then that is as old as the last flush.
    fn few_of(&self, scope: &EndScope) -> Vec<Arc<Session>> {
        let mut few = Vec::new();
        self.0.table.for_each(|session| {
            if few.len() <= FEW && scope.includes(session) {
                few.push(Arc::clone(session));
            }
        });
        if few.len() > FEW {
            few.clear();
        }
        few
    }

    /// Has the sessions marked that epochs have ended, and tells of their ends; with no
    /// `scope`, those that another process has left behind.
    pub(super) async fn settle(
        &self,
        store: &dyn SharedStore,
        scope: Option<&EndScope>,
        mut visit: impl FnMut(&[Arc<Session>]),
    ) -> Result<(), StoreError> {
        loop {
            let settled = store.settle(scope.cloned()).await?;
            for session in &settled.ended {
                if let Some(end) = session.end() {
                    self.tell_of_end(session, end);
                }
            }
            visit(&settled.ended);
            if settled.done {
                return Ok(());
            }
            task::yield_now().await;
        }
    }
}
