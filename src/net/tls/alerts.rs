//! What the library says of a handshake that failed, in an administrator's words.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::HandshakeError;

impl HandshakeError {
    /// What `error`, as the library gave it to a stream, is about.
    pub(super) fn of(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        let Some(inner) = inner else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Self::Left,
                _ => Self::Failed(error),
            };
        };
        match inner {
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge,
            ) => Self::NotTls,
            Error::NoCertificatesPresented => Self::NoClientCertificate,
            Error::InvalidCertificate(reason) => Self::ClientCertificate(refusal(reason)),
            Error::InvalidCertRevocationList(reason) => {
                Self::ClientCertificate(format!("a list of `client_crl` is not usable: {reason:?}"))
            }
            Error::AlertReceived(alert) => Self::GaveUp(complaint(*alert)),
            Error::NoApplicationProtocol => Self::NothingInCommon("protocol (ALPN)"),
            Error::PeerIncompatible(what) => match what {
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled => {
                    Self::NothingInCommon("version of TLS")
                }
                PeerIncompatible::NoCipherSuitesInCommon => Self::NothingInCommon("cipher suite"),
                PeerIncompatible::NoKxGroupsInCommon => Self::NothingInCommon("key exchange"),
                PeerIncompatible::NoSignatureSchemesInCommon
                | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
                    Self::NothingInCommon("signature scheme")
                }
                _ => Self::Failed(error),
            },
            _ => Self::Failed(error),
        }
    }
}

/// Why a certificate was refused.
fn refusal(reason: &CertificateError) -> String {
    let said = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::Revoked => "it has been revoked",
        CertificateError::UnknownIssuer => "no authority of `client_ca` has issued it",
        CertificateError::BadSignature => "it is not signed by the authority that it names",
        CertificateError::BadEncoding => "it is garbled",
        CertificateError::UnknownRevocationStatus => {
            "no list of `client_crl` says whether it has been revoked"
        }
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => {
            "the list of `client_crl` that would say whether it has been revoked is out of date"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for client authentication (extended key usage)"
        }
        other => return other.to_string(),
    };
    said.to_owned()
}

/// What a client means by an alert.
fn complaint(alert: AlertDescription) -> String {
    let said = match alert {
        AlertDescription::UnknownCA => "it does not know the authority of our certificate",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::BadCertificate => "it does not take our certificate",
        AlertDescription::CertificateRevoked => "our certificate has been revoked",
        AlertDescription::CertificateUnknown => "it does not trust our certificate",
        AlertDescription::BadCertificateStatusResponse => "it does not take our OCSP response",
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that we speak",
        other => return format!("alert {other:?}"),
    };
    format!("{said} (alert {alert:?})")
}
