//! A client's connection: TLS, HTTP/2, framing, limits, patience.

mod framing;
mod http2;
mod limits;
mod tls;
