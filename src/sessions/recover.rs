//! The start of a process whose store outlived the last one.

use std::sync::Arc;

use super::end::Due;
use super::{EndCause, Sessions};
use crate::domain::{Liveness, Session, Task, UserLock};
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
    /// and are counted under limits and licenses, locks are in force again, and sessions whose
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
        } = self.0.store.recover().await?;
        peaks
            .into_iter()
            .for_each(|peak| self.licenses().restore_peak(peak));
        let locked = locks.len();
        locks.into_iter().for_each(|lock| self.restore_lock(lock));
        let found = sessions.len();
        for (at, session) in sessions.iter().enumerate() {
            let user = self.0.table.lock(session.user_key());
            self.adopt(&user, session);
            drop(user);
            if at % 4096 == 4095 {
                tokio::task::yield_now().await;
            }
        }
        let now = self.0.clock.tick();
        let due = sessions.iter().filter_map(|session| {
            let (at, cause) = match session.liveness(now) {
                Liveness::Live => {
                    // The lock was kept, and the process died before it had ended them all.
                    let lock = self.barring(session)?;
                    (None, EndCause::terminated_by(lock.by))
                }
                Liveness::Due(reason) => (Some(session.expires_at()), EndCause::because(reason)),
                Liveness::Ended => return None,
            };
            let session = Arc::clone(session);
            Some(Due { session, at, cause })
        });
        let ended = self.end_all(due.collect()).await?.len();
        Ok(Recovery {
            open: found - ended,
            ended,
            locked,
            tasks,
        })
    }

    fn barring(&self, session: &Session) -> Option<UserLock> {
        let now = self.0.clock.tick();
        self.0.locks.barring(session.user_key(), now)
    }
}
