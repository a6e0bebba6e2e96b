//! What stands beside sessions, as JSON.

use serde::{Deserialize, Serialize};

use super::{LineError, parse, time, value};
use crate::domain::{DayPeak, LicensePeak, Task, TaskError, TaskId, TaskReport, UserLock};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLock {
    space_id: String,
    user_directory: String,
    user_id: String,
    since: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireTask {
    task_id: u64,
    kind: String,
    space_id: String,
    status: String,
    requested: u64,
    done: u64,
    already: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WireTaskError>,
    total_errors: u64,
    created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTaskError {
    index: u64,
    code: String,
    entity_id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePeak {
    space_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    day: String,
    peak: u64,
}

/// Ids of tasks count from the milliseconds of a start, so that no real one is as large; and
/// the next one must be a number.
const MAX_TASK: u64 = 1 << 53;

impl WireLock {
    pub(super) fn of(lock: &UserLock) -> Self {
        Self {
            space_id: lock.space.to_string(),
            user_directory: lock.directory.to_string(),
            user_id: lock.id.to_string(),
            since: lock.since.to_string(),
            until: lock.until.map(|until| until.to_string()),
            by: lock.by.to_string(),
            reason: lock.reason.as_deref().map(str::to_owned),
        }
    }

    pub(super) fn lock(self) -> Result<UserLock, LineError> {
        let until = self.until.map(|until| time("until", &until)).transpose()?;
        Ok(UserLock {
            space: parse("space_id", &self.space_id)?,
            directory: self.user_directory.into(),
            id: self.user_id.into(),
            until,
            since: time("since", &self.since)?,
            by: self.by.into(),
            reason: self.reason.map(Into::into),
        })
    }
}

impl WireTask {
    pub(super) fn of(task: &Task) -> Self {
        let report = &task.report;
        let errors = report.errors.iter().map(|error| WireTaskError {
            index: error.index,
            code: error.code.to_string(),
            entity_id: error.entity_id.to_string(),
        });
        Self {
            task_id: task.id.as_u64(),
            kind: task.kind.to_string(),
            space_id: task.space.to_string(),
            status: task.status.as_str().to_owned(),
            requested: report.requested,
            done: report.done,
            already: report.already,
            errors: errors.collect(),
            total_errors: report.total_errors,
            created: task.created.to_string(),
            started: task.started.map(|at| at.to_string()),
            ended: task.ended.map(|at| at.to_string()),
            failure: task.failure.as_deref().map(str::to_owned),
        }
    }

    pub(super) fn task(self) -> Result<Task, LineError> {
        let errors = self.errors.into_iter().map(|error| TaskError {
            index: error.index,
            code: error.code.into(),
            entity_id: error.entity_id.into(),
        });
        if self.task_id >= MAX_TASK {
            return Err(value("task_id", format!("{} is too large", self.task_id)));
        }
        let started = self.started.map(|at| time("started", &at));
        let ended = self.ended.map(|at| time("ended", &at));
        Ok(Task {
            id: TaskId::new(self.task_id),
            kind: self.kind.into(),
            space: parse("space_id", &self.space_id)?,
            status: parse("status", &self.status)?,
            report: TaskReport {
                requested: self.requested,
                done: self.done,
                already: self.already,
                errors: errors.collect(),
                total_errors: self.total_errors,
            },
            created: time("created", &self.created)?,
            started: started.transpose()?,
            ended: ended.transpose()?,
            failure: self.failure.map(Into::into),
        })
    }
}

impl WirePeak {
    pub(super) fn of(peak: &LicensePeak) -> Self {
        Self {
            space_id: peak.space.to_string(),
            license: peak.license.as_deref().map(str::to_owned),
            day: peak.day.day.to_string(),
            peak: peak.day.peak,
        }
    }

    pub(super) fn peak(self) -> Result<LicensePeak, LineError> {
        Ok(LicensePeak {
            space: parse("space_id", &self.space_id)?,
            license: self.license.map(Into::into),
            day: DayPeak {
                day: time("day", &self.day)?,
                peak: self.peak,
            },
        })
    }
}
