//! The table `space.cookie`.

use crate::app::options::{EdgeOptions, SpaceOptions};
use crate::config::raw::RawCookie;
use crate::config::report::{Scope, read};
use crate::domain::{CookiePolicy, HostPattern, PathPrefix, SameSite, Scheme};

const NAME: &str = "1 to 64 letters, digits, - and _, without `__Host-` or `__Secure-`, which \
                    is added where it can be";
const DOMAIN: &str = "a domain that all of the space's `hosts` are in, such as `example.com`";

/// The cookie of a space that answers to `hosts` below `prefix`.
pub(super) fn cookie(
    raw: RawCookie,
    prefix: &PathPrefix,
    hosts: &[HostPattern],
    table: &Scope<'_>,
) -> Option<CookiePolicy> {
    let same_site = read(table, "same_site", raw.same_site, |at, text| {
        let values = [
            ("lax", SameSite::Lax),
            ("strict", SameSite::Strict),
            ("none", SameSite::None),
            ("unset", SameSite::Unset),
        ];
        at.choose(&text, &values)
    })
    .unwrap_or_default();
    let given = raw.name.is_some();
    let name = raw
        .name
        .unwrap_or_else(|| SpaceOptions::default_cookie_name(prefix));
    let at = table.key("name");
    let mut policy = match CookiePolicy::new(&name, same_site) {
        Ok(policy) => policy,
        Err(error) if given => return at.accept(Err(error), NAME),
        Err(_) => {
            at.missing(&format!("{NAME}; `{name}`, after the prefix, is not"));
            return None;
        }
    };
    if raw.partitioned == Some(true) {
        if same_site != SameSite::None {
            table.key("partitioned").conflict(
                "only cookies that are sent to other sites' requests are kept apart by site",
                "allowed: `true` together with `same_site = \"none\"`",
            );
        }
        policy = policy.partitioned();
    }
    if let Some(domain) = raw.domain {
        let at = table.key("domain");
        policy = at.accept(policy.with_domain(&domain), DOMAIN)?;
        reaches(&policy, hosts, &at);
    }
    if raw.host_prefix == Some(false) {
        policy = policy.without_prefix();
    } else if raw.host_prefix == Some(true) && policy.domain().is_some() {
        table.key("host_prefix").conflict(
            "a cookie of a `domain` is no host's own",
            "allowed: `false`, or this without `domain`",
        );
    }
    Some(policy)
}

/// A cookie that the browser would not take from one of the hosts, or not keep for it, would
/// be a login that never ends.
fn reaches(policy: &CookiePolicy, hosts: &[HostPattern], at: &Scope<'_>) {
    let domain = policy.domain().unwrap_or_default();
    if hosts.is_empty() {
        at.conflict(
            "the space answers to every host, and browsers take this cookie from some only",
            "allowed: this together with `hosts`, all of them in the domain",
        );
    }
    if let Some(host) = hosts.iter().find(|host| !host.is_within(domain)) {
        at.conflict(
            &format!("the space's host `{host}` is not in it"),
            &format!("allowed: {DOMAIN}"),
        );
    }
}

/// What the cookie of a space needs of the edge; `at` is the space's table.
pub(super) fn over_tls(policy: &CookiePolicy, edge: &EdgeOptions, at: &Scope<'_>) {
    let never = edge.tls.is_none()
        && edge.default_scheme == Scheme::Http
        && edge.trusted_proxies.is_empty();
    if policy.is_partitioned() && never {
        at.key("cookie").key("partitioned").conflict(
            "browsers take such a cookie over https only, and no client of this edge uses it",
            "allowed: `true` where the edge has TLS, or a proxy with TLS is named in \
             `edge.trusted_proxies`, or `edge.default_scheme` is \"https\"",
        );
    }
}
