//! The configuration as it is written: texts, numbers, lists and tables, every key optional.
//!
//! What a key means, and what it may be, is the matter of the room `check`.

mod authn;
mod certificate;
mod gateway;
mod one_or_many;
mod qlik;
mod session_module;
mod space;
mod ticket;
mod tls;
mod websocket;

pub(super) use authn::{RawAttribute, RawClaims, RawHeader, RawJwt, RawLocal};
pub(super) use certificate::{RawCertificateRules, RawCertificateUser};
pub(super) use gateway::{
    RawAdmin, RawEdge, RawEdgeLimits, RawEdgeTimeouts, RawGateway, RawLog, RawStore, RawStoreRedis,
};
pub(super) use one_or_many::OneOrMany;
pub(super) use qlik::RawQlik;
pub(super) use session_module::RawSessionModule;
pub(super) use space::{
    RawAccess, RawAssertion, RawClassify, RawCondition, RawCookie, RawLicense, RawPool,
    RawRequirement, RawSession, RawSpace, RawTimeouts, RawUpstreamTls,
};
pub(super) use ticket::RawTicket;
pub(super) use tls::{RawCertificate, RawCertificateRole, RawEdgeTls, RawTls};
pub(super) use websocket::RawWebSocket;
