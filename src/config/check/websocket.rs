//! The table `space.websocket`.

use crate::app::options::{IdentityHeaders, QlikOptions, WebSocketOptions};
use crate::config::raw::RawWebSocket;
use crate::config::report::{Scope, read, read_all};
use crate::proxy::upgrade::Activity;

const ORIGIN: &str = "an origin such as `https://mashup.example.com`, or a host such as \
                      `mashup.example.com` or `*.example.com`";

const ACTIVITIES: [(&str, Activity); 3] = [
    ("client-data", Activity::ClientData),
    ("any", Activity::Any),
    ("none", Activity::Nothing),
];

pub(super) fn websocket(
    raw: RawWebSocket,
    identity_headers: &[IdentityHeaders],
    qlik: QlikOptions,
    table: &Scope<'_>,
) -> WebSocketOptions {
    let csrf_token = raw.csrf_token.unwrap_or_default();
    if csrf_token && !qlik.endpoints {
        table.key("csrf_token").conflict(
            "nobody could get a token without the endpoint `/qps/csrftoken`",
            "allowed: this together with `qlik.endpoints = true` in the same space",
        );
    }
    // Applications that read Qlik's headers have clients that wait for its notifications.
    let notices = identity_headers.contains(&IdentityHeaders::Qlik);
    let activity = read(table, "activity", raw.activity, |at, text| {
        at.choose(&text, &ACTIVITIES)
    });
    WebSocketOptions {
        origins: read_all(table, "origins", raw.origins, |at, text| {
            at.parse(&text, ORIGIN)
        }),
        csrf_token,
        end_notices: raw.end_notice.unwrap_or(notices),
        activity: activity.unwrap_or_default(),
    }
}
