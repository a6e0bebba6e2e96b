//! S06: one parsed target decides and is forwarded.

use proptest::prelude::*;

use crate::kit::{Answer, House, PORTS, for_all};

/// `/admin/**` is for admins, which bob is not; below `/anon`, which needs nobody, too.
const SPACES: &str = r#"
[[space]]
id = "1001"
upstream = ["UPSTREAM"]
authn = ["header"]
[space.header]
name = "hdr-usr"
directory = "LAB"
groups_header = "hdr-groups"
trusted = ["127.0.0.1"]
[[space.access]]
path = "/admin/**"
require = { attribute = "group", any_of = ["admins"] }

[[space]]
id = "1002"
prefix = "/anon"
upstream = ["UPSTREAM"]
authn = ["anonymous"]
anonymous = "always"
[[space.access]]
path = "/admin/**"
require = { attribute = "group", any_of = ["admins"] }
"#;

async fn house() -> House {
    House::with(&format!("{PORTS}{SPACES}")).await
}

/// Sends `target` as it is, as `bob`.
async fn ask(house: &House, target: &str, more: &str) -> Answer {
    let mut wire = house.wire().await;
    let head = format!("GET {target} HTTP/1.1\r\nHost: sales\r\nhdr-usr: bob\r\n{more}\r\n");
    wire.ask(&head).await
}

#[tokio::test]
async fn s06_what_the_rule_saw_is_what_the_upstream_gets() {
    let house = house().await;
    for (target, forwarded) in [
        ("/", "/"),
        ("/a/b?c=/admin/x", "/a/b?c=/admin/x"),
        ("/a//b", "/a/b"),
        ("//a", "/a"),
        ("/a/./b", "/a/b"),
        ("/x/../a", "/a"),
        ("/x/%2e%2e/a", "/a"),
        ("/x/%2E./a", "/a"),
        ("/%61%62", "/ab"),
        ("/a%3bx", "/a%3Bx"),
        ("/a;x=1/b", "/a;x=1/b"),
        ("/a%23b", "/a%23b"),
        ("/a%3fb?q", "/a%3Fb?q"),
        ("/a?x=%2e%2e%2f&y=%5c", "/a?x=%2e%2e%2f&y=%5c"),
        // A fragment is no part of a request: nobody gets to see it.
        ("/a#/../admin", "/a"),
        ("/#/admin/x", "/"),
        ("/a?b#/admin", "/a?b"),
        ("/adminx", "/adminx"),
        ("http://sales/a//b?q=1", "/a/b?q=1"),
        ("HTTP://SALES/a", "/a"),
        ("http://sales", "/"),
        ("http://sales?q", "/?q"),
        ("/x/../anon/y", "/y"),
        ("/anon//y", "/y"),
        ("/anon", "/"),
    ] {
        let answer = ask(&house, target, "").await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        assert_eq!(house.upstream.last().target, forwarded, "{target}");
    }
}

#[tokio::test]
async fn s06_no_spelling_gets_past_a_rule() {
    let house = house().await;
    for prefix in ["", "/anon"] {
        for path in [
            "/admin",
            "/admin/",
            "/ADMIN/users",
            "/admin/users",
            "//admin/users",
            "/.//admin",
            "/x/../admin/users",
            "/x/%2e%2e/admin/users",
            "/x/%2E%2E/admin/users",
            "/%61dmin/users",
            "/admin%2e/../admin",
            "/admin;x=1/users",
            "/admin%3bx/users",
            "/admin%3Bx/users",
            "/admin#/../public",
            "/admin/#",
            "/admin?x=/public",
            "/admin/users?x",
        ] {
            let target = format!("{prefix}{path}");
            let before = house.upstream.seen().len();
            let answer = ask(&house, &target, "").await;
            // Nobody is asked to log in, somebody is told that they may not.
            let refused = if prefix.is_empty() { 403 } else { 401 };
            let forwarded = house.upstream.targets().get(before).cloned();
            assert_eq!(answer.status, refused, "{target} -> {forwarded:?}");
            assert_eq!(forwarded, None, "{target}");
        }
    }
}

