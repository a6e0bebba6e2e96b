//! Errors as the dialect tells them: one text, as JSON.

use std::any::Any;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::wire;
use crate::admin::guard::{Unidentified, seconds};
use crate::admin::keys::Denied;
use crate::admin::problem::{Problem, ProblemKind};
use crate::domain::{IdentityError, Timestamp};
use crate::sessions::EstablishError;
use crate::store::StoreError;

/// Why a call is refused. Some of the texts are what clients look for.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum QpsError {
    #[error("a client certificate or an API key is needed")]
    Unauthenticated,
    #[error("the API key is not valid")]
    WrongKey,
    #[error("too many failed attempts; try again in {} s", retry_after.as_secs())]
    TooManyAttempts { retry_after: Duration },
    #[error("the client certificate has no role here")]
    NoRole,
    #[error("the caller may not do this in this virtual proxy")]
    Forbidden,
    #[error("XSRF prevention check failed. Possible XSRF discovered.")]
    Xrf,
    #[error("pages of other origins may not call the side port")]
    CrossOrigin,
    #[error("the side port does not answer to this host")]
    WrongHost,
    #[error("the request names no host, or several")]
    Host,
    #[error("the path cannot be understood")]
    Path,
    #[error("there is nothing at this path")]
    Route,
    #[error("the method is not for this path; {allowed} is")]
    Method { allowed: String },
    #[error("there is no virtual proxy {0}")]
    UnknownProxy(String),
    #[error("there is no default virtual proxy: no space has an empty prefix")]
    NoDefaultProxy,
    #[error("several spaces have the prefix {0}: name one by its id instead")]
    Ambiguous(String),
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body did not come whole")]
    BodyBroken,
    /// What the body says is wrong, in words.
    #[error("{0}")]
    Input(String),
    #[error("No session with id {0}")]
    UnknownSession(String),
    #[error("SessionId '{0}' already exists")]
    SessionExists(String),
    #[error("Specified targetId {0} was unknown")]
    UnknownTarget(String),
    #[error("the user has {max} sessions, as many as they may have")]
    LimitReached { max: u32 },
    #[error("all {seats} seats of the license {license} are taken")]
    NoSeat { license: String, seats: u32 },
    #[error("{}", locked(*until))]
    Locked { until: Option<Timestamp> },
    #[error("the session was ended while it was being added")]
    EndedMeanwhile,
    #[error("the session store does not answer; try again later")]
    Store,
    #[error("something went wrong here")]
    Internal,
}

fn locked(until: Option<Timestamp>) -> String {
    match until {
        Some(until) => format!("the user is locked until {until}"),
        None => "the user is locked".to_owned(),
    }
}

impl QpsError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::WrongKey => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoRole
            | Self::Forbidden
            | Self::Xrf
            | Self::CrossOrigin
            | Self::LimitReached { .. }
            | Self::NoSeat { .. }
            | Self::Locked { .. } => StatusCode::FORBIDDEN,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Host
            | Self::Path
            | Self::BodyTooLarge(_)
            | Self::BodyBroken
            | Self::Input(_)
            | Self::UnknownTarget(_) => StatusCode::BAD_REQUEST,
            Self::Route
            | Self::UnknownProxy(_)
            | Self::NoDefaultProxy
            | Self::UnknownSession(_) => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Ambiguous(_) | Self::SessionExists(_) | Self::EndedMeanwhile => {
                StatusCode::CONFLICT
            }
            Self::Store => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What of `text` is told back: all of what can be right, and not a page of what cannot.
    pub(super) fn shown(text: &str) -> String {
        text.chars().take(MAX_SHOWN).collect()
    }

    /// A session with the secret `chosen` was not opened.
    pub(super) fn not_established(error: EstablishError, chosen: &str) -> Self {
        match error {
            EstablishError::LimitReached { max } => Self::LimitReached { max },
            EstablishError::NoSeat { license, seats } => Self::NoSeat {
                license: license.as_ref().to_owned(),
                seats,
            },
            EstablishError::Locked { until } => Self::Locked { until },
            EstablishError::SecretTaken => Self::SessionExists(Self::shown(chosen)),
            EstablishError::EndedMeanwhile => Self::EndedMeanwhile,
            EstablishError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for QpsError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = wire::json(status, &self.to_string());
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match self {
                Self::WrongKey => r#"Bearer realm="gatepass", error="invalid_token""#,
                _ => r#"Bearer realm="gatepass""#,
            };
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match self {
            Self::Method { allowed } => {
                let allowed = HeaderValue::try_from(allowed).expect("names of methods");
                headers.insert(header::ALLOW, allowed);
            }
            Self::TooManyAttempts { retry_after } => {
                headers.insert(header::RETRY_AFTER, seconds(retry_after));
            }
            Self::Store => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

impl From<Unidentified> for QpsError {
    fn from(why: Unidentified) -> Self {
        match why {
            Unidentified::Nothing => Self::Unauthenticated,
            Unidentified::Key(Denied::TooMany { retry_after }) => {
                Self::TooManyAttempts { retry_after }
            }
            Unidentified::Key(_) => Self::WrongKey,
            Unidentified::Certificate(_) => Self::NoRole,
        }
    }
}

impl From<Problem> for QpsError {
    /// What the checks that all dialects share found.
    fn from(problem: Problem) -> Self {
        if problem.is(ProblemKind::WrongHost) {
            Self::WrongHost
        } else if problem.is(ProblemKind::CrossOrigin) {
            Self::CrossOrigin
        } else {
            Self::Host
        }
    }
}

impl From<StoreError> for QpsError {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(tracing::field::display);
        tracing::error!(%error, error.source = source, "the side port could not answer");
        Self::Store
    }
}

impl From<IdentityError> for QpsError {
    fn from(error: IdentityError) -> Self {
        Self::Input(error.to_string())
    }
}

/// What an endpoint that panicked answers with. The panic itself has been printed by its hook.
pub(super) fn of_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("an endpoint of the Qlik dialect panicked");
    QpsError::Internal.into_response()
}

/// Characters of a caller's text that are told back.
const MAX_SHOWN: usize = 256;
