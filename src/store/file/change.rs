//! What the file is asked to change, and the changing.

use redb::{ReadableTable as _, ReadableTableMetadata as _, Table, WriteTransaction};

use super::credentials;
use super::error::Trouble;
use super::import::{Import, Incoming};
use super::purge_notes;
use super::record::{self, Key};
use super::tables::{
    ACTIVE, CREDENTIALS, ENDED, ENDS, LOCKS, OPEN, PEAKS, REFRESHED, TASKS, TICKETS,
};
use crate::domain::{SessionEnd, SessionId, TaskId, Timestamp, TokenDigest, UserKey};
use crate::store::Retention;

/// A change. Those that are asked for at the same time are made in one transaction.
#[derive(Debug)]
pub(super) enum Change {
    Create {
        id: SessionId,
        record: Vec<u8>,
        credential: Option<Credential>,
    },
    PutCredential {
        id: SessionId,
        credential: Credential,
    },
    PutRefreshed {
        id: SessionId,
        refreshed: Vec<u8>,
    },
    /// Sessions of another store.
    Import(Vec<Incoming>),
    Touch(Vec<(SessionId, Timestamp)>),
    End {
        id: SessionId,
        last: Timestamp,
        end: SessionEnd,
    },
    Purge {
        now: Timestamp,
    },
    PutTicket {
        digest: TokenDigest,
        ticket: Vec<u8>,
    },
    TakeTicket(TokenDigest),
    PutLock {
        user: UserKey,
        lock: Vec<u8>,
    },
    RemoveLock(UserKey),
    PutTask {
        id: TaskId,
        task: Vec<u8>,
    },
    PutPeaks(Vec<(Vec<u8>, Vec<u8>)>),
}

/// A credential that opens a session, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credential {
    pub(super) digest: TokenDigest,
    pub(super) until: Timestamp,
}

/// What came of a change.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    /// The session was there already.
    Exists,
    /// What became of each session that was imported.
    Imported(Vec<Import>),
    /// The session has ended now; its record.
    Ended(Vec<u8>),
    /// The session had ended before; its record.
    EndedBefore(Vec<u8>),
    /// There is no such session.
    Unknown,
    /// So many were forgotten.
    Purged(usize),
}

/// Sessions forgotten in one step, so that a transaction is not held up.
const PURGE_STEP: usize = 1000;

/// A transaction with the tables that nearly every one of them uses.
pub(super) struct Changes<'t> {
    transaction: &'t WriteTransaction,
    pub(super) open: Table<'t, Key, &'static [u8]>,
    pub(super) active: Table<'t, Key, i64>,
    pub(super) ended: Table<'t, Key, &'static [u8]>,
    ends: Table<'t, (i64, Key), ()>,
    credentials: Table<'t, (Key, [u8; 32]), i64>,
    refreshed: Table<'t, Key, &'static [u8]>,
    retention: Retention,
    changed: bool,
}

