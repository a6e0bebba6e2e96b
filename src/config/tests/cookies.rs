//! S21: what may be said of a space's cookie.

use super::{SPACE, check, errors_of, load};
use crate::domain::SameSite;

#[test]
fn s21_a_cookie_with_everything() {
    let text = format!(
        r#"
[edge]
default_scheme = "https"
{SPACE}
hosts = ["sales.example.com", "*.eu.example.com", "example.com"]
[space.cookie]
name = "sid"
same_site = "none"
partitioned = true
domain = "Example.com"
"#
    );
    let cookie = load(&text, &[]).options.spaces[0].cookie.clone();
    assert_eq!((cookie.name(), cookie.tls_name()), ("sid", "__Secure-sid"));
    assert_eq!(cookie.domain(), Some("example.com"));
    assert!(cookie.is_partitioned());
    let text = format!(
        "{SPACE}cookie = {{ name = \"X-Qlik-Session\", host_prefix = false, same_site = \"unset\" }}\n"
    );
    let cookie = load(&text, &[]).options.spaces[0].cookie.clone();
    assert_eq!(cookie.tls_name(), "X-Qlik-Session");
    assert_eq!(cookie.same_site(), SameSite::Unset);
}

#[test]
fn s21_a_partitioned_cookie_needs_same_site_none_and_https() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.cookie]
partitioned = true
"##,
        r##"
error: conflict at `space.1001.cookie.partitioned`
 --> $DIR/gatepass.toml:6:15
  |
6 | partitioned = true
  |               ^^^^ only cookies that are sent to other sites' requests are kept apart by site
  |
  = note: allowed: `true` together with `same_site = "none"`

error: conflict at `space.1001.cookie.partitioned`
 --> $DIR/gatepass.toml:6:15
  |
6 | partitioned = true
  |               ^^^^ browsers take such a cookie over https only, and no client of this edge uses it
  |
  = note: allowed: `true` where the edge has TLS, or a proxy with TLS is named in `edge.trusted_proxies`, or `edge.default_scheme` is "https"
"##,
    );
}

#[test]
fn s21_a_domain_holds_all_hosts_of_the_space() {
    check(
        r##"[[space]]
id = "1001"
hosts = ["sales.example.com", "notexample.com"]
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
cookie = { domain = "example.com", host_prefix = true }
[[space]]
id = "1002"
prefix = "/a"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
cookie = { domain = "com" }
[[space]]
id = "1003"
prefix = "/b"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
cookie = { domain = "example.com" }
"##,
        r##"
error: conflict at `space.1001.cookie.domain`
 --> $DIR/gatepass.toml:6:21
  |
6 | cookie = { domain = "example.com", host_prefix = true }
  |                     ^^^^^^^^^^^^^ the space's host `notexample.com` is not in it
  |
  = note: allowed: a domain that all of the space's `hosts` are in, such as `example.com`

error: conflict at `space.1001.cookie.host_prefix`
 --> $DIR/gatepass.toml:6:50
  |
6 | cookie = { domain = "example.com", host_prefix = true }
  |                                                  ^^^^ a cookie of a `domain` is no host's own
  |
  = note: allowed: `false`, or this without `domain`

error: bad value for `space.1002.cookie.domain`
  --> $DIR/gatepass.toml:12:21
   |
12 | cookie = { domain = "com" }
   |                     ^^^^^ cookie domain `com` is not the name of a domain of two labels or more
   |
   = note: allowed: a domain that all of the space's `hosts` are in, such as `example.com`

error: conflict at `space.1003.cookie.domain`
  --> $DIR/gatepass.toml:18:21
   |
18 | cookie = { domain = "example.com" }
   |                     ^^^^^^^^^^^^^ the space answers to every host, and browsers take this cookie from some only
   |
   = note: allowed: this together with `hosts`, all of them in the domain
"##,
    );
}

#[test]
fn s14_cookies_that_meet_in_a_browser_have_names_of_their_own() {
    let space = |id: &str, host: &str, cookie: &str| {
        format!(
            "{}hosts = [\"{host}\"]\ncookie = {{ name = \"sid\", {cookie} }}\n",
            SPACE.replace("1001", id)
        )
    };
    let wide = space("1", "a.example.com", "domain = \"example.com\"");
    for (host, cookie) in [
        ("b.example.com", "host_prefix = false"),
        ("*.example.com", "same_site = \"lax\""),
        ("example.com", "domain = \"example.com\""),
    ] {
        let other = space("2", host, cookie);
        for text in [format!("{wide}{other}"), format!("{other}{wide}")] {
            let errors = errors_of(&text, &[]);
            assert!(
                errors.contains("has the cookie `sid` on the same host"),
                "{errors}"
            );
        }
    }
    let apart = space("2", "b.example.org", "host_prefix = false");
    assert_eq!(load(&format!("{wide}{apart}"), &[]).options.spaces.len(), 2);
    // The prefix of one makes no difference: over plain HTTP there is none.
    let same_host = space("1", "a.example.com", "host_prefix = false")
        + &space("2", "a.example.com", "same_site = \"strict\"")
            .replace("authn", "prefix = \"/x\"\nauthn");
    assert!(errors_of(&same_host, &[]).contains("has the cookie `sid`"));
}
