//! Errors as the side port tells them: `application/problem+json` (RFC 9457).

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::store::StoreError;
use crate::tasks::Unreachable;

/// What went wrong with a call, as far as its caller may know.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: Option<String>,
    place: Option<Place>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// Where in a text the caller is wrong.
#[derive(Clone, Debug)]
struct Place {
    offset: usize,
    field: Option<String>,
}

/// The kinds of problems. Each has a status, a stable name and a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    InvalidQuery,
    InvalidPath,
    InvalidBody,
    InvalidCursor,
    InvalidHost,
    Unauthenticated,
    TooManyAttempts,
    Forbidden,
    CrossOrigin,
    UnknownRoute,
    UnknownSpace,
    UnknownSession,
    UnknownTask,
    NotLocked,
    MethodNotAllowed,
    BodyTooLarge,
    NotJson,
    WrongHost,
    Internal,
    StoreUnavailable,
    Busy,
}

impl ProblemKind {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidQuery => (
                StatusCode::BAD_REQUEST,
                "invalid-query",
                "The query cannot be understood",
            ),
            Self::InvalidPath => (
                StatusCode::BAD_REQUEST,
                "invalid-path",
                "The path cannot be understood",
            ),
            Self::InvalidBody => (
                StatusCode::BAD_REQUEST,
                "invalid-body",
                "The body cannot be understood",
            ),
            Self::InvalidCursor => (
                StatusCode::BAD_REQUEST,
                "invalid-cursor",
                "The cursor is not of this list",
            ),
            Self::InvalidHost => (
                StatusCode::BAD_REQUEST,
                "invalid-host",
                "The request names no host, or several",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "A valid API key is needed",
            ),
            Self::TooManyAttempts => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-attempts",
                "Too many failed attempts",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "The API key may not do this",
            ),
            Self::CrossOrigin => (
                StatusCode::FORBIDDEN,
                "cross-origin",
                "Pages of other origins may not call the side port",
            ),
            Self::UnknownRoute => (
                StatusCode::NOT_FOUND,
                "unknown-route",
                "There is nothing here",
            ),
            Self::UnknownSpace => (
                StatusCode::NOT_FOUND,
                "unknown-space",
                "There is no such space",
            ),
            Self::UnknownSession => (
                StatusCode::NOT_FOUND,
                "unknown-session",
                "There is no such session",
            ),
            Self::UnknownTask => (
                StatusCode::NOT_FOUND,
                "unknown-task",
                "There is no such task",
            ),
            Self::NotLocked => (
                StatusCode::NOT_FOUND,
                "not-locked",
                "The user is not locked",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The method is not for this path",
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "The body is not declared as application/json",
            ),
            Self::WrongHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "wrong-host",
                "The side port does not answer to this host",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here",
            ),
            Self::StoreUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store-unavailable",
                "The session store does not answer",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "As much of this is under way as may be",
            ),
        }
    }
}

impl Problem {
    /// A problem that its title says all about.
    pub(crate) fn new(kind: ProblemKind) -> Self {
        Self {
            kind,
            detail: None,
            place: None,
            header: None,
        }
    }

    /// The stable name of its kind.
    pub(crate) const fn name(&self) -> &'static str {
        self.kind.parts().1
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: ProblemKind) -> bool {
        self.kind == kind
    }

    /// Says more. What is said is the caller's own input or fixed: never a secret.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says at which byte of a text it is wrong, and which field it names that does not exist.
    pub(crate) fn place(mut self, offset: usize, field: Option<&str>) -> Self {
        self.place = Some(Place {
            offset,
            field: field.map(str::to_owned),
        });
        self
    }

    /// The same, of another kind.
    pub(crate) const fn of_kind(mut self, kind: ProblemKind) -> Self {
        self.kind = kind;
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Gives the response this header; there is room for one.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(tracing::field::display);
        tracing::error!(%error, error.source = source, "the side port could not answer");
        Self::new(ProblemKind::StoreUnavailable)
            .header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }
}

impl From<Unreachable> for Problem {
    fn from(error: Unreachable) -> Self {
        StoreError::Unavailable(error.into()).into()
    }
}

impl IntoResponse for Problem {
    /// The status and headers; [`finish`] writes the body, since it knows the path.
    fn into_response(self) -> Response {
        let (status, _, _) = self.kind.parts();
        let mut response = status.into_response();
        if let Some((name, value)) = self.header.clone() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The members of a problem, by RFC 9457, section 3.1, and two of our own.
#[derive(Serialize)]
struct Body9457<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// The outermost middleware: writes problems out, and marks every answer as one that is not
/// to be kept or guessed at.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (status, name, title) = problem.kind.parts();
        let place = problem.place.as_ref();
        let body = Body9457 {
            kind: format!("urn:gatepass:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: problem.detail.as_deref(),
            instance: &path,
            offset: place.map(|place| place.offset),
            field: place.and_then(|place| place.field.as_deref()),
        };
        let json = serde_json::to_vec(&body).expect("texts and numbers always serialise");
        *response.body_mut() = Body::from(json);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// What a handler that panicked answers with. The panic itself has been printed by its hook.
pub(super) fn of_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler of the side port panicked");
    Problem::new(ProblemKind::Internal).into_response()
}
