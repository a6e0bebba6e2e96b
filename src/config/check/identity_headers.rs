//! What a space tells its upstream of the user.

use std::collections::BTreeMap;

use http::HeaderName;

use super::header_name::header_name;
use crate::app::options::{AssertionOptions, HeaderTemplate, IdentityHeaders};
use crate::config::raw::RawAssertion;
use crate::config::report::{Scope, read, read_all};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    XForwarded,
    Remote,
    Qlik,
    Custom,
}

const PROFILES: [(&str, Profile); 4] = [
    ("x-forwarded", Profile::XForwarded),
    ("remote", Profile::Remote),
    ("qlik", Profile::Qlik),
    ("custom", Profile::Custom),
];

pub(super) fn identity_headers(
    profiles: Option<Vec<String>>,
    custom: Option<BTreeMap<String, String>>,
    space: &Scope<'_>,
) -> Vec<IdentityHeaders> {
    let list = space.key("identity_headers");
    let written = profiles.as_ref().map_or(0, Vec::len);
    let profiles = read_all(space, "identity_headers", profiles, |at, text| {
        at.choose(&text, &PROFILES)
    })
    .unwrap_or_default();
    for (index, profile) in profiles.iter().enumerate() {
        if profiles[..index].contains(profile) {
            list.index(index)
                .conflict("it is there twice", "allowed: each profile once");
        }
    }
    let table = space.key("custom_headers");
    let listed = profiles.contains(&Profile::Custom);
    if custom.is_some() && !listed && profiles.len() == written && !list.is_broken() {
        table.unused(
            "`identity_headers` does not list `custom`",
            &format!(
                "allowed: this together with `\"custom\"` in `{}`",
                list.label()
            ),
        );
    }
    if listed && custom.as_ref().is_none_or(BTreeMap::is_empty) {
        table.missing(
            "a table of headers and templates, such as `X-User = \"{user_id}\"`, as \
             `identity_headers` lists `custom`",
        );
    }
    let custom = templates(custom.unwrap_or_default(), &table);
    profiles
        .into_iter()
        .map(|profile| match profile {
            Profile::XForwarded => IdentityHeaders::XForwarded,
            Profile::Remote => IdentityHeaders::Remote,
            Profile::Qlik => IdentityHeaders::Qlik,
            Profile::Custom => IdentityHeaders::Custom(custom.clone()),
        })
        .collect()
}

fn templates(
    custom: BTreeMap<String, String>,
    table: &Scope<'_>,
) -> Vec<(HeaderName, HeaderTemplate)> {
    let allowed = format!(
        "text with at least one of `{}` in it",
        HeaderTemplate::PLACES.join("`, `")
    );
    let mut headers: Vec<(HeaderName, HeaderTemplate)> = Vec::new();
    for (name, template) in custom {
        let at = table.key(&name);
        let name = header_name(&at, &name);
        let template = at.parse(&template, &allowed);
        let (Some(name), Some(template)) = (name, template) else {
            continue;
        };
        if headers.iter().any(|(known, _)| *known == name) {
            at.conflict(
                "it is there twice, in another case",
                "allowed: each header once",
            );
        }
        headers.push((name, template));
    }
    headers
}

pub(super) fn assertion(raw: RawAssertion, table: &Scope<'_>) -> Option<AssertionOptions> {
    let header = read(table, "header", raw.header, |at, text| {
        header_name(at, &text)
    });
    let key_file = read(table, "key_file", raw.key_file, |at, text| {
        at.file(&text, "a private key (PEM)")
    });
    let lifetime = read(table, "lifetime", raw.lifetime, |at, text| {
        at.duration(&text)
    });
    let audience = "the upstream's name for itself, such as `sales`";
    if raw.audience.is_none() {
        table.key("audience").missing(audience);
    }
    Some(AssertionOptions {
        header: header.unwrap_or(AssertionOptions::DEFAULT_HEADER),
        audience: read(table, "audience", raw.audience, |at, text| {
            at.filled(&text, audience)
        })?,
        key_file,
        lifetime: lifetime.unwrap_or(AssertionOptions::DEFAULT_LIFETIME),
    })
}
