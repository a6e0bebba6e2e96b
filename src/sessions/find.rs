//! Looking at sessions.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Sessions;
use crate::domain::{Session, SessionId, SpaceId, TokenDigest, UserKey};
use crate::store::{IdRange, Newest, Scan, StateFilter, StoreError};

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
        if self.0.store.shared().is_some() {
            return self.find_in_fleet(query).await;
        }
        if query.state != StateFilter::Open {
            return self.0.store.scan(query).await;
        }
        if let Some(user) = query.user {
            let mut newest = Newest::of(&query);
            self.0
                .table
                .of_user(user)
                .iter()
                .for_each(|s| newest.offer(s));
            return Ok(newest.page());
        }
        Ok(self.newest_page(&query))
    }

    /// A page of all open sessions, or of a space's: read off the index, counted by the
    /// spaces.
    fn newest_page(&self, query: &FindQuery) -> Page {
        let total = match &query.space {
            Some(space) => self.find_space(space).map_or(0, |space| space.open()),
            None => self.open(),
        };
        let mut sessions = Vec::new();
        let range = query
            .after
            .map_or(IdRange::ALL, |after| IdRange::ALL.before(after));
        if query.limit > 0 {
            self.0.table.newest_first(range, |session| {
                if query.covers(session) {
                    sessions.push(Arc::clone(session));
                }
                if sessions.len() < query.limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
        }
        Page { sessions, total }
    }

    /// The session `id` of `space`, open or ended; one of another space is none. Where others
    /// share the store, it is as the store and this process together know it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell.
    pub async fn get(
        &self,
        space: &SpaceId,
        id: SessionId,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let ours = self.0.table.by_id(id);
        let found = if ours.is_none() || self.0.store.shared().is_some() {
            let stored = self.0.store.get(id).await?;
            stored.map(|stored| self.merged(stored)).or(ours)
        } else {
            ours
        };
        Ok(found.filter(|session| session.space_id() == space))
    }

    /// As [`get`](Self::get), of a session of the table as it is there: for who ends it, and
    /// asks the store in doing so.
    pub(super) async fn get_to_end(
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

    /// The open session of `space` that the secret with `digest` opens. Looking at it notes no
    /// request of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell.
    pub async fn get_by_digest(
        &self,
        space: &SpaceId,
        digest: &TokenDigest,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let found = match self.0.table.by_digest(digest) {
            Some(session) => Some(session),
            None if !self.0.store.outlives_process()
                || self.0.tombstones.has(digest, self.0.clock.tick()) =>
            {
                None
            }
            None => self.0.store.load(digest).await?,
        };
        Ok(found.filter(|session| session.space_id() == space && session.end().is_none()))
    }

    /// The open sessions of `user` in the table of this process, oldest first: where others
    /// share the store, [`find`](Self::find) knows them all.
    #[must_use]
    pub fn of_user(&self, user: UserKey) -> Vec<Arc<Session>> {
        self.0.table.of_user(user)
    }
}
