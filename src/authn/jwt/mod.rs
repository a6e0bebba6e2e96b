//! Signed tokens: JWTs (RFC 7519) that a trusted issuer signed.
//!
//! What is believed, in the order in which it is checked (after RFC 8725):
//!
//! 1. *One token.* From `Authorization: Bearer`, or a header or query parameter that was
//!    configured; two tokens are none. At most 16 KiB.
//! 2. *The key.* A [`KeySet`] that was configured, or fetched from a configured address: never
//!    one that the token brings (`jwk`, `jku`, `x5u`, `x5c` are not even read).
//! 3. *The algorithm.* Each key has a list of those it is trusted with, which its kind limits:
//!    a public key verifies no HMAC, and `none` is no algorithm.
//! 4. *The signature.*
//! 5. *The claims.* `iss`, `aud` and `exp` have to be there and right; `nbf` and `iat` must not
//!    lie ahead. Types are exact.
//! 6. *Who it is.* Directory and id, and the attributes that are mandatory.

mod authenticator;
mod builder;
mod claims;
mod fetch;
mod jwks;
mod jwks_url;
mod key;
mod mint;
mod source;
#[cfg(test)]
mod tests;
mod token;

pub use authenticator::JwtAuthenticator;
pub use builder::{Directory, JwtAuthenticatorBuilder, JwtConfigError};
pub use jsonwebtoken::Algorithm;
pub use jwks_url::{JwksUrlError, JwksUrlSettings};
pub use key::{KeyError, KeySet, VerifyingKey};
pub use mint::{MintError, SigningKey};
