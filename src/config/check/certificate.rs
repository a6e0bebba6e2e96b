//! The table `space.certificate`, and what else client certificates need.

use super::certificate_role::certificate_rule;
use crate::app::options::{AuthnMethod, CertificateOptions, EdgeOptions, SpaceOptions};
use crate::authn::certificate::{
    CertificatePart, CertificateTemplate, CertificateUser, Certificates,
};
use crate::config::raw::{OneOrMany, RawCertificateRules, RawCertificateUser};
use crate::config::report::{Scope, read, read_some};

const RULES: &str =
    "a rule such as `{ subject = { O = \"Example\" }, directory = \"LAB\", id = \"$cn\" }`";
const NAMES: &str = "one or more of `subject_cn`, `subject`, `san`, `fingerprint`, or `any = true` for \
                     every certificate of the authorities in `edge.tls.client_ca`";

pub(super) fn certificate(
    raw: RawCertificateRules,
    table: &Scope<'_>,
) -> Option<CertificateOptions> {
    if raw.rules.is_none() {
        table.key("rules").missing(RULES);
    }
    let rules = table.key("rules");
    let written = raw.rules.as_ref().map_or(0, Vec::len);
    let users = read_some(table, "rules", raw.rules, RULES, |at, raw| user(raw, at))?;
    let mut all = users.iter();
    if let Some(at) = all.position(|user| *user.certificates() == Certificates::Any)
        && users.len() == written
        && at + 1 < written
    {
        rules.index(at).conflict(
            "it means every certificate, so the rules after it would never be asked",
            "allowed: a rule with `any` as the last one",
        );
    }
    Some(CertificateOptions { users })
}

fn user(mut raw: RawCertificateUser, at: &Scope<'_>) -> Option<CertificateUser> {
    let certificates = certificates(&mut raw, at);
    let template = |key, raw| read(at, key, raw, |at, text: String| template(at, &text));
    let directory = template(
        "directory",
        raw.directory.or_else(|| Some(DEFAULT_DIRECTORY.to_owned())),
    );
    let id = template("id", raw.id.or_else(|| Some(DEFAULT_ID.to_owned())));
    let (name, email) = (template("name", raw.name), template("email", raw.email));
    let allowed = "a directory and an id without backslash and control characters";
    let mut user = at.accept(
        CertificateUser::new(certificates?, directory?, id?),
        allowed,
    )?;
    if let Some(name) = name {
        user = user.with_name(name);
    }
    if let Some(email) = email {
        user = user.with_email(email);
    }
    let attributes = at.key("attributes");
    for (attribute, OneOrMany { values, is_list }) in raw.attributes.unwrap_or_default() {
        let at = attributes.key(&attribute);
        let attribute = at.filled(&attribute, "the name of an attribute");
        for (index, text) in values.iter().enumerate() {
            let at = if is_list { at.index(index) } else { at.clone() };
            if let (Some(attribute), Some(values)) = (&attribute, self::template(&at, text)) {
                user = user.with_attribute(attribute.as_str(), values);
            }
        }
    }
    Some(user)
}

/// Which certificates a rule is about.
fn certificates(raw: &mut RawCertificateUser, at: &Scope<'_>) -> Option<Certificates> {
    let keys = ["subject_cn", "subject", "san", "fingerprint"];
    match (raw.any == Some(true), keys.iter().any(|key| at.has(key))) {
        (true, true) => {
            at.key("any").conflict(
                "the rule also names what to tell certificates by",
                &format!("allowed: {NAMES}"),
            );
            None
        }
        (true, false) => Some(Certificates::Any),
        (false, true) => Some(Certificates::Matching(certificate_rule(
            raw.subject_cn.take(),
            raw.subject.take(),
            raw.san.take(),
            raw.fingerprint.take(),
            at,
        ))),
        (false, false) => {
            at.key("subject").missing(NAMES);
            None
        }
    }
}

fn template(at: &Scope<'_>, text: &str) -> Option<CertificateTemplate> {
    let parts = CertificatePart::ALL.map(|part| format!("`{part}`"));
    let allowed = format!("a text with at most one of {} in it", parts.join(", "));
    let text = at.filled(text, &allowed)?;
    at.parse(&text, &allowed)
}

/// That the edge asks for certificates where a space goes by them: without that everybody
/// would come without one.
pub(super) fn asked_for(
    spaces: &[SpaceOptions],
    edge: &EdgeOptions,
    edge_table: &Scope<'_>,
    table: &Scope<'_>,
) {
    let asks = edge.tls.as_ref().is_some_and(|tls| tls.client.is_some());
    // Where it cannot be read, that has been reported.
    if asks || edge.tls.is_none() && edge_table.has("tls") {
        return;
    }
    for (index, space) in spaces.iter().enumerate() {
        let mut methods = space.authn.iter();
        if let Some(at) = methods.position(|m| matches!(m, AuthnMethod::Certificate(_))) {
            table.index(index).key("authn").index(at).conflict(
                "the edge asks no client for a certificate",
                "allowed: this together with `client_ca` in `edge.tls`",
            );
        }
    }
}

