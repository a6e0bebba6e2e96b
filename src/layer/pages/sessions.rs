//! A user's own sessions.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::{Width, document, escape};
use crate::domain::{Method, SessionId, Timestamp};

/// What the list shows.
pub(in crate::layer) struct SessionsPage<'a> {
    pub(in crate::layer) title: &'a str,
    pub(in crate::layer) user: &'a str,
    /// The space's path prefix.
    pub(in crate::layer) prefix: &'a str,
    /// What has just been done.
    pub(in crate::layer) notice: Option<&'a str>,
    pub(in crate::layer) rows: Vec<Row<'a>>,
    /// How many sessions there are, shown or not.
    pub(in crate::layer) total: usize,
}

/// A session.
pub(in crate::layer) struct Row<'a> {
    pub(in crate::layer) id: SessionId,
    pub(in crate::layer) device: Cow<'a, str>,
    pub(in crate::layer) address: Option<IpAddr>,
    pub(in crate::layer) method: Method,
    pub(in crate::layer) started: Moment,
    pub(in crate::layer) active: Moment,
    /// Whether it is the one that asks.
    pub(in crate::layer) is_current: bool,
}

/// A time, and how long ago that is.
#[derive(Clone, Copy)]
pub(in crate::layer) struct Moment {
    at: Timestamp,
    ago: Duration,
}

impl Moment {
    pub(in crate::layer) const fn new(at: Timestamp, ago: Duration) -> Self {
        Self { at, ago }
    }

    fn html(self) -> String {
        format!(
            "<time datetime=\"{}\">{} <span>({} UTC)</span></time>",
            self.at,
            ago(self.ago),
            self.at.to_datetime().format("%-d %b %Y, %H:%M")
        )
    }
}

pub(in crate::layer) fn sessions(page: &SessionsPage<'_>) -> String {
    let (title, user, prefix) = (escape(page.title), escape(page.user), escape(page.prefix));
    let mut notice = String::new();
    if let Some(text) = page.notice {
        let _ = write!(notice, "<p class=note role=status>{}</p>", escape(text));
    }
    let shown = page.rows.len();
    let mut more = String::new();
    if shown < page.total {
        let total = page.total;
        let _ = write!(
            more,
            "<p class=soft>These are {shown} of your {total} sessions: this one and the newest.</p>"
        );
    }
    let rows: String = page.rows.iter().map(row).collect();
    let all = if page.total > 1 {
        "<p class=all><button name=end value=others>End all other sessions</button></p>"
    } else {
        ""
    };
    document(
        Width::List,
        &format!("Your sessions – {title}"),
        &format!(
            "<h1>Your sessions</h1>\
             <p class=soft>in {title}, as <strong><bdi>{user}</bdi></strong></p>{notice}{more}\
             <form method=post action=\"{prefix}/.gatepass/sessions\"><ul>{rows}</ul>{all}</form>\
             <footer><nav><a href=\"{prefix}/\">Back to the application</a>\
             <a href=\"{prefix}/.gatepass/logout\">Log out</a></nav></footer>"
        ),
    )
}

fn row(row: &Row<'_>) -> String {
    let device = escape(&row.device);
    let (tag, button) = if row.is_current {
        ("<span class=tag>This device</span>", String::new())
    } else {
        let button = format!(
            "<button name=end value=\"{}\" aria-label=\"End the session of {device}\">End</button>",
            row.id
        );
        ("", button)
    };
    let mut origin = match row.address {
        Some(address) => format!("{} · ", address.to_canonical()),
        None => String::new(),
    };
    origin += signed_in(row.method);
    let (active, started) = (row.active.html(), row.started.html());
    format!(
        "<li><div><strong><bdi>{device}</bdi></strong>{tag}<p>{origin}</p>\
         <p class=soft>Last active {active}</p><p class=soft>Signed in {started}</p></div>{button}</li>"
    )
}

/// How a user signed in, in their words.
const fn signed_in(method: Method) -> &'static str {
    match method {
        Method::Local => "Password",
        Method::Jwt => "Access token",
        Method::Header => "Single sign-on",
        Method::Ticket => "Ticket",
        Method::Certificate => "Client certificate",
        Method::SessionModule => "Another application",
        Method::ApiKey => "API key",
        Method::Custom => "The application",
        Method::Anonymous => "Not signed in",
    }
}

/// How long ago something was, as people say it.
fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{s} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (40 * 86_400, "40 days ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)), expected);
        }
        let at = Timestamp::from_unix_millis(1_767_225_600_123);
        assert_eq!(
            Moment::new(at, Duration::from_secs(180)).html(),
            "<time datetime=\"2026-01-01T00:00:00.123Z\">3 minutes ago <span>(1 Jan 2026, 00:00 UTC)</span></time>"
        );
    }

    fn page(current: bool, total: usize) -> String {
        let at = Timestamp::from_unix_millis(1_767_225_600_123);
        let moment = Moment::new(at, Duration::from_secs(180));
        let row = Row {
            id: SessionId::generate(at),
            device: "curl 8.5".into(),
            address: Some("::ffff:192.0.2.7".parse().unwrap()),
            method: Method::Local,
            started: moment,
            active: moment,
            is_current: current,
        };
        sessions(&SessionsPage {
            title: "Sales",
            user: "Ann",
            prefix: "/sales",
            notice: None,
            rows: vec![row],
            total,
        })
    }

    #[test]
    fn the_current_session_is_marked_and_not_ended_from_the_list() {
        let alone = page(true, 1);
        assert!(alone.contains("This device") && alone.contains("192.0.2.7 · Password"));
        assert!(!alone.contains("<button"), "{alone}");
        assert!(alone.contains("action=\"/sales/.gatepass/sessions\""));
        let among = page(false, 300);
        assert!(!among.contains("This device"));
        assert!(among.contains("aria-label=\"End the session of curl 8.5\""));
        assert!(among.contains("value=others"));
        assert!(among.contains("These are 1 of your 300 sessions"));
    }
}
