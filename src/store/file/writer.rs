//! The one thread that writes to the file, many changes at a time.
//!
//! A commit costs a trip to the disk whatever it contains, so what was asked for while the last
//! one was under way shares the next. Nothing is acknowledged before its commit has returned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::change::{Change, Changes, Outcome};
use super::database::Handle;
use super::error::Trouble;
use super::import::Import;
use super::open_sessions::OpenSessions;
use super::tables::PROBE;
use crate::domain::SessionId;
use crate::store::refreshes::LocalRefreshes;
use crate::store::state::Outages;
use crate::store::{Retention, StoreError};

/// Changes that wait for the thread; whoever asks for more waits.
pub(super) const WAITING: usize = 8192;

/// Changes in one transaction.
const BATCH: usize = 4096;

/// After a failure the thread refuses everything for so many steps before it opens the file
/// again: half a second at first, twice as long each time, five seconds at last.
const STEPS: (u32, u32) = (20, 200);
const STEP: Duration = Duration::from_millis(25);

/// Bytes that there has to be room for after a failure: some hundred sessions.
const ROOM: usize = 256 * 1024;

pub(super) type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

/// What the thread is asked to do.
pub(super) enum Request {
    Make(Change, Answer),
    /// Let go of the file and end.
    Close(oneshot::Sender<()>),
}

/// The thread's own.
pub(super) struct Writer {
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) file: Arc<Handle>,
    pub(super) open: Arc<OpenSessions>,
    pub(super) refreshes: Arc<LocalRefreshes>,
    pub(super) outages: Arc<Outages>,
    pub(super) retention: Retention,
    /// Sessions whose creation was refused after a failure, and which may be in the file all
    /// the same.
    pub(super) refused: Vec<SessionId>,
}

