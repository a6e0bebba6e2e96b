//! The layer's pages: no scripts, no outside parts, readable in light and dark.

mod login;
mod message;
mod sessions;
mod style;

pub(super) use login::{LoginForm, login};
pub(super) use message::{confirm_logout, logged_out, message};
pub(super) use sessions::{Moment, Row, SessionsPage, sessions};

use style::STYLE;

/// What the pages may load: their own style, and nothing else. No `form-action`: browsers
/// apply it to the redirect after the login too, which may lead to an allow-listed host.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// How much room a page takes.
#[derive(Clone, Copy)]
enum Width {
    /// A card in the middle.
    Form,
    /// A list from the top.
    List,
}

fn document(width: Width, title: &str, main: &str) -> String {
    let class = match width {
        Width::Form => "",
        Width::List => " class=list",
    };
    format!(
        "<!doctype html><html lang=en{class}><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=robots content=noindex><title>{title}</title><style>{STYLE}</style><main>{main}</main></html>"
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::domain::{Method, SessionId, Timestamp};

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let evil = "\"><script>alert('x')</script>";
        let form = LoginForm {
            title: evil,
            action: "/.gatepass/login",
            target: evil,
            username: evil,
            error: Some(evil),
        };
        let at = Timestamp::from_unix_millis(0);
        let moment = Moment::new(at, Duration::ZERO);
        let list = SessionsPage {
            title: evil,
            user: evil,
            prefix: evil,
            notice: Some(evil),
            total: 1,
            rows: vec![Row {
                id: SessionId::generate(at),
                device: evil.into(),
                address: None,
                method: Method::Local,
                started: moment,
                active: moment,
                is_current: false,
            }],
        };
        for html in [
            login(&form),
            confirm_logout(evil, "/", evil, evil),
            logged_out(evil, Some(evil)),
            message(evil, StatusCode::FORBIDDEN, evil),
            sessions(&list),
        ] {
            assert!(!html.contains("<script"), "{html}");
            assert!(!html.contains("\"\">"), "{html}");
        }
    }
}
