//! The open sessions of the file, in memory: the very objects of the table.

use std::sync::Arc;

use dashmap::mapref::entry::Entry;

use crate::domain::{Session, SessionEnd, SessionId, TokenDigest};
use crate::store::index::{ByDigest, ById, DigestIndex, IdIndex, sharded_with};
use crate::store::{Newest, Scan, ScanPage};

/// Open sessions by id and by digest, a pointer an entry. One process has the file, so this is
/// all of them, and whether a session is open is known without reading the file.
pub(super) struct OpenSessions {
    by_id: IdIndex,
    by_digest: DigestIndex,
}

impl OpenSessions {
    /// None, with room for `expected`.
    pub(super) fn with_room_for(expected: usize) -> Self {
        Self {
            by_id: sharded_with(expected),
            by_digest: sharded_with(expected),
        }
    }

    /// Adds `session`; `false` when its id or its digest is taken.
    pub(super) fn add(&self, session: &Arc<Session>) -> bool {
        match self.by_digest.entry(ByDigest(Arc::clone(session))) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => drop(entry.insert(())),
        }
        match self.by_id.entry(ById(Arc::clone(session))) {
            Entry::Vacant(entry) => {
                drop(entry.insert(()));
                true
            }
            Entry::Occupied(_) => {
                self.by_digest.remove(session.digest());
                false
            }
        }
    }

    /// Takes the session `id` out.
    pub(super) fn remove(&self, id: SessionId) -> Option<Arc<Session>> {
        let (ById(session), ()) = self.by_id.remove(&id)?;
        self.by_digest.remove(session.digest());
        Some(session)
    }

    /// Takes the session `id` out and marks it as ended.
    pub(super) fn end(&self, id: SessionId, end: SessionEnd) {
        if let Some(session) = self.get(id) {
            session.set_end(end);
            self.remove(id);
        }
    }

    pub(super) fn get(&self, id: SessionId) -> Option<Arc<Session>> {
        self.by_id.get(&id).map(|entry| Arc::clone(&entry.key().0))
    }

    pub(super) fn by_digest(&self, digest: &TokenDigest) -> Option<Arc<Session>> {
        let found = self.by_digest.get(digest);
        found.map(|entry| Arc::clone(&entry.key().0))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Those that `scan` asks for.
    pub(super) fn page(&self, scan: &Scan) -> ScanPage {
        let mut newest = Newest::of(scan);
        for entry in &self.by_id {
            newest.offer(&entry.key().0);
        }
        newest.page()
    }
}
