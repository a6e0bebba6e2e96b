//! From a client's certificate to a principal.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Principal, Role};
use crate::domain::{CertificateRule, ClientCertificate, SpaceId, Timestamp};

/// What clients with certain certificates may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRole {
    /// Which certificates.
    pub certificates: CertificateRule,
    /// What they may do.
    pub role: Role,
    /// The spaces they may do it in; empty for a role over all.
    pub spaces: Vec<SpaceId>,
}

/// The certificates that open the side port. Cheap to clone; [`replace`](Self::replace)
/// exchanges the rules while calls go on.
///
/// Whether a certificate is genuine was found out by who took the connection: only what was
/// verified against the listener's authorities is a [`ClientCertificate`].
#[derive(Clone, Debug, Default)]
pub struct CertificateRoles(Arc<ArcSwap<Vec<CertificateRole>>>);

/// Why a genuine certificate opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Strange {
    /// No rule means it.
    #[error("no rule gives the certificate a role")]
    NoRole,
    /// It was valid when the connection (or the one that it resumes) was made, and is no more.
    #[error("the certificate has expired since it was verified")]
    Expired,
}

impl Strange {
    /// As the audit log spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRole => "certificate_without_role",
            Self::Expired => "certificate_expired",
        }
    }
}

impl CertificateRoles {
    /// These rules; of several that mean a certificate the first decides.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = CertificateRole>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(rules.into_iter().collect())))
    }

    /// Puts these rules in the place of the old ones.
    pub fn replace(&self, rules: impl IntoIterator<Item = CertificateRole>) {
        self.0.store(Arc::new(rules.into_iter().collect()));
    }

    /// Who calls with `certificate` at the time `now`.
    ///
    /// # Errors
    ///
    /// [`Strange`].
    pub fn principal(
        &self,
        certificate: &Arc<ClientCertificate>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, Strange> {
        if certificate.not_after <= now {
            return Err(Strange::Expired);
        }
        let rules = self.0.load();
        let rule = rules.iter().find(|r| r.certificates.matches(certificate));
        let rule = rule.ok_or(Strange::NoRole)?;
        let principal = Principal::new(name(certificate), rule.role, &rule.spaces);
        Ok(Arc::new(principal.known_by(Arc::clone(certificate))))
    }

    /// Whether `who` would be let in by the certificate that let them in before, as who they
    /// were then.
    pub(crate) fn is_current(&self, who: &Principal, now: Timestamp) -> bool {
        who.certificate()
            .and_then(|certificate| self.principal(certificate, now).ok())
            .is_some_and(|again| *again == *who)
    }
}

/// `cert:` and the common name, or the beginning of the fingerprint where there is none.
fn name(certificate: &ClientCertificate) -> Arc<str> {
    let common = certificate.subject_part("CN").next().unwrap_or_default();
    let shown: String = common
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME)
        .collect();
    let shown = shown.trim();
    if shown.is_empty() {
        return format!("cert:{}", &certificate.fingerprint_hex()[..16]).into();
    }
    format!("cert:{shown}").into()
}

/// Characters of a common name that are shown.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> Arc<ClientCertificate> {
        Arc::new(ClientCertificate {
            subject: vec![("CN".into(), name.into())],
            alt_names: Vec::new(),
            fingerprint: [0xab; 32],
            serial: "01".into(),
            not_after: Timestamp::from_unix_millis(1_000),
        })
    }

    fn rule(name: &str, role: Role) -> CertificateRole {
        CertificateRole {
            certificates: CertificateRule {
                subject: vec![("CN".into(), name.into())],
                ..CertificateRule::default()
            },
            role,
            spaces: Vec::new(),
        }
    }

    const NOW: Timestamp = Timestamp::from_unix_millis(999);

    #[test]
    fn the_first_rule_that_means_a_certificate_decides() {
        let roles = CertificateRoles::new([rule("a", Role::Reader), rule("a", Role::SiteAdmin)]);
        let who = roles.principal(&certificate("a"), NOW).unwrap();
        assert_eq!((&**who.id(), who.role()), ("cert:a", Role::Reader));
        let nobody = roles.principal(&certificate("b"), NOW);
        assert_eq!(nobody, Err(Strange::NoRole));
    }

    #[test]
    fn s33_without_rules_no_certificate_opens_anything() {
        let roles = CertificateRoles::default();
        let nobody = roles.principal(&certificate("a"), NOW);
        assert_eq!(nobody, Err(Strange::NoRole));
    }

    #[test]
    fn s33_a_certificate_that_has_expired_since_opens_nothing() {
        let roles = CertificateRoles::new([rule("a", Role::SiteAdmin)]);
        let later = Timestamp::from_unix_millis(1_000);
        let nobody = roles.principal(&certificate("a"), later);
        assert_eq!(nobody, Err(Strange::Expired));
    }

    #[test]
    fn who_was_let_in_is_current_while_the_rules_say_the_same() {
        let roles = CertificateRoles::new([rule("a", Role::SiteAdmin)]);
        let who = roles.principal(&certificate("a"), NOW).unwrap();
        assert!(roles.is_current(&who, NOW));
        assert!(!roles.is_current(&who, Timestamp::from_unix_millis(1_000)));
        roles.replace([rule("b", Role::SiteAdmin), rule("a", Role::SiteAdmin)]);
        assert!(roles.is_current(&who, NOW));
        roles.replace([rule("a", Role::Reader)]);
        assert!(!roles.is_current(&who, NOW));
    }

    #[test]
    fn a_principal_is_named_after_the_common_name_as_a_log_can_show_it() {
        let name = |text: &str| name(&certificate(text)).to_string();
        assert_eq!(name("QlikClient"), "cert:QlikClient");
        assert_eq!(name("a\nb\u{7}"), "cert:ab");
        assert_eq!(name(" \n"), "cert:abababababababab");
        assert_eq!(name(&"x".repeat(500)).len(), 5 + MAX_NAME);
    }
}
