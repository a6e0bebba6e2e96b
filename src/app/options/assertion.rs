//! The signed assertion of who the user is.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;

/// A short-lived JWT that tells the upstream who the user is, and that it can verify with
/// the keys at `/.gatepass/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionOptions {
    /// The header it is sent in. Default: `x-gatepass-assertion`.
    pub header: HeaderName,
    /// Its audience (`aud`): the upstream's name for itself.
    pub audience: String,
    /// The private key (PEM) to sign with, readable when it was checked. `None`: a key
    /// that is made at the start and never leaves the process.
    pub key_file: Option<PathBuf>,
    /// How long an assertion is valid. Default: 5 minutes.
    pub lifetime: Duration,
}

impl AssertionOptions {
    /// The header an assertion is sent in by default.
    pub const DEFAULT_HEADER: HeaderName = HeaderName::from_static("x-gatepass-assertion");
    /// How long an assertion is valid by default.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(5 * 60);
}