impl<'t> Changes<'t> {
    pub(super) fn new(
        transaction: &'t WriteTransaction,
        retention: Retention,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            open: transaction.open_table(OPEN)?,
            active: transaction.open_table(ACTIVE)?,
            ended: transaction.open_table(ENDED)?,
            ends: transaction.open_table(ENDS)?,
            credentials: transaction.open_table(CREDENTIALS)?,
            refreshed: transaction.open_table(REFRESHED)?,
            transaction,
            retention,
            changed: false,
        })
    }

    /// Whether there is anything to commit.
    pub(super) const fn changed(&self) -> bool {
        self.changed
    }

    pub(super) fn make(&mut self, change: &Change) -> Result<Outcome, Trouble> {
        let is_note = !matches!(
            change,
            Change::Create { .. }
                | Change::PutCredential { .. }
                | Change::PutRefreshed { .. }
                | Change::Touch(_)
                | Change::End { .. }
                | Change::Purge { .. }
        );
        self.changed |= is_note;
        match change {
            Change::Create {
                id,
                record,
                credential,
            } => self.create(*id, record, credential.as_ref()),
            Change::PutRefreshed { id, refreshed } => self.put_refreshed(*id, refreshed),
            Change::PutCredential { id, credential } => self.put_credential(*id, credential),
            Change::Import(sessions) => self.import(sessions),
            Change::Touch(touched) => self.touch(touched),
            Change::End { id, last, end } => self.end(*id, *last, end),
            Change::Purge { now } => self.purge(*now),
            Change::PutTicket { digest, ticket } => {
                let mut tickets = self.transaction.open_table(TICKETS)?;
                tickets.insert(digest.as_bytes(), ticket.as_slice())?;
                Ok(Outcome::Done)
            }
            Change::TakeTicket(digest) => {
                let mut tickets = self.transaction.open_table(TICKETS)?;
                tickets.remove(digest.as_bytes())?;
                Ok(Outcome::Done)
            }
            Change::PutLock { user, lock } => {
                let mut locks = self.transaction.open_table(LOCKS)?;
                locks.insert(user.as_bytes(), lock.as_slice())?;
                Ok(Outcome::Done)
            }
            Change::RemoveLock(user) => {
                self.transaction
                    .open_table(LOCKS)?
                    .remove(user.as_bytes())?;
                Ok(Outcome::Done)
            }
            Change::PutTask { id, task } => {
                let mut tasks = self.transaction.open_table(TASKS)?;
                tasks.insert(id.as_u64(), task.as_slice())?;
                Ok(Outcome::Done)
            }
            Change::PutPeaks(peaks) => {
                let mut table = self.transaction.open_table(PEAKS)?;
                for (key, peak) in peaks {
                    table.insert(key.as_slice(), peak.as_slice())?;
                }
                Ok(Outcome::Done)
            }
        }
    }

    /// Takes back a session whose creation was not acknowledged.
    pub(super) fn undo(&mut self, id: SessionId) -> Result<(), Trouble> {
        self.changed = true;
        self.open.remove(record::key(id))?;
        credentials::drop_all(&mut self.credentials, record::key(id))
    }

    fn create(
        &mut self,
        id: SessionId,
        bytes: &[u8],
        credential: Option<&Credential>,
    ) -> Result<Outcome, Trouble> {
        let key = record::key(id);
        if self.ended.get(key)?.is_some() || self.open.get(key)?.is_some() {
            return Ok(Outcome::Exists);
        }
        self.changed = true;
        self.open.insert(key, bytes)?;
        if let Some(credential) = credential {
            credentials::put(&mut self.credentials, key, credential)?;
        }
        Ok(Outcome::Done)
    }

    fn put_credential(
        &mut self,
        id: SessionId,
        credential: &Credential,
    ) -> Result<Outcome, Trouble> {
        let key = record::key(id);
        if self.open.get(key)?.is_none() {
            return Ok(Outcome::Unknown);
        }
        self.changed = true;
        credentials::put(&mut self.credentials, key, credential)?;
        Ok(Outcome::Done)
    }

    fn put_refreshed(&mut self, id: SessionId, refreshed: &[u8]) -> Result<Outcome, Trouble> {
        let key = record::key(id);
        if self.open.get(key)?.is_none() {
            return Ok(Outcome::Unknown);
        }
        self.changed = true;
        self.refreshed.insert(key, refreshed)?;
        Ok(Outcome::Done)
    }

    pub(super) fn touch(&mut self, touched: &[(SessionId, Timestamp)]) -> Result<Outcome, Trouble> {
        for (id, at) in touched {
            let key = record::key(*id);
            if self.open.get(key)?.is_none() {
                continue;
            }
            let known = self.active.get(key)?.map(|known| known.value());
            if known.is_none_or(|known| known < at.unix_millis()) {
                self.changed = true;
                self.active.insert(key, at.unix_millis())?;
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn end(
        &mut self,
        id: SessionId,
        last: Timestamp,
        end: &SessionEnd,
    ) -> Result<Outcome, Trouble> {
        let key = record::key(id);
        let active = self.active.remove(key)?.map(|known| known.value());
        let last = active.map_or(last, |known| last.max(Timestamp::from_unix_millis(known)));
        let ended = match self.open.remove(key)? {
            Some(open) => record::ended(open.value(), last, end)
                .map_err(|error| Trouble::format(format!("session {id}"), error))?,
            None => {
                let ended = self.ended.get(key)?;
                return Ok(ended.map_or(Outcome::Unknown, |record| {
                    Outcome::EndedBefore(record.value().to_vec())
                }));
            }
        };
        self.keep_ended(key, &ended, end.at)?;
        Ok(Outcome::Ended(ended))
    }

    /// Keeps the record of a session that ended at `at`, within the bound on their number.
    pub(super) fn keep_ended(
        &mut self,
        key: Key,
        record: &[u8],
        at: Timestamp,
    ) -> Result<(), Trouble> {
        self.changed = true;
        credentials::drop_all(&mut self.credentials, key)?;
        self.refreshed.remove(key)?;
        self.ended.insert(key, record)?;
        self.ends.insert((at.unix_millis(), key), ())?;
        while self.ended.len()? > self.retention.max as u64 {
            if !self.forget_first()? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets the session that ended first.
    fn forget_first(&mut self) -> Result<bool, Trouble> {
        let Some((_, key)) = self.ends.pop_first()?.map(|(first, _)| first.value()) else {
            return Ok(false);
        };
        self.ended.remove(key)?;
        Ok(true)
    }

    fn purge(&mut self, now: Timestamp) -> Result<Outcome, Trouble> {
        let mut purged = 0;
        while purged < PURGE_STEP {
            let first = self.ends.first()?.map(|(first, _)| first.value().0);
            let is_old = first.is_some_and(|at| {
                now.since(Timestamp::from_unix_millis(at)) >= self.retention.time
            });
            if !is_old && self.ended.len()? <= self.retention.max as u64 {
                break;
            }
            if !self.forget_first()? {
                break;
            }
            purged += 1;
        }
        let notes = purge_notes::purge(self.transaction, now, self.retention)?;
        self.changed |= purged + notes > 0;
        Ok(Outcome::Purged(purged))
    }
}
