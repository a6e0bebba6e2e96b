//! The background task that ends many sessions.

use std::sync::Arc;

use super::end_many::Target;
use super::request::Actor;
use super::which::UserName;
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::state::Admin;
use crate::domain::SessionId;
use crate::sessions::{EndOutcome, EndScope, Sessions};
use crate::store::StoreError;
use crate::tasks::{JobResult, SubmitError, TaskFailure, TaskId, Work};

/// Ends `target` in the background.
///
/// # Errors
///
/// When too many tasks wait, or it cannot be kept.
pub(super) async fn submit(
    admin: &Arc<Admin>,
    actor: &Actor,
    target: Target,
) -> Result<TaskId, Problem> {
    let (sessions, job_actor) = (admin.sessions().clone(), actor.clone());
    let named = target.to_string();
    let job_named = named.clone();
    let job_admin = Arc::clone(admin);
    let job = move |work: Work| async move {
        let mut ended = 0;
        if let Ok(count) = target.len(&job_admin, &job_actor).await {
            work.expect(count as u64);
        }
        drop(job_admin);
        let result = run(&sessions, &job_actor, target, &work, &mut ended).await;
        job_actor.audit("sessions.end", &job_named, ended);
        result
    };
    let submitted = admin
        .tasks()
        .submit("sessions.end", actor.space().clone(), job)
        .await;
    let id = submitted.map_err(|error| {
        let busy = Problem::new(ProblemKind::Busy).detail(error.to_string());
        match error {
            SubmitError::TooMany { .. } => busy.retry_after(5),
            SubmitError::Unkept(why) => why.into(),
            _ => busy,
        }
    })?;
    actor.audit("sessions.end.requested", &format!("{named}, task {id}"), 0);
    Ok(id)
}

async fn run(
    sessions: &Sessions,
    actor: &Actor,
    target: Target,
    work: &Work,
    ended: &mut u64,
) -> JobResult {
    let space = actor.space();
    match target {
        Target::Ids(ids) => {
            work.expect(ids.len() as u64);
            for (index, id) in (0..).zip(ids) {
                work.proceed()?;
                let outcome = sessions.end_by_id(space, id, actor.cause()).await;
                count(work, index, id, outcome, ended)?;
                pause(index).await;
            }
        }
        Target::User { directory, id } => {
            let directory = &*directory;
            let key = UserName { directory, id: &id }.key(space);
            let open = sessions.open_by(key).await;
            work.expect(open.map_err(|error| failure(&error))? as u64);
            let gone = sessions.end_user(key, &actor.cause()).await;
            let gone = gone.map_err(|error| failure(&error))?;
            work.expect(gone.len() as u64);
            gone.iter().for_each(|_| work.done());
            *ended = gone.len() as u64;
        }
        Target::Everything => {
            let scope = EndScope::Space(space.clone());
            let result = sessions
                .end_scope(scope, &actor.cause(), |some| {
                    some.iter().for_each(|_| work.done());
                    *ended += some.len() as u64;
                })
                .await;
            work.expect(*ended);
            result.map_err(|error| failure(&error))?;
        }
        Target::Matching(found, _) => {
            work.expect(found.len() as u64);
            for (index, session) in (0..).zip(found) {
                work.proceed()?;
                let outcome = sessions.end(&session, actor.cause()).await;
                count(work, index, session.id(), outcome, ended)?;
                pause(index).await;
            }
        }
    }
    Ok(())
}

fn count(
    work: &Work,
    index: u64,
    id: SessionId,
    outcome: Result<EndOutcome, StoreError>,
    ended: &mut u64,
) -> JobResult {
    match outcome.map_err(|error| failure(&error))? {
        EndOutcome::Ended(_) => {
            *ended += 1;
            work.done();
        }
        EndOutcome::AlreadyEnded(_) | EndOutcome::Active(_) => work.already(),
        EndOutcome::Unknown => work.error(index, "not_found", id.to_string()),
    }
    Ok(())
}

/// Lets other tasks of the thread have their turn.
async fn pause(index: u64) {
    if index % 32 == 31 {
        tokio::task::yield_now().await;
    }
}

fn failure(error: &StoreError) -> TaskFailure {
    TaskFailure::because("not all sessions were ended", error)
}
