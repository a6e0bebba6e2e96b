//! What became of sessions that came from another store.

/// What became of a session in [`SessionStore::import`](super::SessionStore::import).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Merged {
    /// It is kept.
    Kept,
    /// It was there, open or ended, and stays so; of its activity the latest counts.
    Known,
    /// It was open here, and has ended now as it had there.
    Ended,
    /// Its token is that of another session; nothing changed.
    TokenTaken,
}
