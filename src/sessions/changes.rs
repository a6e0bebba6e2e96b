//! What other processes did to sessions, applied to the table.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Sessions;
use crate::domain::{EndReason, Session, SessionEnd, SessionId, TokenDigest, UserLock};
use crate::store::{Change, Changes, SharedStore, Standing, StoreError};
use crate::sync::task;

/// Sessions checked at once after changes were missed.
const CHECKED_AT_ONCE: usize = 4096;

/// Between two tries to check.
const RETRY: Duration = Duration::from_millis(200);

impl Sessions {
    /// Applies what other processes do to the sessions of a shared store, until `stop` or until
    /// the store is closed. As long as this runs and changes come in, the table is
    /// believed; else every request asks the store. Returns at once where the store is not
    /// shared, or somebody else applies its changes.
    ///
    /// What ends elsewhere ends here: the token is refused, open exchanges are cut. Observers
    /// are told where it was ended, not here.
    pub async fn run_changes(self, stop: CancellationToken) {
        if let Some(changes) = self.0.store.shared().and_then(SharedStore::changes) {
            stop.run_until_cancelled(self.follow(changes)).await;
        }
    }

    async fn follow(&self, mut changes: Changes) {
        let mut ahead = None;
        loop {
            let next = match ahead.take() {
                Some(batch) => Some(batch),
                None => changes.next().await,
            };
            let Some(mut batch) = next else {
                return;
            };
            // What has come meanwhile is applied together: the end of a space is told in parts,
            // and each would be a walk over the table. What came before a gap is older than
            // what the check finds.
            while let Some(next) = changes.ready() {
                if next.gap {
                    ahead = Some(next);
                    break;
                }
                batch.append(next);
            }
            if batch.gap {
                self.0.freshness.doubt();
                self.check_until_done().await;
            }
            let mut epochs = Vec::new();
            for change in batch.changes {
                match change {
                    Change::Epoch(epoch) => epochs.push(epoch),
                    Change::Ended { id, digest, end } => self.apply_end(id, &digest, end),
                    Change::Locked(lock) => self.restore_lock(lock),
                    Change::Unlocked(user) => self.0.locks.lift(user),
                }
            }
            self.apply_epochs(epochs).await;
            if let Some(tick) = batch.confirmed {
                self.0.freshness.confirm(tick);
            }
        }
    }

    /// Takes a session that has ended in the store out of the table.
    pub(super) fn apply_end(&self, id: SessionId, digest: &TokenDigest, end: SessionEnd) {
        // First the tombstone: whoever publishes the session meanwhile looks for it afterwards.
        let now = self.0.clock.tick();
        self.0.tombstones.bury(*digest, end.clone(), now);
        if let Some(session) = self.0.table.by_id(id) {
            session.set_end(end);
            self.take_out(&session);
        }
    }

    /// Takes a session, which is marked as ended, out of the table.
    pub(super) fn take_out(&self, session: &Session) {
        {
            let user = self.0.table.lock(session.user_key());
            let was_published = user.remove(session);
            self.note_closed(session, was_published);
        }
        self.0.exchanges.cut(session.id());
        self.0.refreshes.forget(session.id());
    }

    /// That the store has ended `sessions` on behalf of this process.
    pub(super) fn note_ended(&self, sessions: &[Arc<Session>]) {
        for session in sessions {
            let Some(end) = session.end() else {
                continue;
            };
            self.0
                .tombstones
                .bury(*session.digest(), end.clone(), self.0.clock.tick());
            self.tell_of_end(session, end);
        }
    }

    /// Takes a session that the store has ended, on behalf of this process, out of the table,
    /// and tells of its end.
    pub(super) fn tell_of_end(&self, session: &Arc<Session>, end: &SessionEnd) {
        // The one in the table, if there is one: streams watch it.
        let ours = self.0.table.by_id(session.id());
        if let Some(ours) = &ours {
            ours.set_end(end.clone());
            self.take_out(ours);
        }
        let session = ours.as_ref().unwrap_or(session);
        self.leave_shared_seat_soon(session);
        self.0.observers.iter().for_each(|o| o.ended(session));
    }

    async fn check_until_done(&self) {
        while let Err(error) = self.check_table().await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "cached sessions cannot be checked yet"
            );
            task::sleep(RETRY).await;
        }
    }

    /// Compares all that is in the table with what is in the store.
    async fn check_table(&self) -> Result<(), StoreError> {
        let Some(store) = self.0.store.shared() else {
            return Ok(());
        };
        let locks = store.locks().await?;
        let locked: HashSet<_> = locks.iter().map(UserLock::user_key).collect();
        self.0.locks.keep(|user| locked.contains(&user));
        locks.into_iter().for_each(|lock| self.restore_lock(lock));
        let mut cached = Vec::new();
        self.0
            .table
            .for_each(|session| cached.push(Arc::clone(session)));
        for some in cached.chunks(CHECKED_AT_ONCE) {
            let standing = store.standing(some.to_vec()).await?;
            for (session, standing) in some.iter().zip(standing) {
                self.apply_standing(session, standing);
            }
        }
        Ok(())
    }

    pub(super) fn apply_standing(&self, session: &Session, standing: Standing) {
        match standing {
            Standing::Open => {}
            Standing::Ended(end) => self.apply_end(session.id(), session.digest(), end),
            // Its time was up so long ago that the store has forgotten it, or the store has
            // lost it; nobody can use it any more. Should it come back, it may be used again:
            // it is not buried.
            Standing::Unknown => {
                session.set_end(SessionEnd {
                    at: self.0.clock.wall(),
                    reason: EndReason::Expired,
                    by: None,
                });
                self.take_out(session);
            }
        }
    }
}
