//! Errors of the dialect: their statuses, codes and texts.

use std::any::Any;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::wire::ErrorBody;
use crate::admin::keys::Denied;
use crate::admin::problem::{Problem, ProblemKind};
use crate::domain::random;
use crate::query::QueryError;
use crate::store::StoreError;
use crate::tasks::Unreachable;

/// An error as a caller of the dialect is told it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    kind: FaultKind,
    description: Box<str>,
    properties: Value,
    /// In seconds.
    retry_after: Option<u64>,
}

/// What went wrong, as far as the caller may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    IllegalQuery,
    UnknownField,
    IllegalBody,
    IllegalRequest,
    /// Wrong id or secret at sign-in.
    WrongCredentials,
    /// Nobody, or a session that has ended.
    NotAuthenticated,
    /// A session without a request for too long.
    IdleTooLong,
    NotAuthorized,
    UnknownSpace,
    UnknownEntity,
    UnknownRoute,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedBody,
    WrongHost,
    TooManyAttempts,
    Internal,
    Unavailable,
}

impl FaultKind {
    const fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::IllegalQuery => (StatusCode::BAD_REQUEST, "platform.illegal_query"),
            Self::UnknownField => (StatusCode::BAD_REQUEST, "platform.unknown_field"),
            Self::IllegalBody => (StatusCode::BAD_REQUEST, "platform.illegal_body"),
            Self::IllegalRequest => (StatusCode::BAD_REQUEST, "platform.illegal_request"),
            Self::WrongCredentials | Self::NotAuthenticated | Self::IdleTooLong => {
                (StatusCode::UNAUTHORIZED, "platform.not_authenticated")
            }
            Self::NotAuthorized => (StatusCode::FORBIDDEN, "platform.not_authorized"),
            Self::UnknownSpace => (StatusCode::NOT_FOUND, "platform.shared_space_not_found"),
            Self::UnknownEntity => (StatusCode::NOT_FOUND, ENTITY_NOT_FOUND),
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "platform.web_application"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "platform.method_not_allowed",
            ),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "platform.body_too_large"),
            Self::UnsupportedBody => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "platform.unsupported_body",
            ),
            Self::WrongHost => (StatusCode::MISDIRECTED_REQUEST, "platform.wrong_host"),
            Self::TooManyAttempts => (StatusCode::TOO_MANY_REQUESTS, "platform.too_many_attempts"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "platform.internal"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "platform.unavailable"),
        }
    }

    /// All that [`Self::token_state`] may be: no session, and an idle one.
    pub(super) const TOKEN_STATES: [&'static str; 2] = [
        "VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT",
        "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT",
    ];

    /// What clients look at to decide whether to sign in again.
    const fn token_state(self) -> Option<&'static str> {
        match self {
            Self::NotAuthenticated => Some(Self::TOKEN_STATES[0]),
            Self::IdleTooLong => Some(Self::TOKEN_STATES[1]),
            _ => None,
        }
    }
}

