//! Tickets: bought by a trusted program for a user, redeemed once by the user's browser.

use std::sync::Arc;

use super::Sessions;
use crate::domain::{Identity, SpaceState, TargetId, Ticket, TicketSecret};
use crate::store::StoreError;

impl Sessions {
    /// A ticket of `space` for `identity`, to be redeemed once within [`Ticket::LIFETIME`];
    /// `target` is where the browser was going.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept.
    pub async fn issue_ticket(
        &self,
        space: &SpaceState,
        identity: Arc<Identity>,
        target: Option<Arc<str>>,
    ) -> Result<TicketSecret, StoreError> {
        let secret = TicketSecret::generate();
        let digest = TicketSecret::digest_of(space.id(), secret.expose());
        let ticket = Ticket { identity, target };
        self.0
            .store
            .put_ticket(digest, ticket, Ticket::LIFETIME)
            .await?;
        Ok(secret)
    }

    /// Takes the ticket `text` of `space`: exactly one caller gets it. `None` when there is
    /// no such ticket (any more), whyever.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell.
    pub async fn redeem_ticket(
        &self,
        space: &SpaceState,
        text: &str,
    ) -> Result<Option<Ticket>, StoreError> {
        if text.len() != TicketSecret::TEXT {
            return Ok(None);
        }
        let digest = TicketSecret::digest_of(space.id(), text);
        self.0.store.take_ticket(&digest).await
    }

    /// Remembers where a browser is going that is sent to log in elsewhere, for
    /// [`TargetId::LIFETIME`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be kept.
    pub async fn remember_target(&self, target: Arc<str>) -> Result<TargetId, StoreError> {
        let id = TargetId::generate();
        self.0
            .store
            .put_target(id, target, TargetId::LIFETIME)
            .await?;
        Ok(id)
    }

    /// Where the browser with target `id` was going.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot tell.
    pub async fn target(&self, id: TargetId) -> Result<Option<Arc<str>>, StoreError> {
        self.0.store.target(id).await
    }
}
