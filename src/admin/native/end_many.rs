//! `POST /api/v1/spaces/{space}/sessions/end`: ends the sessions named, a user's, or all that
//! a filter lets through.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::end_job;
use super::request::{Actor, Body, NoParams, Object, Params, given};
use super::tasks::{waiting_time, within_a_call};
use super::which::{UserName, Which};
use super::wire::{EndManyBody, TaskBody};
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::{Session, SessionId};
use crate::sessions::{EndOutcome, EndScope, FindQuery};
use crate::store::StoreError;
use crate::tasks::{Task, TaskStatus};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EndManyRequest {
    #[serde(default, deserialize_with = "given")]
    session_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    user: Option<Object<UserMember>>,
    #[serde(default, deserialize_with = "given")]
    filter: Option<String>,
    #[serde(default)]
    dry_run: bool,
    /// Milliseconds.
    #[serde(default, deserialize_with = "given")]
    wait: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserMember {
    user_directory: String,
    user_id: String,
}

/// What is to end.
pub(super) enum Target {
    Ids(BTreeSet<SessionId>),
    User {
        directory: String,
        id: String,
    },
    /// Those that a filter let through, and the filter.
    Matching(Vec<Arc<Session>>, String),
    /// All that are open, of a space that other nodes have as well: one end for all of them.
    Everything,
}

/// With `dryRun`, nothing ends and the answer says what would have. Otherwise, up to 1,000
/// sessions have ended when this answers, unless `wait` says how long it may take; more than
/// these are ended by a task.
pub(super) async fn end_many(
    State(admin): State<Arc<Admin>>,
    actor: Actor,
    Params(NoParams {}): Params<NoParams>,
    Body(request): Body<EndManyRequest>,
) -> Result<Response, Problem> {
    let wait = request
        .wait
        .map(|wait| waiting_time(wait, ProblemKind::InvalidBody));
    let wait = wait.transpose()?;
    let (dry_run, target) = (request.dry_run, target(&admin, &actor, request).await?);
    if dry_run {
        let body = would_end(&admin, &actor, &target).await?;
        return Ok(Json(body).into_response());
    }
    if wait.is_none() && target.len(&admin, &actor).await? <= MAX_AT_ONCE {
        let body = end_at_once(&admin, &actor, &target).await?;
        actor.audit("sessions.end", &target.to_string(), body.ended);
        return Ok(Json(body).into_response());
    }
    let id = end_job::submit(&admin, &actor, target).await?;
    let task = within_a_call(admin.tasks(), id, wait.unwrap_or_default()).await?;
    let task = task.ok_or(ProblemKind::UnknownTask)?;
    Ok(match task.status {
        TaskStatus::Completed | TaskStatus::CompletedWithErrors => {
            Json(EndManyBody::of(&task)).into_response()
        }
        _ => (StatusCode::ACCEPTED, Json(TaskBody::new(&task))).into_response(),
    })
}

async fn target(admin: &Admin, actor: &Actor, request: EndManyRequest) -> Result<Target, Problem> {
    match (request.session_ids, request.user, request.filter) {
        (Some(texts), None, None) => Ok(Target::Ids(parse(&texts)?)),
        (None, Some(Object(user)), None) => Ok(Target::User {
            directory: user.user_directory,
            id: user.user_id,
        }),
        (None, None, Some(filter)) if filter.trim().is_empty() && admin.sessions().is_shared() => {
            Ok(Target::Everything)
        }
        (None, None, Some(filter)) => {
            let which = Which {
                filter: Some(&filter),
                ..Which::default()
            };
            let compiled = which
                .compile()
                .map_err(|problem| problem.of_kind(ProblemKind::InvalidBody))?;
            let sessions = admin.sessions();
            let found = sessions.matching(actor.space(), compiled.as_ref()).await?;
            Ok(Target::Matching(found, filter))
        }
        _ => {
            let why = "exactly one of `sessionIds`, `user` and `filter` is expected";
            Err(Problem::new(ProblemKind::InvalidBody).detail(why))
        }
    }
}

impl Target {
    /// How many sessions there are to end, as far as can be told at once.
    pub(super) async fn len(&self, admin: &Admin, actor: &Actor) -> Result<usize, StoreError> {
        let user = match self {
            Self::Ids(ids) => return Ok(ids.len()),
            Self::Matching(sessions, _) => return Ok(sessions.len()),
            Self::User { directory, id } => Some(UserName { directory, id }.key(actor.space())),
            Self::Everything => None,
        };
        let query = FindQuery {
            space: Some(actor.space().clone()),
            user,
            ..FindQuery::default()
        };
        Ok(admin.sessions().find(query).await?.total)
    }
}

impl std::fmt::Display for Target {
    /// As the audit log names it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ids(ids) => write!(f, "{} session ids", ids.len()),
            Self::User { directory, id } => write!(f, "{directory}\\{id}"),
            Self::Matching(_, filter) => {
                let shown: String = filter.chars().take(MAX_SHOWN).collect();
                write!(f, "filter {shown}")
            }
            Self::Everything => f.write_str("filter "),
        }
    }
}

