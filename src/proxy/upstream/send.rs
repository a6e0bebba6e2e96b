//! A request on its way to one of several addresses.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::endpoint::{Checkout, Endpoint, Permit};
use super::{Lease, Progress, UpstreamBody, UpstreamError, bound_auth, connect};
use crate::proxy::deadline::Deadlines;

/// Times and numbers of an upstream. The numbers are those of one worker and one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// How long a connection may take to open, name resolution included. 5 s by default.
    pub connect_timeout: Duration,
    /// How long the response may take to begin, once the request has been sent. 60 s by
    /// default.
    pub head_timeout: Duration,
    /// How long the upstream may take no more of a request's body. 60 s by default.
    pub request_timeout: Duration,
    /// How long a request may wait for a connection when all are busy. 5 s by default.
    pub queue_timeout: Duration,
    /// How many requests may wait so. 1,024 by default.
    pub queue: usize,
    /// How many connections there may be. 1,024 by default.
    pub connections: usize,
    /// How long a connection may be idle. 4 s by default: less than the 5 s after which many
    /// servers (Node, Apache, uvicorn) close theirs, as a request that meets the close on
    /// its way is lost, and may not be sent again.
    pub idle_timeout: Duration,
    /// After how many failures to connect, one after the other, an address is left alone.
    /// 3 by default.
    pub max_failures: u32,
    /// For how long it is left alone. 5 s by default.
    pub back_off: Duration,
}

/// The addresses of a space's upstream, on one worker. Cheap to clone.
pub struct Upstream<B>(Arc<Inner<B>>);

struct Inner<B> {
    endpoints: Box<[Arc<Endpoint<B>>]>,
    /// Where the next choice begins, so that ties go round.
    turn: AtomicUsize,
    settings: UpstreamSettings,
    head_ticks: u64,
    request_ticks: u64,
    idle_ticks: u64,
    back_off_ticks: u64,
    deadlines: Deadlines,
}

/// Indexes of the addresses that could not be connected to for this request.
type Tried = SmallVec<[usize; 8]>;

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            queue_timeout: Duration::from_secs(5),
            queue: 1024,
            connections: 1024,
            idle_timeout: Duration::from_secs(4),
            max_failures: 3,
            back_off: Duration::from_secs(5),
        }
    }
}

impl<B: UpstreamBody> Upstream<B> {
    pub(super) fn new(
        endpoints: Box<[Arc<Endpoint<B>>]>,
        settings: UpstreamSettings,
        deadlines: Deadlines,
    ) -> Self {
        Self(Arc::new(Inner {
            endpoints,
            turn: AtomicUsize::new(0),
            settings,
            head_ticks: deadlines.ticks(settings.head_timeout),
            request_ticks: deadlines.ticks(settings.request_timeout),
            idle_ticks: deadlines.ticks(settings.idle_timeout),
            back_off_ticks: deadlines.ticks(settings.back_off),
            deadlines,
        }))
    }