const DEFAULT_DIRECTORY: &str = "CERT";
const DEFAULT_ID: &str = "$cn";

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde::Deserialize as _;
    use toml::de::DeTable;

    use super::*;
    use crate::config::check::spaces;
    use crate::config::raw::RawSpace;
    use crate::config::report::Report;
    use crate::config::tree::Node;
    use crate::domain::CertificateRule;
    use crate::net::tls::{ClientAuth, TlsSettings, TlsVersion};

    /// What the table `text` becomes, and the errors: each a key and a reason.
    fn read_table(text: &str) -> (Option<CertificateOptions>, Vec<String>) {
        let document = DeTable::parse(text).unwrap();
        let tree = Node::from_document(&document);
        let raw = RawCertificateRules::deserialize(&tree).unwrap();
        let report = Report::new(&tree, Path::new(""), &[]);
        let options = certificate(raw, &report.root());
        let (errors, _) = report.finish();
        let told = errors.iter().map(|e| format!("{}: {}", e.key, e.label));
        (options, told.collect())
    }

    fn template(text: &str) -> CertificateTemplate {
        text.parse().unwrap()
    }

    #[test]
    fn rules_become_users_in_their_order() {
        let (options, errors) = read_table(
            r#"
[[rules]]
subject_cn = "QlikClient"
subject = { O = "Example" }
san = "ip:0:0::1"
fingerprint = ["0000000000000000000000000000000000000000000000000000000000000007"]
directory = "$o"
id = "robot"
name = "Robot $serial"
email = "$email"
attributes = { group = ["robots", "$ou"], kind = "device" }

[[rules]]
any = true
"#,
        );
        assert_eq!(errors, [""; 0]);
        let mut fingerprint = [0; 32];
        fingerprint[31] = 7;
        let rule = CertificateRule {
            subject: vec![
                ("CN".into(), "QlikClient".into()),
                ("O".into(), "Example".into()),
            ],
            alt_names: vec!["ip:::1".into()],
            fingerprints: vec![fingerprint],
        };
        let robot = CertificateUser::new(
            Certificates::Matching(rule),
            template("$o"),
            template("robot"),
        );
        let robot = robot
            .unwrap()
            .with_name(template("Robot $serial"))
            .with_email(template("$email"))
            .with_attribute("group", template("robots"))
            .with_attribute("group", template("$ou"))
            .with_attribute("kind", template("device"));
        let others = CertificateUser::new(Certificates::Any, template("CERT"), template("$cn"));
        assert_eq!(options.unwrap().users, [robot, others.unwrap()]);
    }

    #[test]
    fn s41_what_a_rule_cannot_be_is_told() {
        for (text, error) in [
            ("", "rules: it is not here"),
            ("rules = []", "rules: it is empty"),
            (
                "rules = [{ name = \"$cn\" }]",
                "rules.0.subject: it is not here",
            ),
            (
                "rules = [{ any = false }]",
                "rules.0.subject: it is not here",
            ),
            (
                "rules = [{ any = true, subject_cn = \"a\" }]",
                "rules.0.any: the rule also names what to tell certificates by",
            ),
            (
                "rules = [{ any = true }, { subject_cn = \"a\" }]",
                "rules.0: it means every certificate, so the rules after it would never be asked",
            ),
            (
                "rules = [{ subject = { Org = \"a\" } }]",
                "rules.0.subject.Org: `Org` is no part of a subject",
            ),
            (
                "rules = [{ san = [\"ann@example.com\"] }]",
                "rules.0.san.0: found `ann@example.com`",
            ),
            ("rules = [{ san = [] }]", "rules.0.san: it is empty"),
            (
                "rules = [{ fingerprint = \"07\" }]",
                "rules.0.fingerprint: found `07`",
            ),
            (
                "rules = [{ subject_cn = \" \" }]",
                "rules.0.subject_cn: it is blank or has control characters",
            ),
            (
                "rules = [{ subject_cn = \"a\", directory = \"$user\" }]",
                "rules.0.directory: `$user` is no part of a certificate",
            ),
            (
                "rules = [{ subject_cn = \"a\", name = \"$ou $cn\" }]",
                "rules.0.name: found `$ou $cn`: it has more than one part of a certificate",
            ),
            (
                "rules = [{ subject_cn = \"a\", attributes = { group = [\"a\", \"$x\"] } }]",
                "rules.0.attributes.group.1: `$x` is no part of a certificate",
            ),
        ] {
            let (_, errors) = read_table(text);
            assert_eq!(errors, [error], "{text}");
        }
        let (_, errors) = read_table(r"rules = [{ subject_cn = 'a', directory = 'LAB\' }]");
        assert!(errors[0].contains("backslash"), "{errors:?}");
    }

    #[test]
    fn s41_certificates_that_nobody_asks_for_are_an_error() {
        let text = r#"
[[space]]
id = "1"
upstream = ["http://127.0.0.1:3000"]
authn = ["header", "certificate"]
certificate = { rules = [{ any = true }] }
header = { name = "hdr-usr", directory = "LAB", trusted = ["127.0.0.1"] }
"#;
        let document = DeTable::parse(text).unwrap();
        let tree = Node::from_document(&document);
        let errors_with = |tls: Option<TlsSettings>| {
            let report = Report::new(&tree, Path::new(""), &[]);
            let root = report.root();
            #[derive(serde::Deserialize)]
            struct Spaces {
                space: Vec<RawSpace>,
            }
            let raw = Spaces::deserialize(&tree).unwrap().space;
            let edge = EdgeOptions {
                tls,
                ..EdgeOptions::default()
            };
            let spaces = spaces::spaces(Some(raw), &edge, &root.key("space")).unwrap();
            asked_for(&spaces, &edge, &root.key("edge"), &root.key("space"));
            let (errors, _) = report.finish();
            let told: Vec<_> = errors.iter().map(|e| e.title.clone()).collect();
            told
        };
        let tls = |client| TlsSettings {
            certificates: Vec::new(),
            client,
            min_version: TlsVersion::default(),
        };
        let client = ClientAuth {
            ca: PathBuf::from("ca.pem"),
            crl: Vec::new(),
            required: false,
        };
        let conflict = ["conflict at `space.1.authn.1`"];
        assert_eq!(errors_with(None), conflict);
        assert_eq!(errors_with(Some(tls(None))), conflict);
        assert_eq!(errors_with(Some(tls(Some(client)))), [""; 0]);
    }
}
