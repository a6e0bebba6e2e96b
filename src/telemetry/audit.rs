//! Audit events: who did what to which session, and who was turned away.
//!
//! They are `tracing` events with the target [`TARGET`], so a log can be kept of them alone.
//! No event holds a token, a key's secret, or anything that a caller claimed and did not
//! prove.

use std::net::IpAddr;

use tracing::{info, warn};

use crate::domain::{ClientCertificate, Session, SpaceId};

/// The target of all audit events.
pub const TARGET: &str = "gatepass::audit";

/// A session has started.
pub fn session_started(session: &Session) {
    info!(
        target: TARGET,
        {
            event.name = "session.started",
            session.id = %session.id(),
            space.id = %session.space_id(),
            user.directory = session.user_directory(),
            user.id = session.user_id(),
            session.method = session.method().as_str(),
            session.sign_on = %session.sign_on(),
            client.ip = session.client().ip.map(tracing::field::display)
        },
        "a session started"
    );
}

/// A session has ended.
pub fn session_ended(session: &Session) {
    let end = session.end();
    info!(
        target: TARGET,
        {
            event.name = "session.ended",
            session.id = %session.id(),
            space.id = %session.space_id(),
            user.directory = session.user_directory(),
            user.id = session.user_id(),
            end.reason = end.map(|end| end.reason.as_str()),
            end.by = end.and_then(|end| end.by.as_deref()),
            end.at = end.map(|end| tracing::field::display(end.at))
        },
        "a session ended"
    );
}

/// Something an administrator did.
#[derive(Clone, Copy, Debug)]
pub struct AdminAction<'a> {
    /// What, from a fixed set, as `session.end` or `user.lock`.
    pub action: &'static str,
    /// Who did it: the API key's id, or what names the certificate.
    pub key: &'a str,
    /// From which address, when it is known.
    pub client_ip: Option<IpAddr>,
    /// In which space.
    pub space: &'a SpaceId,
    /// To whom: a session's id, a user, a number of sessions.
    pub target: &'a str,
    /// How many sessions it ended.
    pub ended: u64,
}

/// An administrator has done something.
pub fn admin_action(action: &AdminAction<'_>) {
    info!(
        target: TARGET,
        {
            event.name = "admin.action",
            admin.action = action.action,
            admin.key = action.key,
            admin.target = action.target,
            client.ip = action.client_ip.map(tracing::field::display),
            space.id = %action.space,
            sessions.ended = action.ended
        },
        "an administrator acted"
    );
}

/// What a store keeps, taken out of the gateway or into it by an administrator.
#[derive(Clone, Copy, Debug)]
pub struct StoreTransfer<'a> {
    /// `store.export` or `store.import`.
    pub action: &'static str,
    /// Who did it: the API key's id, or what names the certificate.
    pub key: &'a str,
    /// From which address, when it is known.
    pub client_ip: Option<IpAddr>,
    /// How many sessions came in, of an import.
    pub sessions: Option<u64>,
    /// How many sessions it ended.
    pub ended: u64,
}

/// An administrator has begun an export, or is through with an import.
pub fn store_transfer(transfer: &StoreTransfer<'_>) {
    info!(
        target: TARGET,
        {
            event.name = "admin.action",
            admin.action = transfer.action,
            admin.key = transfer.key,
            client.ip = transfer.client_ip.map(tracing::field::display),
            sessions.imported = transfer.sessions,
            sessions.ended = transfer.ended
        },
        "an administrator acted"
    );
}

/// A caller of the side port was turned away, for a reason from a fixed set. `key` is the id
/// of a key that exists, or nothing: what else a caller presented may be a secret put in the
/// wrong place.
pub fn admin_refused(reason: &'static str, key: Option<&str>, client_ip: Option<IpAddr>) {
    warn!(
        target: TARGET,
        {
            event.name = "admin.refused",
            refusal.reason = reason,
            admin.key = key,
            client.ip = client_ip.map(tracing::field::display)
        },
        "a call to the side port was refused"
    );
}

/// A caller of the side port was turned away whose certificate is good and has no role, or is
/// none any more. Its authority vouches for what it says, so that is told.
pub fn certificate_refused(
    reason: &'static str,
    certificate: &ClientCertificate,
    client_ip: Option<IpAddr>,
) {
    warn!(
        target: TARGET,
        {
            event.name = "admin.refused",
            refusal.reason = reason,
            certificate.subject = ?certificate.to_string(),
            certificate.fingerprint = certificate.fingerprint_hex(),
            client.ip = client_ip.map(tracing::field::display)
        },
        "a call to the side port was refused"
    );
}