async fn would_end(
    admin: &Admin,
    actor: &Actor,
    target: &Target,
) -> Result<EndManyBody, StoreError> {
    let mut body = EndManyBody::new(true);
    match target {
        Target::Ids(ids) => {
            body.requested = ids.len() as u64;
            for id in ids {
                match admin.sessions().get(actor.space(), *id).await? {
                    Some(session) if session.end().is_some() => body.already_ended += 1,
                    Some(_) => body.ended += 1,
                    None => body.unknown.push(id.to_string()),
                }
            }
        }
        Target::User { .. } | Target::Matching(..) | Target::Everything => {
            body.requested = target.len(admin, actor).await? as u64;
            body.ended = body.requested;
        }
    }
    Ok(body)
}

async fn end_at_once(
    admin: &Admin,
    actor: &Actor,
    target: &Target,
) -> Result<EndManyBody, StoreError> {
    let sessions = admin.sessions();
    let mut body = EndManyBody::new(false);
    match target {
        Target::Ids(ids) => {
            body.requested = ids.len() as u64;
            for id in ids {
                let ended = sessions.end_by_id(actor.space(), *id, actor.cause());
                body.count(&ended.await?, *id);
            }
        }
        Target::User { directory, id } => {
            let key = UserName { directory, id }.key(actor.space());
            body.ended = sessions.end_user(key, &actor.cause()).await?.len() as u64;
            body.requested = body.ended;
        }
        Target::Everything => {
            let scope = EndScope::Space(actor.space().clone());
            let count = |ended: &[_]| body.ended += ended.len() as u64;
            sessions.end_scope(scope, &actor.cause(), count).await?;
            body.requested = body.ended;
        }
        Target::Matching(found, _) => {
            body.requested = found.len() as u64;
            for session in found {
                let ended = sessions.end(session, actor.cause());
                body.count(&ended.await?, session.id());
            }
        }
    }
    Ok(body)
}

impl EndManyBody {
    fn new(dry_run: bool) -> Self {
        Self {
            requested: 0,
            ended: 0,
            already_ended: 0,
            unknown: Vec::new(),
            dry_run,
        }
    }

    fn of(task: &Task) -> Self {
        let errors = task.report.errors.iter();
        Self {
            requested: task.report.requested,
            ended: task.report.done,
            already_ended: task.report.already,
            unknown: errors.map(|error| error.entity_id.to_string()).collect(),
            dry_run: false,
        }
    }

    fn count(&mut self, outcome: &EndOutcome, id: SessionId) {
        match outcome {
            EndOutcome::Ended(_) => self.ended += 1,
            EndOutcome::AlreadyEnded(_) | EndOutcome::Active(_) => self.already_ended += 1,
            EndOutcome::Unknown => self.unknown.push(id.to_string()),
        }
    }
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

/// How many sessions are ended before the call is answered.
const MAX_AT_ONCE: usize = 1000;
/// Characters of a filter that the audit log shows.
const MAX_SHOWN: usize = 500;
