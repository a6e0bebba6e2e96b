//! Searching sessions: filter, sort, page, group, over open and ended ones alike.
//!
//! A search is answered from an index where its filter allows: a list of ids, or a range of
//! start times, as ids sort by start. Nothing is locked over a walk: a few hundred sessions
//! are taken from an index at a time, and the work is done outside of it, with a pause for
//! other tasks in between.

mod columns;
#[cfg(test)]
mod tests;
mod top;
mod walk;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, BuildHasherDefault, Hash};
use std::sync::Arc;

use super::Sessions;
use crate::domain::{Session, SessionId, SpaceId};
use crate::query::{Compiled, OrderBy};
use crate::store::StoreError;
use crate::store::index::FromKey;

pub use columns::{Column, Columns, SESSION_FIELDS};
use top::Top;
use walk::GroupKey;

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The space. Sessions of others are never found.
    pub space: SpaceId,
    /// What they must fulfil; `None` for all.
    pub filter: Option<Compiled<Column>>,
    /// The order; `None` for newest first.
    pub order: Option<OrderBy<Column>>,
    /// How many to leave out at the beginning.
    pub offset: usize,
    /// How many to give at most.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The page that was asked for.
    pub sessions: Vec<Arc<Session>>,
    /// How many there are over all pages.
    pub total: usize,
}

/// Sessions that have a value in common.
#[derive(Clone, Debug)]
pub struct Group {
    /// How many.
    pub count: usize,
    /// One of them; it has the value.
    pub example: Arc<Session>,
}

impl Sessions {
    /// The sessions that `search` asks for.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store, which knows the ended ones, cannot tell.
    pub async fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let mut top = Top::new(search);
        self.walk(&search.space, search.filter.as_ref(), |session| {
            top.offer(session)
        })
        .await?;
        Ok(top.page())
    }

    /// As [`search`](Self::search), newest first, but only those that stand behind `last` in
    /// this order. Those before it are counted, and no session is shown twice or left out,
    /// whatever starts or ends between two pages.
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search).
    pub async fn search_behind(
        &self,
        search: &Search,
        last: SessionId,
    ) -> Result<Found, StoreError> {
        let search = &Search {
            order: None,
            ..search.clone()
        };
        let (mut top, mut before) = (Top::new(search), 0);
        self.walk(&search.space, search.filter.as_ref(), |session| {
            if session.id() < last {
                top.offer(session);
            } else {
                before += 1;
            }
        })
        .await?;
        let mut found = top.page();
        found.total += before;
        Ok(found)
    }

    /// All sessions of `space` that fulfil `filter`, in no order.
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search).
    pub async fn matching(
        &self,
        space: &SpaceId,
        filter: Option<&Compiled<Column>>,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let mut found = Vec::new();
        self.walk(space, filter, |session| found.push(Arc::clone(session)))
            .await?;
        Ok(found)
    }

    /// The sessions of `space` that fulfil `filter`, counted by their value in `column`, the
    /// largest group first.
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search).
    pub async fn grouped(
        &self,
        space: &SpaceId,
        filter: Option<&Compiled<Column>>,
        column: Column,
    ) -> Result<Vec<Group>, StoreError> {
        let mut groups = if column == Column::UserNumber {
            let number = |session: &Session| session.identity().number();
            self.counted::<_, BuildHasherDefault<FromKey>>(space, filter, number)
                .await?
        } else {
            let key = |session: &Session| GroupKey::of(session, column);
            self.counted::<_, RandomState>(space, filter, key).await?
        };
        groups.sort_unstable_by_key(|group| (Reverse(group.count), group.example.id()));
        Ok(groups)
    }

    async fn counted<K: Eq + Hash, H: BuildHasher + Default>(
        &self,
        space: &SpaceId,
        filter: Option<&Compiled<Column>>,
        key: impl Fn(&Session) -> K,
    ) -> Result<Vec<Group>, StoreError> {
        let mut groups: HashMap<K, Group, H> = HashMap::default();
        self.walk(space, filter, |session| match groups.entry(key(session)) {
            Entry::Occupied(mut group) => group.get_mut().count += 1,
            Entry::Vacant(group) => {
                group.insert(Group {
                    count: 1,
                    example: Arc::clone(session),
                });
            }
        })
        .await?;
        Ok(groups.into_values().collect())
    }
}
