//! A space's methods of authentication.

use super::header_name::header_name;
use super::{certificate, jwt, network, ticket};
use crate::app::options::{AnonymousMode, AuthnMethod, HeaderOptions, HeaderUser, LocalOptions};
use crate::config::raw::{RawCertificateRules, RawHeader, RawJwt, RawLocal, RawTicket};
use crate::config::report::{Scope, read, read_some};
use crate::domain::Identity;

/// What a space's tables say of authentication.
pub(super) struct RawAuthn {
    pub(super) authn: Option<Vec<String>>,
    pub(super) anonymous: Option<String>,
    pub(super) jwt: Option<RawJwt>,
    pub(super) header: Option<RawHeader>,
    pub(super) certificate: Option<RawCertificateRules>,
    pub(super) ticket: Option<RawTicket>,
    pub(super) local: Option<RawLocal>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Jwt,
    Header,
    Certificate,
    Ticket,
    Local,
    Anonymous,
}

const NAMES: [(&str, Name); 6] = [
    ("jwt", Name::Jwt),
    ("header", Name::Header),
    ("certificate", Name::Certificate),
    ("ticket", Name::Ticket),
    ("local", Name::Local),
    ("anonymous", Name::Anonymous),
];

/// Methods of later versions.
const LATER: [&str; 1] = ["oidc"];

const ANY_NAME: &str =
    "`jwt`, `header`, `certificate`, `ticket`, `local`, `anonymous`, in the order they are tried";

pub(super) fn authn(raw: RawAuthn, space: &Scope<'_>) -> Option<Vec<AuthnMethod>> {
    let list = space.key("authn");
    let written = raw.authn.as_ref().map_or(0, Vec::len);
    if raw.authn.is_none() {
        list.missing(ANY_NAME);
    }
    let names = read_some(space, "authn", raw.authn, ANY_NAME, |at, text| {
        at.choose_beside(&text, &NAMES, &LATER)
    });
    let names = names.unwrap_or_default();
    let mode = read(space, "anonymous", raw.anonymous, |at, text| {
        at.choose(
            &text,
            &[
                ("allow", AnonymousMode::Allow),
                ("always", AnonymousMode::Always),
            ],
        )
    });
    // Only a list without a slip in it tells which tables it leaves out.
    let complete = names.len() == written && written > 0;
    if complete {
        order(&names, mode.unwrap_or_default(), &list);
    }
    let is_used = |key: &str, name: Name| {
        let unused = complete && space.has(key) && !names.contains(&name);
        if unused {
            space.key(key).unused(
                &format!("`authn` does not list `{key}`"),
                &format!(
                    "allowed: this together with `\"{key}\"` in `{}`",
                    list.label()
                ),
            );
        }
        !unused
    };
    is_used("anonymous", Name::Anonymous);
    let jwt = raw.jwt.filter(|_| is_used("jwt", Name::Jwt));
    let header_table = raw.header.filter(|_| is_used("header", Name::Header));
    let certificate_table = raw
        .certificate
        .filter(|_| is_used("certificate", Name::Certificate));
    let mut ticket_table = raw.ticket.filter(|_| is_used("ticket", Name::Ticket));
    let local_table = raw.local.filter(|_| is_used("local", Name::Local));
    let mut jwt = jwt.map(|raw| jwt::jwt(raw, &space.key("jwt")));
    let mut header = header_table.map(|raw| header(raw, &space.key("header")));
    let mut certificate =
        certificate_table.map(|raw| certificate::certificate(raw, &space.key("certificate")));
    let mut local = local_table.map(|raw| local(raw, &space.key("local")));
    let methods: Vec<Option<AuthnMethod>> = names
        .iter()
        .map(|name| match name {
            Name::Jwt => needed(&mut jwt, space, "jwt").map(AuthnMethod::Jwt),
            Name::Header => needed(&mut header, space, "header").map(AuthnMethod::Header),
            Name::Certificate => {
                needed(&mut certificate, space, "certificate").map(AuthnMethod::Certificate)
            }
            // Its table has nothing that must be there.
            Name::Ticket => Some(AuthnMethod::Ticket(ticket::ticket(
                ticket_table.take().unwrap_or_default(),
                &space.key("ticket"),
            ))),
            Name::Local => needed(&mut local, space, "local").map(AuthnMethod::Local),
            Name::Anonymous => Some(AuthnMethod::Anonymous(mode.unwrap_or_default())),
        })
        .collect();
    methods.into_iter().collect()
}

