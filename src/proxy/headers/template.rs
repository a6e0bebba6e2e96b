//! Header values with placeholders, for upstreams with names of their own.

use http::HeaderValue;

use super::identity::joined;
use crate::domain::Session;

/// The value of a custom header: text with placeholders in braces, checked when it is read.
///
/// `{user_directory}`, `{user_id}`, `{user_name}`, `{email}`, `{session_id}` (the public id),
/// `{space}`, and `{attribute:NAME}`: all values of an attribute, joined as
/// [`Profile`](super::Profile) says. `{{` and `}}` are braces.
///
/// A header of which any placeholder has no value in a session is not sent at all: half an
/// answer would be read as a whole one (S02).
///
/// ```
/// # #[cfg(feature = "server")] {
/// use gatepass::proxy::headers::Template;
///
/// assert!(Template::parse(r"{user_directory}\{user_id}").is_ok());
/// let error = Template::parse("{user}").unwrap_err();
/// assert!(error.to_string().contains("{user_id}"));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Box<[Part]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Directory,
    Id,
    Name,
    Email,
    SessionId,
    Space,
    Attribute(String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It would always be the empty value.
    #[error("the template is empty")]
    Empty,
    /// A brace opens and does not close, or closes and was not opened.
    #[error("the template `{0}` has a brace without its pair; write `{{{{` or `}}}}` for a brace")]
    Brace(String),
    /// A placeholder that does not exist.
    #[error(
        "the placeholder `{{{0}}}` does not exist; there are {{user_directory}}, {{user_id}}, {{user_name}}, {{email}}, {{session_id}}, {{space}} and {{attribute:NAME}}"
    )]
    Unknown(String),
    /// Text that may not stand in a header.
    #[error("the template `{0}` has a control character")]
    Control(String),
}

impl Template {
    /// The template `text`.
    ///
    /// # Errors
    ///
    /// When `text` is empty, has an unpaired brace, an unknown placeholder or a control
    /// character.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.contains(char::is_control) {
            return Err(TemplateError::Control(text.escape_debug().to_string()));
        }
        let brace = || TemplateError::Brace(text.to_owned());
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let tail = &rest[at..];
            if tail.starts_with("{{") || tail.starts_with("}}") {
                literal.push_str(&tail[..1]);
                rest = &tail[2..];
                continue;
            }
            let inner = tail.strip_prefix('{').ok_or_else(brace)?;
            let (name, after) = inner.split_once('}').ok_or_else(brace)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::placeholder(name)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        if parts.is_empty() {
            return Err(TemplateError::Empty);
        }
        Ok(Self(parts.into()))
    }

    /// The value for `session`; `None` when a placeholder has none there.
    pub(super) fn render(&self, session: &Session) -> Option<HeaderValue> {
        let identity = session.identity();
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Directory => text.push_str(identity.directory()),
                Part::Id => text.push_str(identity.id()),
                Part::Name => text.push_str(identity.name()),
                Part::Email => text.push_str(identity.email()?),
                Part::SessionId => text.push_str(&session.id().to_string()),
                Part::Space => text.push_str(session.space_id().as_str()),
                Part::Attribute(name) => {
                    text.push_str(&joined(identity.attributes().values(name))?);
                }
            }
        }
        HeaderValue::try_from(text).ok()
    }
}

impl Part {
    fn placeholder(name: &str) -> Result<Self, TemplateError> {
        Ok(match name {
            "user_directory" => Self::Directory,
            "user_id" => Self::Id,
            "user_name" => Self::Name,
            "email" => Self::Email,
            "session_id" => Self::SessionId,
            "space" => Self::Space,
            _ => match name.strip_prefix("attribute:") {
                Some(attribute) if !attribute.trim().is_empty() => {
                    Self::Attribute(attribute.to_owned())
                }
                _ => return Err(TemplateError::Unknown(name.to_owned())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::tests::session;

    fn render(template: &str) -> Option<String> {
        let value = Template::parse(template).unwrap().render(&session(true));
        value.map(|v| String::from_utf8(v.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn placeholders_are_filled() {
        for (template, value) in [
            (r"{user_directory}\{user_id}", r"LAB\jörg"),
            ("{user_name} <{email}>", "Jörg Ä <j@b.c>"),
            ("{{{space}}}", "{1001}"),
            ("g={attribute:group};", "g=a b,c%2Cd;"),
            ("constant", "constant"),
        ] {
            assert_eq!(render(template).as_deref(), Some(value), "{template}");
        }
        assert_eq!(render("{session_id}").map(|id| id.len()), Some(36));
    }

    #[test]
    fn s02_a_placeholder_without_a_value_leaves_the_header_out() {
        assert_eq!(render("x {attribute:missing}"), None);
        let bare = Template::parse("mail={email}").unwrap();
        assert_eq!(bare.render(&session(false)), None);
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, error) in [
            ("", TemplateError::Empty),
            ("{user}", TemplateError::Unknown("user".into())),
            ("{}", TemplateError::Unknown("".into())),
            ("{attribute:}", TemplateError::Unknown("attribute:".into())),
            ("{user_id", TemplateError::Brace("{user_id".into())),
            ("user_id}", TemplateError::Brace("user_id}".into())),
            ("a\r\nb", TemplateError::Control("a\\r\\nb".into())),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text:?}");
        }
        let message = TemplateError::Unknown("who".into()).to_string();
        assert!(
            message.contains("`{who}`") && message.contains("{attribute:NAME}"),
            "{message}"
        );
    }
}
