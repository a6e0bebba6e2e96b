//! The description as a page: no scripts, no outside parts, readable in light and dark.

use std::fmt::{Display, Write as _};

use serde_json::Value;

use super::document::{Section, literal};
use super::operation::{Answer, Content, Operation, Parameter};

/// The page may load its own style, and nothing else.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of `sections`.
pub(super) fn html(sections: &[Section]) -> String {
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>Gatepass side port</title><style>{STYLE}</style>\
         <header><h1>Gatepass side port</h1><p>Version {}. The same for programs: \
         <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p></header>",
        env!("CARGO_PKG_VERSION"),
    );
    out.push_str("<nav aria-label=Operations>");
    for section in sections {
        let _ = write!(out, "<h2>{}</h2><ul>", Escaped(section.tag));
        for operation in &section.operations {
            let (id, summary) = (Escaped(operation.id), Escaped(operation.summary));
            let _ = write!(out, "<li><a href=\"#{id}\">{summary}</a>");
        }
        out.push_str("</ul>");
    }
    out.push_str("</nav><main>");
    for section in sections {
        let _ = write!(
            out,
            "<section><h2>{}</h2>{}",
            Escaped(section.tag),
            Prose(&section.about)
        );
        for operation in &section.operations {
            write_operation(&mut out, section, operation);
        }
        out.push_str("</section>");
    }
    out.push_str("<section><h2>Schemas</h2>");
    for (name, schema) in sections.iter().flat_map(|section| &section.schemas) {
        let json = serde_json::to_string_pretty(schema).expect("a JSON value always serialises");
        let _ = write!(
            out,
            "<details id=\"schema-{name}\"><summary>{name}</summary><pre>{}</pre></details>",
            Escaped(&json),
            name = Escaped(name),
        );
    }
    out.push_str("</section></main></html>");
    out
}

fn write_operation(out: &mut String, section: &Section, operation: &Operation) {
    let _ = write!(
        out,
        "<article id=\"{}\"><h3>{}</h3><p class=route><b>{}</b> <code>{}</code>{}</p>{}",
        Escaped(operation.id),
        Escaped(operation.summary),
        operation.method.as_str().to_uppercase(),
        Escaped(operation.path),
        if operation.open { " <i>no key</i>" } else { "" },
        Prose(operation.about),
    );
    let segments = operation
        .segments()
        .filter_map(|name| section.segments.iter().find(|known| known.name == name));
    let parameters: Vec<&Parameter> = segments.chain(operation.parameters).collect();
    if !parameters.is_empty() {
        out.push_str("<table><tr><th>Parameter<th>In<th>Type<th>");
        for parameter in parameters {
            let _ = write!(
                out,
                "<tr><td><code>{}</code><td>{}<td>{}<td>{}",
                Escaped(parameter.name),
                parameter.place.as_str(),
                Escaped(&type_of(&literal(parameter.schema))),
                Escaped(parameter.about),
            );
        }
        out.push_str("</table>");
    }
    if let Some(body) = operation.body {
        let _ = write!(out, "<p>Body: {}</p>", Link(body.schema));
    }
    out.push_str("<table><tr><th>Answer<th>Body<th>");
    let shared: &[Answer] = if operation.open { &[] } else { section.errors };
    let own = |status: u16| operation.answers.iter().any(|a| a.status == status);
    let shared = shared.iter().filter(|answer| !own(answer.status));
    for answer in operation.answers.iter().chain(shared) {
        let _ = write!(out, "<tr><td>{}<td>", answer.status);
        let _ = match answer.content {
            Content::Empty => Ok(()),
            Content::Json(schema) => write!(out, "{}", Link(schema)),
            Content::Error => write!(out, "{}", Link(section.error.1)),
            Content::Text(media_type) => write!(out, "{}", Escaped(media_type)),
        };
        let _ = write!(out, "<td>{}", Escaped(answer.about));
    }
    out.push_str("</table></article>");
}

/// A few words on what values a schema allows.
fn type_of(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return values.join(" | ");
    }
    let mut text = schema["type"].as_str().unwrap_or("any").to_owned();
    if let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        let _ = write!(text, " {least} to {most}");
    }
    text
}

/// Text in which nothing is markup.
struct Escaped<'t>(&'t str);

/// Paragraphs, with `code` between backticks.
struct Prose<'t>(&'t str);

/// A link to a schema.
struct Link<'t>(&'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for paragraph in self.0.split("\n\n").filter(|text| !text.is_empty()) {
            f.write_str("<p>")?;
            for (at, piece) in paragraph.split('`').enumerate() {
                match at % 2 {
                    0 => write!(f, "{}", Escaped(piece))?,
                    _ => write!(f, "<code>{}</code>", Escaped(piece))?,
                }
            }
            f.write_str("</p>")?;
        }
        Ok(())
    }
}

impl Display for Link<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = Escaped(self.0);
        write!(f, "<a href=\"#schema-{name}\">{name}</a>")
    }
}

const STYLE: &str = "
:root{color-scheme:light dark;--bg:#fff;--ink:#1c2230;--soft:#5a6275;--line:#cfd5e1;--key:#1f5fd6}
@media(prefers-color-scheme:dark){:root{--bg:#11141b;--ink:#e8ebf2;--soft:#a3abbd;--line:#394152;--key:#5b93ff}}
*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
a{color:var(--key)}code,pre{font:.9em/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid var(--line)}
nav ul{columns:18rem;margin:0;padding-left:1.2rem}article{border-top:1px solid var(--line);margin-top:1.5rem}
.route b{color:var(--key)}.route i{color:var(--soft)}summary{cursor:pointer}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.95rem}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}th{color:var(--soft);font-weight:600}
a:focus-visible,summary:focus-visible{outline:3px solid var(--key);outline-offset:2px}";
