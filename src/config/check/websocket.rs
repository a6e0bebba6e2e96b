//! The table `space.websocket`.

use crate::app::options::{IdentityHeaders, WebSocketOptions};
use crate::config::raw::RawWebSocket;
use crate::config::report::{Scope, read};
use crate::proxy::upgrade::Activity;

const ACTIVITIES: [(&str, Activity); 3] = [
    ("client-data", Activity::ClientData),
    ("any", Activity::Any),
    ("none", Activity::Nothing),
];

pub(super) fn websocket(
    raw: RawWebSocket,
    identity_headers: &[IdentityHeaders],
    table: &Scope<'_>,
) -> WebSocketOptions {
    // Applications that read Qlik's headers have clients that wait for its notifications.
    let qlik = identity_headers.contains(&IdentityHeaders::Qlik);
    let activity = read(table, "activity", raw.activity, |at, text| {
        at.choose(&text, &ACTIVITIES)
    });
    WebSocketOptions {
        end_notices: raw.end_notice.unwrap_or(qlik),
        activity: activity.unwrap_or_default(),
    }
}
