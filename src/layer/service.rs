//! The service: decide, and call the inner service or not.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::admit::{Admission, Refusal};
use super::body::LayerBody;
use super::cookie::SetCookie;
use super::future::{Answer, ResponseFuture};
use super::gate::{Ask, Gate, Verdict};
use crate::authn::AuthnRequest;
use crate::domain::{Connection, RequestPath, Session};

/// An inner service behind a [`Gate`]; made by [`ProxySessionLayer`](super::ProxySessionLayer).
#[derive(Clone, Debug)]
pub struct ProxySessionService<S> {
    inner: S,
    gate: Gate,
}

impl<S> ProxySessionService<S> {
    /// `inner` behind `gate`.
    pub const fn new(inner: S, gate: Gate) -> Self {
        Self { inner, gate }
    }

    /// The gate.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ProxySessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Body<Data: Buf + Send> + Send + 'static,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<LayerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match self.route(&parts) {
            Route::Pass(session) => {
                ResponseFuture::inner(self.inner.call(self.admitted(parts, body, session)))
            }
            Route::Answer(response) => ResponseFuture::answer(response),
            Route::Refuse(refusal) => {
                let gate = self.gate.clone();
                let refuse =
                    async move { Answer::Own(gate.refuse(request_of(&parts), &refusal).await) };
                ResponseFuture::slow(Box::pin(refuse), None)
            }
            Route::Own => {
                let gate = self.gate.clone();
                ResponseFuture::slow(
                    Box::pin(async move { Answer::Own(own(&gate, &parts, body).await) }),
                    None,
                )
            }
            Route::Ask(ask) => {
                // The service that was polled ready is the one to call; leave a clone here.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                let gate = self.gate.clone();
                ResponseFuture::slow(
                    Box::pin(ask_then_answer(gate, parts, body, ask)),
                    Some(inner),
                )
            }
        }
    }
}

/// What is done with a request.
enum Route {
    Pass(Arc<Session>),
    Answer(Response<Bytes>),
    Refuse(Refusal),
    Own,
    Ask(Ask),
}

impl<S> ProxySessionService<S> {
    /// The decision, without side effects on the request.
    fn route(&self, parts: &Parts) -> Route {
        let path = match below_prefix(&self.gate, parts) {
            Ok(path) => path,
            Err(response) => return Route::Answer(response),
        };
        if self.gate.is_own(path.as_str()) {
            return Route::Own;
        }
        let request = request_of(parts);
        match self.gate.decide(request, &path) {
            Verdict::Pass(session) => Route::Pass(session),
            Verdict::Denied(session, denied) => Route::Refuse(self.gate.denial(&session, denied)),
            Verdict::Refused(refusal) => Route::Refuse(refusal),
            Verdict::Ask(ask) => Route::Ask(ask),
        }
    }

    fn admitted<B>(&self, mut parts: Parts, body: B, session: Arc<Session>) -> Request<B> {
        self.gate.take_off_credentials(&mut parts);
        parts.extensions.insert(session);
        Request::from_parts(parts, body)
    }
}

async fn own<B: Body<Data: Buf>>(gate: &Gate, parts: &Parts, body: B) -> Response<Bytes> {
    match below_prefix(gate, parts) {
        Ok(path) => {
            gate.own_endpoint(parts, connection_of(parts), path.as_str(), body)
                .await
        }
        Err(response) => response,
    }
}

async fn ask_then_answer<B>(gate: Gate, mut parts: Parts, body: B, ask: Ask) -> Answer<B> {
    let admission = match below_prefix(&gate, &parts) {
        Ok(path) => gate.admit(request_of(&parts), &path, ask).await,
        Err(response) => return Answer::Own(response),
    };
    match admission {
        Admission::Admitted { session, cookie } => {
            gate.take_off_credentials(&mut parts);
            parts.extensions.insert(session);
            Answer::Call(Request::from_parts(parts, body), cookie)
        }
        Admission::Redirected { response, .. } => Answer::Own(response),
        Admission::Refused { refusal, cookie } => {
            let mut response = gate.refuse(request_of(&parts), &refusal).await;
            if let Some(cookie) = cookie {
                SetCookie::apply(cookie, response.headers_mut());
            }
            Answer::Own(response)
        }
    }
}

fn connection_of(parts: &Parts) -> Option<Connection> {
    parts.extensions.get().copied()
}

fn request_of(parts: &Parts) -> AuthnRequest<'_> {
    AuthnRequest {
        parts,
        connection: connection_of(parts),
    }
}

/// The path that rules are matched against. The inner service reads the path as it came, so
/// one that programs read differently is refused rather than put into another form.
fn below_prefix<'p>(gate: &Gate, parts: &'p Parts) -> Result<RequestPath<'p>, Response<Bytes>> {
    let below = gate
        .prefix()
        .strip(parts.uri.path())
        .map(|rest| if rest.is_empty() { "/" } else { rest });
    let refuse = |status, text: &str| gate.say(parts, status, text);
    let raw = below.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "There is no such page."))?;
    match RequestPath::parse(raw) {
        Ok(path) if path.is_unchanged() => Ok(path),
        // Without rules nothing hangs on the path but whether it is reserved.
        Ok(path) if gate.has_no_rules() && !gate.is_own(path.as_str()) => Ok(path),
        _ => Err(refuse(
            StatusCode::BAD_REQUEST,
            "The path of this address can be read in more than one way.",
        )),
    }
}
