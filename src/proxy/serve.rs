//! A request, from its head to its response: the phases in their order.

use std::sync::Arc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::ProxyBody;
use super::forward::{Forward, forward};
use super::record::Record;
use super::rescue;
use super::router::Routed;
use super::space::ProxySpace;
use super::upgrade::UpgradeRequest;
use super::worker::{ClientConnection, Worker};
use crate::authn::AuthnRequest;
use crate::domain::{Connection, Scheme, host_of_authority};
use crate::layer::{Admission, Gate, Refusal, SetCookie, Verdict};
use crate::telemetry::Outcome;

/// Answers `request`. Whatever goes wrong becomes a response.
pub(super) async fn serve(
    worker: &Worker,
    client: &ClientConnection,
    mut request: Request<Incoming>,
) -> Response<ProxyBody> {
    let started = Instant::now();
    let edge = &worker.edge;
    // Bytes behind a request for an upgrade wait until it is decided: at the latest when
    // this is dropped.
    let (mut pending, mut upgrade) = (None, None);
    if request.headers().contains_key(header::UPGRADE) {
        let framing = client.framing.as_ref();
        pending = framing.and_then(|f| f.upgrade(request.version(), request.headers()));
        upgrade = UpgradeRequest::take(&mut request);
    }
    let (mut parts, body) = request.into_parts();
    let connection = facts(worker, client, &parts);
    if let Some(certificate) = client.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) {
        parts.extensions.insert(Arc::clone(certificate));
    }

    // route
    if settle_host(&mut parts).is_none() {
        return rescue::bad_target(&parts.headers);
    }
    // What is no text is no host, and not the same as none.
    let host = parts.headers.get(header::HOST);
    let host = host.map(|host| host.to_str().unwrap_or_default());
    if let (Some(tls), Some(host)) = (&client.tls, host)
        && host_of_authority(host).is_some()
        && !tls.serves(host)
    {
        return rescue::misdirected(&parts.headers);
    }
    let targets = edge.targets.load();
    let Routed {
        target,
        path,
        prefix_len,
    } = match targets.route(host, parts.uri.path()) {
        Ok(routed) => routed,
        Err(error) => return rescue::unrouted(&parts.headers, error),
    };
    let space: Arc<ProxySpace> = Arc::clone(target);
    drop(targets);
    let settings = space.settings();
    let gate = &settings.gate;
    let below = path.below(prefix_len);
    let mut record = Record::new(
        &space,
        started,
        &parts,
        &connection,
        edge.settings.access_log,
    );

    // our own paths
    if gate.is_own(below.as_str()) {
        if let (Some(jwks), "/.gatepass/jwks.json") = (&settings.jwks, below.as_str()) {
            return record.done(rescue::json(jwks.json()));
        }
        // Boxed, as is the admission below: rare, and large states make every request's larger.
        let own = gate.own_endpoint(&parts, Some(connection), below.as_str(), body);
        let response = Box::pin(own).await;
        return record.done(response.map(ProxyBody::full));
    }

    // resolve, authenticate, establish, authorize
    let asked = AuthnRequest {
        parts: &parts,
        connection: Some(connection),
    };
    let admitted = match gate.decide(asked, &below) {
        Verdict::Pass(session) => {
            record.outcome(Outcome::Live);
            Ok((session, None))
        }
        Verdict::Denied(session, denied) => Err((gate.denial(&session, denied), None)),
        Verdict::Refused(refusal) => Err((refusal, None)),
        Verdict::Ask(ask) => match Box::pin(gate.admit(asked, &below, ask)).await {
            Admission::Admitted { session, cookie } => {
                record.established(&session);
                Ok((session, cookie))
            }
            Admission::Redirected { session, response } => {
                record.established(&session);
                record.session(&session);
                return record.done(response.map(ProxyBody::full));
            }
            Admission::Refused { refusal, cookie } => Err((refusal, cookie)),
        },
    };
    let (session, cookie) = match admitted {
        Ok(admitted) => admitted,
        Err((refusal, cookie)) => {
            record.refused(&refusal);
            // Boxed for the same reason.
            let response = Box::pin(refused(gate, asked, &refusal, cookie)).await;
            return record.done(response);
        }
    };
    record.session(&session);
    let is_activity = upgrade.is_none() || gate.is_activity(&parts.method, &below);

    // scrub, assert, forward
    let stripped = if settings.strip_prefix { prefix_len } else { 0 };
    if stripped > 0 || !path.is_unchanged() {
        let target = if stripped > 0 {
            below.as_str()
        } else {
            path.as_str()
        };
        parts.uri = match with_path(&parts, target) {
            Some(uri) => uri.into(),
            None => return record.done(rescue::bad_target(&parts.headers)),
        };
    }
    let response = forward(Forward {
        worker,
        client,
        space: &space,
        session: &session,
        connection,
        parts,
        body,
        upgrade,
        pending,
        is_activity,
        record: &mut record,
    })
    .await;
    record.done(answer(response, cookie))
}

/// Who is there: the socket's facts, or what trusted proxies vouch for.
fn facts(worker: &Worker, client: &ClientConnection, parts: &Parts) -> Connection {
    let scheme = match client.tls {
        Some(_) => Scheme::Https,
        None => worker.edge.settings.scheme,
    };
    let trusted = worker.edge.trusted.load();
    trusted.resolve(client.peer, scheme, &parts.headers)
}

/// Puts the target of an absolute-form request where it belongs: the authority into Host
/// (RFC 9112, section 3.2.2), the path alone into the target; so with every HTTP/2 request.
/// `None` when it has no path.
pub(super) fn settle_host(parts: &mut Parts) -> Option<()> {
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        parts.headers.insert(header::HOST, host);
        parts.uri = parts.uri.path_and_query().cloned()?.into();
    }
    Some(())
}

fn with_path(parts: &Parts, path: &str) -> Option<PathAndQuery> {
    match parts.uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")).ok(),
        None => PathAndQuery::try_from(path).ok(),
    }
}

async fn refused(
    gate: &Gate,
    request: AuthnRequest<'_>,
    refusal: &Refusal,
    cookie: Option<SetCookie>,
) -> Response<ProxyBody> {
    let response = gate.refuse(request, refusal).await;
    answer(response.map(ProxyBody::full), cookie)
}

/// The response, with the cookie of a session that it opened.
fn answer(mut response: Response<ProxyBody>, cookie: Option<SetCookie>) -> Response<ProxyBody> {
    if let Some(cookie) = cookie {
        cookie.apply(response.headers_mut());
    }
    response
}
