//! The law is only worth something if a violation is found: small sources that break it.

use super::scanner::Source;
use super::{ROOMS, Violation, allowed, climbing, homes, imports, length, strangers};

fn lines(rule: fn(&Source) -> Vec<Violation>, name: &str, text: &str) -> Vec<usize> {
    rule(&Source::parse(name, text))
        .iter()
        .map(|violation| violation.line)
        .collect()
}

#[test]
fn the_table_of_arrows_is_the_one_that_is_meant() {
    let meant = [
        ("sync", ""),
        ("domain", "sync"),
        ("query", "sync"),
        ("net", "sync domain query"),
        ("telemetry", "sync domain query"),
        ("tasks", "sync domain query"),
        ("store", "sync domain query"),
        ("sessions", "sync domain query net telemetry tasks store"),
        (
            "authn",
            "sync domain query net telemetry tasks store sessions",
        ),
        (
            "layer",
            "sync domain query net telemetry tasks store sessions authn",
        ),
        (
            "admin",
            "sync domain query net telemetry tasks store sessions authn",
        ),
        (
            "proxy",
            "sync domain query net telemetry tasks store sessions authn layer",
        ),
        (
            "app",
            "sync domain query net telemetry tasks store sessions authn layer admin proxy",
        ),
        (
            "config",
            "sync domain query net telemetry tasks store sessions authn layer admin proxy app",
        ),
        (
            "bin",
            "sync domain query net telemetry tasks store sessions authn layer admin proxy app config",
        ),
    ];
    assert_eq!(ROOMS.len(), meant.len());
    for (from, (name, targets)) in ROOMS.iter().zip(meant) {
        assert_eq!(from.name, name);
        let found: Vec<_> = ROOMS
            .iter()
            .filter(|to| allowed(from, to, false))
            .map(|to| to.name)
            .collect();
        assert_eq!(found.join(" "), targets, "arrows out of {name}");
    }
}

#[test]
fn an_arrow_up_is_found_in_every_spelling() {
    for text in [
        "use crate::sessions::Sessions;",
        "use crate::{domain::X, sessions::{Y}};",
        "use {crate::domain::X, crate::sessions::Y};",
        "pub use crate::sessions as s;",
        "fn f() { crate::sessions::g(); }",
        "type T = <crate::sessions::A as Iterator>::Item;",
        "type T = Vec::<crate::sessions::A>;",
        "use gatepass::sessions::Sessions;",
        "use crate::r#sessions::Sessions;",
        "/* /* nested */ */ use crate::sessions::X; // crate::admin",
        "const Q: char = '\"'; use crate::sessions::X; const R: char = '\"';",
        "const Q: &str = \"\\\"\"; use crate::sessions::X;",
        "const Q: &str = r#\"\"#; use crate::sessions::X;",
        "fn f<'a>(x: &'a str) -> crate::sessions::X<'a> {}",
    ] {
        assert_eq!(lines(imports, "src/store/memory.rs", text), [1], "{text}");
        assert_eq!(lines(imports, "src/authn/chain.rs", text), [0; 0], "{text}");
    }
    assert_eq!(
        lines(imports, "src/net/mod.rs", "use super::store::X;"),
        [1]
    );
    assert_eq!(
        lines(imports, "src/net/mod.rs", "use super::domain::X;"),
        [0; 0]
    );
    assert_eq!(
        lines(imports, "src/net/tls.rs", "use super::store::X;"),
        [0; 0]
    );
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "// use crate::sessions::X;",
        "/// [`X`](crate::sessions::X)",
        "/* use crate::sessions::X; */",
        "const S: &str = \"crate::sessions::X\";",
        "const S: &str = r##\"crate::sessions \"# ::X\"##;",
        "const S: &[u8] = b\"crate::sessions::X\";",
        "pub(crate) fn sessions() {}",
        "pub(in crate::store) fn f() {}",
        "use std::collections::{HashMap, hash_map::Entry};",
    ] {
        assert_eq!(
            lines(imports, "src/store/memory.rs", text),
            [0; 0],
            "{text}"
        );
    }
}

#[test]
fn a_group_is_reported_line_by_line() {
    let text =
        "use crate::{\n    domain::X,\n    proxy::Y,\n    admin::{\n        Z,\n    },\n};\n";
    assert_eq!(lines(imports, "src/layer/service.rs", text), [3, 5]);
    let message = imports(&Source::parse("src/layer/service.rs", text))[0].to_string();
    assert_eq!(
        message,
        "src/layer/service.rs:3: `crate::proxy::Y`: layer (level 4) may not use proxy (level 5)"
    );
}

#[test]
fn an_import_must_name_its_room() {
    for text in [
        "use crate::Sessions;",
        "use crate::*;",
        "use crate as g;",
        "extern crate self as g;",
    ] {
        assert_eq!(lines(imports, "src/proxy/router.rs", text), [1], "{text}");
    }
    assert_eq!(
        lines(
            imports,
            "src/bin/gatepass/main.rs",
            "use gatepass::Sessions;"
        ),
        [0; 0]
    );
    assert_eq!(
        lines(
            imports,
            "src/bin/gatepass/main.rs",
            "use crate::serve::run;"
        ),
        [0; 0]
    );
    assert_eq!(
        lines(imports, "src/lib.rs", "pub use crate::admin::router;"),
        [0; 0]
    );
    assert_eq!(lines(imports, "src/util.rs", ""), [1]);
    assert_eq!(lines(imports, "src/common/mod.rs", ""), [1]);
}