impl Fault {
    /// An error with a description, which repeats at most the caller's own input.
    pub(super) fn new(kind: FaultKind, description: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            description: description.into(),
            properties: Value::Null,
            retry_after: None,
        }
    }

    /// Nobody is signed in.
    pub(super) fn not_authenticated() -> Self {
        Self::unauthenticated(FaultKind::NotAuthenticated, "sign in first")
    }

    /// The caller's session has ended for want of requests.
    pub(super) fn idle_too_long() -> Self {
        Self::unauthenticated(
            FaultKind::IdleTooLong,
            "the session was not used for too long",
        )
    }

    /// Wrong id or secret.
    pub(super) fn wrong_credentials() -> Self {
        Self::unauthenticated(FaultKind::WrongCredentials, "the id or the secret is wrong")
    }

    fn unauthenticated(kind: FaultKind, why: &str) -> Self {
        Self::new(kind, format!("Not Authenticated: {why}"))
    }

    /// Why a key does not open the side port.
    pub(super) fn denied(denied: &Denied) -> Self {
        match denied {
            Denied::TooMany { retry_after } => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                Self::new(FaultKind::TooManyAttempts, "too many failed attempts")
                    .retry_after(seconds)
            }
            _ => Self::wrong_credentials(),
        }
    }

    /// What is wrong with `text`, and where.
    pub(super) fn query(error: &QueryError, text: &str) -> Self {
        match error.unknown_field() {
            Some(name) => Self::new(FaultKind::UnknownField, error.describe(text))
                .properties(json!({ "field_name": name })),
            None => Self::new(FaultKind::IllegalQuery, error.describe(text))
                .properties(json!({ "offset": error.offset() })),
        }
    }

    /// What is wrong with the parameter `name` of the URL.
    pub(super) fn parameter(name: &str, expected: &str) -> Self {
        let description = format!("{name}: {expected} is expected");
        Self::new(FaultKind::IllegalQuery, description).properties(json!({ "parameter": name }))
    }

    /// There is no entity `id` of this type.
    pub(super) fn unknown_entity(entity_type: &str, id: &str) -> Self {
        let shown: String = id.chars().take(80).collect();
        let description = format!("there is no {entity_type} with id {shown}");
        Self::new(FaultKind::UnknownEntity, description)
            .properties(json!({ "entity_type": entity_type, "entity_id": shown }))
    }

    pub(super) fn properties(mut self, properties: Value) -> Self {
        self.properties = properties;
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    #[cfg(test)]
    pub(super) const fn code(&self) -> &'static str {
        self.kind.parts().1
    }

    /// Whether it is that the store does not answer.
    pub(super) fn is_store(&self) -> bool {
        self.kind == FaultKind::Unavailable
    }

    /// It as JSON.
    pub(super) fn body<'f>(&'f self, correlation_id: &'f str) -> ErrorBody<'f> {
        let (status, error_code) = self.kind.parts();
        ErrorBody {
            error_code,
            correlation_id,
            description: &self.description,
            description_translated: &self.description,
            properties: &self.properties,
            stack_trace: None,
            business_error: status.is_client_error(),
            token_state: self.kind.token_state(),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(tracing::field::display);
        tracing::error!(%error, error.source = source, "the side port could not answer");
        Self::new(
            FaultKind::Unavailable,
            "the session store does not answer; try again later",
        )
        .retry_after(5)
    }
}

impl From<Unreachable> for Fault {
    fn from(error: Unreachable) -> Self {
        StoreError::Unavailable(error.into()).into()
    }
}

impl From<Problem> for Fault {
    /// What the checks that all dialects share found.
    fn from(problem: Problem) -> Self {
        let (kind, text) = if problem.is(ProblemKind::WrongHost) {
            let text = "the side port does not answer to this host";
            (FaultKind::WrongHost, text)
        } else if problem.is(ProblemKind::CrossOrigin) {
            let text = "pages of other origins may not call the side port";
            (FaultKind::NotAuthorized, text)
        } else {
            let text = "the request names no host, or several";
            (FaultKind::IllegalRequest, text)
        };
        Self::new(kind, text)
    }
}

impl IntoResponse for Fault {
    /// The status and headers; [`finish`] writes the body, since it knows the correlation id.
    fn into_response(self) -> Response {
        let status = self.kind.parts().0;
        let mut response = status.into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: a 401 names a way to authenticate. Not `Basic`, which
            // would make a browser ask a person for a password.
            let challenge = HeaderValue::from_static(r#"Bearer realm="gatepass""#);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The id by which a caller finds its request again: the caller's, or a new one. A request
/// carries it as an extension.
#[derive(Clone, Debug)]
pub(super) struct CorrelationId(String);

impl CorrelationId {
    fn of(headers: &HeaderMap) -> Self {
        let sent = headers
            .get(CORRELATION)
            .and_then(|value| value.to_str().ok());
        let sound = |id: &&str| (1..=MAX_CORRELATION).contains(&id.len());
        Self(sent.filter(sound).map_or_else(
            || Uuid::from_bytes(random::bytes()).to_string(),
            str::to_owned,
        ))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The outermost middleware of the dialect: writes errors out.
pub(super) async fn finish(mut request: Request, next: Next) -> Response {
    let correlation = CorrelationId::of(request.headers());
    request.extensions_mut().insert(correlation.clone());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let json = serde_json::to_string(&fault.body(correlation.as_str()))
            .expect("texts and numbers always serialise");
        // Clients choose their parser by whether this text is anywhere in the body; as an
        // escape it says the same to a parser, wherever the caller's input has put it.
        let json = json.replace("total_count", r"total\u005fcount");
        *response.body_mut() = Body::from(json);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    response
}

/// What an endpoint that panicked answers with. The panic itself has been printed by its hook.
pub(super) fn of_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("an endpoint of the Octane dialect panicked");
    Fault::new(FaultKind::Internal, "something went wrong here").into_response()
}

/// The code of an id that names nothing, in errors and in the results of tasks.
pub(super) const ENTITY_NOT_FOUND: &str = "platform.entity_not_found";
const CORRELATION: &str = "x-correlation-id";
const MAX_CORRELATION: usize = 256;
