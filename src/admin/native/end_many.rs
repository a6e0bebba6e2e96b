//! `POST /api/v1/spaces/{space}/sessions/end`: ends the sessions named, or a user's.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::request::{Actor, Body, NoParams, Params, UserSegments};
use super::wire::{EndManyBody, Text};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SessionId;
use crate::sessions::EndOutcome;
use crate::store::StoreError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EndManyRequest {
    session_ids: Option<Vec<String>>,
    user: Option<UserMember>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserMember {
    user_directory: String,
    user_id: String,
}

/// Answers when all of them have ended. With `dryRun`, nothing ends and the answer says what
/// would have.
pub(super) async fn end_many(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Params(NoParams {}): Params<NoParams>,
    Body(request): Body<EndManyRequest>,
) -> Result<Response, Problem> {
    let dry_run = request.dry_run;
    let (target, body) = match (request.session_ids, request.user) {
        (Some(texts), None) => {
            let ids = parse(&texts)?;
            let body = end_ids(&admin, &actor, &ids, dry_run).await?;
            (format!("{} session ids", ids.len()), body)
        }
        (None, Some(user)) => {
            let user = UserSegments {
                directory: user.user_directory,
                id: user.user_id,
            };
            let body = end_user(&admin, &actor, &user, dry_run).await?;
            (format!("{}\\{}", user.directory, user.id), body)
        }
        _ => {
            let why = "either `sessionIds` or `user` is expected";
            return Err(Problem::new(ProblemKind::InvalidBody).detail(why));
        }
    };
    if !dry_run {
        actor.audit("sessions.end", &target, body.ended);
    }
    Ok(Json(body).into_response())
}

async fn end_ids(
    admin: &Admin,
    actor: &Actor,
    ids: &BTreeSet<SessionId>,
    dry_run: bool,
) -> Result<EndManyBody, StoreError> {
    let mut body = EndManyBody {
        requested: ids.len(),
        ended: 0,
        already_ended: 0,
        unknown: Vec::new(),
        dry_run,
    };
    for id in ids {
        let outcome = if dry_run {
            match admin.sessions().get(actor.space(), *id).await? {
                Some(session) if session.end().is_some() => EndOutcome::AlreadyEnded(session),
                Some(session) => EndOutcome::Ended(session),
                None => EndOutcome::Unknown,
            }
        } else {
            let sessions = admin.sessions();
            sessions
                .end_by_id(actor.space(), *id, actor.cause())
                .await?
        };
        match outcome {
            EndOutcome::Ended(_) => body.ended += 1,
            EndOutcome::AlreadyEnded(_) => body.already_ended += 1,
            EndOutcome::Unknown => body.unknown.push(Text(*id)),
        }
    }
    Ok(body)
}

async fn end_user(
    admin: &Admin,
    actor: &Actor,
    user: &UserSegments,
    dry_run: bool,
) -> Result<EndManyBody, StoreError> {
    let key = user.key(actor.space());
    let ended = if dry_run {
        admin.sessions().of_user(key).len()
    } else {
        admin.sessions().end_user(key, &actor.cause()).await?.len()
    };
    Ok(EndManyBody {
        requested: ended,
        ended,
        already_ended: 0,
        unknown: Vec::new(),
        dry_run,
    })
}

/// The ids, each once.
fn parse(texts: &[String]) -> Result<BTreeSet<SessionId>, Problem> {
    let parse = |text: &String| {
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            let why = format!("sessionIds: `{shown}` is not a UUID");
            Problem::new(ProblemKind::InvalidBody).detail(why)
        })
    };
    texts.iter().map(parse).collect()
}
