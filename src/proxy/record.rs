//! What is noted of a request: counters always, a log line where asked for.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use tokio::time::Instant;

use super::body::ProxyBody;
use super::space::ProxySpace;
use crate::domain::{Connection, Session};
use crate::layer::Refusal;
use crate::telemetry::{Outcome, SpaceMetrics};

/// The record of one request, written when its response's head is ready.
pub(super) struct Record {
    space: Arc<ProxySpace>,
    started: Instant,
    outcome: Option<Outcome>,
    line: Option<Box<Line>>,
}

/// A line of the access log. The query is left out: it may carry a token.
struct Line {
    method: Method,
    path: String,
    version: Version,
    client_ip: IpAddr,
    session: Option<Arc<Session>>,
}

impl Record {
    pub(super) fn new(
        space: &Arc<ProxySpace>,
        started: Instant,
        parts: &Parts,
        connection: &Connection,
        log: bool,
    ) -> Self {
        let line = log.then(|| {
            Box::new(Line {
                method: parts.method.clone(),
                path: parts.uri.path().to_owned(),
                version: parts.version,
                client_ip: connection.client_ip,
                session: None,
            })
        });
        Self {
            space: Arc::clone(space),
            started,
            outcome: None,
            line,
        }
    }

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    pub(super) fn established(&mut self, session: &Session) {
        self.outcome = Some(Outcome::Established);
        self.metrics()
            .authentication(session.method(), "authenticated");
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.outcome = Some(match refusal {
            Refusal::Unauthenticated { .. } => Outcome::Challenged,
            Refusal::BadCredential(failure) => {
                self.metrics()
                    .authentication(failure.method(), failure.reason().as_str());
                Outcome::Refused
            }
            Refusal::Forbidden(_)
            | Refusal::LimitReached { .. }
            | Refusal::NoSeat { .. }
            | Refusal::Locked { .. }
            | Refusal::WebSocket(_) => Outcome::Denied,
            Refusal::Unavailable => Outcome::Error,
        });
    }

    pub(super) fn session(&mut self, session: &Arc<Session>) {
        if let Some(line) = &mut self.line {
            line.session = Some(Arc::clone(session));
        }
    }

    /// The upstream answered.
    pub(super) fn upstream(&mut self, status: StatusCode) {
        self.metrics().response(status.as_u16());
    }

    /// The upstream did not answer.
    pub(super) fn failed(&mut self) {
        self.outcome = Some(Outcome::Error);
    }

    fn metrics(&self) -> &SpaceMetrics {
        &self.space.settings().metrics
    }

    /// The response as it leaves the space, recorded.
    pub(super) fn done(self, mut response: Response<ProxyBody>) -> Response<ProxyBody> {
        let headers = &self.space.settings().headers;
        headers.complete_response(response.headers_mut());
        let took = self.started.elapsed();
        if let Some(outcome) = self.outcome {
            self.metrics().request(outcome);
        }
        self.metrics().duration(took);
        if let Some(line) = &self.line {
            let session = line.session.as_deref();
            tracing::info!(
                target: "gatepass::access",
                space = %self.metrics().state().id(),
                client.ip = %line.client_ip,
                request.method = %line.method,
                request.path = line.path,
                request.version = ?line.version,
                response.status = response.status().as_u16(),
                duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                session.id = session.map(|s| tracing::field::display(s.id())),
                user = session.map(|s| tracing::field::display(s.identity())),
                "request"
            );
        }
        response
    }
}
