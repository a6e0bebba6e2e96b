//! `POST /authentication/sign_in` and `/authentication/sign_out`.
//!
//! An API client's sign-in is a session like any other: of the first space that its key is
//! for, listed there, with the space's lifetimes and limits, and ended like any other.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::body::JsonBody;
use super::caller::{self, Caller};
use super::cookie;
use super::fault::{Fault, FaultKind};
use crate::admin::keys::{Principal, Role};
use crate::admin::state::Admin;
use crate::domain::{
    AccessType, ClientInfo, ClientType, Connection, EndReason, Method, NewSession, SpaceState,
};
use crate::sessions::{Admission, EndCause, EstablishError, Established};
use crate::telemetry::audit;

/// The head of a request, whatever its body.
pub(super) struct Head(Parts);

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

/// An id and its secret. Some clients send those of a key as a user's.
#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(alias = "user")]
    client_id: String,
    #[serde(alias = "password")]
    client_secret: String,
}

/// Opens a session for the holder of a key, whatever session a cookie names already.
pub(super) async fn sign_in(
    State(admin): State<Arc<Admin>>,
    Head(head): Head,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<Response, Fault> {
    let ip = caller::ip(&head);
    let key = caller::join(&credentials.client_id, &credentials.client_secret);
    let who = caller::verify(&admin, &key, ip).await?;
    let Some(space) = home(&admin, &who) else {
        audit::admin_refused("no_space", Some(who.id()), ip);
        let why = "the key is for no shared space that there is";
        return Err(Fault::new(FaultKind::NotAuthorized, why));
    };
    let new = NewSession {
        identity: Arc::new(caller::identity(&who)),
        method: Method::ApiKey,
        client: client(&head),
        license: None,
        sign_on: None,
    };
    let established = admin
        .sessions()
        .establish(&space, new, Admission::default())
        .await;
    let token = match established {
        Ok(Established::Opened { token, .. }) => token,
        Ok(Established::Joined(_)) => unreachable!("nothing to join by was given"),
        Err(EstablishError::Store(error)) => return Err(error.into()),
        Err(refused) => {
            audit::admin_refused("no_session", Some(who.id()), ip);
            return Err(Fault::new(FaultKind::NotAuthorized, refused.to_string()));
        }
    };
    let mut response = StatusCode::OK.into_response();
    let connection = head.extensions.get::<Connection>();
    cookie::set(
        response.headers_mut(),
        &token,
        space.id(),
        who.id(),
        connection,
    );
    Ok(response)
}

/// Ends the session of the cookie, if there is one, and takes the cookie back.
pub(super) async fn sign_out(
    State(admin): State<Arc<Admin>>,
    Head(head): Head,
) -> Result<Response, Fault> {
    if let Some(session) = Caller::signed_in(&admin, &head.headers).await? {
        let cause = EndCause::because(EndReason::LoggedOut);
        let _ = admin.sessions().end(&session, cause).await?;
    }
    let mut response = StatusCode::OK.into_response();
    cookie::remove(response.headers_mut(), head.extensions.get::<Connection>());
    Ok(response)
}

/// The space that the sign-in of `who` is a session of: the first that the key names, or for
/// a key that names none the first there is.
fn home(admin: &Admin, who: &Principal) -> Option<Arc<SpaceState>> {
    let listed = admin.spaces().load();
    let listed = listed.iter().map(|space| &space.id);
    let open = |id| admin.sessions().find_space(id);
    match who.role() {
        Role::SpaceAdmin => who.spaces().iter().find_map(open),
        _ => listed.filter(|id| who.may_read(id)).find_map(open),
    }
}

fn client(head: &Parts) -> ClientInfo {
    let (client_type, access_type) = kind(&head.headers);
    ClientInfo {
        ip: caller::ip(head),
        user_agent: head.headers.get(header::USER_AGENT).map(|agent| {
            let agent = String::from_utf8_lossy(agent.as_bytes());
            agent[..agent.floor_char_boundary(ClientInfo::MAX_USER_AGENT)].into()
        }),
        client_type,
        access_type,
    }
}

/// What kind of program a client says that it is, in the header `HPECLIENTTYPE`.
fn kind(headers: &HeaderMap) -> (ClientType, AccessType) {
    let says = headers
        .get("hpeclienttype")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if says.starts_with("HPE_MQM_") {
        (ClientType::Ui, AccessType::Ui)
    } else if says == "HPE_CI_CLIENT" {
        (ClientType::Ci, AccessType::Api)
    } else {
        (ClientType::Integration, AccessType::Api)
    }
}
