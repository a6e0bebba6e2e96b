//! Seats of licenses over several processes.

use std::sync::Arc;

use super::StoreFuture;
use crate::domain::Session;

/// The part of a shared store's contract about licenses with limited seats. Who holds a seat is
/// noted before the session is created; no login without such a license asks for any of it.
///
/// An implementer owes:
/// - Of all who claim at once, on however many nodes, no more get a seat than there are.
/// - A session that is over keeps no seat for longer than until somebody
///   [looks](Self::seat_holders), and a login whose node died for some seconds.
pub trait SeatStore: Send + Sync {
    /// Puts `session`, which is about to be created, on one of the `seats` of its license in
    /// its space.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell.
    fn claim_seat(&self, session: &Arc<Session>, seats: u32) -> StoreFuture<'_, SeatClaim>;

    /// Puts open sessions of one license in one space on seats, whether there are any left:
    /// they were open before these were limited.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when some may have none.
    fn hold_seats(&self, sessions: Vec<Arc<Session>>) -> StoreFuture<'_, ()>;

    /// Takes `session`, which has ended or was never created, off its seat.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when it may hold it until somebody looks.
    fn leave_seat(&self, session: &Arc<Session>) -> StoreFuture<'_, ()>;

    /// Looks at `limit` of those on seats of the license of `session`, from the `from`th on,
    /// oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`](super::StoreError) when the store cannot tell.
    fn seat_holders(
        &self,
        session: &Arc<Session>,
        from: usize,
        limit: usize,
    ) -> StoreFuture<'_, SeatHolders>;
}

/// What became of a [`SeatStore::claim_seat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SeatClaim {
    /// It has a seat.
    Taken,
    /// It has a seat, and those who had the license before it was limited may have none.
    FirstTaken,
    /// All are taken.
    Full,
}

/// Some of those on seats.
#[derive(Clone, Debug, Default)]
pub struct SeatHolders {
    /// The sessions among them that are open.
    pub open: Vec<Arc<Session>>,
    /// How many were looked at; fewer than asked for at the end.
    pub seen: usize,
    /// How many of those were over, and have left their seats now.
    pub left: usize,
}
