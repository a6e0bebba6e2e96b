//! A credential that this process does not know: another node may have verified it.

use std::sync::Arc;

use super::gate::{Ask, Gate};
use crate::authn::AuthnRequest;
use crate::domain::{Ruling, Session, Tick};
use crate::sessions::Resolution;
use crate::store::StoreError;

impl Gate {
    /// The session that the store knows for a credential of the request: opened by another
    /// node, which has verified the credential.
    pub(super) async fn recall_by_credential(
        &self,
        request: &AuthnRequest<'_>,
        ask: &Ask,
        rule: impl Fn(&Session, Tick) -> Ruling,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        if !ask.brings_credential {
            return Ok(None);
        }
        let (sessions, space) = (&self.0.sessions, &self.0.space);
        for credential in self.0.chain.credentials(request) {
            let found = match sessions.recall_credential(&credential, space).await {
                Ok(Resolution::Live(session)) => session,
                Ok(Resolution::Due(session, reason)) => {
                    sessions.expire(&session, reason).await?;
                    continue;
                }
                Ok(Resolution::Unknown) => continue,
                // With a live session, nothing depends on what the store would say.
                Err(_) if ask.current.is_some() => return Ok(None),
                Err(error) => return Err(error),
            };
            if self.goes_on(&found, &rule).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
