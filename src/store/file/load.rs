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
use super::record::Common;
use crate::domain::{Clock, Session, Spaces};

/// Records that are handed over at once.
const BATCH: usize = 4096;

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
        let mut batch = Vec::with_capacity(BATCH);
        let read = read::open_sessions(database, |raw| {
            batch.push(raw);
            if batch.len() == BATCH {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
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
    let mut sessions = made?;
    sessions.sort_unstable_by_key(|session| session.id());
    Ok(sessions)
}

/// Makes sessions of what is handed over, until there is no more.
fn make(
    batches: &Mutex<Receiver<Vec<Raw>>>,
    open: &OpenSessions,
    spaces: &Spaces,
    clock: &dyn Clock,
) -> Result<Vec<Arc<Session>>, Trouble> {
    let (mut common, mut made, mut failed) = (Common::with(spaces), Vec::new(), None);
    let next = || {
        batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
    };
    while let Ok(batch) = next() {
        for raw in batch {
            // After an error, the rest is only taken off the reader's hands.
            if failed.is_some() {
                break;
            }
            match raw.decode(&mut common) {
                Ok(record) => {
                    let session = Arc::new(common.restore(record, spaces, clock));
                    if open.add(&session) {
                        made.push(session);
                    }
                }
                Err(trouble) => failed = Some(trouble),
            }
        }
    }
    failed.map_or(Ok(made), Err)
}
