//! From a space's authentication options to its chain.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::SpaceError;
use super::options::{
    AnonymousMode, AuthnMethod, CertificateOptions, HeaderOptions, HeaderUser, JwtDirectory,
    JwtOptions, KeySource, SpaceOptions, TicketOptions,
};
use crate::authn::certificate::CertificateAuthenticator;
use crate::authn::header::HeaderAuthenticator;
use crate::authn::jwt::{JwtAuthenticator, KeySet, VerifyingKey};
use crate::authn::local::{LocalAuthenticator, LocalUsers, LoginLimits, UsersFile};
use crate::authn::ticket::{LoginModule, TicketAuthenticator};
use crate::authn::{Anonymous, AttributeMapping, Authenticator, Chain, ClaimPath};
use crate::domain::{Clock, SpaceId, SpaceState};
use crate::sessions::Sessions;

/// The users of the local logins, by the file they are in: one and the same over all spaces
/// and reloads, so that what was counted against a guesser stays counted.
#[derive(Default)]
pub(super) struct Users(HashMap<PathBuf, Arc<LocalUsers>>);

/// Users files that were read and are to be put into force.
#[derive(Default)]
pub(super) struct NewUsers(Vec<(PathBuf, Arc<LocalUsers>, UsersFile)>);

impl Users {
    /// The users in `path`, as they are to be.
    fn prepare(
        &self,
        path: &Path,
        new: &mut NewUsers,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<LocalUsers>, SpaceError> {
        if let Some((_, users, _)) = new.0.iter().find(|(known, ..)| known == path) {
            return Ok(Arc::clone(users));
        }
        let file = UsersFile::load(path)?;
        let users = match self.0.get(path) {
            Some(users) => Arc::clone(users),
            None => Arc::new(LocalUsers::new(&file, LoginLimits::default(), clock)),
        };
        new.0.push((path.to_owned(), Arc::clone(&users), file));
        Ok(users)
    }

    /// Puts what was read into force.
    pub(super) fn commit(&mut self, new: NewUsers) {
        for (path, users, file) in new.0 {
            users.replace(&file);
            self.0.insert(path, users);
        }
    }
}

/// What tickets are redeemed with.
pub(super) struct Counter<'c> {
    pub(super) sessions: &'c Sessions,
    pub(super) state: &'c Arc<SpaceState>,
    /// Where login modules reach the side port.
    pub(super) side_port: &'c str,
    /// Whether another space has the same prefix, so that the prefix does not tell them apart.
    pub(super) shares_prefix: bool,
}

/// The chain of a space, in the order of its options.
pub(super) fn chain(
    options: &SpaceOptions,
    counter: &Counter<'_>,
    users: &Users,
    new_users: &mut NewUsers,
    clock: &Arc<dyn Clock>,
) -> Result<Chain, (&'static str, SpaceError)> {
    let mut methods: Vec<Arc<dyn Authenticator>> = Vec::new();
    let mut anonymous = None;
    for method in &options.authn {
        match method {
            AuthnMethod::Jwt(jwt) => {
                methods.push(Arc::new(
                    jwt_authenticator(&options.id, jwt, clock).map_err(|e| ("jwt", e))?,
                ));
            }
            AuthnMethod::Header(header) => {
                methods.push(Arc::new(
                    header_authenticator(&options.id, header).map_err(|e| ("header", e))?,
                ));
            }
            AuthnMethod::Ticket(ticket) => {
                methods.push(Arc::new(
                    counter
                        .authenticator(options, ticket)
                        .map_err(|e| ("ticket", e))?,
                ));
            }
            AuthnMethod::Certificate(certificate) => {
                methods.push(Arc::new(
                    certificate_authenticator(&options.id, certificate, clock)
                        .map_err(|e| ("certificate", e))?,
                ));
            }
            AuthnMethod::Local(local) => {
                let users = users
                    .prepare(&local.users, new_users, clock)
                    .map_err(|e| ("local", e))?;
                methods.push(Arc::new(LocalAuthenticator::new(users)));
            }
            AuthnMethod::Anonymous(AnonymousMode::Allow) => anonymous = Some(Anonymous::allow()),
            AuthnMethod::Anonymous(AnonymousMode::Always) => anonymous = Some(Anonymous::always()),
        }
    }
    let chain = Chain::new(methods);
    Ok(match anonymous {
        Some(anonymous) => chain.with_anonymous(anonymous),
        None => chain,
    })
}

