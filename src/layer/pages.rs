//! The layer's pages: no scripts, no outside parts, readable in light and dark.

use std::fmt::Write as _;

use http::StatusCode;

/// What the pages may load: their own style, and nothing else. No `form-action`: browsers
/// apply it to the redirect after the login too, which may lead to an allow-listed host.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "
:root{color-scheme:light dark;--bg:#f3f4f7;--card:#fff;--ink:#1c2230;--soft:#5a6275;--line:#cfd5e1;--key:#1f5fd6;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#11141b;--card:#1a1f2a;--ink:#e8ebf2;--soft:#a3abbd;--line:#394152;--key:#5b93ff;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif;padding:1rem}
main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:2rem;box-shadow:0 1px 3px #0002}
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .25rem}p{margin:.5rem 0}.soft{color:var(--soft)}
label{display:block;font-weight:600;margin:1rem 0 .25rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--soft);border-radius:.4rem;padding:.55rem .7rem}
button{width:100%;margin-top:1.5rem;font:inherit;font-weight:600;color:#fff;background:var(--key);border:0;border-radius:.4rem;padding:.65rem;cursor:pointer}
@media(prefers-color-scheme:dark){button{color:#0b1020}}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--key);outline-offset:2px}
.bad{color:var(--bad);font-weight:600}a{color:var(--key)}footer{margin-top:1.5rem;font-size:.85rem;color:var(--soft)}";

/// What the login form shows.
pub(super) struct LoginForm<'a> {
    pub(super) title: &'a str,
    /// Where the form goes.
    pub(super) action: &'a str,
    /// Where the login returns to.
    pub(super) target: &'a str,
    /// The name that was typed before.
    pub(super) username: &'a str,
    /// What was wrong.
    pub(super) error: Option<&'a str>,
}

pub(super) fn login(form: &LoginForm<'_>) -> String {
    let mut error = String::new();
    if let Some(text) = form.error {
        let _ = write!(
            error,
            "<p class=bad role=alert id=error>{}</p>",
            escape(text)
        );
    }
    let described = if form.error.is_some() {
        " aria-describedby=error"
    } else {
        ""
    };
    let (title, action) = (escape(form.title), escape(form.action));
    let (target, username) = (escape(form.target), escape(form.username));
    let (name_focus, password_focus) = if form.username.is_empty() {
        (" autofocus", "")
    } else {
        ("", " autofocus")
    };
    document(
        &format!("Log in – {title}"),
        &format!(
            "<h1>Log in</h1><p class=soft>to {title}</p>{error}\
             <form method=post action=\"{action}\">\
             <input type=hidden name=return value=\"{target}\">\
             <label for=username>User name</label>\
             <input id=username name=username value=\"{username}\" autocomplete=username autocapitalize=none spellcheck=false required maxlength=1024{name_focus}{described}>\
             <label for=password>Password</label>\
             <input id=password name=password type=password autocomplete=current-password required maxlength=1024{password_focus}{described}>\
             <button type=submit>Log in</button></form>"
        ),
    )
}

pub(super) fn confirm_logout(title: &str, action: &str, user: &str) -> String {
    let (title, action, user) = (escape(title), escape(action), escape(user));
    document(
        &format!("Log out – {title}"),
        &format!(
            "<h1>Log out?</h1><p>You are logged in to {title} as <strong>{user}</strong>.</p>\
             <form method=post action=\"{action}\"><button type=submit>Log out</button></form>"
        ),
    )
}

pub(super) fn logged_out(title: &str, login: Option<&str>) -> String {
    let title = escape(title);
    let again = login.map_or_else(String::new, |href| {
        format!("<p><a href=\"{}\">Log in again</a></p>", escape(href))
    });
    document(
        &format!("Logged out – {title}"),
        &format!(
            "<h1>You are logged out</h1><p class=soft>of {title}. The session is closed.</p>{again}"
        ),
    )
}

pub(super) fn message(title: &str, status: StatusCode, text: &str) -> String {
    let reason = status.canonical_reason().unwrap_or("Error");
    document(
        &format!("{reason} – {}", escape(title)),
        &format!(
            "<h1>{reason}</h1><p>{}</p><footer>{} · {}</footer>",
            escape(text),
            escape(title),
            status.as_u16()
        ),
    )
}

fn document(title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
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
    use super::*;

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
        for html in [
            login(&form),
            confirm_logout(evil, "/", evil),
            logged_out(evil, Some(evil)),
            message(evil, StatusCode::FORBIDDEN, evil),
        ] {
            assert!(!html.contains("<script"), "{html}");
            assert!(!html.contains("\"\">"), "{html}");
        }
    }
}