#[test]
fn tests_may_use_their_own_level_and_nothing_above() {
    let inside = |text: &str| format!("#[cfg(test)]\nmod tests {{\n    {text}\n}}\n");
    let sideways = "use crate::admin::X;";
    assert_eq!(lines(imports, "src/layer/service.rs", sideways), [1]);
    assert_eq!(
        lines(imports, "src/layer/service.rs", &inside(sideways)),
        [0; 0]
    );
    assert_eq!(lines(imports, "src/layer/tests.rs", sideways), [0; 0]);
    assert_eq!(
        lines(
            imports,
            "src/layer/service.rs",
            &inside("use crate::proxy::X;")
        ),
        [3]
    );
    assert_eq!(
        lines(imports, "src/proxy/router.rs", &inside(sideways)),
        [3]
    );
    let after = format!("{}{sideways}", inside("fn f() {}"));
    assert_eq!(lines(imports, "src/layer/service.rs", &after), [5]);
    for not_only_tests in [
        "#[cfg(not(test))]",
        "#[cfg(any(test, unix))]",
        "#[cfg(unix)]",
    ] {
        let text = format!("{not_only_tests}\n{sideways}");
        assert_eq!(
            lines(imports, "src/layer/service.rs", &text),
            [2],
            "{not_only_tests}"
        );
    }
    let attributed = format!("#[cfg(all(test, unix))]\n#[allow(unused)]\n{sideways}\n{sideways}");
    assert_eq!(lines(imports, "src/layer/service.rs", &attributed), [4]);
}

#[test]
fn climbing_two_steps_is_found() {
    for text in [
        "use super::super::x;",
        "use super::{super::x, y};",
        "fn f() { self::super::super::x() }",
    ] {
        assert_eq!(
            lines(climbing, "src/proxy/headers/scrub.rs", text),
            [1],
            "{text}"
        );
    }
    assert_eq!(
        lines(climbing, "src/proxy/headers/scrub.rs", "use super::{x, y};"),
        [0; 0]
    );
}

#[test]
fn only_lines_outside_tests_count() {
    let code = "fn f() {}\n".repeat(400);
    let tests = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
    assert_eq!(lines(length, "src/store/memory.rs", &code), [0; 0]);
    assert_eq!(lines(length, "src/store/memory.rs", &tests), [0; 0]);
    assert_eq!(lines(length, "src/store/tests.rs", &code.repeat(2)), [0; 0]);
    assert_eq!(
        lines(
            length,
            "src/store/memory.rs",
            &format!("{code}fn g() {{}}\n")
        ),
        [400]
    );
    assert_eq!(
        lines(
            length,
            "src/store/memory.rs",
            &format!("{tests}fn g() {{}}\n")
        ),
        [400]
    );
}

#[test]
fn things_away_from_home_are_found() {
    for (text, home, elsewhere) in [
        (
            "hyper::upgrade::on(r);",
            "src/proxy/upgrade.rs",
            "src/proxy/forward.rs",
        ),
        (
            "use hyper::{body, upgrade};",
            "src/proxy/upgrade/mod.rs",
            "src/app/demo/socket.rs",
        ),
        (
            "use http::header::SET_COOKIE;",
            "src/layer/cookie.rs",
            "src/proxy/forward.rs",
        ),
        (
            "const H: &str = \"Set-Cookie\";",
            "src/layer/cookie.rs",
            "src/layer/service.rs",
        ),
        (
            "const H: &str = r\"set-cookie\";",
            "src/layer/cookie.rs",
            "src/admin/ops.rs",
        ),
        (
            "use http::StatusCode;",
            "src/layer/reject.rs",
            "src/authn/local.rs",
        ),
        (
            "http::StatusCode::OK",
            "src/config/raw.rs",
            "src/sessions/end.rs",
        ),
        (
            "use rustls::ServerConfig;",
            "src/net/tls.rs",
            "src/proxy/server.rs",
        ),
        (
            "hyper_rustls::x()",
            "src/authn/jwt/jwks.rs",
            "src/authn/chain.rs",
        ),
        (
            "#[derive(Serialize)]",
            "src/admin/wire.rs",
            "src/domain/session.rs",
        ),
        (
            "#[derive(serde::Deserialize)]",
            "src/store/file.rs",
            "src/sessions/table.rs",
        ),
    ] {
        assert_eq!(lines(homes, home, text), [0; 0], "{text} in {home}");
        assert_eq!(lines(homes, elsewhere, text), [1], "{text} in {elsewhere}");
        let in_test = format!("#[cfg(test)]\nmod tests {{ {text} }}");
        assert_eq!(
            lines(homes, elsewhere, &in_test),
            [0; 0],
            "{text} in a test"
        );
        assert_eq!(
            lines(homes, elsewhere, &format!("// {text}")),
            [0; 0],
            "{text} in a comment"
        );
    }
}

#[test]
fn the_dialects_are_kept_apart() {
    assert_eq!(
        lines(
            strangers,
            "src/admin/qps/wire.rs",
            "use crate::admin::octane::X;"
        ),
        [1]
    );
    assert_eq!(
        lines(
            strangers,
            "src/admin/octane/mod.rs",
            "use super::{guard, qps::X};"
        ),
        [1]
    );
    assert_eq!(
        lines(
            strangers,
            "src/admin/octane/mod.rs",
            "use super::guard; // not qps"
        ),
        [0; 0]
    );
    assert_eq!(
        lines(
            strangers,
            "src/admin/mod.rs",
            "pub mod octane;\npub mod qps;"
        ),
        [0; 0]
    );
}
