//! The public listener.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::Scheme;
use crate::net::tls::TlsSettings;

/// The public listener: addresses, trust, limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeOptions {
    /// Where to listen; at least one address. Default: `127.0.0.1:8080`.
    pub listen: Vec<SocketAddr>,
    /// TLS on those addresses; without it they speak plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Addresses of plain HTTP whose requests are sent to https, where the edge has TLS.
    pub redirect: Vec<SocketAddr>,
    /// The port of https that clients are sent to, where it is not the one of the first
    /// address: behind a port mapping.
    pub redirect_port: Option<NonZeroU16>,
    /// For how long browsers are told to use https only (HSTS, RFC 6797); `None`: they are not.
    pub hsts: Option<Duration>,
    /// Peers whose forwarded headers count. None is a whole address family (`/0`).
    /// Default: nobody.
    pub trusted_proxies: Vec<IpNet>,
    /// Worker threads, each with its own event loop and pools; at least 1. `None`, the
    /// default: one per core.
    pub workers: Option<usize>,
    /// Connections open at a time, over all workers; further ones are closed at once.
    /// Default: 10,000.
    pub max_connections: usize,
    /// The scheme a client is taken to use when no trusted proxy tells it and there is no TLS
    /// here. Default: http.
    pub default_scheme: Scheme,
    /// How long each phase may take.
    pub timeouts: EdgeTimeouts,
    /// How large a request may be.
    pub limits: EdgeLimits,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)],
            tls: None,
            redirect: Vec::new(),
            redirect_port: None,
            hsts: None,
            trusted_proxies: Vec::new(),
            workers: None,
            max_connections: 10_000,
            default_scheme: Scheme::Http,
            timeouts: EdgeTimeouts::default(),
            limits: EdgeLimits::default(),
        }
    }
}

/// How long each phase of a client's connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeTimeouts {
    /// From the first byte of a request to the end of its head, and for a TLS handshake.
    /// Default: 10 seconds.
    pub header_read: Duration,
    /// Between two requests of a connection. Default: 75 seconds.
    pub keep_alive: Duration,
    /// Between two pieces of a request's body. Default: 60 seconds.
    pub body_idle: Duration,
    /// From the order to stop until open connections are cut. Default: 30 seconds.
    pub drain: Duration,
}

impl Default for EdgeTimeouts {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_idle: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

/// How large the head of a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Bytes of request line and header lines together; at least 8,192. Default: 65,536.
    pub head_size: usize,
    /// Header lines; at least 16. Default: 100.
    pub header_lines: usize,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            head_size: 64 * 1024,
            header_lines: 100,
        }
    }
}
