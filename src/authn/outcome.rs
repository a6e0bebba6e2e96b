//! What an authenticator says, and why.

use std::fmt;
use std::time::Duration;

use crate::domain::{Identity, Method, SignOnId, TokenDigest};

/// The verdict on a request.
#[derive(Debug)]
pub enum Outcome {
    /// The request carries nothing of this method.
    NotRequested,
    /// This is who the caller is.
    Authenticated(Authentication),
    /// The caller has to do something first.
    Challenge(Challenge),
    /// The request carries a credential that does not hold, or that cannot be checked now.
    Failed(Failure),
}

/// Who a caller is, and how that is known.
#[derive(Debug)]
pub struct Authentication {
    /// Who.
    pub identity: Identity,
    /// How they were authenticated.
    pub method: Method,
    /// The credential that opens the session again, where the method has one; without it the
    /// session needs a cookie.
    pub credential: Option<Credential>,
    /// The sign-on that the session belongs to, where the method knows of one.
    pub sign_on: Option<SignOnId>,
}

/// A credential that opens the session again without being verified again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its digest, as [`Authenticator::credential`](super::Authenticator::credential) gives it
    /// for a later request.
    pub digest: TokenDigest,
    /// For how long it does from now on; `None`: as long as the session lives.
    pub valid_for: Option<Duration>,
}

/// What a caller has to do before they can be authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Challenge {
    /// Log in at the space's login page.
    LoginPage,
    /// Log in at the space's login module, which is elsewhere.
    LoginModule,
    /// Send a bearer token (RFC 6750, section 3).
    Bearer {
        /// The realm to name: the space.
        realm: Box<str>,
        /// What was wrong with the token that was sent; `None` when none was.
        error: Option<BearerError>,
    },
}

/// The error codes of RFC 6750, section 3.1, that authentication can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// The request is malformed, such as one with two tokens.
    InvalidRequest,
    /// The token does not hold.
    InvalidToken,
}

impl BearerError {
    /// `invalid_request` or `invalid_token`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
        }
    }
}

/// A credential that was refused. Display is for the log; the caller is told that
/// authentication failed and nothing else.
#[derive(Clone, Debug)]
pub struct Failure {
    method: Method,
    reason: FailureReason,
    detail: String,
}

impl Failure {
    /// A failure of `method` for `reason`. `detail` is for the log: never a secret, and what
    /// comes from the request is shown with [`fmt::Debug`] and cut.
    #[must_use]
    pub fn new(method: Method, reason: FailureReason, detail: impl Into<String>) -> Self {
        Self {
            method,
            reason,
            detail: detail.into(),
        }
    }

    /// The method whose credential was refused.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> FailureReason {
        self.reason
    }

    /// The particulars, for the log and never for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to name in a `WWW-Authenticate: Bearer` header (RFC 6750); `None` for methods that
    /// take no token, and when the failure is not the caller's.
    #[must_use]
    pub fn bearer_error(&self) -> Option<BearerError> {
        match self.method {
            Method::Jwt if self.reason.is_outage() => None,
            Method::Jwt if self.reason == FailureReason::BadHeader => {
                Some(BearerError::InvalidRequest)
            }
            Method::Jwt => Some(BearerError::InvalidToken),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} refused, {}: {}",
            self.method.as_str(),
            self.reason.as_str(),
            self.detail
        )
    }
}

/// Why a credential was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailureReason {
    /// It is no token, or one of a kind that is not taken.
    BadToken,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its signature is not by a key that is trusted with its algorithm.
    BadSignature,
    /// No key that is trusted fits it.
    UnknownKey,
    /// Another issuer made it.
    WrongIssuer,
    /// It is for somebody else.
    WrongAudience,
    /// A claim that is needed is absent.
    MissingClaim,
    /// A claim is there and is not of the type or form it needs to have.
    BadClaim,
    /// A peer sent it that may not.
    UntrustedPeer,
    /// The header that carries it is repeated or malformed.
    BadHeader,
    /// It is no ticket that can be redeemed: unknown, used, too old, or another space's.
    BadTicket,
    /// A certificate lacks a part that says who its user is.
    MissingCertificatePart,
    /// A certificate has such a part more than once.
    AmbiguousCertificatePart,
    /// A certificate has such a part, and it can be no part of a user.
    BadCertificatePart,
    /// The keys cannot be fetched: an outage, which says nothing about the credential.
    KeysUnavailable,
    /// The store that knows it does not answer: an outage too.
    StoreUnavailable,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::BadToken,
        Self::Expired,
        Self::NotYetValid,
        Self::BadSignature,
        Self::UnknownKey,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::MissingClaim,
        Self::BadClaim,
        Self::UntrustedPeer,
        Self::BadHeader,
        Self::BadTicket,
        Self::MissingCertificatePart,
        Self::AmbiguousCertificatePart,
        Self::BadCertificatePart,
        Self::KeysUnavailable,
        Self::StoreUnavailable,
    ];

    /// As metrics and logs spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadToken => "bad_token",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::BadSignature => "bad_signature",
            Self::UnknownKey => "unknown_key",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::MissingClaim => "missing_claim",
            Self::BadClaim => "bad_claim",
            Self::UntrustedPeer => "untrusted_peer",
            Self::BadHeader => "bad_header",
            Self::BadTicket => "bad_ticket",
            Self::MissingCertificatePart => "missing_certificate_part",
            Self::AmbiguousCertificatePart => "ambiguous_certificate_part",
            Self::BadCertificatePart => "bad_certificate_part",
            Self::KeysUnavailable => "keys_unavailable",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Whether this is an outage on our side and no fault of the credential: to be answered
    /// with "try again later", never with "who are you".
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::KeysUnavailable | Self::StoreUnavailable)
    }
}
