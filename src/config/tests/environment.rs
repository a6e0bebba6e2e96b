//! Environment variables over the file.

use std::time::Duration;

use super::{SPACE, errors_of, read};
use crate::app::options::{GatewayOptions, IdentityHeaders};
use crate::config::env;

fn with(text: &str, variables: &[(&str, &str)]) -> GatewayOptions {
    let (_, loaded) = read(text, &[], variables);
    loaded.unwrap_or_else(|errors| panic!("{errors}")).options
}

#[test]
fn a_variable_wins_over_the_file() {
    let text = format!("[edge]\nlisten = [\"127.0.0.1:1\"]\nmax_connections = 7\n{SPACE}");
    let options = with(
        &text,
        &[
            ("GATEPASS_EDGE__LISTEN", "127.0.0.1:2, [::1]:3"),
            ("GATEPASS_EDGE__WORKERS", "3"),
            ("GATEPASS_LOG__ACCESS", "false"),
            ("GATEPASS_LOG__FORMAT", "json"),
            ("GATEPASS_ADMIN__HOSTS", r#"["admin.example.com"]"#),
            ("PATH", "/bin"),
        ],
    );
    let listen: Vec<String> = options
        .edge
        .listen
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(listen, ["127.0.0.1:2", "[::1]:3"]);
    assert_eq!(
        (options.edge.workers, options.edge.max_connections),
        (Some(3), 7)
    );
    assert!(!options.log.access);
    assert!(options.admin.hosts[0].matches("admin.example.com"));
}

#[test]
fn a_space_goes_by_its_id_or_its_index() {
    let text = format!(
        "{SPACE}{}",
        SPACE.replace("1001", "east.1") + "prefix = \"/east\"\n"
    );
    let options = with(
        &text,
        &[
            ("GATEPASS_SPACE__1001__SESSION__IDLE_TIMEOUT", "1h"),
            ("GATEPASS_SPACE__EAST_1__NAME", "East"),
            ("GATEPASS_SPACE__1__UPSTREAM", "http://a:1,http://b:2"),
            ("GATEPASS_SPACE__1__IDENTITY_HEADERS", "custom"),
            (
                "GATEPASS_SPACE__1__CUSTOM_HEADERS",
                r#"{ X-User = "{user_id}" }"#,
            ),
        ],
    );
    let [first, second] = &options.spaces[..] else {
        panic!("two spaces");
    };
    assert_eq!(first.session.lifetime.idle, Duration::from_secs(3600));
    assert_eq!((second.name.as_str(), second.upstreams.len()), ("East", 2));
    assert!(matches!(&second.identity_headers[..], [IdentityHeaders::Custom(c)] if c.len() == 1));
}

#[test]
fn variables_alone_can_be_a_configuration() {
    let options = with(
        "",
        &[
            ("GATEPASS_SPACE__0__ID", "1001"),
            ("GATEPASS_SPACE__0__UPSTREAM", "http://127.0.0.1:3000"),
            ("GATEPASS_SPACE__0__AUTHN", "anonymous"),
            ("GATEPASS_SPACE__0__ACCESS__0__PATH", "/admin/**"),
            (
                "GATEPASS_SPACE__0__ACCESS__0__REQUIRE",
                "{ signed_in = true }",
            ),
        ],
    );
    assert_eq!(options.spaces[0].id.as_str(), "1001");
    assert!(!options.spaces[0].access.is_empty());
}

#[test]
fn s41_a_variable_that_sets_nothing_is_an_error() {
    let errors = errors_of(SPACE, &[("GATEPASS_EDGE__LISTENS", "127.0.0.1:1")]);
    assert_eq!(
        errors,
        "error: unknown key `edge.listens`
--> environment variable GATEPASS_EDGE__LISTENS
 = note: there is no such option here
 = help: did you mean `listen`?
 = note: allowed: `listen`, `tls`, `redirect`, `redirect_port`, `trusted_proxies`, `workers`, `max_connections`, `default_scheme`, \
         `timeouts`, `limits`"
    );
    for (name, said) in [
        ("GATEPASS_EDGE_LISTEN", "unknown key `edge_listen`"),
        ("GATEPASS_EDGE__", "has an empty part"),
        (
            "GATEPASS_SPACE__7__NAME",
            "names `7`, which is no space's id or index",
        ),
        (
            "GATEPASS_SPACE__1001__ID__X",
            "goes into `space.1001.id`, which is no table",
        ),
        (
            "GATEPASS_SPACE__1001__AUTHN__5",
            "names `5`, which is no index of the list",
        ),
    ] {
        let errors = errors_of(SPACE, &[(name, "x")]);
        assert!(errors.contains(said), "{errors}");
        assert!(errors.contains(name), "{errors}");
    }
}

#[test]
fn a_bad_value_names_its_variable() {
    let errors = errors_of(
        SPACE,
        &[
            ("GATEPASS_EDGE__WORKERS", "many"),
            ("GATEPASS_SPACE__1001__SESSION__IDLE_TIMEOUT", "30"),
            ("GATEPASS_SPACE__1001__JWT", "{}"),
        ],
    );
    for said in [
        "bad value for `edge.workers`\n--> environment variable GATEPASS_EDGE__WORKERS",
        "`30`: it has no unit",
        "unused option `space.1001.jwt`\n--> environment variable GATEPASS_SPACE__1001__JWT",
    ] {
        assert!(errors.contains(said), "{errors}");
    }
}

#[test]
fn what_a_platform_says_of_a_service_is_no_option() {
    for name in [
        "GATEPASS_PORT",
        "GATEPASS_PORT_8080_TCP_ADDR",
        "GATEPASS_SERVICE_HOST",
        "GATEPASS_SERVICE_PORT_EDGE",
        "GATEPASS_CONFIG",
        "PATH",
    ] {
        assert!(!env::is_option(name), "{name}");
    }
    assert!(env::is_option("GATEPASS_EDGE__LISTEN"));
    assert!(env::is_option("GATEPASS_PORT__LISTEN"));
}
