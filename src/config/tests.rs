//! tests
use super::*;

#[test]
fn show() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
[edge]
listen = ["127.0.0.1:80800", "127.0.0.1:1"]
trusted_proxies = ["0.0.0.0/0"]
worker = 5
[edge.timeouts]
drain = 30
keep_alive = "3"

[admin]
listen = "0.0.0.0:8081"
api_keys = "keys.toml"
tls = 5

[store]
kind = "redis"
[log]
level = "inof"

[[space]]
id = "1001"
upstream = ["https://127.0.0.1:3000"]
authn = ["local", "jtw"]
identity_headers = ["custom"]
assertion = { header = "X-A" }
[space.session]
idle_timout = "30m"
on_limit = "x"
[space.cookie]
same_site = "laxx"
name = 5
[space.jwt]
issuer = "x"
algorithms = ["HS256"]
key_file = "nope.pem"
[[space.access]]
path = "admin"
require = { attribute = "x" }
[[space.classify]]
when = { matches = 5 }

[[space]]
id = "1002"
upstream = ["http://127.0.0.1:3000"]
authn = ["header", "anonymous"]
[space.jwt]
"#;
    let vars = [
        ("GATEPASS_SPACE__1001__SESSION__MAX_PER_USER", "x"),
        ("GATEPASS_SPACE__1001__FOO", "x"),
        ("GATEPASS_EDGE__LISTEN", "[::]:80, nope"),
        ("GATEPASS_SPACE__1005__X", ""),
    ];
    let vars = vars.map(|(a, b)| (a.to_owned(), b.to_owned()));
    let e = Config::new(text, dir.path().join("gatepass.toml"))
        .with_variables(vars)
        .read()
        .unwrap_err();
    println!("{e}");
    panic!();
}
