//! Pages that say one thing.

use http::StatusCode;

use super::{Width, document, escape};

/// Asks whether to log out by `action`, and leads to the user's `sessions`.
pub(in crate::layer) fn confirm_logout(
    title: &str,
    action: &str,
    sessions: &str,
    user: &str,
) -> String {
    let (title, action, user) = (escape(title), escape(action), escape(user));
    let sessions = escape(sessions);
    document(
        Width::Form,
        &format!("Log out – {title}"),
        &format!(
            "<h1>Log out?</h1><p>You are logged in to {title} as <strong>{user}</strong>.</p>\
             <form method=post action=\"{action}\"><button type=submit>Log out</button></form>\
             <footer><a href=\"{sessions}\">Your open sessions</a></footer>"
        ),
    )
}

pub(in crate::layer) fn logged_out(title: &str, login: Option<&str>) -> String {
    let title = escape(title);
    let again = login.map_or_else(String::new, |href| {
        format!("<p><a href=\"{}\">Log in again</a></p>", escape(href))
    });
    document(
        Width::Form,
        &format!("Logged out – {title}"),
        &format!(
            "<h1>You are logged out</h1><p class=soft>of {title}. The session is closed.</p>{again}"
        ),
    )
}

pub(in crate::layer) fn message(title: &str, status: StatusCode, text: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("Error");
    document(
        Width::Form,
        &format!("{reason} – {}", escape(title)),
        &format!(
            "<h1>{reason}</h1><p>{}</p><footer>{} · {}</footer>",
            escape(text),
            escape(title),
            status.as_u16()
        ),
    )
}
