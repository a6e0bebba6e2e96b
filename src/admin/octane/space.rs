//! What a path names: a space, and an entity of it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde_json::json;

use super::fault::{Fault, FaultKind};
use crate::admin::state::Admin;
use crate::domain::{SpaceId, SpaceState};

/// The space that the path names and the caller administers.
#[derive(Clone, Debug)]
pub(super) struct InSpace(pub(super) Arc<SpaceState>);

impl InSpace {
    pub(super) fn id(&self) -> &SpaceId {
        self.0.id()
    }
}

impl<S: Sync> FromRequestParts<S> for InSpace {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        // Only a route that does not need its space's administrator could come without one.
        let space = parts.extensions.get::<Arc<SpaceState>>();
        space
            .map(|space| Self(Arc::clone(space)))
            .ok_or_else(|| Fault::new(FaultKind::NotAuthorized, "not in a space"))
    }
}

/// The id in a path, of a session or a task. What is no id names nothing.
pub(super) struct EntityId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for EntityId {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let params = RawPathParams::from_request_parts(parts, state).await.ok();
        let named = params.as_ref().and_then(|params| {
            let mut named = params.iter().filter(|(name, _)| *name == "id");
            named.next()
        });
        Ok(Self(named.map(|(_, id)| id.to_owned()).unwrap_or_default()))
    }
}

/// The space with this id or, if there is none, with this name.
pub(super) fn find(admin: &Admin, named: &str) -> Option<Arc<SpaceState>> {
    let of_id = |id: &SpaceId| admin.sessions().find_space(id);
    let by_id = SpaceId::new(named).ok().and_then(|id| of_id(&id));
    by_id.or_else(|| {
        let spaces = admin.spaces().load();
        let space = spaces.iter().find(|space| space.name == named)?;
        of_id(&space.id)
    })
}

/// What is said of a space that is not there, with the word that clients look for.
pub(super) fn unknown(named: &str) -> Fault {
    let shown: String = named.chars().take(80).collect();
    let description = format!("SharedSpaceNotFoundException: there is no shared space {shown}");
    Fault::new(FaultKind::UnknownSpace, description).properties(json!({ "shared_space": shown }))
}
