//! One table `space`.

use super::access::{access_rule, classify_rule};
use super::authn::{RawAuthn, authn};
use super::cookie::cookie;
use super::identity_headers::{assertion, identity_headers};
use super::license::licenses;
use super::response_headers::response_headers;
use super::websocket::websocket;
use super::{network, qlik, ticket, upstream_tls};
use crate::app::options::{PoolOptions, SpaceOptions, Upstream, UpstreamTimeouts};
use crate::config::raw::{RawPool, RawSession, RawSpace, RawTimeouts};
use crate::config::report::{Scope, read, read_all, read_some};
use crate::domain::{Lifetime, LimitPolicy, PathPrefix, SessionPolicy, SpaceId, UserLimit};

const ID: &str = "1 to 64 of the characters A-Z a-z 0-9 . _ ~ -, such as `1001`";
const PREFIX: &str = "empty, or a path such as `/sales` of the characters a-z 0-9 - . _ ~";
const UPSTREAM: &str = "`http://HOST:PORT` or `https://HOST:PORT`, such as `http://127.0.0.1:3000`";

pub(super) fn space(raw: RawSpace, table: &Scope<'_>) -> Option<SpaceOptions> {
    if raw.id.is_none() {
        table.key("id").missing(ID);
    }
    let id: Option<SpaceId> = read(table, "id", raw.id, |at, text| at.parse(&text, ID));
    let name = read(table, "name", raw.name, |at, text| {
        at.filled(&text, "a name for people")
    });
    let hosts = read_all(table, "hosts", raw.hosts, |at, text| {
        network::host(at, &text)
    });
    let prefix = read(table, "prefix", raw.prefix, |at, text| {
        at.accept(PathPrefix::new(&text), PREFIX)
    })
    .unwrap_or_default();
    if raw.upstream.is_none() {
        table.key("upstream").missing(UPSTREAM);
    }
    let upstreams: Option<Vec<Upstream>> =
        read_some(table, "upstream", raw.upstream, UPSTREAM, |at, text| {
            at.parse(&text, UPSTREAM)
        });
    let upstream_ca = upstream_tls::authorities(
        raw.upstream_tls.unwrap_or_default(),
        &table.key("upstream_tls"),
        upstreams.as_deref(),
    );
    let authn = authn(
        RawAuthn {
            authn: raw.authn,
            anonymous: raw.anonymous,
            jwt: raw.jwt,
            header: raw.header,
            ticket: raw.ticket,
            certificate: raw.certificate,
            local: raw.local,
        },
        table,
    );
    let has_hosts = hosts.as_ref().is_some_and(|hosts| !hosts.is_empty());
    ticket::hosts(authn.as_deref(), has_hosts, table);
    let identity_headers = identity_headers(raw.identity_headers, raw.custom_headers, table);
    let response_headers = response_headers(
        raw.response_headers,
        &identity_headers,
        &table.key("response_headers"),
    );
    let assertion = read(table, "assertion", raw.assertion, |at, raw| {
        assertion(raw, at)
    });
    let session = session(raw.session.unwrap_or_default(), &table.key("session"));
    let cookie = cookie(
        raw.cookie.unwrap_or_default(),
        &prefix,
        hosts.as_deref().unwrap_or_default(),
        &table.key("cookie"),
    );
    let access = read_all(table, "access", raw.access, |at, raw| {
        access_rule(at, raw, session.lifetime.idle)
    });
    let classify = read_all(table, "classify", raw.classify, classify_rule).unwrap_or_default();
    let rules = (!table.key("classify").is_broken()).then_some(&*classify);
    let licenses = licenses(raw.license, &table.key("license"), rules);
    let redirect_hosts = read_all(table, "redirect_hosts", raw.redirect_hosts, |at, text| {
        network::host(at, &text)
    });
    let qlik = qlik::qlik(raw.qlik.unwrap_or_default());
    let timeouts = timeouts(raw.timeouts.unwrap_or_default(), &table.key("timeouts"));
    let pool = pool(raw.pool.unwrap_or_default(), &table.key("pool"));
    let websocket = websocket(
        raw.websocket.unwrap_or_default(),
        &identity_headers,
        qlik,
        &table.key("websocket"),
    );
    let id = id?;
    Some(SpaceOptions {
        name: name.unwrap_or_else(|| id.to_string()),
        id,
        hosts: hosts.unwrap_or_default(),
        prefix,
        upstreams: upstreams?,
        upstream_ca,
        strip_prefix: raw.strip_prefix.unwrap_or(true),
        preserve_host: raw.preserve_host.unwrap_or(true),
        authn: authn?,
        identity_headers,
        assertion,
        response_headers,
        session,
        cookie: cookie?,
        access: access.unwrap_or_default().into_iter().collect(),
        classify,
        licenses,
        redirect_hosts: redirect_hosts.unwrap_or_default(),
        qlik,
        websocket,
        timeouts,
        pool,
    })
}

