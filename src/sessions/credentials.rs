//! Credentials that open the session they have opened before: in this process, after it, and
//! on the other nodes.

use std::sync::Arc;
use std::time::Duration;

use super::resolve::judge;
use super::{JoinKey, Resolution, Sessions};
use crate::domain::{Session, SpaceState, Tick, TokenDigest};
use crate::store::{Claimed, KeptCredential, Opens, StoreError};

/// How often a credential is claimed in the place of a session that turns out to be over.
const TRIES: u32 = 8;

impl Sessions {
    /// Lets one more credential open `session`: a renewed token of the same sign-on. Another
    /// node may have been first with it; then the session that it opens there is the answer,
    /// else `session`.
    ///
    /// While the store does not answer, it opens `session` on this node only.
    pub async fn add_credential(&self, session: &Arc<Session>, join: JoinKey) -> Arc<Session> {
        let opened = match self.claim(&join, session).await {
            Ok(Some(other)) => other,
            Ok(None) => Arc::clone(session),
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a renewed credential is known to this node only"
                );
                Arc::clone(session)
            }
        };
        self.set_alias(&opened, &join);
        opened
    }

    /// As [`resolve_credential_at`](Self::resolve_credential_at), for a credential that is
    /// unknown here or cannot be believed: asks the store, if the store may know more.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell; that is no logout.
    pub async fn recall_credential(
        &self,
        credential: &TokenDigest,
        space: &SpaceState,
    ) -> Result<Resolution, StoreError> {
        let Some(store) = self.0.store.shared() else {
            return Ok(Resolution::Unknown);
        };
        let doubts = self.0.freshness.doubts();
        let session = match store.find_credential(credential).await? {
            Some(opens) => {
                let until = self.now().after(opens.valid_for);
                let session = self.take_in(&opens.session, doubts).await?;
                if let Some(session) = &session {
                    self.0.table.set_alias(*credential, session, until);
                }
                session
            }
            // One that was added while the store did not answer.
            None => match self.0.table.by_credential(credential, self.now()) {
                Some(session) if self.confirm(&session).await? => Some(session),
                _ => None,
            },
        };
        Ok(judge(session, space, self.now()))
    }

    /// Claims the credential of `join` for `session` where the store keeps such things; the
    /// session that it opens, when that is another one and live.
    pub(super) async fn claim(
        &self,
        join: &JoinKey,
        session: &Arc<Session>,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(store) = self.0.store.credentials() else {
            return Ok(None);
        };
        let valid_for = self.valid_for(session, join);
        for _ in 0..TRIES {
            let doubts = self.0.freshness.doubts();
            let claimed = store.claim(join.digest, session, valid_for).await?;
            let Claimed::Opens(Opens { session: other, .. }) = claimed else {
                return Ok(None);
            };
            let Some(other) = self.take_in(&other, doubts).await? else {
                continue;
            };
            match judge(Some(Arc::clone(&other)), session.space(), self.now()) {
                Resolution::Live(live) => return Ok(Some(live)),
                Resolution::Due(due, reason) => {
                    self.expire(&due, reason).await?;
                    if due.end().is_none() {
                        return Ok(Some(due));
                    }
                }
                Resolution::Unknown => {}
            }
        }
        let what = "the session of its credential is neither open nor over".to_owned();
        Err(StoreError::Refused { what })
    }

    /// Gives the claim of a session up that did not come to be.
    pub(super) async fn release(&self, join: &JoinKey, session: &Session) {
        if let Some(store) = self.0.store.credentials()
            && let Err(error) = store.release(join.digest, session).await
        {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the claim of a login that was refused is left to run out"
            );
        }
    }

    /// Lets the credential of `join` open `session` in this process.
    pub(super) fn set_alias(&self, session: &Arc<Session>, join: &JoinKey) {
        let until = match join.valid_for {
            Some(time) => self.now().after(time),
            None => Tick::MAX,
        };
        self.0.table.set_alias(join.digest, session, until);
    }

    /// Lets credentials open the sessions that they opened in the process before.
    pub(super) fn restore_credentials(&self, kept: &[KeptCredential]) {
        let (tick, wall) = (self.now(), self.0.clock.wall());
        for KeptCredential {
            digest,
            session,
            until,
        } in kept
        {
            if let Some(session) = self.0.table.by_id(*session) {
                let until = tick.after(until.since(wall));
                self.0.table.set_alias(*digest, &session, until);
            }
        }
    }

    /// For how long a credential opens `session` at most.
    fn valid_for(&self, session: &Session, join: &JoinKey) -> Duration {
        let lifetime = session.space().lifetime().absolute;
        let left = session.started_tick().after(lifetime).since(self.now());
        join.valid_for.map_or(left, |time| time.min(left))
    }
}
