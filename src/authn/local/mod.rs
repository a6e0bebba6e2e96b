//! Names and passwords, here.
//!
//! For a first try, for small teams, and for the day on which the identity provider is down.
//! The users are in a file ([`UsersFile`]) with a hash of each password; [`LocalUsers`] is what
//! a login page asks.
//!
//! - Passwords are hashed with argon2id at the strength that OWASP's password storage cheat
//!   sheet recommends (19 MiB, 2 passes, 1 lane), off the async threads, a bounded number at a
//!   time: a flood of logins cannot take the memory.
//! - An unknown user costs what a known one does, and the answer is the same.
//! - Attempts are limited per user and per address; see [`LoginLimits`].

mod authenticator;
mod limits;
mod password;
mod users;
mod users_file;

pub use authenticator::LocalAuthenticator;
pub use limits::LoginLimits;
pub use password::{MAX_PASSWORD, PasswordError};
pub use users::{LocalUsers, LoginError};
pub use users_file::{UserEntry, UsersFile, UsersFileError};

#[cfg(test)]
mod tests;
