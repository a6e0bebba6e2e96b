//! Why an upstream gave no response.

use std::io;
use std::time::Duration;

use super::UpstreamAddress;

/// Why an upstream gave no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// No address could be connected to; the last one's failure. A 502.
    #[error("cannot connect to {address}")]
    Connect {
        /// The address that was tried last.
        address: UpstreamAddress,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// No address took the connection in time; the last one tried. A 504.
    #[error("no connection to {address} within {after:?}")]
    ConnectTimeout {
        /// The address that was tried last.
        address: UpstreamAddress,
        /// The limit.
        after: Duration,
    },
    /// All connections are busy and the queue for them is full. A 503.
    #[error("{waiting} requests already wait for a connection to {address}")]
    QueueFull {
        /// The least busy address.
        address: UpstreamAddress,
        /// How many wait for it on this worker.
        waiting: usize,
    },
    /// All connections stayed busy. A 503.
    #[error("all connections to {address} stayed busy for {after:?}")]
    QueueTimeout {
        /// The least busy address.
        address: UpstreamAddress,
        /// The limit.
        after: Duration,
    },
    /// The request was sent, but no response began in time. A 504.
    #[error("no response from {address} within {after:?}")]
    HeadTimeout {
        /// The address that was asked.
        address: UpstreamAddress,
        /// The limit.
        after: Duration,
    },
    /// The upstream took no more of the request's body for too long. A 504.
    #[error("{address} took no more of the request for {after:?}")]
    RequestStall {
        /// The address it was sent to.
        address: UpstreamAddress,
        /// The limit.
        after: Duration,
    },
    /// The connection broke, or what came over it was not HTTP. A 502.
    #[error("no valid response from {address}")]
    Protocol {
        /// The address that was asked.
        address: UpstreamAddress,
        /// What hyper said.
        #[source]
        source: hyper::Error,
    },
    /// The request's own body failed, which is the client's doing: it stalled or went away.
    /// A 408 where the body was idle, else nobody is there to answer.
    #[error("the request's body failed on its way to {address}")]
    RequestBody {
        /// The address it was sent to.
        address: UpstreamAddress,
        /// hyper's error; the body's is its source.
        #[source]
        source: hyper::Error,
    },
}

impl UpstreamError {
    /// The address in question.
    #[must_use]
    pub const fn address(&self) -> &UpstreamAddress {
        match self {
            Self::Connect { address, .. }
            | Self::ConnectTimeout { address, .. }
            | Self::QueueFull { address, .. }
            | Self::QueueTimeout { address, .. }
            | Self::HeadTimeout { address, .. }
            | Self::RequestStall { address, .. }
            | Self::Protocol { address, .. }
            | Self::RequestBody { address, .. } => address,
        }
    }
}
