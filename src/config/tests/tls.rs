//! TLS, and what certificates of clients are good for.

use std::time::Duration;

use super::{SPACE, check, load, read};
use crate::admin::keys::Role;
use crate::net::tls::TlsVersion;

const FILES: [&str; 5] = ["site.pem", "site.key", "ca.pem", "ca.crl", "site.ocsp"];

/// The errors of `text`, with the files of this test: key, what is wrong with it, and why.
fn errors_of(text: &str) -> Vec<String> {
    let (folder, loaded) = read(&format!("{text}\n{SPACE}"), &FILES, &[]);
    let errors = loaded.expect_err(text);
    let rendered = errors.to_string().replace(&folder, "$DIR");
    let reasons = rendered.lines().filter_map(|line| {
        let (_, reason) = line.split_once("^ ")?;
        Some(reason.to_owned())
    });
    let titles = errors.iter().map(|error| error.message().to_owned());
    titles
        .zip(reasons)
        .map(|(title, reason)| format!("{title}: {reason}"))
        .collect()
}

#[test]
fn tls_is_read_with_paths_from_the_folder_of_the_file() {
    let text = r#"
[edge]
listen = ["127.0.0.1:8443"]
redirect = ["0.0.0.0:8080"]
tls = { certificates = [{ chain = "site.pem", key = "site.key", ocsp = "site.ocsp" }], hsts = "365d" }
[admin]
listen = "0.0.0.0:4243"
tls = { certificates = [{ chain = "site.pem", key = "site.key" }], client_ca = "ca.pem", client_crl = ["ca.crl"], client_certificates = "required", min_version = "1.3" }
certificate_roles = [
  { subject_cn = "QlikClient", role = "site-admin" },
  { subject = { o = "Example", DC = ["corp", "example"] }, san = "ip:FD00::0007", role = "space-admin", spaces = ["1001"] },
  { fingerprint = "0A:0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a", role = "reader" },
]
"#;
    let loaded = load(&format!("{text}{SPACE}"), &FILES);
    assert_eq!(loaded.files_read.len(), 6, "{:?}", loaded.files_read);
    let folder = loaded.files_read[0].parent().unwrap();

    let edge = &loaded.options.edge;
    assert_eq!(edge.redirect, ["0.0.0.0:8080".parse().unwrap()]);
    assert_eq!(edge.hsts, Some(Duration::from_secs(365 * 86_400)));
    let tls = edge.tls.as_ref().unwrap();
    assert_eq!(tls.certificates[0].chain, folder.join("site.pem"));
    assert_eq!(tls.certificates[0].key, folder.join("site.key"));
    assert_eq!(tls.certificates[0].ocsp, Some(folder.join("site.ocsp")));
    assert_eq!((&tls.client, tls.min_version), (&None, TlsVersion::Tls12));

    let admin = &loaded.options.admin;
    let tls = admin.tls.as_ref().unwrap();
    let client = tls.client.as_ref().unwrap();
    assert_eq!(client.ca, folder.join("ca.pem"));
    assert_eq!(client.crl, [folder.join("ca.crl")]);
    assert!(client.required);
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    let [cn, parts, print] = &admin.certificate_roles[..] else {
        panic!("{:?}", admin.certificate_roles)
    };
    assert_eq!((cn.role, cn.spaces.len()), (Role::SiteAdmin, 0));
    assert_eq!(
        cn.certificates.subject,
        [("CN".into(), "QlikClient".into())]
    );
    let subject: Vec<(&str, &str)> = parts
        .certificates
        .subject
        .iter()
        .map(|(part, value)| (&**part, &**value))
        .collect();
    assert_eq!(
        subject,
        [("DC", "corp"), ("DC", "example"), ("O", "Example")]
    );
    assert_eq!(
        parts.certificates.alt_names,
        [Box::<str>::from("ip:fd00::7")]
    );
    assert_eq!(parts.spaces[0].as_str(), "1001");
    assert_eq!(print.certificates.fingerprints, [[10; 32]]);
}

#[test]
fn a_client_authority_alone_means_optional() {
    let text = r#"
[edge.tls]
client_ca = "ca.pem"
certificates = [{ chain = "site.pem", key = "site.key" }]
"#;
    let tls = load(&format!("{text}{SPACE}"), &FILES).options.edge.tls;
    assert!(!tls.unwrap().client.unwrap().required);
}

const SITE: &str = r#"certificates = [{ chain = "site.pem", key = "site.key" }]"#;

