//! The Qlik dialect through the side port's router.

pub(super) mod access;
mod certificates;
mod errors;
mod forms;
mod module;
mod secrets;
mod sessions;
mod spaces;
mod tickets;

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request};
use serde_json::Value;

use super::{Answer, Side, request};
use crate::admin::keys::{CertificateRole, Role};
use crate::domain::{CertificateRule, ClientCertificate, Timestamp};

const KEY: &str = "0123456789abcdef";

/// A call with an Xrf key and, in one of `bearer` and `certificate`, a caller.
fn call(method: &str, path: &str, body: &str) -> Request<Body> {
    let and = if path.contains('?') { '&' } else { '?' };
    let mut call = request(method, &format!("{path}{and}xrfkey={KEY}"), None, body);
    set(&mut call, "x-qlik-xrfkey", KEY);
    call
}

fn set(call: &mut Request<Body>, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap();
    call.headers_mut()
        .insert(HeaderName::from_static(name), value);
}

fn by(mut call: Request<Body>, bearer: &str) -> Request<Body> {
    set(&mut call, "authorization", &format!("Bearer {bearer}"));
    call
}

fn with(mut call: Request<Body>, certificate: &Arc<ClientCertificate>) -> Request<Body> {
    call.extensions_mut().insert(Arc::clone(certificate));
    call
}

fn certificate(name: &str) -> Arc<ClientCertificate> {
    Arc::new(ClientCertificate {
        subject: vec![("O".into(), "Example".into()), ("CN".into(), name.into())],
        alt_names: Vec::new(),
        fingerprint: [7; 32],
        serial: "01".into(),
        not_after: Timestamp::from_unix_millis(i64::MAX),
    })
}

/// A rule for the certificates with this common name.
fn rule(name: &str, role: Role, spaces: &[&str]) -> CertificateRole {
    CertificateRole {
        certificates: CertificateRule {
            subject: vec![("CN".into(), name.into())],
            ..CertificateRule::default()
        },
        role,
        spaces: spaces.iter().map(|space| super::id(space)).collect(),
    }
}

impl Side {
    /// What the site's administrator gets with an Xrf key.
    async fn qps(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(by(call(method, path, body), &self.bearers.site))
            .await
    }

    /// Adds a session to the space with the prefix `/sales`.
    async fn add(&self, user: &str, secret: &str) -> Answer {
        let body = format!(r#"{{"UserDirectory":"LAB","UserId":"{user}","SessionId":"{secret}"}}"#);
        self.qps("POST", "/qps/sales/session", &body).await
    }
}

impl Answer {
    /// The one text of an error with this status.
    #[track_caller]
    fn error(&self, status: u16) -> String {
        match self.json(status) {
            Value::String(text) => text,
            other => panic!("{other} is no text"),
        }
    }
}
