//! Users who may open no session.

use std::sync::Arc;

use super::{SpaceId, Timestamp, UserKey};

/// A lock on a user of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLock {
    /// The space.
    pub space: SpaceId,
    /// The user directory, as whoever locked the user wrote it.
    pub directory: Box<str>,
    /// The user id, likewise.
    pub id: Box<str>,
    /// Until when; `None` until it is lifted.
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
    /// Who locked the user, named as the audit log names them.
    pub by: Arc<str>,
    /// Why, in their words.
    pub reason: Option<Box<str>>,
}

impl UserLock {
    /// The key of the user.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey::new(&self.space, &self.directory, &self.id)
    }
}
