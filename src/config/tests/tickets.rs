//! Tickets, login modules and what browsers may do beside loading pages.

use super::{check, load};
use crate::app::options::AuthnMethod;

const MODULE: &str = r#"
[admin]
url = "https://gate.example.com:8081/"
[[space]]
id = "1001"
hosts = ["portal.example.com"]
prefix = "/sales"
upstream = ["http://127.0.0.1:3000"]
authn = ["ticket"]
[space.ticket]
module = "https://login.example.com/login?realm=sales"
[space.qlik]
endpoints = true
[space.websocket]
origins = ["https://mashup.example.com", "*.example.com"]
csrf_token = true
"#;

#[test]
fn a_space_with_a_login_module() {
    let options = load(MODULE, &[]).options;
    assert_eq!(options.admin.base_url(), "https://gate.example.com:8081");
    let space = &options.spaces[0];
    let AuthnMethod::Ticket(ticket) = &space.authn[0] else {
        panic!("{:?}", space.authn);
    };
    let module = "https://login.example.com/login?realm=sales";
    assert_eq!(ticket.module.as_deref(), Some(module));
    assert!(space.qlik.endpoints && space.websocket.csrf_token);
    let origins = space.websocket.origins.as_deref().unwrap();
    assert_eq!(origins[0].to_string(), "https://mashup.example.com");
    assert_eq!(origins.len(), 2);
}

#[test]
fn tickets_need_no_table_and_no_module() {
    let space =
        "[[space]]\nid = \"1\"\nupstream = [\"http://127.0.0.1:1\"]\nauthn = [\"ticket\"]\n";
    let options = load(space, &[]).options;
    assert_eq!(options.spaces[0].authn[0].as_str(), "ticket");
    assert_eq!(options.admin.base_url(), "http://127.0.0.1:8081");
}

#[test]
fn s09_a_module_needs_to_know_the_hosts_that_tickets_may_go_to() {
    let none = "hosts = [\"portal.example.com\"]\n";
    let errors = super::errors_of(&MODULE.replace(none, "hosts = []\n"), &[]);
    assert!(
        errors.contains("missing option `space.1001.hosts`"),
        "{errors}"
    );
    check(
        &MODULE.replace(none, ""),
        r##"
error: missing option `space.1001.hosts`
 --> $DIR/gatepass.toml:4:1
  |
4 | [[space]]
  | ^^^^^^^^^ it is not here
  |
  = note: allowed: the hosts of the space, as with a login module tickets are sent to the host that a request names
"##,
    );
}

#[test]
fn s41_a_side_port_that_a_module_cannot_be_told() {
    let url = "url = \"https://gate.example.com:8081/\"";
    let listen = "listen = \"0.0.0.0:8081\"\nallow_plain_http = true";
    check(
        &MODULE.replace(url, listen),
        r##"
error: missing option `admin.url`
 --> $DIR/gatepass.toml:2:1
  |
2 | [admin]
  | ^^^^^^^ it is not here
  |
  = note: allowed: `https://HOST:PORT` or `http://HOST:PORT`, as login modules reach it; `listen` names no address that could be told to a login module
"##,
    );
}

#[test]
fn s41_addresses_and_origins_that_are_none() {
    let text = MODULE
        .replace(
            "https://gate.example.com:8081/",
            "https://gate.example.com/qps",
        )
        .replace(
            "https://login.example.com/login?realm=sales",
            "login.example.com",
        )
        .replace("*.example.com", "https://a.example.com/x");
    check(
        &text,
        r##"
error: bad value for `admin.url`
 --> $DIR/gatepass.toml:3:7
  |
3 | url = "https://gate.example.com/qps"
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ found `https://gate.example.com/qps`: the side port's address is a scheme, a host and a port, without a path or query
  |
  = note: allowed: `https://HOST:PORT` or `http://HOST:PORT`, as login modules reach it

error: bad value for `space.1001.ticket.module`
  --> $DIR/gatepass.toml:11:10
   |
11 | module = "login.example.com"
   |          ^^^^^^^^^^^^^^^^^^^ found `login.example.com`: it is no address such as https://login.example.com/login
   |
   = note: allowed: an address without a fragment, such as `https://login.example.com/login?realm=sales`

error: bad value for `space.1001.websocket.origins.1`
  --> $DIR/gatepass.toml:15:42
   |
15 | origins = ["https://mashup.example.com", "https://a.example.com/x"]
   |                                          ^^^^^^^^^^^^^^^^^^^^^^^^^ found `https://a.example.com/x`: an origin has no path
   |
   = note: allowed: an origin such as `https://mashup.example.com`, or a host such as `mashup.example.com` or `*.example.com`
"##,
    );
}

#[test]
fn s41_what_would_have_no_effect_or_no_use() {
    let text = MODULE
        .replace("authn = [\"ticket\"]", "authn = [\"anonymous\"]")
        .replace("endpoints = true", "endpoints = false");
    check(
        &text,
        r##"
error: unused option `space.1001.ticket`
  --> $DIR/gatepass.toml:10:8
   |
10 | [space.ticket]
   |        ^^^^^^ `authn` does not list `ticket`
   |
   = note: allowed: this together with `"ticket"` in `space.1001.authn`

error: conflict at `space.1001.websocket.csrf_token`
  --> $DIR/gatepass.toml:16:14
   |
16 | csrf_token = true
   |              ^^^^ nobody could get a token without the endpoint `/qps/csrftoken`
   |
   = note: allowed: this together with `qlik.endpoints = true` in the same space
"##,
    );
}
