//! What a client's certificate says of it, and rules over that.

use std::fmt;
use std::net::IpAddr;

use super::Timestamp;

/// A client's certificate that was verified against the listener's authorities. A server puts
/// it, as an `Arc`, into the extensions of every request of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The parts of the subject in their order: short name (`CN`, `O`, `OU`, `C`, `L`, `ST`,
    /// `DC`, `UID`, `emailAddress`, `serialNumber`, or a dotted OID) and value.
    pub subject: Vec<(Box<str>, Box<str>)>,
    /// The subject's alternative names.
    pub alt_names: Vec<AltName>,
    /// SHA-256 of the certificate's DER form.
    pub fingerprint: [u8; 32],
    /// The serial number, in lower-case hexadecimal digits.
    pub serial: Box<str>,
    /// When it ceases to be valid.
    pub not_after: Timestamp,
}

/// An alternative name of a certificate's subject (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AltName {
    /// A DNS name.
    Dns(Box<str>),
    /// An e-mail address.
    Email(Box<str>),
    /// A URI.
    Uri(Box<str>),
    /// An IP address.
    Ip(IpAddr),
    /// A user principal name, as Microsoft's directories issue it.
    Upn(Box<str>),
}

impl AltName {
    /// `dns`, `email`, `uri`, `ip` or `upn`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
            Self::Ip(_) => "ip",
            Self::Upn(_) => "upn",
        }
    }

    /// The name without its kind.
    #[must_use]
    pub fn value(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) | Self::Upn(text) => {
                (&**text).into()
            }
            Self::Ip(address) => address.to_string().into(),
        }
    }
}

impl fmt::Display for AltName {
    /// `dns:host.example.com`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.value())
    }
}

impl ClientCertificate {
    /// The values of the subject part `name` (in any case), in their order.
    pub fn subject_part<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c str> {
        let named = self.subject.iter();
        named
            .filter(move |(part, _)| part.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }

    /// The fingerprint in lower-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        self.fingerprint
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }
}

impl fmt::Display for ClientCertificate {
    /// The subject, as `CN=QlikClient,O=Example`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (part, value)) in self.subject.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{part}={value}")?;
        }
        Ok(())
    }
}

/// Which certificates are meant: those that have everything that is named here. One that
/// names nothing means none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRule {
    /// Parts of the subject, name (in any case) and exact value.
    pub subject: Vec<(Box<str>, Box<str>)>,
    /// Alternative names, each as `kind:value`; DNS names and e-mail addresses are compared
    /// without case.
    pub alt_names: Vec<Box<str>>,
    /// One of these fingerprints; empty for any.
    pub fingerprints: Vec<[u8; 32]>,
}

impl CertificateRule {
    /// Whether it means `certificate`.
    #[must_use]
    pub fn matches(&self, certificate: &ClientCertificate) -> bool {
        let names_something =
            !(self.subject.is_empty() && self.alt_names.is_empty() && self.fingerprints.is_empty());
        let has_part = |(name, value): &(Box<str>, Box<str>)| {
            certificate.subject_part(name).any(|v| v == &**value)
        };
        let has_alt_name = |wanted: &str| {
            certificate.alt_names.iter().any(|name| match name {
                AltName::Dns(_) | AltName::Email(_) => {
                    name.to_string().eq_ignore_ascii_case(wanted)
                }
                _ => name.to_string() == wanted,
            })
        };
        names_something
            && self.subject.iter().all(has_part)
            && self.alt_names.iter().all(|name| has_alt_name(name))
            && (self.fingerprints.is_empty()
                || self.fingerprints.contains(&certificate.fingerprint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> ClientCertificate {
        ClientCertificate {
            subject: vec![
                ("O".into(), "Example".into()),
                ("CN".into(), "QlikClient".into()),
            ],
            alt_names: vec![
                AltName::Dns("host.example.com".into()),
                AltName::Uri("spiffe://example/a".into()),
            ],
            fingerprint: [7; 32],
            serial: "01".into(),
            not_after: Timestamp::from_unix_millis(0),
        }
    }

    #[test]
    fn a_rule_means_certificates_that_have_all_it_names() {
        let certificate = certificate();
        let cn = |value: &str| CertificateRule {
            subject: vec![("cn".into(), value.into())],
            ..CertificateRule::default()
        };
        assert!(cn("QlikClient").matches(&certificate));
        assert!(!cn("qlikclient").matches(&certificate), "values are exact");
        let name = |name: &str| CertificateRule {
            alt_names: vec![name.into()],
            ..cn("QlikClient")
        };
        assert!(name("dns:HOST.example.com").matches(&certificate));
        assert!(!name("dns:other.example.com").matches(&certificate));
        assert!(name("uri:spiffe://example/a").matches(&certificate));
        let print = |byte| CertificateRule {
            fingerprints: vec![[byte; 32]],
            ..CertificateRule::default()
        };
        assert!(print(7).matches(&certificate) && !print(8).matches(&certificate));
    }

    #[test]
    fn s33_a_rule_that_names_nothing_means_nobody() {
        assert!(!CertificateRule::default().matches(&certificate()));
    }

    #[test]
    fn a_certificate_reads_as_its_subject() {
        assert_eq!(certificate().to_string(), "O=Example,CN=QlikClient");
        assert!(certificate().fingerprint_hex().starts_with("0707"));
    }
}
