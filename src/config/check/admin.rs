//! The table `admin`.

use std::net::SocketAddr;

use super::certificate_role::certificate_role;
use super::session_module::session_module;
use super::tls::tls;
use super::{network, ticket};
use crate::app::options::{AdminOptions, CertificateRole, EdgeOptions, SpaceOptions};
use crate::config::raw::RawAdmin;
use crate::config::report::{Scope, read, read_all, read_some};

pub(super) fn admin(raw: RawAdmin, table: &Scope<'_>, edge: &EdgeOptions) -> AdminOptions {
    let default = AdminOptions::default();
    let encrypted = raw.tls.is_some() || table.has("tls");
    if encrypted && raw.allow_plain_http == Some(true) {
        table.key("allow_plain_http").unused(
            "the side port speaks TLS, and no plain HTTP",
            "allowed: this without the table `admin.tls`",
        );
    }
    let listen = read(table, "listen", raw.listen, |at, text| {
        let address: SocketAddr = at.parse(&text, network::ADDRESS)?;
        let exposed = !address.ip().to_canonical().is_loopback();
        if exposed && !encrypted && raw.allow_plain_http != Some(true) {
            at.conflict(
                "other machines reach this address, and keys would cross the network unprotected",
                "allowed: a loopback address, such as `127.0.0.1:8081`; or any address together \
                 with a table `admin.tls`, or with `allow_plain_http = true`",
            );
        }
        Some(address)
    })
    .unwrap_or(default.listen);
    if listen.port() != 0 && (edge.listen.contains(&listen) || edge.redirect.contains(&listen)) {
        table.key("listen").conflict(
            "the edge listens on this address",
            "allowed: an address that is not in `edge.listen` or `edge.redirect`",
        );
    }
    let hosts = read_all(table, "hosts", raw.hosts, |at, text| {
        network::host(at, &text)
    });
    let asks = raw.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    let asks = asks || table.key("tls").has("client_ca");
    if raw.certificate_roles.is_some() && !asks {
        table.key("certificate_roles").unused(
            "the side port asks for no certificates of clients",
            "allowed: this together with `client_ca` in `admin.tls`",
        );
    }
    let roles = read_some(
        table,
        "certificate_roles",
        raw.certificate_roles,
        "tables such as `{ subject_cn = \"QlikClient\", role = \"site-admin\" }`",
        |at, raw| certificate_role(raw, at),
    );
    let session_module = read(table, "session_module", raw.session_module, |at, raw| {
        session_module(raw, at, asks)
    });
    AdminOptions {
        tls: read(table, "tls", raw.tls, |at, raw| tls(raw, at)),
        certificate_roles: roles.unwrap_or_default(),
        session_module,
        listen,
        url: read(table, "url", raw.url, |at, text| {
            ticket::side_port(at, &text)
        }),
        api_keys: read(table, "api_keys", raw.api_keys, |at, text| {
            at.file(
                &text,
                "a keys file (`gatepass key create --file keys.toml` writes one)",
            )
        }),
        hosts: hosts.unwrap_or_else(|| AdminOptions::default_hosts(listen)),
        docs_public: raw.docs_public.unwrap_or(default.docs_public),
    }
}

/// A role for a space that there is not would be for nobody.
pub(super) fn roles_are_for_spaces(
    roles: &[CertificateRole],
    table: &Scope<'_>,
    spaces: &[SpaceOptions],
) {
    for (index, role) in roles.iter().enumerate() {
        let at = table.key("certificate_roles").index(index).key("spaces");
        for id in &role.spaces {
            if !spaces.iter().any(|space| space.id == *id) {
                at.conflict(
                    &format!("there is no space `{id}`"),
                    "allowed: ids of spaces of this configuration",
                );
            }
        }
    }
}
