//! `PUT .../sessions/terminate`: ends the sessions that a query names, in the background.
//!
//! In a query that is nothing but ids, `;` means "and also this one". Any other query is a
//! filter, and ends the open sessions that fulfil it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::background_tasks::started;
use super::body::JsonBody;
use super::caller::Caller;
use super::fault::{ENTITY_NOT_FOUND, Fault, FaultKind};
use super::form::Form;
use super::narrowing::Asked;
use super::space::InSpace;
use crate::admin::state::Admin;
use crate::domain::{SessionId, SpaceId};
use crate::query::Compiled;
use crate::sessions::search::Column;
use crate::sessions::{EndCause, EndOutcome, Sessions};
use crate::store::StoreError;
use crate::tasks::{JobResult, SubmitError, TaskFailure, Work};

/// What the body says: that they are to be closed.
#[derive(Deserialize)]
pub(super) struct Closing {
    data: Vec<Closed>,
}

/// What is to become of a session.
#[derive(Deserialize)]
pub(super) struct Closed {
    is_closed: Option<bool>,
}

impl Closed {
    /// Closing is all that can be done to a session.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.is_closed {
            Some(true) => Ok(()),
            _ => Err(Fault::new(
                FaultKind::IllegalBody,
                "is_closed: only true is possible",
            )),
        }
    }
}

/// Starts the task, and waits for its end for as long as `wait` says.
pub(super) async fn terminate(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    space: InSpace,
    form: Form,
    JsonBody(body): JsonBody<Closing>,
) -> Result<Response, Fault> {
    let [closed] = body.data.as_slice() else {
        let why = "data: exactly one entry is expected, as in [{\"is_closed\":true}]";
        return Err(Fault::new(FaultKind::IllegalBody, why));
    };
    closed.check()?;
    let dry_run = form.flag("dry_run")?;
    // A dry run is of no use without its result.
    let wait = match form.number("wait", WAITS)? {
        None => dry_run.then_some(MAX_WAIT),
        Some(millis) => Some(Duration::from_millis(millis).min(MAX_WAIT)),
    };
    let termination = Termination {
        sessions: admin.sessions().clone(),
        space: space.id().clone(),
        spared: match form.flag("exclude_current")? {
            true => caller.current().map(|session| session.id()),
            false => None,
        },
        target: Target::of(form.get("query"))?,
        dry_run,
        caller,
    };
    let tasks = admin.tasks();
    let kind = if dry_run { DRY_RUN } else { TERMINATE };
    let job = |work| termination.run(work);
    let id = tasks
        .submit(kind, space.id().clone(), job)
        .await
        .map_err(not_submitted)?;
    let task = match wait {
        Some(wait) => tasks.wait(id, wait).await?,
        None => tasks.get(id).await?,
    };
    let task = task.ok_or_else(|| Fault::new(FaultKind::Internal, "the task is gone"))?;
    Ok(Json(started(&task)).into_response())
}

fn not_submitted(error: SubmitError) -> Fault {
    match error {
        SubmitError::Unkept(why) => why.into(),
        _ => Fault::new(FaultKind::Unavailable, error.to_string()),
    }
}

/// What is to end.
enum Target {
    /// These, in the order of the query.
    Ids(Vec<String>),
    /// The open ones that fulfil this.
    Filter(Compiled<Column>),
}

impl Target {
    fn of(query: Option<&str>) -> Result<Self, Fault> {
        let asked = Asked::parse(query)?;
        // Never all because nothing was said.
        let names_nothing = || {
            let why = "query: the sessions to end are to be named, as in \
                       (id='a';id='b'), or described by a filter";
            Fault::new(FaultKind::IllegalQuery, why)
        };
        if asked.is_empty() {
            return Err(names_nothing());
        }
        match asked.ids() {
            Some(ids) if ids.is_empty() => Err(names_nothing()),
            Some(ids) => Ok(Self::Ids(ids.into_iter().map(str::to_owned).collect())),
            None => asked.for_open().map(Self::Filter),
        }
    }
}

