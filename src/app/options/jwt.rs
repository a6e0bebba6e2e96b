//! Tokens that callers bring along.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, Uri};
use jsonwebtoken::Algorithm;

/// Which tokens a space takes, and what it reads from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtOptions {
    /// Who must have issued it (`iss`).
    pub issuer: String,
    /// Whom it may be meant for (`aud`); at least one.
    pub audiences: Vec<String>,
    /// The algorithms it may be signed with; at least one, all of the kind the key source
    /// holds keys for. Default: RS256, or HS256 with a secret.
    pub algorithms: Vec<Algorithm>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// By how much clocks may differ. Default: 60 seconds.
    pub leeway: Duration,
    /// The claims that say who the user is.
    pub claims: JwtClaims,
    /// The claims that become attributes.
    pub attributes: Vec<AttributeMapping>,
    /// A header that may bring a token, beside `Authorization: Bearer`. It is taken off.
    pub header: Option<HeaderName>,
    /// A query parameter that may bring a token. It is taken off.
    pub query: Option<String>,
}

impl JwtOptions {
    /// By how much clocks may differ by default.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
}

/// Where the keys come from that tokens are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// One public key or certificate (PEM).
    PemFile(PathBuf),
    /// A JWK set.
    JwksFile(PathBuf),
    /// A JWK set that the issuer publishes: https, or http on this machine.
    JwksUrl(Uri),
    /// A secret shared with the issuer: the file's bytes without a final line break.
    SecretFile(PathBuf),
}

/// The claims that say who the user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtClaims {
    /// The directory. Default: the fixed directory `JWT`.
    pub directory: JwtDirectory,
    /// The claim with the user id. Default: `sub`.
    pub id: String,
    /// The claim with the display name. Default: `name`.
    pub name: String,
    /// The claim with the e-mail address. Default: `email`.
    pub email: String,
}

impl Default for JwtClaims {
    fn default() -> Self {
        Self {
            directory: JwtDirectory::Fixed("JWT".to_owned()),
            id: "sub".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
        }
    }
}

/// Where the user directory comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtDirectory {
    /// It is the same for all.
    Fixed(String),
    /// It stands in this claim.
    Claim(String),
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeMapping {
    /// The claim.
    pub claim: String,
    /// The attribute. Default: the claim's name.
    pub attribute: String,
    /// Whether a token without the claim is refused. Default: no.
    pub mandatory: bool,
}
