//! Reading all open sessions at the start: one thread reads the file, the others make sessions
//! of what it reads.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use redb::Database;

use super::error::Trouble;
use super::open_sessions::OpenSessions;
use super::read::{self, Raw};
use super::record::{Common, Key};
use crate::domain::{Clock, Session, Spaces, Timestamp};

/// Records that are handed over at once.
const BATCH: usize = 4096;

/// Records one behind the other: memory for each of them would be taken by one thread and given
/// back by another, which costs more than reading it.
#[derive(Default)]
struct Batch {
    /// How many came before.
    number: usize,
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    records: Vec<(Key, usize, Option<Timestamp>)>,
}

impl Batch {
    fn push(&mut self, raw: &Raw<'_>) {
        self.bytes.extend_from_slice(raw.bytes);
        self.records
            .push((raw.key, self.bytes.len(), raw.last_active));
    }

    /// The next one, for as much again.
    fn follow(&self) -> Self {
        Self {
            number: self.number + 1,
            bytes: Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8),
            records: Vec::with_capacity(BATCH),
        }
    }

    fn iter(&self) -> impl Iterator<Item = Raw<'_>> {
        let starts = std::iter::once(0).chain(self.records.iter().map(|(_, end, _)| *end));
        starts
            .zip(&self.records)
            .map(|(start, (key, end, last_active))| Raw {
                key: *key,
                bytes: &self.bytes[start..*end],
                last_active: *last_active,
            })
    }
}

/// The sessions of a batch, and its number.
type Made = (usize, Vec<Arc<Session>>);

/// Puts every open session into `open`; they come oldest start first.
pub(super) fn open_sessions(
    database: &Database,
    open: &OpenSessions,
    spaces: &Spaces,
    clock: &dyn Clock,
) -> Result<Vec<Arc<Session>>, Trouble> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (hand, batches) = sync_channel(threads);
    let batches = Mutex::new(batches);
    let made = thread::scope(|scope| {
        let makers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| make(&batches, open, spaces, clock)))
            .collect();
        let mut batch = Batch::default();
        let read = read::open_sessions(database, |raw| {
            batch.push(&raw);
            if batch.records.len() == BATCH {
                let next = batch.follow();
                let full = std::mem::replace(&mut batch, next);
                // Whoever takes no more has met an error, which is told below.
                if hand.send(full).is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        let _ = hand.send(batch);
        drop(hand);
        let mut made = Vec::new();
        for maker in makers {
            let part = maker.join();
            made.extend(part.unwrap_or(Err(Trouble::Writer("a thread died")))?);
        }
        read.map(|()| made)
    });
    let mut made: Vec<Made> = made?;
    // They were read in the order of their starts: only batches are out of order.
    made.sort_unstable_by_key(|(number, _)| *number);
    let mut sessions = Vec::with_capacity(made.iter().map(|(_, some)| some.len()).sum());
    made.into_iter().for_each(|(_, some)| sessions.extend(some));
    Ok(sessions)
}

/// Makes sessions of what is handed over, until there is no more.
fn make(
    batches: &Mutex<Receiver<Batch>>,
    open: &OpenSessions,
    spaces: &Spaces,
    clock: &dyn Clock,
) -> Result<Vec<Made>, Trouble> {
    let (mut common, mut made, mut failed) = (Common::with(spaces), Vec::new(), None);
    let next = || {
        batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    while let Ok(batch) = next() {
        let mut some = Vec::with_capacity(batch.records.len());
        for raw in batch.iter() {
            // After an error, the rest is only taken off the reader's hands.
            if failed.is_some() {
                break;
            }
            match raw.decode(&mut common) {
                Ok(record) => {
                    let session = Arc::new(common.restore(record, spaces, clock));
                    if open.add(&session) {
                        some.push(session);
                    }
                }
                Err(trouble) => failed = Some(trouble),
            }
        }
        made.push((batch.number, some));
    }
    failed.map_or(Ok(made), Err)
}
