//! Everything that a store keeps, shown a piece at a time while sessions begin and end.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Sessions;
use super::import::highest;
use crate::domain::{LicensePeak, Session, SessionId, Task};
use crate::store::wire::Line;
use crate::store::{IdRange, StoreError};

/// An export under way: see [`Sessions::export`].
#[derive(Debug)]
pub struct Export {
    sessions: Sessions,
    at: Stage,
    left: IdRange,
    tasks: Option<Vec<Task>>,
}

/// What comes next. Ended sessions come after the open ones: one that ends meanwhile has then
/// been shown as open, and is shown again as it ended, or is shown as ended only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Open,
    Ended,
    Notes,
    Done,
}

/// Sessions in a piece: a fraction of a millisecond of a store's time, and some hundred
/// kilobytes as text.
const PIECE: usize = 1024;

impl Sessions {
    /// Everything that the store keeps, of all processes that share it, as lines. `tasks` are
    /// this process's background tasks, where the store does not have those of all.
    ///
    /// Every session that is open from the first piece to the last is in it once, as open. One
    /// that ends meanwhile is in it as ended, unless it ends after its turn, and may be in it
    /// as open before that. Sessions that begin meanwhile may be missing. Tasks that have not
    /// ended are left out: they go on here.
    pub fn export(&self, tasks: Option<Vec<Task>>) -> Export {
        Export {
            sessions: self.clone(),
            at: Stage::Head,
            left: IdRange::ALL,
            tasks,
        }
    }
}

impl Export {
    /// The next piece; `None` when that was all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell; the same piece can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>, StoreError> {
        loop {
            let found = match self.at {
                Stage::Head => {
                    self.at = Stage::Open;
                    return Ok(Some(vec![Line::Head]));
                }
                Stage::Open => self.open().await?,
                Stage::Ended => self.sessions.0.store.walk_ended(self.left, PIECE).await?,
                Stage::Notes => {
                    let notes = self.notes().await?;
                    self.at = Stage::Done;
                    return Ok(Some(notes));
                }
                Stage::Done => return Ok(None),
            };
            if let Some(last) = found.last() {
                self.left = self.left.before(last.id());
                let lines = found
                    .iter()
                    .map(|session| Line::Session(Box::new(session.record())));
                return Ok(Some(lines.collect()));
            }
            self.left = IdRange::ALL;
            self.at = match self.at {
                Stage::Open => Stage::Ended,
                _ => Stage::Notes,
            };
        }
    }

    /// Some open sessions, newest start first.
    async fn open(&self) -> Result<Vec<Arc<Session>>, StoreError> {
        let inner = &self.sessions.0;
        let Some(shared) = inner.store.shared() else {
            let mut found = Vec::new();
            inner.table.newest_first(self.left, |session| {
                found.push(Arc::clone(session));
                if found.len() < PIECE {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            return Ok(found);
        };
        let found = shared.walk_open(None, self.left, PIECE).await?;
        // One that is in the table may have been active here since the store was told.
        let ours = |id: SessionId| inner.table.by_id(id);
        for session in &found {
            if let Some(ours) = ours(session.id()) {
                session.touch(ours.last_active_tick());
            }
        }
        Ok(found)
    }

    async fn notes(&mut self) -> Result<Vec<Line>, StoreError> {
        let inner = &self.sessions.0;
        let (locks, tasks, peaks) = match inner.store.shared() {
            Some(shared) => {
                let mut found = inner.store.recover().await?;
                // The store is told of this process's only now and then.
                found.peaks.extend(self.peaks());
                let tasks = shared.all_tasks().await?;
                (found.locks, tasks, highest(found.peaks))
            }
            None => {
                let locks = inner.locks.all(inner.clock.tick());
                let tasks = self.tasks.take().unwrap_or_default();
                (locks, tasks, self.peaks())
            }
        };
        let ended = tasks.into_iter().filter(|task| task.status.has_ended());
        let lines = locks.into_iter().map(Line::Lock);
        let lines = lines.chain(ended.map(|task| Line::Task(Box::new(task))));
        Ok(lines.chain(peaks.into_iter().map(Line::Peak)).collect())
    }

    fn peaks(&self) -> Vec<LicensePeak> {
        let licenses = self.sessions.licenses();
        let mut all = Vec::new();
        for usage in licenses.all() {
            let days = licenses.peaks(&usage.space, usage.license.as_deref());
            all.extend(days.into_iter().map(|day| LicensePeak {
                space: usage.space.clone(),
                license: usage.license.clone(),
                day,
            }));
        }
        all
    }
}
