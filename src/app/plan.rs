//! Everything that options lead to, built and not yet in force.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::authn::{Counter, NewUsers, Users, chain};
use super::demo;
use super::error::BuildError;
use super::options::{AuthnMethod, GatewayOptions, KeySource, SpaceOptions};
use super::space::{Shared, asserted_names, settings};
use crate::admin::SpaceInfo;
use crate::admin::keys::{ApiKey, KeysFile};
use crate::domain::{Clock, SeatLimit, SessionPolicy, SpaceState};
use crate::net::TrustedProxies;
use crate::proxy::headers::{CookieNames, PublishedKeys};
use crate::proxy::router::{Place, Router};
use crate::proxy::{ProxySpace, Targets};
use crate::sessions::Sessions;
use crate::telemetry::Metrics;

/// What a plan is made with.
pub(super) struct Planner<'p> {
    pub(super) sessions: &'p Sessions,
    pub(super) clock: &'p Arc<dyn Clock>,
    pub(super) metrics: &'p Metrics,
    pub(super) assertion_keys: &'p PublishedKeys,
    pub(super) users: &'p Users,
    pub(super) workers: usize,
}

/// What is exchanged when options come into force.
pub(super) struct Plan {
    pub(super) targets: Targets,
    pub(super) trusted: TrustedProxies,
    pub(super) infos: Vec<SpaceInfo>,
    pub(super) keys: Vec<ApiKey>,
    pub(super) users: NewUsers,
    policies: Vec<(Arc<SpaceState>, SessionPolicy, Vec<SeatLimit>)>,
}

impl Planner<'_> {
    /// Builds what `options` lead to. Changes nothing that is in force.
    pub(super) fn plan(&self, options: &GatewayOptions) -> Result<Plan, BuildError> {
        let trusted = TrustedProxies::new(options.edge.trusted_proxies.iter().copied())?;
        let keys = match &options.admin.api_keys {
            Some(path) => KeysFile::load(path)?.list().to_vec(),
            None => Vec::new(),
        };
        refuse_demo_data(options)?;
        let cookies = Arc::new(CookieNames::new(
            options.spaces.iter().map(|space| space.cookie.name()),
        ));
        let asserted: Vec<_> = options.spaces.iter().flat_map(asserted_names).collect();
        let shared = Shared {
            sessions: self.sessions,
            clock: self.clock,
            cookies: &cookies,
            assertion_keys: self.assertion_keys,
            asserted: &asserted,
        };
        let side_port = options.admin.base_url();
        let (mut users, mut targets, mut policies) = (NewUsers::default(), Vec::new(), Vec::new());
        for space in &options.spaces {
            let failed = |(part, source)| BuildError::Space {
                space: space.id.clone(),
                part,
                source,
            };
            // A known space keeps its policy until the plan comes into force.
            let state = match self.sessions.find_space(&space.id) {
                Some(state) => state,
                None => self.sessions.space(&space.id, space.session),
            };
            let counter = Counter {
                sessions: self.sessions,
                state: &state,
                side_port: &side_port,
                shares_prefix: options
                    .spaces
                    .iter()
                    .any(|other| other.id != space.id && other.prefix == space.prefix),
            };
            let chain =
                chain(space, &counter, self.users, &mut users, self.clock).map_err(failed)?;
            let metrics = self.metrics.space(&state);
            let settings = settings(space, chain, &state, metrics, &shared).map_err(failed)?;
            targets.push((
                place(space),
                Arc::new(ProxySpace::new(settings, self.workers)),
            ));
            policies.push((state, space.session, space.licenses.clone()));
        }
        Ok(Plan {
            targets: Router::new(targets),
            trusted,
            infos: options.spaces.iter().map(info).collect(),
            keys,
            users,
            policies,
        })
    }
}

impl Plan {
    /// Puts the spaces' session policies and the seats of their licenses into force.
    pub(super) fn set_policies(&self, sessions: &Sessions) {
        for (state, policy, seats) in &self.policies {
            state.set_policy(*policy);
            sessions.set_seats(state.id(), seats.clone());
        }
    }
}

fn place(space: &SpaceOptions) -> Place {
    Place {
        hosts: space.hosts.clone(),
        prefix: space.prefix.clone(),
    }
}

fn info(space: &SpaceOptions) -> SpaceInfo {
    SpaceInfo {
        id: space.id.clone(),
        name: space.name.clone(),
        prefix: Some(space.prefix.to_string()).filter(|prefix| !prefix.is_empty()),
        hosts: space.hosts.iter().map(ToString::to_string).collect(),
        classify: space.classify.clone(),
    }
}

/// The demo's secrets are known to everybody; they may open nothing to a network.
fn refuse_demo_data(options: &GatewayOptions) -> Result<(), BuildError> {
    let exposed =
        |addresses: &[SocketAddr]| addresses.iter().find(|a| !a.ip().is_loopback()).copied();
    if let (Some(address), Some(path)) = (exposed(&[options.admin.listen]), &options.admin.api_keys)
    {
        refuse(path, demo::data::is_key, "API keys", address)?;
    }
    let Some(address) = exposed(&options.edge.listen) else {
        return Ok(());
    };
    for method in options.spaces.iter().flat_map(|space| &space.authn) {
        match method {
            AuthnMethod::Local(local) => {
                refuse(&local.users, demo::data::is_password, "passwords", address)?
            }
            AuthnMethod::Jwt(jwt) => {
                if let KeySource::PemFile(path) = &jwt.keys {
                    refuse(path, demo::data::is_jwt_key, "token key", address)?;
                }
            }
            AuthnMethod::Header(_)
            | AuthnMethod::Certificate(_)
            | AuthnMethod::Ticket(_)
            | AuthnMethod::Anonymous(_) => {}
        }
    }
    Ok(())
}

fn refuse(
    path: &Path,
    is_demo: fn(&str) -> bool,
    what: &'static str,
    address: SocketAddr,
) -> Result<(), BuildError> {
    match std::fs::read_to_string(path) {
        Ok(text) if is_demo(&text) => Err(BuildError::DemoData {
            path: path.to_owned(),
            what,
            address,
        }),
        // Whether it can be read is for its own reader to say.
        _ => Ok(()),
    }
}