/// A termination on its way.
struct Termination {
    sessions: Sessions,
    space: SpaceId,
    target: Target,
    /// A session that is left alone.
    spared: Option<SessionId>,
    dry_run: bool,
    caller: Caller,
}

impl Termination {
    async fn run(self, work: Work) -> JobResult {
        let mut ended = 0;
        let result = match &self.target {
            Target::Ids(ids) => self.end_ids(ids, &work, &mut ended).await,
            Target::Filter(filter) => self.end_matching(filter, &work, &mut ended).await,
        };
        if !self.dry_run {
            let target = match &self.target {
                Target::Ids(ids) => format!("{} session ids", ids.len()),
                Target::Filter(_) => "a filter".to_owned(),
            };
            self.caller
                .audit("sessions.end", &self.space, &target, ended);
        }
        result
    }

    async fn end_ids(&self, ids: &[String], work: &Work, ended: &mut usize) -> JobResult {
        let spared = |text: &str| text.parse().ok().is_some_and(|id| Some(id) == self.spared);
        let ids: Vec<_> = (0..).zip(ids).filter(|(_, id)| !spared(id)).collect();
        work.expect(ids.len() as u64);
        for (index, text) in ids {
            work.proceed()?;
            let outcome = match text.parse() {
                Ok(id) => self.end_one(id).await?,
                Err(_) => EndOutcome::Unknown,
            };
            match outcome {
                EndOutcome::Ended(_) => {
                    *ended += 1;
                    work.done();
                }
                EndOutcome::AlreadyEnded(_) | EndOutcome::Active(_) => work.already(),
                EndOutcome::Unknown => {
                    work.error(index, ENTITY_NOT_FOUND, text.as_str());
                }
            }
        }
        Ok(())
    }

    async fn end_one(&self, id: SessionId) -> Result<EndOutcome, TaskFailure> {
        if self.dry_run {
            let session = self.sessions.get(&self.space, id).await.map_err(failed)?;
            return Ok(match session {
                Some(session) if session.end().is_some() => EndOutcome::AlreadyEnded(session),
                Some(session) => EndOutcome::Ended(session),
                None => EndOutcome::Unknown,
            });
        }
        let ended = self.sessions.end_by_id(&self.space, id, self.cause());
        ended.await.map_err(failed)
    }

    async fn end_matching(
        &self,
        filter: &Compiled<Column>,
        work: &Work,
        ended: &mut usize,
    ) -> JobResult {
        let matching = self.sessions.matching(&self.space, Some(filter));
        let mut matching = matching.await.map_err(failed)?;
        matching.retain(|session| Some(session.id()) != self.spared);
        work.expect(matching.len() as u64);
        for session in &matching {
            work.proceed()?;
            if self.dry_run {
                work.done();
                continue;
            }
            let outcome = self.sessions.end(session, self.cause());
            match outcome.await.map_err(failed)? {
                EndOutcome::Ended(_) => {
                    *ended += 1;
                    work.done();
                }
                // It ended by itself after it was found, and may be forgotten already.
                EndOutcome::AlreadyEnded(_) | EndOutcome::Active(_) | EndOutcome::Unknown => {
                    work.already();
                }
            }
        }
        Ok(())
    }

    fn cause(&self) -> EndCause {
        self.caller.cause()
    }
}

fn failed(error: StoreError) -> TaskFailure {
    TaskFailure::because("the sessions could not be ended", &error)
}

/// The kind of tasks that end sessions.
const TERMINATE: &str = "terminate_sessions";
/// The kind of tasks that only say what they would end.
pub(super) const DRY_RUN: &str = "terminate_sessions_dry_run";
/// Less than the time in which the side port has to answer.
const MAX_WAIT: Duration = Duration::from_secs(20);
const WAITS: &str = "a number of milliseconds";
