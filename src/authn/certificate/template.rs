//! Texts made of a certificate.

use std::fmt;
use std::str::FromStr;

use super::part::{CertificatePart, PartError};
use crate::domain::ClientCertificate;

/// A text with at most one part of a certificate in it: `$cn`, `device-$serial`, `LAB`.
///
/// One part and not several, so that no two certificates with different parts come to the
/// same text.
///
/// ```
/// use gatepass::authn::certificate::{CertificatePart, CertificateTemplate};
///
/// let template: CertificateTemplate = "device-$serial".parse()?;
/// assert_eq!(template.part(), Some(CertificatePart::Serial));
/// # Ok::<(), gatepass::authn::certificate::CertificateTemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTemplate {
    before: Box<str>,
    part: Option<CertificatePart>,
    after: Box<str>,
}

/// Why a text is no [`CertificateTemplate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateTemplateError {
    /// A dollar sign begins no part that is known.
    #[error("`{0}` is no part of a certificate")]
    Unknown(String),
    /// There are two parts.
    #[error("it has more than one part of a certificate")]
    SeveralParts,
    /// There is nothing at all.
    #[error("it is blank")]
    Blank,
}

impl CertificateTemplate {
    /// The part in it.
    #[must_use]
    pub const fn part(&self) -> Option<CertificatePart> {
        self.part
    }

    /// The text for `certificate`.
    pub(super) fn fill(&self, certificate: &ClientCertificate) -> Result<String, PartError> {
        self.part.map_or_else(
            || Ok(self.before.to_string()),
            |part| Ok(self.around(&part.value(certificate)?)),
        )
    }

    /// A text for each value that the part has in `certificate`.
    pub(super) fn fill_all(&self, certificate: &ClientCertificate) -> Vec<String> {
        self.part.map_or_else(
            || vec![self.before.to_string()],
            |part| {
                let values = part.values(certificate);
                values.iter().map(|value| self.around(value)).collect()
            },
        )
    }

    fn around(&self, value: &str) -> String {
        [&*self.before, value, &*self.after].concat()
    }
}

impl FromStr for CertificateTemplate {
    type Err = CertificateTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(CertificateTemplateError::Blank);
        }
        let Some((before, rest)) = text.split_once('$') else {
            return Ok(Self {
                before: text.into(),
                part: None,
                after: "".into(),
            });
        };
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let part = CertificatePart::ALL
            .into_iter()
            .find(|part| part.as_str() == name)
            .ok_or_else(|| CertificateTemplateError::Unknown(format!("${name}")))?;
        if after.contains('$') {
            return Err(CertificateTemplateError::SeveralParts);
        }
        Ok(Self {
            before: before.into(),
            part: Some(part),
            after: after.into(),
        })
    }
}

impl fmt::Display for CertificateTemplate {
    /// As it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        if let Some(part) = self.part {
            write!(f, "{part}")?;
        }
        f.write_str(&self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_prints_as_it_was_read() {
        for part in CertificatePart::ALL {
            for text in [
                part.to_string(),
                format!("a-{part}@b.example"),
                "LAB".into(),
            ] {
                let template: CertificateTemplate = text.parse().unwrap();
                assert_eq!(template.to_string(), text);
                assert_eq!(template.part(), Some(part).filter(|_| text.contains('$')));
            }
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        use CertificateTemplateError as E;
        for (text, error) in [
            ("", E::Blank),
            (" ", E::Blank),
            ("$", E::Unknown("$".into())),
            ("$CN", E::Unknown("$CN".into())),
            ("$cn2", E::Unknown("$cn2".into())),
            ("$$cn", E::Unknown("$".into())),
            ("$ou.$cn", E::SeveralParts),
            ("$cn$", E::SeveralParts),
        ] {
            assert_eq!(text.parse::<CertificateTemplate>(), Err(error), "{text:?}");
        }
    }
}
