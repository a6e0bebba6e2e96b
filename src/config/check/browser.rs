//! The tables `space.qlik` and `space.websocket`: what browsers may do beside loading pages.

use crate::app::options::{QlikOptions, WebSocketOptions};
use crate::config::raw::{RawQlik, RawWebSocket};
use crate::config::report::{Scope, read_all};

const ORIGIN: &str = "an origin such as `https://mashup.example.com`, or a host such as \
                      `mashup.example.com` or `*.example.com`";

pub(super) fn qlik(raw: RawQlik) -> QlikOptions {
    QlikOptions {
        endpoints: raw.endpoints.unwrap_or_default(),
    }
}

pub(super) fn websocket(
    raw: RawWebSocket,
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
    WebSocketOptions {
        origins: read_all(table, "origins", raw.origins, |at, text| {
            at.parse(&text, ORIGIN)
        }),
        csrf_token,
    }
}
