//! Showing every session that a filter lets through, from the best index there is.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Column, Columns};
use crate::domain::{Session, SessionId, SpaceId, Timestamp};
use crate::query::{Compiled, FieldValue, Record as _};
use crate::sessions::Sessions;
use crate::store::{IdRange, SharedStore, StoreError};
use crate::sync::task;

/// Sessions looked at before other tasks of the thread have their turn: a fraction of a
/// millisecond.
const STEP: usize = 1024;

impl Sessions {
    /// Shows `visit` every session of `space` that fulfils `filter`, once.
    pub(super) async fn walk(
        &self,
        space: &SpaceId,
        filter: Option<&Compiled<Column>>,
        mut visit: impl FnMut(&Arc<Session>),
    ) -> Result<(), StoreError> {
        if filter.is_some_and(Compiled::matches_none) {
            return Ok(());
        }
        let Some(state) = self.find_space(space) else {
            return Ok(());
        };
        let fits = |session: &Session| {
            Arc::ptr_eq(session.space(), &state)
                && filter.is_none_or(|filter| filter.matches(&Columns(session)))
        };
        if let Some(ids) = filter.and_then(Compiled::ids) {
            let mut ids: Vec<SessionId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                if let Some(session) = self.get(space, id).await?.filter(|session| fits(session)) {
                    visit(&session);
                }
            }
            return Ok(());
        }
        let range = filter.map_or(IdRange::ALL, start_range);
        // Open ones first: one that ends meanwhile is met among the ended again, and is
        // passed over there when it ended after the walk of the open ones began.
        let began = self.0.clock.wall();
        let is_open = |session: &Session| session.end().is_none() && fits(session);
        match self.0.store.shared() {
            Some(store) => {
                self.walk_fleet(store, space, range, is_open, &mut visit)
                    .await?
            }
            None => self.walk_open(range, is_open, &mut visit).await,
        }
        if filter.is_some_and(|filter| filter.requires_null(Column::End)) {
            return Ok(());
        }
        let mut left = range;
        loop {
            let batch = self.0.store.walk_ended(left, STEP).await?;
            let Some(last) = batch.last().map(|session| session.id()) else {
                return Ok(());
            };
            left = left.before(last);
            for session in batch {
                let session = self.merged(session);
                let ended_meanwhile = session.end().is_some_and(|end| end.at > began);
                if !ended_meanwhile && fits(&session) {
                    visit(&session);
                }
            }
            task::yield_now().await;
        }
    }

    /// The open sessions of all processes, as the store has them, so that every process puts
    /// them in the same order; active when the store or the table says that they were last.
    async fn walk_fleet(
        &self,
        store: &dyn SharedStore,
        space: &SpaceId,
        range: IdRange,
        keep: impl Fn(&Session) -> bool,
        mut visit: impl FnMut(&Arc<Session>),
    ) -> Result<(), StoreError> {
        let mut left = range;
        loop {
            let batch = store.walk_open(Some(space.clone()), left, STEP).await?;
            let Some(last) = batch.last().map(|session| session.id()) else {
                return Ok(());
            };
            left = left.before(last);
            for session in batch {
                let session = self.merged(session);
                if keep(&session) {
                    visit(&session);
                }
            }
            task::yield_now().await;
        }
    }

    /// Only `keep` runs under the index's lock; what it keeps is shown to `visit` outside.
    async fn walk_open(
        &self,
        range: IdRange,
        keep: impl Fn(&Session) -> bool,
        mut visit: impl FnMut(&Arc<Session>),
    ) {
        let mut left = range;
        let mut kept = Vec::with_capacity(STEP);
        loop {
            let (mut seen, mut last) = (0, None);
            self.0.table.newest_first(left, |session| {
                if keep(session) {
                    kept.push(Arc::clone(session));
                }
                (seen, last) = (seen + 1, Some(session.id()));
                if seen < STEP {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            kept.drain(..).for_each(|session| visit(&session));
            match last {
                Some(last) if seen == STEP => left = left.before(last),
                _ => return,
            }
            task::yield_now().await;
        }
    }
}

/// The ids of sessions that started when `filter` says.
fn start_range(filter: &Compiled<Column>) -> IdRange {
    let Some(range) = filter.time_range(Column::Start) else {
        return IdRange::ALL;
    };
    let first = range.first().unwrap_or(0);
    let last = range.last().unwrap_or(i64::MAX / 2);
    IdRange::started(
        Timestamp::from_unix_millis(first),
        Timestamp::from_unix_millis(last),
    )
}

/// A value that sessions are grouped by.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum GroupKey {
    Null,
    /// Texts are one group regardless of case.
    Text(Box<str>),
    Number(u64),
}

impl GroupKey {
    pub(super) fn of(session: &Session, column: Column) -> Self {
        if column == Column::UserNumber {
            return Self::Number(session.identity().number());
        }
        match Columns(session).value(column) {
            FieldValue::Null => Self::Null,
            FieldValue::Timestamp(time) => Self::Number(time.cast_unsigned()),
            other => Self::Text(other.as_text().unwrap_or_default().to_lowercase().into()),
        }
    }
}
