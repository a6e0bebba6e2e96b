//! The headers that tell an upstream who the user is.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;

/// A set of headers that tell who the user is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityHeaders {
    /// `X-Forwarded-User` and its like.
    XForwarded,
    /// `Remote-User` and its like.
    Remote,
    /// The headers Qlik's proxy sets.
    Qlik,
    /// Headers of the configuration's own; names are unique.
    Custom(Vec<(HeaderName, HeaderTemplate)>),
}

/// The text of a header, with places to fill in: `{user_directory}\{user_id}`.
///
/// ```
/// use gatepass::app::options::{HeaderTemplate, TemplatePart};
///
/// let template: HeaderTemplate = r"{user_directory}\{user_id}".parse()?;
/// assert_eq!(template.parts().len(), 3);
/// assert_eq!(template.parts()[2], TemplatePart::UserId);
/// # Ok::<(), gatepass::app::options::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate(Box<[TemplatePart]>);

/// A piece of a [`HeaderTemplate`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplatePart {
    /// This text; printable ASCII.
    Text(Box<str>),
    /// `{user_directory}`.
    UserDirectory,
    /// `{user_id}`.
    UserId,
    /// `{user_name}`.
    UserName,
    /// `{email}`.
    Email,
    /// `{session_id}`: the public id, never the secret.
    SessionId,
    /// `{space}`: the space's id.
    Space,
    /// `{attribute:name}`: the values of an attribute.
    Attribute(Box<str>),
}

/// Why a text is no [`HeaderTemplate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// There is no such place to fill in.
    #[error("`{{{0}}}` is not known")]
    Unknown(String),
    /// A brace is left open or was never opened.
    #[error("a brace has no partner")]
    Brace,
    /// A header's value is printable ASCII.
    #[error("`{0}` may not stand in a header")]
    Character(char),
    /// The value would always be the same for everybody, or nothing at all.
    #[error("it has no place to fill in")]
    Constant,
}

impl HeaderTemplate {
    /// The places that can be filled in.
    pub const PLACES: [&'static str; 7] = [
        "{user_directory}",
        "{user_id}",
        "{user_name}",
        "{email}",
        "{session_id}",
        "{space}",
        "{attribute:NAME}",
    ];

    /// Its pieces in order.
    #[must_use]
    pub fn parts(&self) -> &[TemplatePart] {
        &self.0
    }
}

impl FromStr for HeaderTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            push_text(&mut parts, &rest[..open])?;
            let inner = &rest[open + 1..];
            let close = inner.find('}').ok_or(TemplateError::Brace)?;
            parts.push(place(&inner[..close])?);
            rest = &inner[close + 1..];
        }
        push_text(&mut parts, rest)?;
        if parts.iter().all(|p| matches!(p, TemplatePart::Text(_))) {
            return Err(TemplateError::Constant);
        }
        Ok(Self(parts.into()))
    }
}

impl fmt::Display for HeaderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            TemplatePart::Text(text) => f.write_str(text),
            TemplatePart::UserDirectory => f.write_str("{user_directory}"),
            TemplatePart::UserId => f.write_str("{user_id}"),
            TemplatePart::UserName => f.write_str("{user_name}"),
            TemplatePart::Email => f.write_str("{email}"),
            TemplatePart::SessionId => f.write_str("{session_id}"),
            TemplatePart::Space => f.write_str("{space}"),
            TemplatePart::Attribute(name) => write!(f, "{{attribute:{name}}}"),
        })
    }
}

fn push_text(parts: &mut Vec<TemplatePart>, text: &str) -> Result<(), TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Brace);
    }
    if let Some(odd) = text.chars().find(|c| !(' '..='~').contains(c)) {
        return Err(TemplateError::Character(odd));
    }
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text.into()));
    }
    Ok(())
}

fn place(name: &str) -> Result<TemplatePart, TemplateError> {
    Ok(match name {
        "user_directory" => TemplatePart::UserDirectory,
        "user_id" => TemplatePart::UserId,
        "user_name" => TemplatePart::UserName,
        "email" => TemplatePart::Email,
        "session_id" => TemplatePart::SessionId,
        "space" => TemplatePart::Space,
        _ => match name.strip_prefix("attribute:") {
            Some(attribute) if !attribute.is_empty() => TemplatePart::Attribute(attribute.into()),
            _ => return Err(TemplateError::Unknown(name.to_owned())),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_was_read() {
        for text in [
            r"{user_directory}\{user_id}",
            "UserDirectory={user_directory}; UserId={user_id}",
            "{attribute:group}",
            "{user_name} <{email}> {session_id}@{space}",
        ] {
            let template: HeaderTemplate = text.parse().unwrap();
            assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        for (text, error) in [
            ("{user}", TemplateError::Unknown("user".into())),
            ("{attribute:}", TemplateError::Unknown("attribute:".into())),
            ("{user_id", TemplateError::Brace),
            ("user_id}", TemplateError::Brace),
            ("a\r\n{user_id}", TemplateError::Character('\r')),
            ("admin", TemplateError::Constant),
            ("", TemplateError::Constant),
        ] {
            assert_eq!(text.parse::<HeaderTemplate>(), Err(error), "{text:?}");
        }
    }
}
