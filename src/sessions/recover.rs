//! The start of a process whose store outlived the last one.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use super::end::Due;
use super::{EndCause, Sessions};
use crate::domain::{Liveness, Session, Task};
use crate::store::{Recovered, StoreError};

/// What [`Sessions::recover`] found.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Sessions that go on.
    pub open: usize,
    /// Sessions that ended because their time was up, or their user is locked.
    pub ended: usize,
    /// Users who are locked.
    pub locked: usize,
    /// Background tasks as they were told of last, for
    /// [`TasksBuilder::restored`](crate::tasks::TasksBuilder::restored).
    pub tasks: Vec<Task>,
}

impl Sessions {
    /// Goes on where the last process on the store ended: open sessions come into the table
    /// with the credentials that open them and are counted under limits and licenses, locks are in force again, and sessions whose
    /// time was up in between end as of then. To be called once, when the policies of the
    /// spaces are in force and before the first request.
    ///
    /// Observers hear of the ends, and of no start.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell, or an end could not be kept.
    pub async fn recover(&self) -> Result<Recovery, StoreError> {
        let Recovered {
            sessions,
            locks,
            tasks,
            peaks,
            credentials,
        } = self.0.store.recover().await?;
        peaks
            .into_iter()
            .for_each(|peak| self.licenses().restore_peak(peak));
        let locked = locks.len();
        locks.into_iter().for_each(|lock| self.restore_lock(lock));
        let found = sessions.len();
        self.adopt_all(&sessions);
        self.restore_credentials(&credentials);
        let ended = self.end_due(&sessions).await?;
        Ok(Recovery {
            open: found - ended,
            ended,
            locked,
            tasks,
        })
    }

    /// Takes `sessions`, which are sorted by id, into the table: on all processors, for there
    /// may be a million, and nobody is served yet.
    fn adopt_all(&self, sessions: &[Arc<Session>]) {
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let part = sessions.len().div_ceil(threads).max(4096);
        thread::scope(|scope| {
            scope.spawn(|| self.0.table.expect(sessions));
            for part in sessions.chunks(part) {
                scope.spawn(move || {
                    for session in part {
                        let user = self.0.table.lock(session.user_key());
                        user.reserve(Arc::clone(session));
                        user.publish_expected(session);
                        session.space().opened();
                    }
                });
            }
        });
        self.licenses().opened_all(sessions);
    }

    /// Ends those of `sessions` whose time was up before they came here, as of then, and those
    /// whose user is locked. Says how many.
    pub(super) async fn end_due(&self, sessions: &[Arc<Session>]) -> Result<usize, StoreError> {
        let now = self.0.clock.tick();
        // Whose user is locked costs a digest a session to say.
        let any_lock = !self.0.locks.is_empty();
        let due = sessions.iter().filter_map(|session| {
            let (at, cause) = match session.liveness(now) {
                Liveness::Live if !any_lock => return None,
                Liveness::Live => {
                    // Of an earlier process: the lock was kept, and the process died before it had
                    // ended them all.
                    let lock = self.0.locks.barring(session.user_key(), now)?;
                    (None, EndCause::terminated_by(lock.by))
                }
                Liveness::Due(reason) => (Some(session.expires_at()), EndCause::because(reason)),
                Liveness::Ended => return None,
            };
            let session = Arc::clone(session);
            Some(Due { session, at, cause })
        });
        Ok(self.end_all(due.collect()).await?.len())
    }
}