#[test]
fn s41_tls_that_would_do_nothing_or_not_enough_is_an_error() {
    let edge = |more: &str| errors_of(&format!("[edge.tls]\n{SITE}\n{more}"));
    for (errors, expected) in [
        (
            edge("client_certificates = \"required\""),
            "unused option `edge.tls.client_certificates`: there is no authority to judge them by",
        ),
        (
            edge("client_crl = [\"ca.crl\"]"),
            "unused option `edge.tls.client_crl`: no certificates of clients are asked for",
        ),
        (
            edge("client_ca = \"ca.pem\"\nclient_crl = []"),
            "bad value for `edge.tls.client_crl`: it is empty",
        ),
        (
            edge("client_ca = \"gone.pem\""),
            "bad value for `edge.tls.client_ca`: cannot read `$DIR/gone.pem`: No such file or directory (os error 2)",
        ),
        (
            edge("client_ca = \"ca.pem\"\nclient_certificates = \"maybe\""),
            "bad value for `edge.tls.client_certificates`: found `maybe`",
        ),
        (
            edge("min_version = \"1.1\""),
            "bad value for `edge.tls.min_version`: found `1.1`",
        ),
        (
            edge("hsts = \"0s\""),
            "bad value for `edge.tls.hsts`: it must be longer than nothing",
        ),
        (
            errors_of("[edge.tls]\nmin_version = \"1.3\""),
            "missing option `edge.tls.certificates`: it is not here",
        ),
        (
            errors_of("[edge.tls]\ncertificates = []"),
            "bad value for `edge.tls.certificates`: it is empty",
        ),
        (
            errors_of("[edge.tls]\ncertificates = [{ chain = \"site.pem\" }]"),
            "missing option `edge.tls.certificates.0.key`: it is not here",
        ),
        (
            errors_of("[edge]\nredirect = [\"0.0.0.0:80\"]"),
            "unused option `edge.redirect`: the edge has no TLS to send clients to",
        ),
        (
            errors_of(&format!(
                "[edge]\nredirect = [\"127.0.0.1:8080\"]\n[edge.tls]\n{SITE}"
            )),
            "conflict at `edge.redirect.0`: `127.0.0.1:8080` is listened on already",
        ),
        (
            errors_of(&format!(
                "[edge]\nredirect = [\"127.0.0.1:8081\"]\n[edge.tls]\n{SITE}\n[admin]\nlisten = \"127.0.0.1:8081\""
            )),
            "conflict at `admin.listen`: the edge listens on this address",
        ),
        (
            errors_of(&format!(
                "[admin]\nallow_plain_http = true\n[admin.tls]\n{SITE}"
            )),
            "unused option `admin.allow_plain_http`: the side port speaks TLS, and no plain HTTP",
        ),
        (
            errors_of(&format!("[admin.tls]\n{SITE}\nhsts = \"1d\"")),
            "unknown key `admin.tls.hsts`: there is no such option here",
        ),
    ] {
        assert_eq!(errors, [expected]);
    }
}

#[test]
fn s33_a_role_means_some_certificate_that_can_come() {
    let role = |role: &str| {
        errors_of(&format!(
            "[admin]\ncertificate_roles = [{{ {role} }}]\n[admin.tls]\nclient_ca = \"ca.pem\"\n{SITE}"
        ))
    };
    for (errors, expected) in [
        (
            errors_of("[admin]\ncertificate_roles = [{ subject_cn = \"A\", role = \"reader\" }]"),
            "unused option `admin.certificate_roles`: the side port asks for no certificates of clients",
        ),
        (
            role("role = \"reader\""),
            "conflict at `admin.certificate_roles.0`: it says of no certificate that it is meant",
        ),
        (
            role("subject_cn = \" \", role = \"reader\""),
            "bad value for `admin.certificate_roles.0.subject_cn`: it is blank or has control characters",
        ),
        (
            role("subject = { title = \"Dr\" }, role = \"reader\""),
            "bad value for `admin.certificate_roles.0.subject.title`: `title` is no part of a subject",
        ),
        (
            role("subject = {}, role = \"reader\""),
            "bad value for `admin.certificate_roles.0.subject`: it is empty",
        ),
        (
            role("san = [], role = \"reader\""),
            "bad value for `admin.certificate_roles.0.san`: it is empty",
        ),
        (
            role("san = [\"host.example.com\"], role = \"reader\""),
            "bad value for `admin.certificate_roles.0.san.0`: found `host.example.com`",
        ),
        (
            role("san = \"ip:10.0.0\", role = \"reader\""),
            "bad value for `admin.certificate_roles.0.san`: found `ip:10.0.0`",
        ),
        (
            role("fingerprint = \"0a\", role = \"reader\""),
            "bad value for `admin.certificate_roles.0.fingerprint`: found `0a`",
        ),
        (
            role("subject_cn = \"A\""),
            "missing option `admin.certificate_roles.0.role`: it is not here",
        ),
        (
            role("subject_cn = \"A\", role = \"root\""),
            "bad value for `admin.certificate_roles.0.role`: found `root`",
        ),
        (
            role("subject_cn = \"A\", role = \"space-admin\""),
            "missing option `admin.certificate_roles.0.spaces`: it is not here",
        ),
        (
            role("subject_cn = \"A\", role = \"site-admin\", spaces = [\"1001\"]"),
            "unused option `admin.certificate_roles.0.spaces`: a site administrator's role is over every space",
        ),
        (
            role("subject_cn = \"A\", role = \"reader\", spaces = [\"1002\"]"),
            "conflict at `admin.certificate_roles.0.spaces`: there is no space `1002`",
        ),
    ] {
        assert_eq!(errors, [expected]);
    }
}

#[test]
fn s41_a_certificate_without_a_key() {
    check(
        r#"[edge.tls]
certificates = [{ chain = "key.pem" }]
[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
"#,
        r#"
error: missing option `edge.tls.certificates.0.key`
 --> $DIR/gatepass.toml:2:17
  |
2 | certificates = [{ chain = "key.pem" }]
  |                 ^^^^^^^^^^^^^^^^^^^^^ it is not here
  |
  = note: allowed: the path of a private key in PEM form
"#,
    );
}
