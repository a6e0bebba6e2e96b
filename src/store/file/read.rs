//! Reading from the file: everything at the start, sessions that have ended later on.

use std::ops::{Bound, ControlFlow};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};

use super::error::Trouble;
use super::notes;
use super::record::{self, Common, Key};
use super::tables::{ACTIVE, ENDED, LOCKS, OPEN, PEAKS, TASKS, TICKETS};
use crate::domain::{
    LicensePeak, SessionId, SessionRecord, Task, Ticket, Timestamp, TokenDigest, UserLock,
};
use crate::store::{IdRange, Scan};

/// What stands in the file beside sessions.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) locks: Vec<UserLock>,
    pub(super) tickets: Vec<(TokenDigest, Ticket, Timestamp)>,
    pub(super) tasks: Vec<Task>,
    pub(super) peaks: Vec<LicensePeak>,
}

/// An open session as it stands in the file.
pub(super) struct Raw<'b> {
    pub(super) key: Key,
    pub(super) bytes: &'b [u8],
    pub(super) last_active: Option<Timestamp>,
}

impl Raw<'_> {
    pub(super) fn decode(&self, common: &mut Common) -> Result<SessionRecord, Trouble> {
        let decoded = record::decode_with(common, record::id(self.key), self.bytes);
        let mut record = decoded.map_err(|error| damaged(self.key, error))?;
        record.last_active = record
            .last_active
            .max(self.last_active.unwrap_or(record.last_active));
        Ok(record)
    }
}

/// Shows `visit` every open session, oldest start first, until it breaks.
pub(super) fn open_sessions(
    database: &Database,
    mut visit: impl FnMut(Raw<'_>) -> ControlFlow<()>,
) -> Result<(), Trouble> {
    let transaction = database.begin_read()?;
    let (open, active) = (
        transaction.open_table(OPEN)?,
        transaction.open_table(ACTIVE)?,
    );
    // Both tables are in the order of the same keys: walked side by side, nothing is searched.
    let mut touched = active.iter()?;
    let mut next = touched.next().transpose()?;
    for entry in open.iter()? {
        let (key, bytes) = entry?;
        let key = key.value();
        while next
            .as_ref()
            .is_some_and(|(touched, _)| touched.value() < key)
        {
            next = touched.next().transpose()?;
        }
        let last = next.as_ref().filter(|(touched, _)| touched.value() == key);
        let raw = Raw {
            key,
            bytes: bytes.value(),
            last_active: last.map(|(_, at)| Timestamp::from_unix_millis(at.value())),
        };
        if visit(raw).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Everything that is no session.
pub(super) fn notes(database: &Database) -> Result<Notes, Trouble> {
    let transaction = database.begin_read()?;
    let mut found = Notes::default();
    for entry in transaction.open_table(LOCKS)?.iter()? {
        let lock = notes::read_lock(entry?.1.value());
        found
            .locks
            .push(lock.map_err(|error| Trouble::format("a lock", error))?);
    }
    for entry in transaction.open_table(TICKETS)?.iter()? {
        let (digest, ticket) = entry?;
        let (ticket, until) = notes::read_ticket(ticket.value())
            .map_err(|error| Trouble::format("a ticket", error))?;
        let digest = TokenDigest::from_bytes(digest.value());
        found.tickets.push((digest, ticket, until));
    }
    for entry in transaction.open_table(TASKS)?.iter()? {
        let (id, task) = entry?;
        let task = notes::read_task(id.value(), task.value());
        let task = task.map_err(|error| Trouble::format("a background task", error))?;
        found.tasks.push(task);
    }
    for entry in transaction.open_table(PEAKS)?.iter()? {
        let peak = notes::read_peak(entry?.1.value());
        found
            .peaks
            .push(peak.map_err(|error| Trouble::format("a peak", error))?);
    }
    Ok(found)
}

/// The session `id`, if it has ended.
pub(super) fn ended(database: &Database, id: SessionId) -> Result<Option<SessionRecord>, Trouble> {
    let ended = database.begin_read()?.open_table(ENDED)?;
    let found = ended.get(record::key(id))?;
    found
        .map(|bytes| decode(record::key(id), bytes.value()))
        .transpose()
}

/// How many sessions are open.
pub(super) fn count_open(database: &Database) -> Result<u64, Trouble> {
    Ok(database.begin_read()?.open_table(OPEN)?.len()?)
}

/// How many sessions have ended and are kept.
pub(super) fn count_ended(database: &Database) -> Result<u64, Trouble> {
    Ok(database.begin_read()?.open_table(ENDED)?.len()?)
}

/// At most `limit` of those that have ended in `range`, newest start first.
pub(super) fn walk_ended(
    database: &Database,
    range: IdRange,
    limit: usize,
) -> Result<Vec<SessionRecord>, Trouble> {
    let ended = database.begin_read()?.open_table(ENDED)?;
    let newest_first = ended.range::<Key>(keys(range))?.rev();
    let found = newest_first.take(limit).map(|entry| {
        let (key, bytes) = entry?;
        decode(key.value(), bytes.value())
    });
    found.collect()
}

/// Those that have ended of which `scan` asks for, newest start first, and how many there are.
pub(super) fn scan_ended(
    database: &Database,
    scan: &Scan,
) -> Result<(Vec<SessionRecord>, usize), Trouble> {
    let ended = database.begin_read()?.open_table(ENDED)?;
    let all = scan.space.is_none() && scan.user.is_none();
    let (mut found, mut total) = (Vec::new(), 0);
    let after = scan.after.map(record::key);
    for entry in ended.iter()?.rev() {
        if all && found.len() >= scan.limit {
            break;
        }
        let (key, bytes) = entry?;
        let (key, bytes) = (key.value(), bytes.value());
        let peek = record::peek(bytes).map_err(|error| damaged(key, error))?;
        let covered = scan
            .space
            .as_ref()
            .is_none_or(|space| space.as_str() == peek.space)
            && scan.user.is_none_or(|user| *user.as_bytes() == peek.user);
        if covered {
            total += 1;
            if found.len() < scan.limit && after.is_none_or(|after| key < after) {
                found.push(decode(key, bytes)?);
            }
        }
    }
    if all {
        total = usize::try_from(ended.len()?).unwrap_or(usize::MAX);
    }
    Ok((found, total))
}

fn keys(range: IdRange) -> (Bound<Key>, Bound<Key>) {
    (range.oldest.map(record::key), range.newest.map(record::key))
}

pub(super) fn decode(key: Key, bytes: &[u8]) -> Result<SessionRecord, Trouble> {
    record::decode(record::id(key), bytes).map_err(|error| damaged(key, error))
}

fn damaged(key: Key, error: super::codec::FormatError) -> Trouble {
    Trouble::format(format!("session {}", record::id(key)), error)
}
