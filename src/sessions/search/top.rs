//! The first page of many, without sorting them all.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Columns, Found, Search};
use crate::domain::Session;

/// Keeps the best `offset + limit` of the sessions it is offered.
pub(super) struct Top<'s> {
    search: &'s Search,
    wanted: usize,
    kept: Vec<Arc<Session>>,
    /// Whether `kept` was cut to the best, and its last is the worst of them.
    cut: bool,
    total: usize,
}

impl<'s> Top<'s> {
    pub(super) fn new(search: &'s Search) -> Self {
        Self {
            search,
            wanted: search.offset.saturating_add(search.limit),
            kept: Vec::new(),
            cut: false,
            total: 0,
        }
    }

    pub(super) fn offer(&mut self, session: &Arc<Session>) {
        self.total += 1;
        let worse = || compare(self.search, session, &self.kept[self.wanted - 1]) != Ordering::Less;
        if self.wanted == 0 || (self.cut && worse()) {
            return;
        }
        self.kept.push(Arc::clone(session));
        // Twice as many as wanted: then half is cut off, in time linear in what was added.
        if self.kept.len() >= self.wanted.saturating_mul(2).max(ROOM) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.wanted {
            let search = self.search;
            let last = self.wanted - 1;
            self.kept
                .select_nth_unstable_by(last, |a, b| compare(search, a, b));
            self.kept.truncate(self.wanted);
            self.cut = true;
        }
    }

    pub(super) fn page(mut self) -> Found {
        if self.wanted > 0 {
            self.cut();
        }
        self.kept
            .sort_unstable_by(|a, b| compare(self.search, a, b));
        let sessions = self.kept.drain(..).skip(self.search.offset).collect();
        Found {
            sessions,
            total: self.total,
        }
    }
}

/// Kept before the first cut, so that small pages are not cut all the time.
const ROOM: usize = 1024;

/// The search's order, and newest first where it has none; ids are unique, so it is total.
fn compare(search: &Search, a: &Session, b: &Session) -> Ordering {
    match &search.order {
        Some(order) => order.compare(&Columns(a), &Columns(b)),
        None => b.id().cmp(&a.id()),
    }
}
