//! Looking at sessions.

use std::sync::Arc;

use super::Sessions;
use crate::domain::{Session, SessionId, SpaceId, UserKey};
use crate::store::{Newest, Scan, StateFilter, StoreError};

/// A list's question; see [`Scan`].
pub type FindQuery = Scan;
/// A list's answer, newest session first.
pub type Page = crate::store::ScanPage;

impl Sessions {
    /// The sessions that `query` asks for, newest start first, and how many there are over
    /// all pages. A session whose time is up but which nobody has ended yet counts as open.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store, which knows the ended ones, cannot tell.
    pub async fn find(&self, query: FindQuery) -> Result<Page, StoreError> {
        if query.state != StateFilter::Open || self.0.store.outlives_process() {
            return self.0.store.scan(query).await;
        }
        let mut newest = Newest::of(&query);
        match query.user {
            Some(user) => self
                .0
                .table
                .of_user(user)
                .iter()
                .for_each(|s| newest.offer(s)),
            None => self.0.table.for_each(|s| newest.offer(s)),
        }
        Ok(newest.page())
    }

    /// The session `id` of `space`, open or ended; one of another space is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell.
    pub async fn get(
        &self,
        space: &SpaceId,
        id: SessionId,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let found = match self.0.table.by_id(id) {
            Some(session) => Some(session),
            None => self.0.store.get(id).await?,
        };
        Ok(found.filter(|session| session.space_id() == space))
    }

    /// The open sessions of `user` in this process, oldest first.
    #[must_use]
    pub fn of_user(&self, user: UserKey) -> Vec<Arc<Session>> {
        self.0.table.of_user(user)
    }
}
