//! From a space's options to what the proxy does for it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::authn::read;
use super::error::SpaceError;
use super::options::{AssertionOptions, IdentityHeaders, SpaceOptions, Upstream, WebSocketOptions};
use crate::authn::{Chain, Consumed};
use crate::domain::{Clock, SpaceState};
use crate::layer::{Gate, WebSocketPolicy};
use crate::net::tls::{TlsClientSettings, TlsConnector};
use crate::proxy::SpaceSettings;
use crate::proxy::headers::{
    Assertion, AssertionKey, CookieNames, HeaderRules, Profile, Profiles, PublishedKeys,
    ResponseHeaders, Scrub, Template,
};
use crate::proxy::upstream::{UpstreamAddresses, UpstreamSettings};
use crate::sessions::Sessions;
use crate::telemetry::SpaceMetrics;

type Failed = (&'static str, SpaceError);

/// What all spaces of a gateway have in common.
pub(super) struct Shared<'s> {
    pub(super) sessions: &'s Sessions,
    pub(super) clock: &'s Arc<dyn Clock>,
    pub(super) cookies: &'s Arc<CookieNames>,
    /// The keys of assertions whose space has none of its own.
    pub(super) assertion_keys: &'s PublishedKeys,
    /// Custom identity headers and assertion headers of every space.
    pub(super) asserted: &'s [HeaderName],
}

/// The header names that `options` asserts beyond the well-known profiles.
pub(super) fn asserted_names(options: &SpaceOptions) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = options.assertion.iter().map(|a| a.header.clone()).collect();
    for profile in &options.identity_headers {
        if let IdentityHeaders::Custom(headers) = profile {
            names.extend(headers.iter().map(|(name, _)| name.clone()));
        }
    }
    names
}

/// The settings of one space.
pub(super) fn settings(
    options: &SpaceOptions,
    chain: Chain,
    state: &Arc<SpaceState>,
    metrics: Arc<SpaceMetrics>,
    shared: &Shared<'_>,
) -> Result<SpaceSettings, Failed> {
    let consumed: Vec<HeaderName> = chain
        .consumed()
        .iter()
        .filter_map(|consumed| match consumed {
            Consumed::Header(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let scrub = Arc::new(Scrub::new(shared.asserted, &consumed));
    let profiles = profiles(options).map_err(|e| ("identity_headers", e))?;
    let mut headers = HeaderRules::new(scrub, Arc::clone(shared.cookies)).with_profiles(profiles);
    if options.strip_prefix {
        headers = headers.with_stripped_prefix(&options.prefix);
    }
    let responses = ResponseHeaders::new(options.response_headers.iter().cloned())
        .and_then(|responses| headers.with_response_headers(responses));
    headers = responses.map_err(|e| ("response_headers", e.into()))?;
    let mut jwks = None;
    if let Some(assertion) = &options.assertion {
        let (assertion, keys) =
            assertion_of(options, assertion, shared).map_err(|e| ("assertion", e))?;
        headers = headers
            .with_assertion(assertion)
            .map_err(|e| ("assertion", e.into()))?;
        jwks = Some(keys);
    }
    let mut gate = Gate::builder(shared.sessions.clone())
        .space(Arc::clone(state))
        .title(&options.name)
        .prefix(options.prefix.clone())
        .chain(chain)
        .cookie(options.cookie.clone())
        .access(options.access.clone())
        .classify(options.classify.clone())
        .redirect_hosts(options.redirect_hosts.clone())
        .websocket(websocket(&options.websocket));
    if options.qlik.endpoints {
        gate = gate.qlik_endpoints();
    }
    let upstream = upstream(options)?;
    let host = (!options.preserve_host)
        .then(|| {
            options
                .upstreams
                .first()
                .and_then(|u| HeaderValue::from_str(u.authority().as_str()).ok())
        })
        .flatten();
    Ok(SpaceSettings {
        gate: gate.build(),
        headers,
        upstream,
        connections: UpstreamSettings {
            connect_timeout: options.timeouts.connect,
            head_timeout: options.timeouts.response_head,
            request_timeout: options.timeouts.request_idle,
            queue_timeout: options.timeouts.pool_wait,
            connections: options.pool.max_connections,
            idle_timeout: options.pool.idle_timeout,
            ..UpstreamSettings::default()
        },
        strip_prefix: options.strip_prefix,
        host,
        body_idle: Some(options.timeouts.body_idle),
        tunnel_idle: Some(options.timeouts.tunnel_idle),
        tunnel_activity: options.websocket.activity,
        end_notices: options.websocket.end_notices,
        jwks,
        metrics,
    })
}

fn websocket(options: &WebSocketOptions) -> WebSocketPolicy {
    let mut policy = WebSocketPolicy::default();
    if let Some(origins) = &options.origins {
        policy = policy.origins(origins.iter().cloned());
    }
    if options.csrf_token {
        policy = policy.csrf_token();
    }
    policy
}

fn upstream(options: &SpaceOptions) -> Result<UpstreamAddresses, Failed> {
    let addresses: Vec<String> = options.upstreams.iter().map(ToString::to_string).collect();
    let addresses = UpstreamAddresses::parse(addresses.iter().map(String::as_str))
        .map_err(|e| ("upstream", e.into()))?;
    if !options.upstreams.iter().any(Upstream::is_https) {
        return Ok(addresses);
    }
    let settings = TlsClientSettings {
        ca: options.upstream_ca.clone(),
        certificate: None,
    };
    let tls = TlsConnector::new(&settings).map_err(|e| ("upstream_tls", e.into()))?;
    Ok(addresses.with_tls(&tls))
}

fn profiles(options: &SpaceOptions) -> Result<Profiles, SpaceError> {
    let mut profiles = Vec::new();
    for profile in &options.identity_headers {
        match profile {
            IdentityHeaders::XForwarded => profiles.push(Profile::XForwarded {
                groups: Profile::GROUPS.to_owned(),
            }),
            IdentityHeaders::Remote => profiles.push(Profile::Remote {
                groups: Profile::GROUPS.to_owned(),
            }),
            IdentityHeaders::Qlik => profiles.push(Profile::Qlik {
                prefix: options.prefix.clone(),
            }),
            IdentityHeaders::Custom(headers) => {
                for (name, template) in headers {
                    let value = Template::parse(&template.to_string())?;
                    profiles.push(Profile::Custom {
                        name: name.clone(),
                        value,
                    });
                }
            }
        }
    }
    Ok(Profiles::new(profiles)?)
}

/// The assertion of a space, and its public keys.
fn assertion_of(
    options: &SpaceOptions,
    assertion: &AssertionOptions,
    shared: &Shared<'_>,
) -> Result<(Assertion, PublishedKeys), SpaceError> {
    let keys = match &assertion.key_file {
        Some(path) => PublishedKeys::new(Arc::new(AssertionKey::from_pkcs8_pem(&read(path)?)?)),
        None => shared.assertion_keys.clone(),
    };
    let key = Arc::clone(keys.own());
    let issuer = format!("urn:gatepass:space:{}", options.id);
    let assertion = Assertion::new(key, Arc::clone(shared.clock), &issuer, &assertion.audience)
        .with_lifetime(assertion.lifetime)
        .with_header(assertion.header.clone())?;
    Ok((assertion, keys))
}
