//! Which pages may open a WebSocket.
//!
//! Browsers send cookies with a WebSocket's upgrade whoever's page opens it, and ask nobody
//! first (RFC 6455, section 10.2): the server has to look at `Origin`.

use http::header::{HeaderValue, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::admit::Refusal;
use super::endpoints::any_case_parameter;
use super::gate::Gate;
use super::targets::authority;
use crate::authn::{AuthnRequest, Consumed};
use crate::domain::{CsrfToken, Origin, OriginPattern, Session};

/// The query parameter that brings the CSRF token, in any case.
const CSRF_PARAMETER: &str = "qlik-csrf-token";

/// Which pages may open WebSockets in a space, and what they have to bring. Default: every
/// page may.
#[derive(Clone, Debug, Default)]
pub struct WebSocketPolicy {
    origins: Option<Box<[OriginPattern]>>,
    csrf_token: bool,
}

/// Why a WebSocket is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketRefusal {
    /// The page that asks is of an origin that may not.
    Origin,
    /// The CSRF token of the session is missing or another's.
    CsrfToken,
}

impl WebSocketPolicy {
    /// Pages of these origins may, beside those of the space's own; others may not. A request
    /// without `Origin` is no page's and may.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = OriginPattern>) -> Self {
        self.origins = Some(origins.into_iter().collect());
        self
    }

    /// An upgrade needs the session's [`CsrfToken`] in the query, its cookie, and an `Origin`
    /// that may: the space's own, unless there are [`origins`](Self::origins).
    #[must_use]
    pub const fn csrf_token(mut self) -> Self {
        self.csrf_token = true;
        self
    }

    /// Whether pages of `origin` are on the list; the space's own need not be.
    pub(super) fn lists(&self, origin: &Origin<'_>) -> bool {
        let mut listed = self.origins.iter().flatten();
        listed.any(|pattern| pattern.matches(origin))
    }

    /// Whether every page may.
    const fn is_open(&self) -> bool {
        self.origins.is_none() && !self.csrf_token
    }

    pub(super) fn consumed(&self) -> Option<Consumed> {
        self.csrf_token
            .then(|| Consumed::AnyCaseParameter(CSRF_PARAMETER.into()))
    }

    /// Whether a request from `origin` for `own`, the host and port it names, may open one.
    fn admits(&self, origin: &PageOrigin<'_>, own: Option<&str>) -> bool {
        match origin {
            _ if self.is_open() => true,
            PageOrigin::None => !self.csrf_token,
            PageOrigin::Unreadable => false,
            PageOrigin::Of(origin) => {
                own.is_some_and(|own| origin.is_of(own)) || self.lists(origin)
            }
        }
    }
}

/// What a request says of the page that made it.
pub(super) enum PageOrigin<'r> {
    /// Nothing: no browser's script made it.
    None,
    /// A page of this origin.
    Of(Origin<'r>),
    /// A page of an origin that cannot be told, such as `null`.
    Unreadable,
}

impl<'r> PageOrigin<'r> {
    pub(super) fn of(headers: &'r HeaderMap) -> Self {
        let mut values = headers.get_all(ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(Origin::parse)
                .map_or(Self::Unreadable, Self::Of),
            (Some(_), Some(_)) => Self::Unreadable,
        }
    }
}

impl Gate {
    /// Checks where a request to open a WebSocket comes from. Other requests are none of its
    /// business.
    pub(super) fn check_socket_origin(&self, parts: &Parts) -> Result<(), Refusal> {
        let policy = &self.0.websocket;
        let may = policy.is_open()
            || !opens_websocket(parts)
            || policy.admits(&PageOrigin::of(&parts.headers), authority(parts));
        may.then_some(()).ok_or_else(|| {
            tracing::info!(
                space = %self.0.space.id(),
                origin = ?parts.headers.get(ORIGIN).map(shown),
                "a WebSocket was refused to a page of another origin"
            );
            Refusal::WebSocket(SocketRefusal::Origin)
        })
    }

    /// Checks what a request to open a WebSocket with `session` brings.
    pub(super) fn check_socket_token(
        &self,
        request: &AuthnRequest<'_>,
        session: &Session,
    ) -> Result<(), Refusal> {
        if !self.0.websocket.csrf_token || !opens_websocket(request.parts) {
            return Ok(());
        }
        let cookie = self
            .0
            .cookie
            .read(&request.parts.headers, self.scheme(request));
        let query = request.parts.uri.query().unwrap_or_default();
        let holds = cookie.digest() == Some(session.digest())
            && any_case_parameter(query, CSRF_PARAMETER)
                .is_some_and(|token| CsrfToken::of(session.digest()).is(token.as_bytes()));
        holds
            .then_some(())
            .ok_or(Refusal::WebSocket(SocketRefusal::CsrfToken))
    }
}

/// Whether a request asks for a WebSocket, over HTTP/1.1 (RFC 6455) or HTTP/2 (RFC 8441),
/// where CONNECT is for nothing else.
fn opens_websocket(parts: &Parts) -> bool {
    let mut protocols = parts
        .headers
        .get_all(UPGRADE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    parts.method == Method::CONNECT
        || protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

/// A header's value for the log.
fn shown(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(policy: &WebSocketPolicy, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        policy.admits(&PageOrigin::of(&headers), Some("portal.example.com"))
    }

    #[test]
    fn every_policy_has_its_origins() {
        let own = Some("https://portal.example.com");
        let listed = Some("https://mashup.example.com");
        let foreign = Some("https://evil.example");
        let (opaque, none) = (Some("null"), None);
        let list = ["https://mashup.example.com".parse().unwrap()];
        let free = WebSocketPolicy::default();
        for (policy, may) in [
            (free.clone(), [true, true, true, true, true]),
            (free.clone().origins([]), [true, false, false, false, true]),
            (
                free.clone().origins(list.clone()),
                [true, true, false, false, true],
            ),
            (
                free.clone().csrf_token(),
                [true, false, false, false, false],
            ),
            (
                free.origins(list).csrf_token(),
                [true, true, false, false, false],
            ),
        ] {
            let found = [own, listed, foreign, opaque, none].map(|o| admits(&policy, o));
            assert_eq!(found, may, "{policy:?}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            headers.append(ORIGIN, "https://portal.example.com".parse().unwrap());
        }
        let policy = WebSocketPolicy::default().origins([]);
        let own = Some("portal.example.com");
        assert!(!policy.admits(&PageOrigin::of(&headers), own));
    }
}
