//! TLS on a listener. Whether the files have what they should is found when the listener is
//! built from them.

use std::num::NonZeroU16;

use super::network;
use crate::app::options::EdgeOptions;
use crate::config::raw::{RawCertificate, RawEdge, RawTls};
use crate::config::report::{Scope, read, read_all, read_some};
use crate::net::tls::{CertificateFiles, ClientAuth, TlsSettings, TlsVersion};

const CHAIN: &str = "a certificate in PEM form, followed by those that lead to its authority";
const KEY: &str = "a private key in PEM form";
const OCSP: &str = "an OCSP response in DER form";
const CA: &str = "the certificates of authorities in PEM form";
const CRL: &str = "a list of revoked certificates in PEM or DER form";
const CERTIFICATES: &str = "tables such as `{ chain = \"tls/site.pem\", key = \"tls/site.key\" }`";

/// The table `tls` of a listener.
pub(super) fn tls(raw: RawTls, table: &Scope<'_>) -> Option<TlsSettings> {
    if raw.certificates.is_none() {
        table.key("certificates").missing(CERTIFICATES);
    }
    let asks = raw.client_ca.is_some() || table.has("client_ca");
    if !asks {
        let note = "allowed: this together with `client_ca`";
        if raw.client_crl.is_some() {
            let at = table.key("client_crl");
            at.unused("no certificates of clients are asked for", note);
        }
        if raw.client_certificates.is_some() {
            let at = table.key("client_certificates");
            at.unused("there is no authority to judge them by", note);
        }
    }
    let certificates = read_some(
        table,
        "certificates",
        raw.certificates,
        CERTIFICATES,
        |at, raw| certificate(raw, at),
    );
    let required = read(
        table,
        "client_certificates",
        raw.client_certificates,
        |at, text| at.choose(&text, &[("optional", false), ("required", true)]),
    );
    let crl = read_some(table, "client_crl", raw.client_crl, CRL, |at, text| {
        at.file(&text, CRL)
    });
    let ca = read(table, "client_ca", raw.client_ca, |at, text| {
        at.file(&text, CA)
    });
    let min_version = read(table, "min_version", raw.min_version, |at, text| {
        at.choose(
            &text,
            &[("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)],
        )
    });
    Some(TlsSettings {
        certificates: certificates?,
        client: ca.map(|ca| ClientAuth {
            ca,
            crl: crl.unwrap_or_default(),
            required: required.unwrap_or(false),
        }),
        min_version: min_version.unwrap_or_default(),
    })
}

fn certificate(raw: RawCertificate, at: &Scope<'_>) -> Option<CertificateFiles> {
    let file = |key: &str, raw: Option<String>, what: &str| {
        let path = read(at, key, raw, |at, text: String| at.file(&text, what));
        if path.is_none() && !at.has(key) {
            at.key(key).missing(&format!("the path of {what}"));
        }
        path
    };
    let (chain, key) = (file("chain", raw.chain, CHAIN), file("key", raw.key, KEY));
    let ocsp = read(at, "ocsp", raw.ocsp, |at, text| at.file(&text, OCSP));
    Some(CertificateFiles {
        chain: chain?,
        key: key?,
        ocsp,
    })
}

/// TLS at the edge, and what leads browsers to it: fills `edge`.
pub(super) fn of_edge(raw: &mut RawEdge, table: &Scope<'_>, edge: &mut EdgeOptions) {
    let together = "allowed: this together with the table `edge.tls`";
    let encrypted = raw.tls.is_some() || table.has("tls");
    let redirect = raw.redirect.take();
    if redirect.is_some() && !encrypted {
        let at = table.key("redirect");
        at.unused("the edge has no TLS to send clients to", together);
    }
    edge.redirect = read_all(table, "redirect", redirect, |at, text| {
        at.parse(&text, network::ADDRESS)
    })
    .unwrap_or_default();
    for (index, address) in edge.redirect.iter().enumerate() {
        let taken = edge.listen.contains(address) || edge.redirect[..index].contains(address);
        if address.port() != 0 && taken {
            table.key("redirect").index(index).conflict(
                &format!("`{address}` is listened on already"),
                "allowed: an address that is neither in `edge.listen` nor here before",
            );
        }
    }
    if raw.redirect_port.is_some() && edge.redirect.is_empty() && !table.key("redirect").is_broken()
    {
        table.key("redirect_port").unused(
            "nobody is redirected",
            "allowed: this together with `redirect`",
        );
    }
    edge.redirect_port = read(table, "redirect_port", raw.redirect_port, |at, port| {
        at.number(port, 1, u16::MAX.into())
    })
    .and_then(|port| u16::try_from(port).ok())
    .and_then(NonZeroU16::new);
    if let Some(mut raw) = raw.tls.take() {
        let table = table.key("tls");
        edge.hsts = read(&table, "hsts", raw.hsts.take(), |at, text| {
            at.duration(&text)
        });
        edge.tls = tls(raw.into(), &table);
    }
}
