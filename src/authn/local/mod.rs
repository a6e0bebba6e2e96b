//! Names and passwords, here.

/// The users that may log in with a password.
#[derive(Debug)]
pub struct LocalUsers {}
