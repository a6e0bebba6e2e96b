//! API keys and client certificates: who may call the side port.
//!
//! A key is an id, a role and a secret; a caller presents `<key id>.<secret>` as a bearer
//! token. Only a digest of the secret is kept: SHA-256 of one that was generated (256 random
//! bits need no slow hash), argon2id of one that a person chose.
//!
//! - [`KeysFile`] reads and writes `keys.toml`; `gatepass key` is a front for it.
//! - [`ApiKeys`] answers who a bearer token belongs to, while keys are exchanged under it.
//! - [`CertificateRoles`] answers who a client certificate belongs to, likewise.

mod attempts;
mod certificates;
mod file;
mod key;
mod principal;
mod secret;
#[cfg(test)]
mod tests;
mod verify;

pub use certificates::{CertificateRole, CertificateRoles, Strange};
pub use file::{KeysFile, KeysFileError};
pub use key::{ApiKey, KeyError, NewKey};
pub use principal::{Principal, Role};
pub use verify::{ApiKeys, Denied};