    /// Sends `request`, as HTTP/1.1 and with its target as it stands: in origin form, with a
    /// Host header. Returns the head of the response and the connection it comes over.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] when no response has begun. The upstream may have seen the request
    /// unless the error is one of connecting or queueing.
    pub fn send(
        &self,
        mut request: Request<B>,
    ) -> impl Future<Output = Result<(Response<Incoming>, Lease<B>), UpstreamError>> + Send + '_
    {
        let bound = bound_auth::in_request(request.headers());
        *request.version_mut() = Version::HTTP_11;
        // A request is 256 bytes: not an `async fn`, which would hold and copy more of them.
        async move {
            loop {
                let mut lease = match self.pooled() {
                    Ok(lease) => lease,
                    // Boxed: opening a connection is rare, and its state is large.
                    Err((index, checkout)) => Box::pin(self.open(index, checkout)).await?,
                };
                let progress = request.body().progress();
                let mut sent = pin!(lease.sender.try_send_request(request));
                match self.answer(sent.as_mut(), progress.as_ref()).await {
                    Some(Ok(mut response)) => {
                        // RFC 9110, section 2.5: a proxy speaks its own version.
                        *response.version_mut() = Version::HTTP_11;
                        if bound
                            || bound_auth::in_response(&response)
                            || response.status() == StatusCode::SWITCHING_PROTOCOLS
                        {
                            lease.make_exclusive();
                        }
                        return Ok((response, lease));
                    }
                    Some(Err(mut failed)) => match failed.take_message() {
                        // Nothing of it was written: an idle connection had died. Each that
                        // fails so is gone, and the last resort is a fresh one.
                        Some(returned) if lease.reused => request = returned,
                        _ => return Err(broken(&lease, failed.into_error())),
                    },
                    None => return Err(self.too_late(&lease, progress.as_ref())),
                }
            }
        }
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &UpstreamSettings {
        &self.0.settings
    }

    /// Waits for the response; `None` when it has not begun in time, or the upstream did not
    /// take the request in time.
    async fn answer<F: Future>(
        &self,
        mut sent: Pin<&mut F>,
        progress: Option<&Progress>,
    ) -> Option<F::Output> {
        let inner = &*self.0;
        // The first look; from then on at what is allowed in the phase that it is in.
        let mut limit = inner.deadlines.limit_of(match progress {
            Some(_) => inner.head_ticks.min(inner.request_ticks),
            None => inner.head_ticks,
        });
        poll_fn(|cx| {
            if let Poll::Ready(answer) = sent.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            while limit.poll_waiting(cx).is_ready() {
                let Some(progress) = progress else {
                    return Poll::Ready(None);
                };
                // The time counts from where the request's body came to its end or stuck;
                // a client that sends slowly is the body's own business.
                let Some(since) = progress.upstream_since() else {
                    limit.progress();
                    continue;
                };
                limit.run_out_at(since.saturating_add(if progress.is_complete() {
                    inner.head_ticks
                } else {
                    inner.request_ticks
                }));
                if limit.poll_waiting(cx).is_ready() {
                    return Poll::Ready(None);
                }
            }
            Poll::Pending
        })
        .await
    }

    #[cold]
    fn too_late(&self, lease: &Lease<B>, progress: Option<&Progress>) -> UpstreamError {
        let (address, settings) = (lease.address().clone(), &self.0.settings);
        if progress.is_none_or(Progress::is_complete) {
            let after = settings.head_timeout;
            UpstreamError::HeadTimeout { address, after }
        } else {
            let after = settings.request_timeout;
            UpstreamError::RequestStall { address, after }
        }
    }

    /// An idle connection of the address that has the fewest requests in flight.
    #[inline]
    fn pooled(&self) -> Result<Lease<B>, (usize, Checkout<B>)> {
        let index = self
            .choose(&Tried::new())
            .expect("an upstream has an address");
        match self.checkout(index) {
            Checkout::Ready(permit, sender) => Ok(Lease {
                sender,
                permit,
                keep: self.0.idle_ticks,
                reused: true,
            }),
            other => Err((index, other)),
        }
    }

    /// A connection where there is no idle one: waits for a place, then opens one; goes on
    /// to the next address where that fails.
    async fn open(
        &self,
        mut index: usize,
        mut checkout: Checkout<B>,
    ) -> Result<Lease<B>, UpstreamError> {
        let inner = &*self.0;
        let mut tried = Tried::new();
        loop {
            let (permit, sender) = match checkout {
                Checkout::Ready(permit, sender) => (permit, Some(sender)),
                Checkout::Open(permit) => (permit, None),
                Checkout::Queued(queued) => {
                    let permit = self.wait(index, queued).await?;
                    let idle = permit.endpoint().idle();
                    (permit, idle)
                }
                Checkout::Full(waiting) => {
                    return Err(UpstreamError::QueueFull {
                        address: inner.endpoints[index].address.clone(),
                        waiting,
                    });
                }
            };
            let reused = sender.is_some();
            let opened = match sender {
                Some(sender) => Ok(sender),
                None => self.connect(&permit).await,
            };
            match opened {
                Ok(sender) => {
                    return Ok(Lease {
                        sender,
                        permit,
                        keep: inner.idle_ticks,
                        reused,
                    });
                }
                Err(error) => {
                    tracing::debug!(upstream.address = %error.address(), %error, "trying others");
                    drop(permit);
                    tried.push(index);
                    index = self.choose(&tried).ok_or(error)?;
                    checkout = self.checkout(index);
                }
            }
        }
    }

    async fn connect(
        &self,
        permit: &Permit<B>,
    ) -> Result<hyper::client::conn::http1::SendRequest<B>, UpstreamError> {
        let (inner, endpoint) = (&*self.0, permit.endpoint());
        let opened = connect::connect(&endpoint.address, inner.settings.connect_timeout).await;
        match &opened {
            Ok(_) => endpoint.health.succeeded(),
            Err(_) => endpoint.health.failed(
                inner.deadlines.now(),
                inner.settings.max_failures,
                inner.back_off_ticks,
            ),
        }
        opened
    }

    async fn wait(
        &self,
        index: usize,
        queued: oneshot::Receiver<Permit<B>>,
    ) -> Result<Permit<B>, UpstreamError> {
        let after = self.0.settings.queue_timeout;
        match tokio::time::timeout(after, queued).await {
            Ok(Ok(permit)) => Ok(permit),
            // The sender is dropped only with the endpoint, which is held here.
            Ok(Err(_)) | Err(_) => Err(UpstreamError::QueueTimeout {
                address: self.0.endpoints[index].address.clone(),
                after,
            }),
        }
    }

    fn checkout(&self, index: usize) -> Checkout<B> {
        let settings = &self.0.settings;
        self.0.endpoints[index].checkout(settings.connections, settings.queue)
    }

    /// The address with the fewest requests in flight, ties in turn; one that is left alone
    /// only when all are.
    fn choose(&self, tried: &Tried) -> Option<usize> {
        let inner = &*self.0;
        let count = inner.endpoints.len();
        if count == 1 {
            return tried.is_empty().then_some(0);
        }
        let now = inner.deadlines.now();
        let start = inner.turn.fetch_add(1, Ordering::Relaxed);
        (0..count)
            .map(|step| start.wrapping_add(step) % count)
            .filter(|index| !tried.contains(index))
            .min_by_key(|index| {
                let endpoint = &inner.endpoints[*index];
                (endpoint.health.is_out(now), endpoint.in_flight())
            })
    }
}

/// A request that may have been seen, and has no response.
#[cold]
fn broken<B: UpstreamBody>(lease: &Lease<B>, source: hyper::Error) -> UpstreamError {
    let address = lease.address().clone();
    if source.is_user() {
        UpstreamError::RequestBody { address, source }
    } else {
        UpstreamError::Protocol { address, source }
    }
}

impl<B> Clone for Upstream<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for Upstream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("endpoints", &self.0.endpoints)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
