//! Client certificates as a method of authentication.

use crate::authn::certificate::CertificateUser;

/// Which client certificates are which users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOptions {
    /// The users, at least one; the first that means a certificate decides. One that means
    /// every certificate is the last.
    pub users: Vec<CertificateUser>,
}