/// The options of a method that is listed: its table must be there.
fn needed<T>(options: &mut Option<Option<T>>, space: &Scope<'_>, key: &str) -> Option<T> {
    if options.is_none() && !space.has(key) {
        space.key(key).missing(&format!(
            "a table `[space.{key}]`, as `authn` lists `{key}`"
        ));
    }
    options.take().flatten()
}

/// Each method once, and none behind one that takes everybody in.
fn order(names: &[Name], mode: AnonymousMode, list: &Scope<'_>) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            list.index(index)
                .conflict("it is there twice", "allowed: each method once");
        }
    }
    if let Some(at) = names.iter().position(|name| *name == Name::Anonymous) {
        if at + 1 < names.len() {
            list.index(at).conflict(
                "it takes everybody in, so what follows would never be tried",
                "allowed: `anonymous` as the last one",
            );
        } else if mode == AnonymousMode::Always && names.len() > 1 {
            list.conflict(
                "with `anonymous = \"always\"` no other method is ever tried",
                "allowed: `[\"anonymous\"]`, or `anonymous = \"allow\"`",
            );
        }
    }
}

fn header(raw: RawHeader, table: &Scope<'_>) -> Option<HeaderOptions> {
    let optional = |key, raw| read(table, key, raw, |at, text: String| header_name(at, &text));
    if raw.name.is_none() {
        table
            .key("name")
            .missing("the name of the header that names the user");
    }
    let user = match (raw.directory, raw.pattern) {
        (Some(text), None) => {
            directory(&table.key("directory"), &text).map(|directory| HeaderUser::Id { directory })
        }
        (None, Some(text)) => pattern(&table.key("pattern"), text),
        (None, None) => {
            if !table.key("pattern").is_broken() {
                table
                    .key("directory")
                    .missing("one of `directory` and `pattern`");
            }
            None
        }
        (Some(_), Some(_)) => {
            table.key("directory").unused(
                "`pattern` says where the directory is",
                "allowed: one of `directory` and `pattern`",
            );
            None
        }
    };
    if raw.trusted.is_none() {
        table.key("trusted").missing(network::NETWORK);
    }
    let trusted = read_some(
        table,
        "trusted",
        raw.trusted,
        network::NETWORK,
        |at, text| network::network(at, &text),
    );
    let name_header = optional("name_header", raw.name_header);
    let email_header = optional("email_header", raw.email_header);
    let groups_header = optional("groups_header", raw.groups_header);
    Some(HeaderOptions {
        name: optional("name", raw.name)?,
        user: user?,
        trusted: trusted?,
        name_header,
        email_header,
        groups_header,
    })
}

fn pattern(at: &Scope<'_>, text: String) -> Option<HeaderUser> {
    let once = |part| text.matches(part).count() == 1;
    let between = text.replace("$ud", "").replace("$id", "");
    let adjacent = text.contains("$ud$id") || text.contains("$id$ud");
    if !once("$ud") || !once("$id") || adjacent || between.contains('$') {
        at.bad(
            &format!("found {}", at.found()),
            "`$ud` (the directory) and `$id` (the user id) once each with a text between them, \
             such as '$ud\\\\$id'",
        );
        return None;
    }
    Some(HeaderUser::Pattern(text))
}

fn local(raw: RawLocal, table: &Scope<'_>) -> Option<LocalOptions> {
    if raw.users.is_none() {
        table.key("users").missing("the path of a users file");
    }
    let users = read(table, "users", raw.users, |at, text| {
        at.file(&text, "a users file (`gatepass user add` writes one)")
    });
    Some(LocalOptions { users: users? })
}

/// The name of a user directory.
pub(super) fn directory(at: &Scope<'_>, text: &str) -> Option<String> {
    let sample = Identity::new(text, "id");
    let allowed = "the name of a user directory, such as `LAB`";
    at.accept(sample, allowed)
        .map(|identity| identity.directory().to_owned())
}
