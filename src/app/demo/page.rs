//! The page that says who you are.

use std::fmt::Write as _;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{Html, IntoResponse, Response};

/// Renders the page for the identity the gateway put into the headers.
pub(super) async fn show(headers: HeaderMap) -> Response {
    ([(CACHE_CONTROL, "no-store")], Html(render(&headers))).into_response()
}

fn render(headers: &HeaderMap) -> String {
    let name = text_of(headers, &PREFERRED_USERNAME).or_else(|| text_of(headers, &USER));
    let (title, greeting) = match &name {
        Some(name) => (
            format!("{} · Gatepass demo", Escaped(name)),
            format!("You are <strong id=\"who\">{}</strong>", Escaped(name)),
        ),
        None => (
            "Gatepass demo".to_owned(),
            "You are <strong id=\"who\">nobody</strong>: no identity header arrived".to_owned(),
        ),
    };
    let mut facts = String::new();
    for (label, name) in FACTS {
        let value = match text_of(headers, &name) {
            Some(value) => format!("<code>{}</code>", Escaped(&value)),
            None => "<span class=\"absent\">not sent</span>".to_owned(),
        };
        write!(
            facts,
            "<dt>{label}<small>{name}</small></dt><dd>{value}</dd>"
        )
        .expect("writing to a String cannot fail");
    }
    // The template is split, not searched and replaced, so a value cannot hold a placeholder.
    let (before, rest) = split(TEMPLATE, "{{title}}");
    let (middle, rest) = split(rest, "{{greeting}}");
    let (end, after) = split(rest, "{{facts}}");
    [before, &title, middle, &greeting, end, &facts, after].concat()
}

/// The value of a header, every line of it joined by commas; `None` when it says nothing.
fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .filter(|line| !line.trim().is_empty())
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

fn split<'t>(template: &'t str, placeholder: &str) -> (&'t str, &'t str) {
    template
        .split_once(placeholder)
        .expect("page.html has every placeholder, in this order")
}

/// Text that is safe between tags and inside quoted attributes.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const PREFERRED_USERNAME: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");

/// What the page lists, and the header it is read from.
const FACTS: [(&str, HeaderName); 4] = [
    ("User", USER),
    ("Preferred name", PREFERRED_USERNAME),
    ("E-mail", EMAIL),
    ("Groups", GROUPS),
];

const TEMPLATE: &str = include_str!("page.html");
