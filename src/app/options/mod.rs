//! What a gateway is to be: plain data, checked and typed, whatever it was read from.
//!
//! Nothing here knows a file format. [`GatewayOptions`] is the whole; below it one type per
//! table of the configuration, whose defaults are the documented ones. What these types
//! cannot exclude themselves (two spaces on one place, a cookie name used twice) whoever
//! fills them has checked; for the configuration file that is the room `config`.

mod admin;
mod assertion;
mod authn;
mod certificate;
mod edge;
mod gateway;
mod identity_headers;
mod jwt;
mod qlik;
mod redis;
mod space;
mod ticket;
mod upstream;
mod websocket;

pub use admin::{AdminOptions, CertificateRole};
pub use assertion::AssertionOptions;
pub use authn::{AnonymousMode, AuthnMethod, HeaderOptions, HeaderUser, LocalOptions};
pub use certificate::CertificateOptions;
pub use edge::{EdgeLimits, EdgeOptions, EdgeTimeouts};
pub use gateway::{GatewayOptions, LogFormat, LogOptions, StoreKind, StoreOptions};
pub use identity_headers::{HeaderTemplate, IdentityHeaders, TemplateError, TemplatePart};
pub use jwt::{AttributeMapping, JwtClaims, JwtDirectory, JwtOptions, KeySource};
pub use qlik::QlikOptions;
pub use redis::RedisStoreOptions;
pub use space::SpaceOptions;
pub use ticket::TicketOptions;
pub use upstream::{PoolOptions, Upstream, UpstreamError, UpstreamTimeouts};
pub use websocket::WebSocketOptions;
