//! What stands beside sessions: locks, tickets, background tasks, peaks.

use std::sync::Arc;

use super::codec::{FormatError, Reader, Writer};
use super::session::{identity, parse, read_identity};
use crate::domain::{
    DayPeak, LicensePeak, SpaceId, Task, TaskError, TaskId, TaskReport, Ticket, Timestamp, UserLock,
};

/// The version that is written, of each of them.
const VERSION: u8 = 1;

pub(in crate::store) fn lock(lock: &UserLock) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.maybe_time(lock.until);
    out.text(lock.space.as_str());
    out.text(&lock.directory);
    out.text(&lock.id);
    out.time(lock.since);
    out.text(&lock.by);
    out.maybe_text(lock.reason.as_deref());
    out.finish()
}

pub(in crate::store) fn read_lock(bytes: &[u8]) -> Result<UserLock, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let until = read.maybe_time()?;
    let lock = UserLock {
        space: parse::<SpaceId>("the space", read.text()?)?,
        directory: read.text()?.into(),
        id: read.text()?.into(),
        until,
        since: read.time()?,
        by: read.text()?.into(),
        reason: read.maybe_text()?.map(Into::into),
    };
    read.finish()?;
    Ok(lock)
}

/// A ticket that can be redeemed until `until`.
pub(in crate::store) fn ticket(ticket: &Ticket, until: Timestamp) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.time(until);
    identity(&mut out, &ticket.identity);
    out.maybe_text(ticket.target.as_deref());
    out.finish()
}

pub(in crate::store) fn read_ticket(bytes: &[u8]) -> Result<(Ticket, Timestamp), FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let until = read.time()?;
    let ticket = Ticket {
        identity: Arc::new(read_identity(&mut read)?),
        target: read.maybe_text()?.map(Into::into),
    };
    read.finish()?;
    Ok((ticket, until))
}

pub(in crate::store) fn task(task: &Task) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.maybe_time(task.ended);
    out.text(&task.kind);
    out.text(task.space.as_str());
    out.text(task.status.as_str());
    let report = &task.report;
    for number in [
        report.requested,
        report.done,
        report.already,
        report.total_errors,
    ] {
        out.number(number);
    }
    out.count(report.errors.len());
    for error in &report.errors {
        out.number(error.index);
        out.text(&error.code);
        out.text(&error.entity_id);
    }
    out.time(task.created);
    out.maybe_time(task.started);
    out.maybe_text(task.failure.as_deref());
    out.finish()
}

pub(in crate::store) fn read_task(id: u64, bytes: &[u8]) -> Result<Task, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let ended = read.maybe_time()?;
    let kind = read.text()?.to_owned().into();
    let space = parse::<SpaceId>("the space", read.text()?)?;
    let status = parse("the status", read.text()?)?;
    let mut report = TaskReport {
        requested: read.number()?,
        done: read.number()?,
        already: read.number()?,
        total_errors: read.number()?,
        errors: Vec::new(),
    };
    for _ in 0..read.count()? {
        report.errors.push(TaskError {
            index: read.number()?,
            code: read.text()?.to_owned().into(),
            entity_id: read.text()?.into(),
        });
    }
    let task = Task {
        id: TaskId::new(id),
        kind,
        space,
        status,
        report,
        created: read.time()?,
        started: read.maybe_time()?,
        ended,
        failure: read.maybe_text()?.map(Into::into),
    };
    read.finish()?;
    Ok(task)
}

/// Where the peak of a license on a day stands: by day first, so that old ones are together.
pub(in crate::store) fn peak_key(peak: &LicensePeak) -> Vec<u8> {
    let mut key = peak_keys_from(peak.day.day).to_vec();
    key.extend(peak.space.as_str().as_bytes());
    key.push(0);
    if let Some(license) = &peak.license {
        key.push(1);
        key.extend(license.as_bytes());
    }
    key
}

/// The first key of a day.
pub(in crate::store) fn peak_keys_from(day: Timestamp) -> [u8; 8] {
    // The sign's bit turned, so that the bytes sort as the numbers do.
    (day.unix_millis() ^ i64::MIN).to_be_bytes()
}

pub(in crate::store) fn peak(peak: &LicensePeak) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.text(peak.space.as_str());
    out.maybe_text(peak.license.as_deref());
    out.time(peak.day.day);
    out.number(peak.day.peak);
    out.finish()
}

pub(in crate::store) fn read_peak(bytes: &[u8]) -> Result<LicensePeak, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let peak = LicensePeak {
        space: parse::<SpaceId>("the space", read.text()?)?,
        license: read.maybe_text()?.map(Into::into),
        day: DayPeak {
            day: read.time()?,
            peak: read.number()?,
        },
    };
    read.finish()?;
    Ok(peak)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Identity, TaskStatus};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn all_of_them_read_back() {
        let space = SpaceId::new("1001").unwrap();
        for (until, reason) in [(None, None), (Some(at(9)), Some("left"))] {
            let locked = UserLock {
                space: space.clone(),
                directory: "LAB".into(),
                id: "ann".into(),
                until,
                since: at(5),
                by: "ops".into(),
                reason: reason.map(Into::into),
            };
            assert_eq!(read_lock(&lock(&locked)), Ok(locked));
        }
        let bought = Ticket {
            identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
            target: Some("/x?y=1".into()),
        };
        let bytes = ticket(&bought, at(7));
        assert_eq!(read_ticket(&bytes), Ok((bought, at(7))));
        let mut done = Task {
            id: TaskId::new(77),
            kind: "end".into(),
            space: space.clone(),
            status: TaskStatus::Queued,
            report: TaskReport::default(),
            created: at(1),
            started: None,
            ended: None,
            failure: None,
        };
        assert_eq!(read_task(77, &task(&done)).as_ref(), Ok(&done));
        done.report.errors.push(TaskError {
            index: 3,
            code: "not_found".into(),
            entity_id: "x".into(),
        });
        done.report.total_errors = 1;
        (done.started, done.ended) = (Some(at(2)), Some(at(3)));
        (done.status, done.failure) = (TaskStatus::Failed, Some("why".into()));
        assert_eq!(read_task(77, &task(&done)), Ok(done));
        let used = |license: Option<&str>| LicensePeak {
            space: space.clone(),
            license: license.map(Into::into),
            day: DayPeak {
                day: at(86_400_000),
                peak: 5,
            },
        };
        for license in [None, Some(""), Some("Pro")] {
            assert_eq!(read_peak(&peak(&used(license))), Ok(used(license)));
            assert!(peak_key(&used(license)).as_slice() >= &peak_keys_from(at(0))[..]);
        }
        assert_ne!(peak_key(&used(None)), peak_key(&used(Some(""))));
    }

    #[test]
    fn a_later_version_is_refused() {
        let later = [VERSION + 1, 0, 0];
        for error in [
            read_lock(&later).unwrap_err(),
            read_ticket(&later).unwrap_err(),
            read_task(1, &later).unwrap_err(),
            read_peak(&later).unwrap_err(),
        ] {
            assert_eq!(error, FormatError::Version { found: 2, known: 1 });
        }
    }
}
