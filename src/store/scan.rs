//! What a list asks of a store, and how the newest of many are selected.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Session, SessionId, SpaceId, Timestamp, UserKey};

/// Which sessions a list is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StateFilter {
    /// Those that are open.
    #[default]
    Open,
    /// Those that have ended and are still kept.
    Ended,
    /// Both.
    All,
}

/// A range of session ids, the older bound first; ids sort by start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// Where it begins: the oldest.
    pub oldest: Bound<SessionId>,
    /// Where it ends: the newest.
    pub newest: Bound<SessionId>,
}

impl IdRange {
    /// Every id.
    pub const ALL: Self = Self {
        oldest: Bound::Unbounded,
        newest: Bound::Unbounded,
    };

    /// The ids of sessions that started from `first` to `last`, both included, to the
    /// millisecond.
    #[must_use]
    pub fn started(first: Timestamp, last: Timestamp) -> Self {
        Self {
            oldest: Bound::Included(SessionId::first_at(first)),
            newest: Bound::Excluded(SessionId::first_at(last.after(Duration::from_millis(1)))),
        }
    }

    /// The part of the range that is older than `id`.
    #[must_use]
    pub const fn before(self, id: SessionId) -> Self {
        Self {
            newest: Bound::Excluded(id),
            ..self
        }
    }

    /// Whether no id can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (self.oldest, self.newest) {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
                a >= b
            }
            _ => false,
        }
    }
}

/// A list's question. Sessions come newest start first, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Only of this space.
    pub space: Option<SpaceId>,
    /// Only of this user.
    pub user: Option<UserKey>,
    /// Open ones, ended ones, or both.
    pub state: StateFilter,
    /// Only those that come after this one in the list: a page's last, for the next page.
    pub after: Option<SessionId>,
    /// At most this many.
    pub limit: usize,
}

impl Scan {
    /// Whether `session` is one of those asked for, wherever the page starts.
    #[must_use]
    pub fn covers(&self, session: &Session) -> bool {
        let state = match self.state {
            StateFilter::Open => session.end().is_none(),
            StateFilter::Ended => session.end().is_some(),
            StateFilter::All => true,
        };
        state
            && self
                .space
                .as_ref()
                .is_none_or(|space| space == session.space_id())
            && self.user.is_none_or(|user| user == session.user_key())
    }
}

/// A page of sessions.
#[derive(Clone, Debug, Default)]
pub struct ScanPage {
    /// The sessions, newest first.
    pub sessions: Vec<Arc<Session>>,
    /// How many the scan covers over all pages.
    pub total: usize,
}

/// Selects the newest `limit` of the sessions it is shown, without sorting them all.
#[derive(Debug)]
pub(crate) struct Newest<'s> {
    scan: &'s Scan,
    total: usize,
    /// The oldest of the selected on top.
    selected: BinaryHeap<Reverse<Ranked>>,
}

impl<'s> Newest<'s> {
    pub(crate) const fn of(scan: &'s Scan) -> Self {
        Self {
            scan,
            total: 0,
            selected: BinaryHeap::new(),
        }
    }

    /// Shows it a session.
    pub(crate) fn offer(&mut self, session: &Arc<Session>) {
        if !self.scan.covers(session) {
            return;
        }
        self.total += 1;
        if self.scan.limit == 0 || self.scan.after.is_some_and(|after| session.id() >= after) {
            return;
        }
        if self.selected.len() == self.scan.limit {
            if self
                .selected
                .peek()
                .is_some_and(|oldest| oldest.0.0.id() >= session.id())
            {
                return;
            }
            self.selected.pop();
        }
        self.selected.push(Reverse(Ranked(Arc::clone(session))));
    }

    pub(crate) fn page(self) -> ScanPage {
        let sessions = self
            .selected
            .into_sorted_vec()
            .into_iter()
            .map(|r| r.0.0)
            .collect();
        ScanPage {
            sessions,
            total: self.total,
        }
    }
}

/// A session, ordered by its id.
#[derive(Debug)]
struct Ranked(Arc<Session>);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id().cmp(&other.0.id())
    }
}
