//! To the upstream and back.

use std::sync::Arc;

use http::header::{CONNECTION, HOST, UPGRADE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use super::body::{ProxyBody, RequestBody, outlasts_its_request};
use super::headers::{Exchange, Peer, RequestFacts};
use super::record::Record;
use super::rescue;
use super::space::ProxySpace;
use super::upgrade::{Accepted, TunnelOptions, UpgradeRequest};
use super::worker::{ClientConnection, Worker};
use crate::domain::{Connection, Liveness, Session};
use crate::net::strict_h1::PendingUpgrade;

/// A request that may pass, with everything its forwarding needs.
pub(super) struct Forward<'f> {
    pub(super) worker: &'f Worker,
    pub(super) client: &'f ClientConnection,
    pub(super) space: &'f ProxySpace,
    pub(super) session: &'f Arc<Session>,
    pub(super) connection: Connection,
    pub(super) parts: Parts,
    pub(super) body: Incoming,
    pub(super) upgrade: Option<UpgradeRequest>,
    pub(super) pending: Option<PendingUpgrade>,
    /// Whether what goes through an upgraded connection keeps the session alive.
    pub(super) is_activity: bool,
    pub(super) record: &'f mut Record,
}

pub(super) async fn forward(mut request: Forward<'_>) -> Response<ProxyBody> {
    request.prepare();
    let Forward {
        worker,
        space,
        session,
        parts,
        body,
        upgrade,
        pending,
        is_activity,
        record,
        ..
    } = request;
    let settings = space.settings();
    // Kept for the page that a failure may need; a browser's Accept header is a cheap clone.
    let accept = parts.headers.get(http::header::ACCEPT).cloned();
    let body = RequestBody::new(
        body,
        worker.deadlines(),
        worker.edge.settings.timeouts.body,
        Some(space.request_trailers()),
    )
    .tied(settings.gate.sessions(), session, worker.deadlines());
    let upstream = space.upstream(worker.number, &worker.pool);
    let (mut response, lease) = match upstream.send(Request::from_parts(parts, body)).await {
        Ok(answered) => answered,
        Err(error) => return rescue::upstream_failed(settings, accept, &error, record),
    };
    record.upstream(response.status());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let agreed = upgrade
            .ok_or(None)
            .and_then(|upgrade| upgrade.accept(&mut response).map_err(Some));
        return match (agreed, pending) {
            (Ok(accepted), Some(pending)) => {
                if !pending.tunnel() {
                    return rescue::bad_upgrade(
                        settings,
                        accept,
                        "the connection cannot be upgraded any more",
                    );
                }
                let status = response.status();
                let _ = settings
                    .headers
                    .prepare_response(response.headers_mut(), status);
                tunnel(worker, space, session, is_activity, accepted, response)
            }
            (Err(Some(error)), _) => rescue::bad_upgrade(settings, accept, &error.to_string()),
            _ => rescue::bad_upgrade(settings, accept, "the upstream switched protocols unasked"),
        };
    }
    // No upgrade: an ordinary connection goes on with what was held back.
    drop(pending);
    let status = response.status();
    let _ = settings
        .headers
        .prepare_response(response.headers_mut(), status);
    response.map(|incoming| {
        let outlasts = outlasts_its_request(&incoming);
        let body = ProxyBody::upstream(incoming, lease, worker.deadlines(), settings.body_idle)
            .filtered(space.response_trailers());
        if outlasts {
            body.tied(settings.gate.sessions(), session, worker.deadlines())
        } else {
            body
        }
    })
}

impl Forward<'_> {
    /// Makes of the client's head what the upstream is to see.
    fn prepare(&mut self) {
        let settings = self.space.settings();
        settings.gate.take_off_credentials(&mut self.parts);
        let edge = &self.worker.edge;
        let trusted = edge.trusted.load().contains(self.client.peer.ip());
        let facts = RequestFacts {
            connection: &self.connection,
            known: &self.client.headers,
            peer: if trusted {
                Peer::TrustedProxy
            } else {
                Peer::Client
            },
            session: Some(self.session),
            now: edge.clock.tick(),
            consumed: &[],
        };
        let headers = &mut self.parts.headers;
        let exchange = settings.headers.prepare_request(headers, &facts);
        match &self.upgrade {
            Some(upgrade) => upgrade.apply(headers),
            // What we do not take for an upgrade must not become one upstream.
            None if exchange == Exchange::Upgrade => {
                headers.remove(UPGRADE);
                headers.remove(CONNECTION);
            }
            None => {}
        }
        if let Some(host) = &settings.host {
            headers.insert(HOST, host.clone());
        }
    }
}

/// Starts the tunnel of an upgrade; it ends with the session.
fn tunnel(
    worker: &Worker,
    space: &ProxySpace,
    session: &Arc<Session>,
    is_activity: bool,
    accepted: Accepted,
    response: Response<Incoming>,
) -> Response<ProxyBody> {
    let settings = space.settings();
    let sessions = settings.gate.sessions().clone();
    let open = settings.metrics.upgraded();
    let (touched, owner) = (Arc::clone(session), sessions.clone());
    let on_activity = move || {
        if let Liveness::Due(reason) = owner.touch(&touched) {
            // Nobody has noticed yet, and what comes too late must not prolong it.
            let (owner, due) = (owner.clone(), Arc::clone(&touched));
            tokio::spawn(async move {
                if let Err(error) = owner.expire(&due, reason).await {
                    tracing::debug!(%error, "a session that is due could not be ended yet");
                }
            });
        }
    };
    let mut options = TunnelOptions::new(worker.deadlines().clone());
    options.tie = Some(sessions.tie(session));
    options.idle = settings.tunnel_idle;
    options.drain = worker.drain.clone();
    options.end_notices = settings.end_notices;
    options.activity = settings.tunnel_activity;
    if is_activity {
        options.on_activity = Some(Box::new(on_activity));
    }
    options.on_close = Some(Box::new(move |report| {
        tracing::debug!(?report, "an upgraded connection closed");
        drop(open);
    }));
    accepted.start(response, options)
}
