//! Sessions as all processes that share them know them: the store's, and what this process has
//! to add.

use std::sync::Arc;
use std::time::Duration;

use super::{FindQuery, Page, Sessions};
use crate::domain::{Session, SpaceId, UserKey};
use crate::store::{Node, StoreError, Touch};

impl Sessions {
    /// How many sessions of `space` are open, whichever process opened them.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store, which others share, cannot tell.
    pub async fn open_in(&self, space: &SpaceId) -> Result<usize, StoreError> {
        let query = FindQuery {
            space: Some(space.clone()),
            ..FindQuery::default()
        };
        Ok(self.find(query).await?.total)
    }

    /// How many sessions `user` has open, whichever process opened them.
    ///
    /// # Errors
    ///
    /// As [`open_in`](Self::open_in).
    pub async fn open_by(&self, user: UserKey) -> Result<usize, StoreError> {
        if self.0.store.shared().is_none() {
            return Ok(self.0.table.of_user(user).len());
        }
        let query = FindQuery {
            user: Some(user),
            ..FindQuery::default()
        };
        Ok(self.find(query).await?.total)
    }

    /// The processes that share the store, by name, as they were last heard of; `None` where
    /// there is this one only.
    ///
    /// # Errors
    ///
    /// As [`open_in`](Self::open_in).
    pub async fn nodes(&self) -> Result<Option<Vec<Node>>, StoreError> {
        match self.0.store.shared() {
            Some(store) => Ok(Some(store.nodes().fleet().await?.nodes)),
            None => Ok(None),
        }
    }

    /// For how long it is not known what other processes did to the sessions in the table.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.0.freshness.silence(self.now())
    }

    /// What a shared store answers to `query`, with what this process knows of it beyond that.
    pub(super) async fn find_in_fleet(&self, query: FindQuery) -> Result<Page, StoreError> {
        let Page { sessions, total } = self.0.store.scan(query).await?;
        let sessions = sessions.into_iter().map(|stored| self.merged(stored));
        Ok(Page {
            sessions: sessions.collect(),
            total,
        })
    }

    /// `stored`, last active when the store or this process knows of it last: the store is told
    /// of requests now and then only. Its start is the store's, to the millisecond: so every
    /// process has the sessions in one order.
    pub(super) fn merged(&self, stored: Arc<Session>) -> Arc<Session> {
        if self.0.store.shared().is_none() {
            return stored;
        }
        let Some(ours) = self.0.table.by_id(stored.id()) else {
            return stored;
        };
        match stored.end() {
            // One that has ended here while the store was asked is shown as it was then: a page
            // stays as long as it is.
            None if ours.end().is_some() => stored,
            None => {
                touch_as(&ours, &stored);
                touch_as(&stored, &ours);
                stored
            }
            // Its end is yet to be heard of here; until then requests may have come in.
            Some(end) => {
                if ours.last_active() <= end.at {
                    touch_as(&stored, &ours);
                }
                stored
            }
        }
    }

    /// The open sessions of `user` that any process opened.
    pub(super) async fn all_of_user(&self, user: UserKey) -> Result<Vec<Arc<Session>>, StoreError> {
        let query = FindQuery {
            user: Some(user),
            limit: usize::MAX,
            ..FindQuery::default()
        };
        Ok(self.find(query).await?.sessions)
    }

    /// Tells the store when these sessions were last active: it is about to end them, and does
    /// not know.
    pub(super) async fn tell_last_of(&self, sessions: &[Arc<Session>]) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let touched: Vec<_> = sessions.iter().map(|s| Touch::last_of(s)).collect();
        self.0.store.touch_many(&touched).await
    }
}

/// Notes on `session` when `other`, an object of the same one, was last active: by its age then,
/// for the clocks may have been read at other moments for the one than for the other.
fn touch_as(session: &Session, other: &Session) {
    let age = other.last_active_tick().since(other.started_tick());
    session.touch(session.started_tick().after(age));
}