#[tokio::test]
async fn s06_what_programs_read_differently_is_refused() {
    let house = house().await;
    for target in [
        "/public%2f..%2fadmin",
        "/public/..%2fadmin",
        "/public%5c..%5cadmin",
        "/public\\..\\admin",
        "/public/..;/admin",
        "/public/%2e%2e;x/admin",
        "/..",
        "/../admin",
        "/anon/../../admin",
        "/a%00b",
        "/a%0d%0aX:y",
        "/a%",
        "/a%4",
        "/a%zz",
        "*",
        "sales:80",
        "sales",
        "admin/x",
        "?x",
        "http:///admin",
        "http://user@sales/",
        "http://sales\\@evil/",
        "http://sa les/",
    ] {
        for more in ["", "Accept: text/html\r\n"] {
            let answer = ask(&house, target, more).await;
            assert_eq!(answer.status, 400, "{target}");
        }
    }
    assert!(
        house.upstream.seen().is_empty(),
        "{:?}",
        house.upstream.targets()
    );
}

#[tokio::test]
async fn s06_nothing_but_the_target_decides() {
    let house = house().await;
    for more in [
        "X-Original-URL: /public\r\n",
        "X-Rewrite-URL: /public\r\n",
        "X-Forwarded-Uri: /public\r\n",
        "X-Original-Uri: /public\r\nX-Forwarded-Prefix: /public\r\n",
        "X-HTTP-Method-Override: OPTIONS\r\nUser-Agent: kube-probe/1.0\r\n",
        "User-Agent: GoogleHC/1.0\r\nReferer: /public\r\n",
    ] {
        ask(&house, "/admin/x", more).await.says(403, "may not use");
    }
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s06_an_absolute_target_names_the_host() {
    let house = house().await;
    ask(&house, "http://portal.example.com:81/a", "")
        .await
        .says(200, "GET /a");
    let seen = house.upstream.last();
    assert_eq!(seen.header("host"), Some("portal.example.com:81"));
    assert_eq!(
        seen.header("x-forwarded-host"),
        Some("portal.example.com:81")
    );
}

#[test]
fn s06_any_target_is_refused_or_forwarded_in_normal_form() {
    let piece = prop::sample::select(vec![
        "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5C", ";", ";x", "?", "#", "%23", "%3f", "\\",
        "@", ":", "a", "admin", "%61", "%", "%4", "%c3%a4", "~", "anon", "%25", "%252e", "+", "*",
        "&", "=", "'", "\"", "<", "|",
    ]);
    let target =
        prop::collection::vec(piece, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()));
    for_all(250, target, house, async |house, target| {
        let before = house.upstream.seen().len();
        let answer = ask(house, &target, "").await;
        let targets = house.upstream.targets();
        let forwarded = targets.get(before);
        match (answer.status, forwarded) {
            (200, Some(forwarded)) => {
                let path = forwarded.split('?').next().unwrap();
                assert!(path.starts_with('/'), "{target} -> {forwarded}");
                let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
                for text in [path, &decoded] {
                    let mut segments = text[1..].split('/').peekable();
                    while let Some(segment) = segments.next() {
                        let empty = segment.is_empty() && segments.peek().is_some();
                        let bare = segment.split(';').next().unwrap();
                        assert!(
                            !empty && bare != "." && bare != "..",
                            "{target} -> {forwarded}"
                        );
                    }
                }
                let first = decoded[1..].split(['/', ';']).next().unwrap();
                assert_ne!(first, "admin", "{target} -> {forwarded}");
                assert!(!path.contains(['\\', '#']), "{target} -> {forwarded}");
            }
            (400 | 401 | 403, None) => {}
            (status, forwarded) => panic!("{target} -> {status} and {forwarded:?}"),
        }
    });
}
