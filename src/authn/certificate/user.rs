//! Which certificates are which users.

use std::sync::Arc;

use super::part::PartError;
use super::template::CertificateTemplate;
use crate::authn::{Failure, FailureReason};
use crate::domain::{
    Attributes, CertificateRule, ClientCertificate, Identity, IdentityError, Method,
};

/// Which certificates are meant, of those that were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificates {
    /// Every one that the listener's authorities have issued.
    Any,
    /// Those that a rule means.
    Matching(CertificateRule),
}

impl Certificates {
    pub(super) fn include(&self, certificate: &ClientCertificate) -> bool {
        match self {
            Self::Any => true,
            Self::Matching(rule) => rule.matches(certificate),
        }
    }
}

/// Some certificates, and the users they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUser {
    certificates: Certificates,
    directory: CertificateTemplate,
    id: CertificateTemplate,
    name: Option<CertificateTemplate>,
    email: Option<CertificateTemplate>,
    attributes: Vec<(Arc<str>, CertificateTemplate)>,
}

impl CertificateUser {
    /// `certificates` are the users `id` of `directory`.
    ///
    /// # Errors
    ///
    /// When what one of the two says whatever the certificate cannot be part of a user's key.
    pub fn new(
        certificates: Certificates,
        directory: CertificateTemplate,
        id: CertificateTemplate,
    ) -> Result<Self, IdentityError> {
        // A part's value is as yet unknown; what is around it has to be good in any case.
        let sample = |template: &CertificateTemplate| {
            let text = template.to_string();
            match template.part() {
                Some(part) => text.replacen(&part.to_string(), "x", 1),
                None => text,
            }
        };
        Identity::new(&sample(&directory), &sample(&id))?;
        Ok(Self {
            certificates,
            directory,
            id,
            name: None,
            email: None,
            attributes: Vec::new(),
        })
    }

    /// The user's name is `name`, and not the id.
    #[must_use]
    pub fn with_name(mut self, name: CertificateTemplate) -> Self {
        self.name = Some(name);
        self
    }

    /// The user's e-mail address is `email`.
    #[must_use]
    pub fn with_email(mut self, email: CertificateTemplate) -> Self {
        self.email = Some(email);
        self
    }

    /// The attribute `name` has the values that `values` gives, beside those that it has
    /// already.
    #[must_use]
    pub fn with_attribute(
        mut self,
        name: impl Into<Arc<str>>,
        values: CertificateTemplate,
    ) -> Self {
        self.attributes.push((name.into(), values));
        self
    }

    /// Which certificates are meant.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The user that `certificate`, which is one of those meant, is.
    pub(super) fn identity(&self, certificate: &ClientCertificate) -> Result<Identity, Failure> {
        let missing = |error: PartError| {
            let reason = match error {
                PartError::Missing(_) => FailureReason::MissingCertificatePart,
                PartError::Ambiguous { .. } => FailureReason::AmbiguousCertificatePart,
            };
            refuse(certificate, reason, &error.to_string())
        };
        let unfit = |error: IdentityError| {
            let reason = FailureReason::BadCertificatePart;
            refuse(certificate, reason, &error.to_string())
        };
        let fill = |template: &CertificateTemplate| template.fill(certificate).map_err(missing);
        let (directory, id) = (fill(&self.directory)?, fill(&self.id)?);
        let mut user = Identity::new(&directory, &id).map_err(unfit)?;
        if let Some(name) = &self.name {
            user = user.with_name(&fill(name)?).map_err(unfit)?;
        }
        if let Some(email) = &self.email {
            user = user.with_email(&fill(email)?).map_err(unfit)?;
        }
        let attributes: Attributes = self
            .attributes
            .iter()
            .map(|(name, values)| (Arc::clone(name), values.fill_all(certificate)))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        Ok(user.with_attributes(attributes))
    }
}

/// A failure that names the certificate for the log.
pub(super) fn refuse(
    certificate: &ClientCertificate,
    reason: FailureReason,
    what: &str,
) -> Failure {
    let subject: String = certificate.to_string().chars().take(SHOWN).collect();
    let fingerprint = certificate.fingerprint_hex();
    let detail = format!("{what}: {subject:?}, SHA-256 {fingerprint}");
    Failure::new(Method::Certificate, reason, detail)
}

/// Characters of a subject that are logged at most.
const SHOWN: usize = 200;
