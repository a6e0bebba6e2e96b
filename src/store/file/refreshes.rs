//! What is renewed for sessions, in the file: beside the session, gone with its end.

use std::sync::Arc;
use std::time::Duration;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableError};

use super::FormatError;
use super::change::{Change, Outcome};
use super::codec::{Reader, Writer};
use super::error::Trouble;
use super::record;
use super::store::FileStore;
use super::tables::REFRESHED;
use crate::domain::{Session, SessionId};
use crate::store::{Finished, Lease, RefreshStore, Refreshed, StoreFuture};

const VERSION: u8 = 1;

fn encode(refreshed: &Refreshed) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.number(refreshed.version);
    out.fixed(&refreshed.secret);
    out.finish()
}

fn decode(bytes: &[u8]) -> Result<Refreshed, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    Ok(Refreshed {
        version: read.number()?,
        secret: read.rest().into(),
    })
}

/// Shows `visit` everything that is kept.
pub(super) fn read(
    database: &Database,
    mut visit: impl FnMut(SessionId, Refreshed),
) -> Result<(), Trouble> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(REFRESHED) {
        // A file that an earlier version made.
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        table => table?,
    };
    for entry in table.iter()? {
        let (key, bytes) = entry?;
        let id = record::id(key.value());
        let refreshed = decode(bytes.value());
        let what = || format!("what was renewed for session {id}");
        visit(id, refreshed.map_err(|e| Trouble::format(what(), e))?);
    }
    Ok(())
}

impl RefreshStore for FileStore {
    fn lease(
        &self,
        session: &Arc<Session>,
        seen: u64,
        waited: u64,
        time: Duration,
    ) -> StoreFuture<'_, Lease> {
        let (id, now) = (session.id(), self.clock.tick());
        let leased = match self.open.get(id).is_some() {
            true => self.refreshes.lease(id, (seen, waited), now, time),
            false => Lease::Ended,
        };
        Box::pin(async move { Ok(leased) })
    }

    fn finish(
        &self,
        session: &Arc<Session>,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> StoreFuture<'_, Finished> {
        let id = session.id();
        Box::pin(async move {
            let refreshes = &self.refreshes;
            if let Some(secret) = &outcome {
                let Finished::Kept { version } = refreshes.next_version(id, attempt) else {
                    return Ok(refreshes.finish(id, attempt, None));
                };
                let secret = Arc::clone(secret);
                let refreshed = encode(&Refreshed { version, secret });
                let change = Change::PutRefreshed { id, refreshed };
                if matches!(self.make(change).await?, Outcome::Unknown) {
                    refreshes.forget(id);
                    return Ok(Finished::Ended);
                }
            }
            if self.open.get(id).is_none() {
                refreshes.forget(id);
                return Ok(Finished::Ended);
            }
            Ok(refreshes.finish(id, attempt, outcome))
        })
    }

    fn refreshed(&self, session: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        let kept = self.refreshes.get(session.id());
        Box::pin(async move { Ok(kept) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        let refreshed = Refreshed {
            version: 300,
            secret: b"sealed"[..].into(),
        };
        assert_eq!(decode(&encode(&refreshed)), Ok(refreshed));
        assert!(matches!(
            decode(&[9, 1]),
            Err(FormatError::Version { found: 9, known: 1 })
        ));
    }
}
