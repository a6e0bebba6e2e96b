//! Who calls the side port, and what they may do there.

use std::fmt;
use std::sync::Arc;

use crate::domain::{ClientCertificate, SpaceId};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Everything, in every space.
    SiteAdmin,
    /// Everything in the spaces it names.
    SpaceAdmin,
    /// Looking only: at the spaces it names, or at all when it names none.
    Reader,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::SiteAdmin, Self::SpaceAdmin, Self::Reader];

    /// As the keys file spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SiteAdmin => "site-admin",
            Self::SpaceAdmin => "space-admin",
            Self::Reader => "reader",
        }
    }

    /// The role that is spelt `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A caller whose key or certificate was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    id: Arc<str>,
    role: Role,
    spaces: Box<[SpaceId]>,
    /// What they are known by, unless it is a key.
    certificate: Option<Arc<ClientCertificate>>,
}

impl Principal {
    pub(super) fn new(id: Arc<str>, role: Role, spaces: &[SpaceId]) -> Self {
        Self {
            id,
            role,
            spaces: spaces.into(),
            certificate: None,
        }
    }

    pub(super) fn known_by(mut self, certificate: Arc<ClientCertificate>) -> Self {
        self.certificate = Some(certificate);
        self
    }

    pub(super) const fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.certificate.as_ref()
    }

    /// What names them in the audit log: the key's id, or `cert:` and the certificate's
    /// common name.
    #[must_use]
    pub const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Their role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The spaces that their role is for.
    #[must_use]
    pub const fn spaces(&self) -> &[SpaceId] {
        &self.spaces
    }

    /// Whether they may look at every space, those to come included.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        match self.role {
            Role::SiteAdmin => true,
            Role::SpaceAdmin => false,
            Role::Reader => self.spaces.is_empty(),
        }
    }

    /// Whether they may look at the sessions of `space`.
    #[must_use]
    pub fn may_read(&self, space: &SpaceId) -> bool {
        self.sees_all() || self.spaces.contains(space)
    }

    /// Whether they may end sessions of `space`.
    #[must_use]
    pub fn may_end(&self, space: &SpaceId) -> bool {
        match self.role {
            Role::SiteAdmin => true,
            Role::SpaceAdmin => self.spaces.contains(space),
            Role::Reader => false,
        }
    }
}
