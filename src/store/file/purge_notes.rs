//! Forgetting locks, tickets, tasks and peaks that are past their time.

use std::ops::Bound;
use std::time::Duration;

use redb::{Key, ReadableTableMetadata as _, TableDefinition, WriteTransaction};

use super::codec::FormatError;
use super::error::Trouble;
use super::notes;
use super::tables::{LOCKS, PEAKS, TASKS, TICKETS};
use crate::domain::Timestamp;
use crate::store::Retention;

/// How long a background task can be asked about after its end; what its room says.
const TASKS_KEPT: Duration = Duration::from_secs(86_400);

/// Forgets what is old at `now`; says how much. What cannot be read is left to `gatepass store check`.
pub(super) fn purge(
    transaction: &WriteTransaction,
    now: Timestamp,
    retention: Retention,
) -> Result<usize, Trouble> {
    let mut dropped = drop_if(transaction, LOCKS, |lock| {
        Ok(notes::read_lock(lock)?
            .until
            .is_some_and(|until| until <= now))
    })?;
    dropped += drop_if(transaction, TICKETS, |ticket| {
        Ok(notes::read_ticket(ticket)?.1 <= now)
    })?;
    dropped += drop_if(transaction, TASKS, |task| {
        let ended = notes::read_task(0, task)?.ended;
        Ok(ended.is_some_and(|at| now.since(at) >= TASKS_KEPT))
    })?;
    let mut peaks = transaction.open_table(PEAKS)?;
    let millis = i64::try_from(retention.time.as_millis()).unwrap_or(i64::MAX);
    let first = Timestamp::from_unix_millis(now.unix_millis().saturating_sub(millis));
    let old = notes::peak_keys_from(first);
    peaks.retain_in::<&[u8], _>(
        (Bound::Unbounded, Bound::Excluded(old.as_slice())),
        |_, _| {
            dropped += 1;
            false
        },
    )?;
    Ok(dropped)
}

/// Forgets what `is_old`.
fn drop_if<K: Key + 'static>(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    is_old: impl Fn(&[u8]) -> Result<bool, FormatError>,
) -> Result<usize, Trouble> {
    let mut table = transaction.open_table(table)?;
    let before = table.len()?;
    if before > 0 {
        table.retain(|_, value| !is_old(value).unwrap_or(false))?;
    }
    Ok(usize::try_from(before - table.len()?).unwrap_or(usize::MAX))
}
