//! The parts of a certificate that may say who a user is.

use std::borrow::Cow;
use std::fmt;

use crate::domain::{AltName, ClientCertificate};

/// A part of a certificate that may say who a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificatePart {
    /// `$cn`: the subject's common name.
    CommonName,
    /// `$o`: the subject's organization.
    Organization,
    /// `$ou`: the subject's organizational unit.
    OrganizationalUnit,
    /// `$uid`: the subject's user id.
    UserId,
    /// `$email`: the e-mail address among the alternative names; where there is none, that in
    /// the subject.
    Email,
    /// `$upn`: the user principal name among the alternative names.
    PrincipalName,
    /// `$dns`: the DNS name among the alternative names.
    Dns,
    /// `$uri`: the URI among the alternative names.
    Uri,
    /// `$serial`: the serial number, in lower-case hexadecimal digits. Each issuer counts for
    /// itself.
    Serial,
    /// `$fingerprint`: SHA-256 of the certificate, in lower-case hexadecimal digits.
    Fingerprint,
}

/// Why a part has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is not there, or it is blank.
    #[error("the certificate has no {0}")]
    Missing(CertificatePart),
    /// It is there with different values.
    #[error("the certificate has {count} values of {part}")]
    Ambiguous {
        /// Which.
        part: CertificatePart,
        /// How many values.
        count: usize,
    },
}

impl CertificatePart {
    /// Every part.
    pub const ALL: [Self; 10] = [
        Self::CommonName,
        Self::Organization,
        Self::OrganizationalUnit,
        Self::UserId,
        Self::Email,
        Self::PrincipalName,
        Self::Dns,
        Self::Uri,
        Self::Serial,
        Self::Fingerprint,
    ];

    /// As templates spell it, without the dollar sign.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "cn",
            Self::Organization => "o",
            Self::OrganizationalUnit => "ou",
            Self::UserId => "uid",
            Self::Email => "email",
            Self::PrincipalName => "upn",
            Self::Dns => "dns",
            Self::Uri => "uri",
            Self::Serial => "serial",
            Self::Fingerprint => "fingerprint",
        }
    }

    /// Its different values in `certificate`, in their order; blank ones do not count.
    pub(super) fn values(self, certificate: &ClientCertificate) -> Vec<Cow<'_, str>> {
        let mut values: Vec<Cow<'_, str>> = Vec::new();
        for value in self.all_values(certificate) {
            if !value.trim().is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// Its one value in `certificate`.
    pub(super) fn value(self, certificate: &ClientCertificate) -> Result<Cow<'_, str>, PartError> {
        let mut values = self.values(certificate);
        match values.len() {
            0 => Err(PartError::Missing(self)),
            1 => Ok(values.remove(0)),
            count => Err(PartError::Ambiguous { part: self, count }),
        }
    }

    fn all_values(self, certificate: &ClientCertificate) -> Vec<Cow<'_, str>> {
        let subject = |name| -> Vec<Cow<'_, str>> {
            certificate.subject_part(name).map(Cow::Borrowed).collect()
        };
        let alternative = |is: fn(&AltName) -> bool| -> Vec<Cow<'_, str>> {
            let names = certificate.alt_names.iter();
            names.filter(|name| is(name)).map(AltName::value).collect()
        };
        match self {
            Self::CommonName => subject("CN"),
            Self::Organization => subject("O"),
            Self::OrganizationalUnit => subject("OU"),
            Self::UserId => subject("UID"),
            Self::Email => {
                let names = alternative(|name| matches!(name, AltName::Email(_)));
                match names.is_empty() {
                    true => subject("emailAddress"),
                    false => names,
                }
            }
            Self::PrincipalName => alternative(|name| matches!(name, AltName::Upn(_))),
            Self::Dns => alternative(|name| matches!(name, AltName::Dns(_))),
            Self::Uri => alternative(|name| matches!(name, AltName::Uri(_))),
            Self::Serial => vec![Cow::Borrowed(&*certificate.serial)],
            Self::Fingerprint => vec![Cow::Owned(certificate.fingerprint_hex())],
        }
    }
}

impl fmt::Display for CertificatePart {
    /// `$cn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.as_str())
    }
}
