//! The table `space.jwt`.

use std::net::IpAddr;

use http::Uri;
use jsonwebtoken::Algorithm;

use super::authn::directory;
use super::header_name::header_name;
use crate::app::options::{AttributeMapping, JwtClaims, JwtDirectory, JwtOptions, KeySource};
use crate::config::raw::{OneOrMany, RawAttribute, RawClaims, RawJwt};
use crate::config::report::{Scope, read, read_all};

const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
];

const SOURCES: &str = "one of `jwks_url`, `jwks_file`, `key_file`, `secret_file`";
const AUDIENCE: &str = "what the issuer puts into `aud` for this space, or a list of such texts";
const CLAIM: &str = "the name of a claim";

pub(super) fn jwt(raw: RawJwt, table: &Scope<'_>) -> Option<JwtOptions> {
    let issuer = required(
        table,
        "issuer",
        raw.issuer,
        "what the issuer puts into `iss`",
    );
    let audiences = audiences(raw.audience, &table.key("audience"));
    let sources = [
        read(table, "jwks_url", raw.jwks_url, |at, text| {
            Some(jwks_url(at, &text).map(KeySource::JwksUrl))
        }),
        read(table, "jwks_file", raw.jwks_file, |at, text| {
            Some(at.file(&text, "a JWK set").map(KeySource::JwksFile))
        }),
        read(table, "key_file", raw.key_file, |at, text| {
            Some(
                at.file(&text, "a public key or certificate (PEM)")
                    .map(KeySource::PemFile),
            )
        }),
        read(table, "secret_file", raw.secret_file, |at, text| {
            Some(at.file(&text, "a secret").map(KeySource::SecretFile))
        }),
    ];
    let mut sources: Vec<Option<KeySource>> = sources.into_iter().flatten().collect();
    let keys = match sources.len() {
        0 => {
            if !["jwks_url", "jwks_file", "key_file", "secret_file"]
                .iter()
                .any(|key| table.key(key).is_broken())
            {
                table.key("jwks_url").missing(SOURCES);
            }
            None
        }
        1 => sources.remove(0),
        _ => {
            table.conflict(
                "the keys come from more than one place",
                &format!("allowed: {SOURCES}"),
            );
            None
        }
    };
    let algorithms = algorithms(raw.algorithms, &table.key("algorithms"), keys.as_ref());
    Some(JwtOptions {
        claims: claims(raw.claims.unwrap_or_default(), raw.directory, table),
        attributes: read_all(table, "attributes", raw.attributes, attribute).unwrap_or_default(),
        leeway: read(table, "leeway", raw.leeway, |at, text| {
            let leeway = at.accept(crate::config::duration::parse(&text), "`0s` to `10m`")?;
            if leeway.as_secs() > 600 {
                at.bad(&format!("found {}", at.found()), "`0s` to `10m`");
            }
            Some(leeway)
        })
        .unwrap_or(JwtOptions::DEFAULT_LEEWAY),
        header: read(table, "header", raw.header, |at, text| {
            header_name(at, &text)
        }),
        query: read(table, "query", raw.query, query),
        issuer: issuer?,
        audiences: audiences?,
        keys: keys?,
        algorithms,
    })
}

fn audiences(raw: Option<OneOrMany<String>>, at: &Scope<'_>) -> Option<Vec<String>> {
    let Some(OneOrMany { values, is_list }) = raw else {
        at.missing(AUDIENCE);
        return None;
    };
    if values.is_empty() {
        at.bad("it is empty", &format!("at least one of: {AUDIENCE}"));
    }
    let values = values.iter().enumerate();
    let read = values.map(|(index, text)| match is_list {
        true => at.index(index).filled(text, AUDIENCE),
        false => at.filled(text, AUDIENCE),
    });
    Some(read.flatten().collect())
}

/// An algorithm of the wrong kind would be no more than an option without effect, or, where
/// a public key is taken for a secret, an open door (RFC 8725, section 2.1).
fn algorithms(
    raw: Option<Vec<String>>,
    at: &Scope<'_>,
    keys: Option<&KeySource>,
) -> Vec<Algorithm> {
    let secret = matches!(keys, Some(KeySource::SecretFile(_)));
    let Some(names) = raw else {
        return vec![if secret {
            Algorithm::HS256
        } else {
            Algorithm::RS256
        }];
    };
    if names.is_empty() {
        at.bad("it is empty", "at least one of: `RS256` and its like");
    }
    let items = names.iter().enumerate();
    items
        .filter_map(|(index, name)| {
            let at = at.index(index);
            let algorithm = at.choose(name, &ALGORITHMS)?;
            if keys.is_some() && secret != name.starts_with("HS") {
                let (reason, allowed) = if secret {
                    ("it does not go with a secret", "`HS256`, `HS384`, `HS512`")
                } else {
                    (
                        "it goes with a secret only, and the keys are public ones",
                        "RS, PS, ES and EdDSA",
                    )
                };
                at.bad(reason, allowed);
            }
            Some(algorithm)
        })
        .collect()
}

fn jwks_url(at: &Scope<'_>, text: &str) -> Option<Uri> {
    let allowed = "an https URL; http on this machine only";
    let url: Uri = at.parse(text, allowed)?;
    let host = url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let userinfo = url
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    let secure = match url.scheme_str() {
        Some("https") => true,
        Some("http") => local,
        _ => false,
    };
    if host.is_empty() || userinfo || !secure {
        at.bad(&format!("found {}", at.found()), allowed);
        return None;
    }
    Some(url)
}

fn claims(raw: RawClaims, fixed: Option<String>, table: &Scope<'_>) -> JwtClaims {
    let default = JwtClaims::default();
    let here = table.key("claims");
    let claim = |key, raw| read(&here, key, raw, |at, text: String| at.filled(&text, CLAIM));
    let by_claim = claim("directory", raw.directory);
    let fixed = read(table, "directory", fixed, |at, text| directory(at, &text));
    if by_claim.is_some() && fixed.is_some() {
        table.key("directory").unused(
            "`claims.directory` says where the directory is",
            "allowed: one of `directory` and `claims.directory`",
        );
    }
    JwtClaims {
        directory: by_claim
            .map(JwtDirectory::Claim)
            .or(fixed.map(JwtDirectory::Fixed))
            .unwrap_or(default.directory),
        id: claim("id", raw.id).unwrap_or(default.id),
        name: claim("name", raw.name).unwrap_or(default.name),
        email: claim("email", raw.email).unwrap_or(default.email),
    }
}

fn attribute(at: &Scope<'_>, raw: RawAttribute) -> Option<AttributeMapping> {
    let attribute = read(at, "attribute", raw.attribute, |at, text| {
        at.filled(&text, "the name of an attribute")
    });
    let claim = required(at, "claim", raw.claim, CLAIM)?;
    Some(AttributeMapping {
        attribute: attribute.unwrap_or_else(|| claim.clone()),
        claim,
        mandatory: raw.mandatory.unwrap_or(false),
    })
}

fn query(at: &Scope<'_>, text: String) -> Option<String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if text.is_empty() || !text.bytes().all(legal) {
        at.bad(
            &format!("found {}", at.found()),
            "a name of the characters A-Z a-z 0-9 - . _ ~",
        );
        return None;
    }
    Some(text)
}

fn required(table: &Scope<'_>, key: &str, raw: Option<String>, allowed: &str) -> Option<String> {
    if raw.is_none() {
        table.key(key).missing(allowed);
    }
    read(table, key, raw, |at, text| at.filled(&text, allowed))
}
