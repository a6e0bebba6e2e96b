//! What another store kept, taken over while sessions begin and end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{EndCause, Sessions};
use crate::domain::{LicensePeak, Session, SessionRecord, UserLock};
use crate::store::wire::Line;
use crate::store::{Merged, StoreError, Touch};
use crate::sync::task::spawn;
use crate::tasks::Tasks;

/// What imports did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Sessions that came, open or ended.
    pub sessions: u64,
    /// Sessions that were there already.
    pub known: u64,
    /// Sessions that were open here and have ended, as they had there.
    pub ended: u64,
    /// Sessions that were left out, for their token is that of another session.
    pub clashes: u64,
    /// Locks that came.
    pub locks: u64,
    /// Background tasks that came.
    pub tasks: u64,
    /// Peaks of licenses that came, or are higher than what was known.
    pub peaks: u64,
}

impl Imported {
    /// The sum of both.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            sessions: self.sessions + more.sessions,
            known: self.known + more.known,
            ended: self.ended + more.ended,
            clashes: self.clashes + more.clashes,
            locks: self.locks + more.locks,
            tasks: self.tasks + more.tasks,
            peaks: self.peaks + more.peaks,
        }
    }
}

impl Sessions {
    /// Takes over what `lines` say, as an [export](Self::export) has it. Imported sessions can
    /// be used at once, under the lifetimes that are in force here; no limit on users or
    /// licenses ends them or keeps them out. Those whose time is up, or whose user is locked,
    /// end. What is here stays: a session that has ended is not opened again, a lock is not
    /// replaced, a task is not changed. Of a session's activity the latest counts, and one that
    /// is open here ends when it had ended there.
    ///
    /// Background tasks go to `tasks`, or to the store where there are none. Observers are told
    /// of ends, and of no start.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when not all of it may have been kept; importing it again is harmless.
    pub async fn import(
        &self,
        lines: Vec<Line>,
        tasks: Option<&Tasks>,
    ) -> Result<Imported, StoreError> {
        let (this, tasks) = (self.clone(), tasks.cloned());
        // On a task of its own: a client that gives up half-way must not leave a session in
        // the store that no table knows.
        let import = async move { this.import_lines(lines, tasks.as_ref()).await };
        match spawn(import).await {
            Ok(result) => result,
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(StoreError::Unavailable("the process ends".into())),
        }
    }