impl Counter<'_> {
    fn authenticator(
        &self,
        space: &SpaceOptions,
        options: &TicketOptions,
    ) -> Result<TicketAuthenticator, SpaceError> {
        let tickets = TicketAuthenticator::new(self.sessions.clone(), Arc::clone(self.state));
        Ok(match &options.module {
            None => tickets,
            Some(module) if self.shares_prefix => {
                tickets.module(LoginModule::by_id(module, self.side_port, &space.id)?)
            }
            Some(module) => {
                tickets.module(LoginModule::new(module, self.side_port, &space.prefix)?)
            }
        })
    }
}

fn jwt_authenticator(
    space: &SpaceId,
    options: &JwtOptions,
    clock: &Arc<dyn Clock>,
) -> Result<JwtAuthenticator, SpaceError> {
    let mut jwt = JwtAuthenticator::builder()
        .space(space)
        .issuer(&options.issuer)
        .leeway(options.leeway)
        .algorithms(options.algorithms.iter().copied())
        .clock(Arc::clone(clock));
    for audience in &options.audiences {
        jwt = jwt.audience(audience.as_str());
    }
    jwt = match &options.keys {
        KeySource::PemFile(path) => jwt.key(VerifyingKey::read_pem(path)?),
        KeySource::SecretFile(path) => {
            jwt.key(VerifyingKey::from_secret(read(path)?.trim_ascii())?)
        }
        KeySource::JwksFile(path) => jwt.jwks(KeySet::read_jwks(path)?),
        KeySource::JwksUrl(url) => jwt.jwks_url(url.to_string()),
    };
    if let Some(header) = &options.header {
        jwt = jwt.header(header.clone());
    }
    if let Some(query) = &options.query {
        jwt = jwt.query_parameter(query);
    }
    jwt = match &options.claims.directory {
        JwtDirectory::Fixed(directory) => jwt.directory(directory.as_str()),
        JwtDirectory::Claim(claim) => jwt.directory_claim(ClaimPath::new(claim)?),
    };
    jwt = jwt
        .id_claim(ClaimPath::new(&options.claims.id)?)
        .name_claim(ClaimPath::new(&options.claims.name)?)
        .email_claim(ClaimPath::new(&options.claims.email)?);
    for mapping in &options.attributes {
        jwt = jwt.attribute(AttributeMapping {
            claim: ClaimPath::new(&mapping.claim)?,
            attribute: mapping.attribute.as_str().into(),
            mandatory: mapping.mandatory,
        });
    }
    Ok(jwt.build()?)
}

fn header_authenticator(
    space: &SpaceId,
    options: &HeaderOptions,
) -> Result<HeaderAuthenticator, SpaceError> {
    let mut header = HeaderAuthenticator::builder(space, options.name.clone());
    header = match &options.user {
        HeaderUser::Id { directory } => header.directory(directory),
        HeaderUser::Pattern(pattern) => header.pattern(pattern),
    };
    for network in &options.trusted {
        header = header.trust(*network);
    }
    if let Some(name) = &options.name_header {
        header = header.name_header(name.clone());
    }
    if let Some(email) = &options.email_header {
        header = header.email_header(email.clone());
    }
    if let Some(groups) = &options.groups_header {
        header = header.attribute_header(groups.clone(), "group");
    }
    Ok(header.build()?)
}

fn certificate_authenticator(
    space: &SpaceId,
    options: &CertificateOptions,
    clock: &Arc<dyn Clock>,
) -> Result<CertificateAuthenticator, SpaceError> {
    let mut certificate = CertificateAuthenticator::builder()
        .space(space)
        .clock(Arc::clone(clock));
    for user in &options.users {
        certificate = certificate.user(user.clone());
    }
    Ok(certificate.build()?)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, SpaceError> {
    std::fs::read(path).map_err(|source| SpaceError::File {
        path: path.to_owned(),
        source,
    })
}
