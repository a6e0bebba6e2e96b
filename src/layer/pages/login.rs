//! The login form.

use std::fmt::Write as _;

use super::{Width, document, escape};

/// What the login form shows.
pub(in crate::layer) struct LoginForm<'a> {
    pub(in crate::layer) title: &'a str,
    /// Where the form goes.
    pub(in crate::layer) action: &'a str,
    /// Where the login returns to.
    pub(in crate::layer) target: &'a str,
    /// The name that was typed before.
    pub(in crate::layer) username: &'a str,
    /// What was wrong.
    pub(in crate::layer) error: Option<&'a str>,
}

pub(in crate::layer) fn login(form: &LoginForm<'_>) -> String {
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
        Width::Form,
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
