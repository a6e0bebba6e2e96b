//! The header method: believed from trusted peers, and taken off in any case.

use crate::kit::{House, PORTS};

const PATTERN: &str = r#"
[[space]]
id = "1001"
upstream = ["UPSTREAM"]
authn = ["header"]
identity_headers = ["x-forwarded", "qlik"]
[space.header]
name = "hdr-usr"
pattern = '$ud\\$id'
trusted = ["127.0.0.1", "10.0.0.0/8"]
name_header = "hdr-name"
email_header = "hdr-mail"
groups_header = "hdr-groups"
[[space.classify]]
when = { attribute = "group", matches = "sales*" }
license = "professional"
[[space.classify]]
when = { header = "X-Client", matches = "ci-*" }
client_type = "ci"
access_type = "api"
"#;

#[tokio::test]
async fn the_header_says_who_it_is() {
    let house = House::with(&format!("{PORTS}{PATTERN}")).await;
    let script = house
        .script()
        .with("hdr-usr", r"LAB\ann")
        .with("hdr-name", "Ann Adams")
        .with("hdr-mail", "ann@example.com")
        .with("hdr-groups", "sales-emea, admins ,")
        .with("x-client", "ci-7");
    script.get("/x").await.says(200, "GET /x");
    let seen = house.upstream.last();
    for (name, value) in [
        ("x-forwarded-user", Some("ann")),
        ("x-forwarded-preferred-username", Some("Ann Adams")),
        ("x-forwarded-email", Some("ann@example.com")),
        ("x-forwarded-groups", Some("sales-emea,admins")),
        ("x-qlik-user", Some("UserDirectory=LAB; UserId=ann")),
        ("hdr-usr", None),
        ("hdr-name", None),
        ("hdr-mail", None),
        ("hdr-groups", None),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let session = house.admin().session("1001").await;
    for (member, value) in [
        ("userDirectory", "LAB"),
        ("userId", "ann"),
        ("userName", "Ann Adams"),
        ("license", "professional"),
        ("clientType", "CI"),
        ("accessType", "API"),
        ("authenticationMethod", "header"),
    ] {
        let found = session[member].as_str().unwrap();
        assert!(found.eq_ignore_ascii_case(value), "{member}: {found}");
    }
}

#[tokio::test]
async fn nobody_else_may_say_it() {
    let house = House::with(&format!("{PORTS}{PATTERN}")).await;
    for (from, fields, status) in [
        ("127.0.0.1", "hdr-usr: LAB\\ann\r\n", 200),
        ("127.0.0.2", "hdr-usr: LAB\\ann\r\n", 401),
        (
            "127.0.0.2",
            "hdr-usr: LAB\\ann\r\nX-Forwarded-For: 127.0.0.1\r\n",
            401,
        ),
        ("127.0.0.1", "hdr-usr: ann\r\n", 401),
        (
            "127.0.0.1",
            "hdr-usr: LAB\\ann\r\nhdr-usr: LAB\\bob\r\n",
            401,
        ),
        ("127.0.0.1", "hdr-usr:\r\n", 401),
        ("127.0.0.1", "hdr_usr: LAB\\ann\r\n", 401),
        ("127.0.0.1", "hdr-usr: \\ann\r\n", 401),
    ] {
        let before = house.upstream.seen().len();
        let mut wire = house.wire_from(from).await;
        let answer = wire
            .ask(&format!("GET /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
            .await;
        assert_eq!(answer.status, status, "{from} {fields:?}");
        let forwarded = usize::from(status == 200);
        assert_eq!(house.upstream.seen().len(), before + forwarded);
    }
}

#[tokio::test]
async fn s29_groups_are_exact_texts() {
    let rule = "[[space.access]]\npath = \"/**\"\nrequire = { attribute = \"group\", any_of = [\"admins\"] }\n";
    let house = House::with(&format!("{PORTS}{PATTERN}{rule}")).await;
    for (groups, status) in [
        ("admins", 200),
        ("a,admins,b", 200),
        ("Admins", 403),
        ("administrators", 403),
        ("not admins", 403),
        ("admins;x", 403),
        ("[\"admins\"]", 403),
        ("", 403),
    ] {
        let script = house
            .script()
            .with("hdr-usr", r"LAB\ann")
            .with("hdr-groups", groups);
        assert_eq!(script.get("/x").await.status, status, "{groups:?}");
    }
}
