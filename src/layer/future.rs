//! The service's future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::LayerBody;
use super::cookie::SetCookie;

/// What the slow path comes to.
pub(super) enum Answer<B> {
    /// Call the inner service; set the cookie on its response.
    Call(Request<B>, Option<SetCookie>),
    /// Answer with this.
    Own(Response<Bytes>),
}

/// The slow path: boxed, as it is taken once a session and not once a request.
pub(super) type Slow<B> = Pin<Box<dyn Future<Output = Answer<B>> + Send>>;

pin_project! {
    /// The future of a [`ProxySessionService`](super::ProxySessionService). With a live
    /// session it is the inner service's future and nothing is boxed.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
        cookie: Option<SetCookie>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Inner { #[pin] future: F },
        Slow { slow: Slow<B>, inner: Option<S> },
        Ready { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) const fn inner(future: S::Future) -> Self {
        Self {
            state: State::Inner { future },
            cookie: None,
        }
    }

    pub(super) const fn slow(slow: Slow<B>, inner: Option<S>) -> Self {
        Self {
            state: State::Slow { slow, inner },
            cookie: None,
        }
    }

    pub(super) const fn answer(response: Response<Bytes>) -> Self {
        Self {
            state: State::Ready {
                response: Some(response),
            },
            cookie: None,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<LayerBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            match this.state.as_mut().project() {
                StateProjection::Inner { future } => {
                    let mut response = ready!(future.poll(cx))?;
                    if let Some(cookie) = this.cookie.take() {
                        cookie.apply(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response.map(LayerBody::inner)));
                }
                StateProjection::Slow { slow, inner } => {
                    match (ready!(slow.as_mut().poll(cx)), inner) {
                        (Answer::Call(request, cookie), Some(inner)) => {
                            let future = inner.call(request);
                            *this.cookie = cookie;
                            this.state.set(State::Inner { future });
                        }
                        (Answer::Own(response), _) => this.state.set(State::Ready {
                            response: Some(response),
                        }),
                        (Answer::Call(..), None) => {
                            unreachable!("only an ask calls, and it has the service")
                        }
                    }
                }
                StateProjection::Ready { response } => {
                    let response = response.take().expect("not polled after completion");
                    return Poll::Ready(Ok(response.map(LayerBody::own)));
                }
            }
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