impl Writer {
    /// The life of the thread: until nobody can ask for anything any more.
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        while let Some(first) = self.requests.blocking_recv() {
            let mut next = Some(first);
            let mut close = None;
            while let Some(request) = next {
                match request {
                    Request::Make(change, answer) => batch.push((change, answer)),
                    Request::Close(done) => {
                        close = Some(done);
                        break;
                    }
                }
                next = match batch.len() {
                    BATCH.. => None,
                    _ => self.requests.try_recv().ok(),
                };
            }
            self.make_all(&mut batch);
            if let Some(done) = close {
                self.file.close();
                let _ = done.send(());
                return;
            }
        }
        self.file.close();
    }

    /// Makes the changes of `batch` and acknowledges them, or refuses them all.
    fn make_all(&mut self, batch: &mut Vec<(Change, Answer)>) {
        if batch.is_empty() {
            return;
        }
        let made = catch_unwind(AssertUnwindSafe(|| self.commit(batch)));
        let made = made.unwrap_or(Err(Trouble::Writer("the file's pages do not fit together")));
        match made {
            Ok(outcomes) => {
                self.refused.clear();
                for ((change, answer), outcome) in batch.drain(..).zip(outcomes) {
                    self.note(change, &outcome);
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(trouble) => {
                let why = with_causes(&trouble);
                tracing::error!(
                    path = %self.file.path().display(),
                    error = why,
                    "the store cannot be written: sessions that are open go on, logins and ends are refused until it can"
                );
                self.outages.begin();
                self.refuse(batch, &why);
                self.recover(&why);
            }
        }
    }

    fn commit(&self, batch: &[(Change, Answer)]) -> Result<Vec<Outcome>, Trouble> {
        let database = self.file.get()?;
        let transaction = database.begin_write()?;
        let mut changes = Changes::new(&transaction, self.retention)?;
        for id in &self.refused {
            changes.undo(*id)?;
        }
        let outcomes: Result<Vec<_>, _> = batch
            .iter()
            .map(|(change, _)| changes.make(change))
            .collect();
        let (outcomes, changed) = (outcomes?, changes.changed());
        drop(changes);
        if changed {
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        Ok(outcomes)
    }

    /// Lets the sessions in memory follow what is in the file now.
    fn note(&self, change: Change, outcome: &Outcome) {
        match (change, outcome) {
            (Change::Import(sessions), Outcome::Imported(imported)) => {
                for (session, import) in sessions.into_iter().zip(imported) {
                    match (import, session.end) {
                        (Import::HadEnded, _) => drop(self.open.remove(session.id)),
                        (Import::Ended, Some(end)) => self.open.end(session.id, end),
                        _ => {}
                    }
                }
            }
            (Change::Create { id, .. }, Outcome::Exists) => drop(self.open.remove(id)),
            (Change::End { id, end, .. }, Outcome::Ended(_)) => {
                self.open.end(id, end);
                self.refreshes.forget(id);
            }
            (Change::End { id, .. }, Outcome::EndedBefore(_)) => drop(self.open.remove(id)),
            _ => {}
        }
    }

    fn refuse(&mut self, batch: &mut Vec<(Change, Answer)>, why: &str) {
        for (change, answer) in batch.drain(..) {
            match change {
                Change::Create { id, .. } => self.forget(id),
                Change::Import(sessions) => {
                    let added = sessions.iter().filter(|session| session.added);
                    added.for_each(|session| self.forget(session.id));
                }
                _ => {}
            }
            let _ = answer.send(Err(StoreError::Unavailable(why.into())));
        }
    }

    /// That the session `id` is not to be there.
    fn forget(&mut self, id: SessionId) {
        self.open.remove(id);
        self.refused.push(id);
    }

    /// Opens the file again, as often as it takes; refuses everything meanwhile. Returns when
    /// it is open, or nobody can ask for anything any more.
    fn recover(&mut self, why: &str) {
        let mut steps = STEPS.0;
        loop {
            self.file.close();
            for _ in 0..steps {
                std::thread::sleep(STEP);
                let mut waiting = Vec::new();
                loop {
                    match self.requests.try_recv() {
                        Ok(Request::Make(change, answer)) => waiting.push((change, answer)),
                        Ok(Request::Close(done)) => {
                            self.requests.close();
                            let _ = done.send(());
                            return;
                        }
                        Err(mpsc::error::TryRecvError::Empty) => break,
                        Err(mpsc::error::TryRecvError::Disconnected) => return,
                    }
                }
                self.refuse(&mut waiting, why);
            }
            steps = (steps * 2).min(STEPS.1);
            match self.reopen() {
                Ok(()) => {
                    self.outages.end();
                    let path = self.file.path().display();
                    tracing::info!(%path, "the store is open again");
                    return;
                }
                Err(error) => tracing::warn!(error, "the store cannot be opened again yet"),
            }
        }
    }

    /// Opens the file again and writes to it: one that can be read, or has room for a session
    /// and not for the next, is of no use.
    fn reopen(&mut self) -> Result<(), String> {
        self.file.reopen().map_err(|error| with_causes(&error))?;
        let written = catch_unwind(AssertUnwindSafe(|| self.take_back()));
        let written =
            written.unwrap_or(Err(Trouble::Writer("the file's pages do not fit together")));
        written.map_err(|trouble| with_causes(&trouble))?;
        self.refused.clear();
        Ok(())
    }

    /// Takes sessions that were refused out of the file, where there are any, and makes sure of
    /// some room.
    fn take_back(&self) -> Result<(), Trouble> {
        let database = self.file.get()?;
        let transaction = database.begin_write()?;
        {
            let mut changes = Changes::new(&transaction, self.retention)?;
            for id in &self.refused {
                changes.undo(*id)?;
            }
            let mut probe = transaction.open_table(PROBE)?;
            probe.insert((), vec![0; ROOM].as_slice())?;
        }
        transaction.commit()?;
        let transaction = database.begin_write()?;
        transaction.delete_table(PROBE)?;
        transaction.commit()?;
        Ok(())
    }
}

/// `error` and what lies behind it, in a line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
