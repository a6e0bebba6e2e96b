//! Tickets in the file: written before they are given out, and taken from it before they are
//! redeemed.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::change::Change;
use super::notes;
use super::store::FileStore;
use crate::domain::{Ticket, TokenDigest};
use crate::store::short_lived::ShortLived;
use crate::store::{MAX_TICKETS, StoreError};

impl FileStore {
    fn tickets(&self) -> MutexGuard<'_, ShortLived<TokenDigest, Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn put_ticket_now(
        &self,
        digest: TokenDigest,
        ticket: Ticket,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        if self.tickets().is_full(self.clock.tick()) {
            let what = format!("{MAX_TICKETS} tickets wait to be redeemed, as many as may");
            return Err(StoreError::Refused { what });
        }
        let until = self.clock.wall().after(lifetime);
        let bytes = notes::ticket(&ticket, until);
        let change = Change::PutTicket {
            digest,
            ticket: bytes,
        };
        self.done(change).await?;
        let now = self.clock.tick();
        self.tickets().put(digest, ticket, lifetime, now);
        Ok(())
    }

    pub(super) async fn take_ticket_now(
        &self,
        digest: TokenDigest,
    ) -> Result<Option<Ticket>, StoreError> {
        let taken = self.tickets().take(&digest, self.clock.tick());
        if taken.is_some() {
            self.done(Change::TakeTicket(digest)).await?;
        }
        Ok(taken)
    }
}
