//! Sessions of another store, taken into the file many at a time.

use std::sync::Arc;

use redb::ReadableTable as _;

use super::change::{Change, Changes, Outcome};
use super::error::Trouble;
use super::record;
use super::store::FileStore;
use crate::domain::{Session, SessionEnd, SessionId, Timestamp};
use crate::store::{Merged, StoreError};

/// A session of another store.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) id: SessionId,
    record: Vec<u8>,
    last: Timestamp,
    pub(super) end: Option<SessionEnd>,
    /// Whether it is among the open sessions in memory because of this.
    pub(super) added: bool,
}

/// What became of it in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Import {
    Kept,
    WasOpen,
    HadEnded,
    Ended,
}

impl FileStore {
    pub(super) async fn import_now(
        &self,
        sessions: Vec<Arc<Session>>,
    ) -> Result<Vec<Merged>, StoreError> {
        let mut merged = vec![Merged::TokenTaken; sessions.len()];
        let (mut places, mut incoming) = (Vec::new(), Vec::new());
        for (at, session) in sessions.iter().enumerate() {
            let added = session.end().is_none() && self.open_sessions().add(session);
            let there = self.open_sessions().get(session.id());
            if let Some(there) = &there {
                there.touch(session.last_active_tick());
            } else if session.end().is_none() {
                // Its token is that of another session.
                continue;
            }
            places.push(at);
            incoming.push(Incoming {
                id: session.id(),
                record: record::encode(&session.record()),
                last: session.last_active(),
                end: session.end().cloned(),
                added,
            });
        }
        let Outcome::Imported(outcomes) = self.make(Change::Import(incoming)).await? else {
            return Ok(merged);
        };
        for (at, outcome) in places.into_iter().zip(outcomes) {
            merged[at] = match outcome {
                Import::Kept => Merged::Kept,
                Import::WasOpen | Import::HadEnded => Merged::Known,
                Import::Ended => Merged::Ended,
            };
        }
        Ok(merged)
    }
}

impl Changes<'_> {
    pub(super) fn import(&mut self, sessions: &[Incoming]) -> Result<Outcome, Trouble> {
        let imported = sessions.iter().map(|session| self.import_one(session));
        Ok(Outcome::Imported(imported.collect::<Result<_, _>>()?))
    }

    fn import_one(&mut self, session: &Incoming) -> Result<Import, Trouble> {
        let key = record::key(session.id);
        if self.ended.get(key)?.is_some() {
            return Ok(Import::HadEnded);
        }
        let is_open = self.open.get(key)?.is_some();
        match &session.end {
            Some(end) if is_open => {
                let _ = self.end(session.id, session.last, end)?;
                Ok(Import::Ended)
            }
            Some(end) => {
                self.keep_ended(key, &session.record, end.at)?;
                Ok(Import::Kept)
            }
            None if is_open => {
                let _ = self.touch(&[(session.id, session.last)])?;
                Ok(Import::WasOpen)
            }
            None => {
                self.open.insert(key, session.record.as_slice())?;
                Ok(Import::Kept)
            }
        }
    }
}
