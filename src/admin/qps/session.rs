//! `GET` and `POST /session`, `GET` and `DELETE /session/{id}`.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::call::Call;
use super::error::QpsError;
use super::input::wrong;
use super::wire::{EndedForm, SessionForm, json};
use super::{lookup, user};
use crate::domain::{
    Classification, ClientInfo, Identity, Method, NewSession, SessionId, SpaceState, Token,
    TokenDigest,
};
use crate::sessions::EndOutcome;

/// The open sessions of the space, newest first.
pub(super) async fn list(call: &Call) -> Result<Response, QpsError> {
    user::list_of(call, None).await
}

/// Opens a session whose secret the caller has chosen, or is told now, and sets itself as the
/// browser's session cookie.
pub(super) async fn add(call: &Call) -> Result<Response, QpsError> {
    let (input, space) = (call.input()?, call.space()?);
    let identity = input.identity()?;
    let secret = match input.session_id() {
        Some(text) => Secret::chosen(text)?,
        None => Secret::generate(),
    };
    // The public id of a session is known to many; it must not become the secret of another.
    if let Ok(public) = secret.text.parse::<SessionId>()
        && call.sessions().get(space.id(), public).await?.is_some()
    {
        return Err(QpsError::SessionExists(secret.text));
    }
    let new = new_session(call, space, identity);
    let opened = call
        .sessions()
        .establish_chosen(space, new, secret.digest)
        .await
        .map_err(|error| QpsError::not_established(error, &secret.text))?;
    let session = &opened.session;
    call.audit("session.add", space.id(), &session.id().to_string(), 0);
    let form = SessionForm::new(session)
        .known_as(&secret.text)
        .of_new_user(opened.new_user);
    Ok(json(StatusCode::CREATED, &form))
}

/// A session.
pub(super) async fn get(call: &Call) -> Result<Response, QpsError> {
    let id = call.variable(0);
    let session = lookup::open(call.sessions(), call.space()?, id).await?;
    let form = SessionForm::new(&session).known_as(id);
    Ok(json(StatusCode::OK, &form))
}

/// A session whose user has come to an external proxy: it counts as used now.
pub(super) async fn note_use(call: &Call) -> Result<Response, QpsError> {
    let (id, space) = (call.variable(0), call.space()?);
    let session = lookup::open(call.sessions(), space, id).await?;
    let session = lookup::note_use(call.sessions(), space, session, id).await?;
    let form = SessionForm::new(&session).known_as(id);
    Ok(json(StatusCode::OK, &form))
}

/// Ends a session; of several that try at once, one does.
pub(super) async fn end(call: &Call) -> Result<Response, QpsError> {
    let (id, space) = (call.variable(0), call.space()?);
    let session = lookup::open(call.sessions(), space, id).await?;
    let EndOutcome::Ended(ended) = call.sessions().end(&session, call.cause()).await? else {
        return Err(lookup::unknown(id));
    };
    call.audit("session.end", space.id(), &ended.id().to_string(), 1);
    let others = user::open_of(call, Some(ended.user_key())).await?;
    let form = EndedForm {
        session: SessionForm::new(&ended).known_as(id),
        last_session_for_user: !others.iter().any(|s| lookup::is_live(call.sessions(), s)),
    };
    Ok(json(StatusCode::OK, &form))
}

fn new_session(call: &Call, space: &SpaceState, identity: Identity) -> NewSession {
    let spaces = call.admin.spaces().load();
    let info = spaces.iter().find(|info| info.id == *space.id());
    let rules = info.map_or(&[][..], |info| &info.classify);
    // The request is the program's; of the user's own there is no header to look at.
    let class = Classification::by(rules, identity.attributes(), &|_| None);
    NewSession {
        identity: Arc::new(identity),
        method: Method::SessionModule,
        client: ClientInfo {
            client_type: class.client_type.unwrap_or_default(),
            access_type: class.access_type.unwrap_or_default(),
            ..ClientInfo::default()
        },
        license: class.license,
        sign_on: None,
    }
}

/// What is to open the session.
struct Secret {
    text: String,
    digest: TokenDigest,
}

impl Secret {
    fn chosen(text: &str) -> Result<Self, QpsError> {
        let Some(digest) = TokenDigest::of_chosen(text.as_bytes()) else {
            let (min, max) = (TokenDigest::MIN_CHOSEN, TokenDigest::MAX_CHOSEN);
            let why = if (min..=max).contains(&text.len()) {
                "it has characters that a cookie cannot have".to_owned()
            } else {
                format!("it has {} characters", text.chars().count())
            };
            return Err(wrong(format!(
                "SessionId: {min} to {max} characters of a cookie are expected, and {why}"
            )));
        };
        Ok(Self {
            text: text.to_owned(),
            digest,
        })
    }

    fn generate() -> Self {
        let token = Token::generate();
        Self {
            text: token.expose(),
            digest: token.digest(),
        }
    }
}
