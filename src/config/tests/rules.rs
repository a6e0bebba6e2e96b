//! What an access rule may ask for beside an attribute.

use super::{SPACE, check, load};

#[test]
fn a_rule_may_do_without_a_requirement() {
    let rules = r#"
[[space.access]]
path = "/admin/**"
idle_timeout = "5m"
[[space.access]]
path = "/poll"
methods = ["get"]
require = { signed_in = true }
activity = false
"#;
    let options = load(&format!("{SPACE}{rules}"), &[]).options;
    let path = |path| crate::domain::RequestPath::parse(path).unwrap();
    let access = &options.spaces[0].access;
    let said = |at| -> Vec<String> {
        let path = path(at);
        let covering = access.covering("GET", &path);
        covering.map(ToString::to_string).collect()
    };
    assert_eq!(said("/admin"), ["/admin/**: idle for less than 300s"]);
    assert_eq!(
        said("/poll"),
        ["GET /poll: somebody in particular, not anonymous; counts as no activity"]
    );
}

#[test]
fn a_rule_that_asks_for_nothing_or_too_late() {
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
session = { idle_timeout = "10m" }
[[space.access]]
path = "/a"
activity = true
[[space.access]]
path = "/b"
idle_timeout = "11m"
[[space.access]]
path = "/c"
idle_timeout = "0s"
"##,
        r##"
error: missing option `space.1001.access.0.require`
 --> $DIR/gatepass.toml:6:1
  |
6 | [[space.access]]
  | ^^^^^^^^^^^^^^^^ it is not here
  |
  = note: allowed: `{ attribute = "group", any_of = ["admins"] }` or `{ signed_in = true }`; or without it, `idle_timeout` or `activity = false`

error: conflict at `space.1001.access.1.idle_timeout`
  --> $DIR/gatepass.toml:11:16
   |
11 | idle_timeout = "11m"
   |                ^^^^^ it has no effect: the space's sessions end before, by their own `idle_timeout`
   |
   = note: allowed: at most `space.session.idle_timeout` (30m by default)

error: bad value for `space.1001.access.2.idle_timeout`
  --> $DIR/gatepass.toml:14:16
   |
14 | idle_timeout = "0s"
   |                ^^^^ it must be longer than nothing
   |
   = note: allowed: numbers with the units d, h, m, s, ms, as in `30m`, `1h30m` or `500ms`
"##,
    );
}