    async fn import_lines(
        &self,
        lines: Vec<Line>,
        tasks: Option<&Tasks>,
    ) -> Result<Imported, StoreError> {
        let _turn = self.turn(&[b"import"]).await;
        let (mut records, mut locks, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        let mut done = Imported::default();
        for line in lines {
            match line {
                Line::Head => {}
                Line::Session(record) => records.push(*record),
                Line::Lock(lock) => locks.push(lock),
                Line::Peak(peak) => peaks.push(peak),
                Line::Task(task) => match tasks {
                    Some(tasks) => done.tasks += u64::from(tasks.import(*task)),
                    None => {
                        self.0.store.put_task(&task).await?;
                        done.tasks += 1;
                    }
                },
            }
        }
        done = done.and(self.import_sessions(records).await?);
        for lock in locks {
            done.locks += u64::from(self.import_lock(lock).await?);
        }
        done.peaks += self.import_peaks(peaks).await?;
        Ok(done)
    }

    async fn import_sessions(&self, records: Vec<SessionRecord>) -> Result<Imported, StoreError> {
        let restore = |record| Arc::new(self.0.spaces.restore(record, &*self.0.clock));
        let sessions: Vec<Arc<Session>> = records.into_iter().map(restore).collect();
        // Of a shared store, sessions come into the table when they are used.
        let adopts = self.0.store.shared().is_none();
        let places = Places {
            table: self,
            taken: sessions
                .iter()
                .filter(|session| adopts && self.take_import_place(session))
                .map(Arc::clone)
                .collect(),
        };
        let merged = self.0.store.import(sessions.clone()).await?;
        let mut done = Imported::default();
        let (mut kept, mut ended) = (Vec::new(), Vec::new());
        for (session, merged) in sessions.into_iter().zip(merged) {
            match merged {
                Merged::Kept => {
                    done.sessions += 1;
                    kept.push(session);
                }
                Merged::Known => done.known += 1,
                Merged::Ended => {
                    done.ended += 1;
                    ended.push(session);
                }
                Merged::TokenTaken => done.clashes += 1,
            }
        }
        if adopts {
            self.adopt_imported(places, &kept).await?;
        }
        self.note_ended(&ended);
        Ok(done)
    }

    /// Whether `session` got a place among those of its user. Whoever ends all of them sees it
    /// from now on.
    fn take_import_place(&self, session: &Arc<Session>) -> bool {
        if session.end().is_some() {
            return false;
        }
        let user = self.0.table.lock(session.user_key());
        let is_new = user
            .sessions()
            .iter()
            .all(|known| known.id() != session.id());
        if is_new {
            user.reserve(Arc::clone(session));
        }
        is_new
    }

    /// Makes those of `places` resolvable that the store has `kept`.
    async fn adopt_imported(
        &self,
        mut places: Places<'_>,
        kept: &[Arc<Session>],
    ) -> Result<(), StoreError> {
        let mut unwanted = Vec::new();
        for session in kept.iter().filter(|session| places.give(session)) {
            let user = self.0.table.lock(session.user_key());
            match session.end() {
                None => {
                    user.publish(session);
                    self.note_opened(session);
                }
                // Somebody ended the user's sessions meanwhile.
                Some(end) => {
                    user.release(session.id());
                    unwanted.push((Arc::clone(session), end.clone()));
                }
            }
        }
        drop(places);
        for (session, end) in unwanted {
            let _ = self.0.store.end(Touch::last_of(&session), end).await?;
        }
        self.end_due(kept).await.map(drop)
    }

    /// Whether `lock` is in force now and was not before.
    async fn import_lock(&self, lock: UserLock) -> Result<bool, StoreError> {
        let (user, now) = (lock.user_key(), self.0.clock.tick());
        let is_over = lock.until.is_some_and(|until| until <= self.0.clock.wall());
        if is_over || self.0.locks.barring(user, now).is_some() {
            return Ok(false);
        }
        self.restore_lock(lock.clone());
        self.0.store.put_lock(&lock).await?;
        let cause = EndCause::terminated_by(lock.by);
        self.end_user(user, &cause).await?;
        Ok(true)
    }

    /// How many of `peaks` are higher than what was known.
    async fn import_peaks(&self, peaks: Vec<LicensePeak>) -> Result<u64, StoreError> {
        let licenses = self.licenses();
        let known = |peak: &LicensePeak| {
            let days = licenses.peaks(&peak.space, peak.license.as_deref());
            let day = days.iter().find(|known| known.day == peak.day.day);
            day.map_or(0, |known| known.peak)
        };
        let higher: Vec<_> = highest(peaks)
            .into_iter()
            .filter(|peak| known(peak) < peak.day.peak)
            .collect();
        if !higher.is_empty() {
            self.0.store.put_peaks(&higher).await?;
        }
        let count = higher.len() as u64;
        let restore = |peak| licenses.restore_peak(peak);
        higher.into_iter().for_each(restore);
        Ok(count)
    }
}

/// Of several peaks of a day the highest.
pub(super) fn highest(peaks: Vec<LicensePeak>) -> Vec<LicensePeak> {
    let mut highest = BTreeMap::new();
    for peak in peaks {
        let key = (peak.space.clone(), peak.license.clone(), peak.day.day);
        let entry = highest.entry(key).or_insert_with(|| peak.clone());
        entry.day.peak = entry.day.peak.max(peak.day.peak);
    }
    highest.into_values().collect()
}

/// Places under users that nobody has filled yet; given back unless they are given on.
struct Places<'s> {
    table: &'s Sessions,
    taken: Vec<Arc<Session>>,
}

impl Places<'_> {
    /// Whether there is a place of `session`, which is the caller's then.
    fn give(&mut self, session: &Arc<Session>) -> bool {
        // They are in the order in which they were taken, so each is found near the front.
        let at = self
            .taken
            .iter()
            .position(|taken| Arc::ptr_eq(taken, session));
        at.map(|at| self.taken.remove(at)).is_some()
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        for session in &self.taken {
            let user = self.table.0.table.lock(session.user_key());
            user.release(session.id());
        }
    }
}
