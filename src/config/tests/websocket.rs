//! The table `space.websocket`.

use super::{SPACE, check, load};
use crate::app::options::WebSocketOptions;
use crate::proxy::upgrade::Activity;

fn websocket(more: &str) -> WebSocketOptions {
    let mut options = load(&format!("{SPACE}{more}"), &[]).options;
    options.spaces.remove(0).websocket
}

#[test]
fn only_clients_of_qlik_are_told_of_ends_unless_it_is_said() {
    let qlik = "identity_headers = [\"x-forwarded\", \"qlik\"]\n";
    for (more, told) in [
        ("", false),
        ("identity_headers = [\"x-forwarded\"]", false),
        (qlik, true),
        (
            &format!("{qlik}websocket = {{ end_notice = false }}"),
            false,
        ),
        ("[space.websocket]\nend_notice = true", true),
    ] {
        assert_eq!(websocket(more).end_notices, told, "{more}");
    }
}

#[test]
fn activity_goes_by_a_rule() {
    for (name, rule) in [
        ("client-data", Activity::ClientData),
        ("any", Activity::Any),
        ("none", Activity::Nothing),
    ] {
        let more = format!("[space.websocket]\nactivity = \"{name}\"");
        assert_eq!(websocket(&more).activity, rule);
    }
    assert_eq!(websocket("").activity, Activity::ClientData);
    check(
        r##"[[space]]
id = "1001"
upstream = ["http://127.0.0.1:3000"]
authn = ["anonymous"]
[space.websocket]
activity = "ping"
"##,
        r##"
error: bad value for `space.1001.websocket.activity`
 --> $DIR/gatepass.toml:6:12
  |
6 | activity = "ping"
  |            ^^^^^^ found `ping`
  |
  = note: allowed: `client-data`, `any`, `none`
"##,
    );
}
