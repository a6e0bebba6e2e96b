//! A connection while it serves a request.

use std::fmt;
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;

use super::endpoint::Permit;
use super::{UpstreamAddress, UpstreamBody};

/// A connection while it serves a request. [`finish`](Self::finish) it when the response's
/// body has been read to its end; dropped before, it closes the connection.
pub struct Lease<B> {
    pub(super) sender: SendRequest<B>,
    pub(super) permit: Permit<B>,
    /// For how many ticks the connection may be idle afterwards; 0: not at all.
    pub(super) keep: u64,
    pub(super) reused: bool,
}

impl<B: UpstreamBody> Lease<B> {
    /// The address at the other end.
    #[must_use]
    pub fn address(&self) -> &UpstreamAddress {
        &self.permit.endpoint().address
    }

    /// Whether the connection had served a request before this one.
    #[must_use]
    pub const fn is_reused(&self) -> bool {
        self.reused
    }

    /// Whether the connection may serve another request.
    #[must_use]
    pub const fn is_reusable(&self) -> bool {
        self.keep != 0
    }

    /// Closes the connection when the exchange is over, instead of pooling it.
    pub const fn make_exclusive(&mut self) {
        self.keep = 0;
    }

    /// The response's body has been read to its end: the connection goes back to the pool
    /// when hyper says that it is ready.
    #[inline]
    pub fn finish(self) {
        if self.keep == 0 || self.sender.is_closed() {
            return;
        }
        if self.sender.is_ready() {
            self.permit.leave(self.sender, self.keep);
        } else {
            self.linger();
        }
    }

    /// The response is here, but the request's body is still being sent: an upstream that
    /// answers early, as with 413. hyper is ready when the rest has gone, if that is soon.
    #[cold]
    fn linger(mut self) {
        tokio::spawn(async move {
            if let Ok(Ok(())) = tokio::time::timeout(LINGER, self.sender.ready()).await {
                self.permit.leave(self.sender, self.keep);
            }
        });
    }
}

impl<B> fmt::Debug for Lease<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("endpoint", self.permit.endpoint())
            .field("reused", &self.reused)
            .field("keep_ticks", &self.keep)
            .finish()
    }
}

/// How long the rest of a request's body may take after its response has ended.
const LINGER: Duration = Duration::from_secs(1);