fn session(raw: RawSession, table: &Scope<'_>) -> SessionPolicy {
    let duration = |key, raw| read(table, key, raw, |at, text: String| at.duration(&text));
    let idle = duration("idle_timeout", raw.idle_timeout);
    let absolute =
        duration("absolute_timeout", raw.absolute_timeout).unwrap_or(Lifetime::DEFAULT.absolute);
    if idle.is_some_and(|idle| idle > absolute) {
        table.key("idle_timeout").conflict(
            "it is longer than `absolute_timeout`, which ends the session before",
            "allowed: at most `absolute_timeout` (12h by default)",
        );
    }
    let policy = read(table, "on_limit", raw.on_limit, |at, text| {
        let policies = [
            ("end-oldest", LimitPolicy::EndOldest),
            ("refuse", LimitPolicy::Refuse),
        ];
        at.choose(&text, &policies)
    });
    if table.has("on_limit") && raw.max_per_user.is_none() && !table.key("max_per_user").is_broken()
    {
        table.key("on_limit").unused(
            "there is no limit without `max_per_user`",
            "allowed: this together with `max_per_user`",
        );
    }
    let max = read(table, "max_per_user", raw.max_per_user, |at, n| {
        at.number(n, 1, 1_000_000)
    });
    SessionPolicy {
        lifetime: Lifetime {
            idle: idle.unwrap_or(Lifetime::DEFAULT.idle).min(absolute),
            absolute,
        },
        limit: max
            .and_then(|max| u32::try_from(max).ok())
            .map(|max| UserLimit {
                max,
                policy: policy.unwrap_or_default(),
            }),
    }
}

fn timeouts(raw: RawTimeouts, table: &Scope<'_>) -> UpstreamTimeouts {
    let default = UpstreamTimeouts::default();
    let duration = |key, raw| read(table, key, raw, |at, text: String| at.duration(&text));
    UpstreamTimeouts {
        pool_wait: duration("pool_wait", raw.pool_wait).unwrap_or(default.pool_wait),
        connect: duration("connect", raw.connect).unwrap_or(default.connect),
        request_idle: duration("request_idle", raw.request_idle).unwrap_or(default.request_idle),
        response_head: duration("response_head", raw.response_head)
            .unwrap_or(default.response_head),
        body_idle: duration("body_idle", raw.body_idle).unwrap_or(default.body_idle),
        tunnel_idle: duration("tunnel_idle", raw.tunnel_idle).unwrap_or(default.tunnel_idle),
    }
}

fn pool(raw: RawPool, table: &Scope<'_>) -> PoolOptions {
    let default = PoolOptions::default();
    PoolOptions {
        max_connections: read(table, "max_connections", raw.max_connections, |at, n| {
            at.number(n, 1, 100_000)
        })
        .unwrap_or(default.max_connections),
        idle_timeout: read(table, "idle_timeout", raw.idle_timeout, |at, text| {
            at.duration(&text)
        })
        .unwrap_or(default.idle_timeout),
    }
}
