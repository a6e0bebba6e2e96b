//! What is read from a request. Everything that is not understood is a problem that says
//! what it was; nothing is passed over.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::admin::guard::client_ip;
use crate::admin::keys::Principal;
use crate::admin::problem::{Problem, ProblemKind};
use crate::domain::{SpaceId, SpaceState, UserKey};
use crate::sessions::EndCause;
use crate::telemetry::audit::{self, AdminAction};

/// The variable segments of the path, percent-decoded once.
pub(super) struct Segments<T>(pub(super) T);

/// The query, in which every parameter is known and given once.
pub(super) struct Params<T>(pub(super) T);

/// The body, in which every member is known.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => {
                Err(Problem::new(ProblemKind::InvalidPath).detail(rejection.body_text()))
            }
        }
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                Err(Problem::new(ProblemKind::InvalidQuery).detail(rejection.body_text()))
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection {
                    BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                        Problem::new(ProblemKind::BodyTooLarge)
                    }
                    _ => Problem::new(ProblemKind::InvalidBody).detail("it did not come whole"),
                })?;
        serde_json::from_slice(&bytes)
            .map(|Object(body)| Self(body))
            .map_err(|error| Problem::new(ProblemKind::InvalidBody).detail(error.to_string()))
    }
}

/// A JSON object. A struct alone would also be read from a list of its members' values.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer
            .deserialize_map(Members(PhantomData))
            .map(Object)
    }
}

/// Reads a member that may be left out, but is not null.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The segment that names a session.
#[derive(Deserialize)]
pub(super) struct SessionSegment {
    pub(super) session: String,
}

/// The segments that name a user.
#[derive(Deserialize)]
pub(super) struct UserSegments {
    pub(super) directory: String,
    pub(super) id: String,
}

impl UserSegments {
    pub(super) fn key(&self, space: &SpaceId) -> UserKey {
        UserKey::new(space, &self.directory, &self.id)
    }
}

/// A query without parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// A query that says at most how much of a session to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewParams {
    #[serde(default)]
    pub(super) view: View,
}

/// How much of a session to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum View {
    #[default]
    Basic,
    Full,
}

/// An administrator about to act: who they are and where.
#[derive(Clone)]
pub(super) struct Actor {
    who: Arc<Principal>,
    space: Arc<SpaceState>,
    client_ip: Option<IpAddr>,
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let who = parts.extensions.get::<Arc<Principal>>();
        let space = parts.extensions.get::<Arc<SpaceState>>();
        match (who, space) {
            (Some(who), Some(space)) => Ok(Self {
                who: Arc::clone(who),
                space: Arc::clone(space),
                client_ip: client_ip(&parts.extensions),
            }),
            // Only a route whose need is not to act in a space could come here.
            _ => Err(ProblemKind::Forbidden.into()),
        }
    }
}

impl Actor {
    pub(super) fn space(&self) -> &SpaceId {
        self.space.id()
    }

    /// The id of their key.
    pub(super) fn id(&self) -> &Arc<str> {
        self.who.id()
    }

    /// Why a session ends that they end.
    pub(super) fn cause(&self) -> EndCause {
        EndCause::terminated_by(Arc::clone(self.who.id()))
    }

    /// Writes down what they did.
    pub(super) fn audit(&self, action: &'static str, target: &str, ended: u64) {
        audit::admin_action(&AdminAction {
            action,
            key: self.who.id(),
            client_ip: self.client_ip,
            space: self.space.id(),
            target,
            ended,
        });
    }
}
