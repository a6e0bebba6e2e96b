//! What stands in Redis beside sessions: tickets, targets, locks, peaks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::redis::ScriptInvocation;
use futures_util::future::join_all;

use super::error::{damaged, odd_answer};
use super::keys::{Keys, Shard};
use super::link::Link;
use super::recent::SaidLock;
use super::scripts::Scripts;
use super::server_time::ServerTime;
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::{LicensePeak, TargetId, Ticket, Timestamp, TokenDigest, UserKey, UserLock};
use crate::store::record::notes;
use crate::store::{MAX_TARGETS, StoreError};

impl RedisStore {
    pub(super) async fn put_ticket_now(
        &self,
        digest: &TokenDigest,
        ticket: &Ticket,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let until = self.time().now().saturating_add(millis(lifetime));
        let record = notes::ticket(ticket, Timestamp::from_unix_millis(until));
        let mut command = ::redis::cmd("SET");
        command.arg(self.keys().ticket(digest)).arg(record);
        command.arg("PX").arg(millis(lifetime).max(1));
        self.link().ask::<String>(&command).await.map(drop)
    }

    pub(super) async fn take_ticket_now(
        &self,
        digest: &TokenDigest,
    ) -> Result<Option<Ticket>, StoreError> {
        let mut command = ::redis::cmd("GETDEL");
        command.arg(self.keys().ticket(digest));
        let Some(record) = self.link().ask::<Option<Vec<u8>>>(&command).await? else {
            return Ok(None);
        };
        let (ticket, until) =
            notes::read_ticket(&record).map_err(|error| damaged("ticket", error))?;
        Ok((self.time().now() < until.unix_millis()).then_some(ticket))
    }

    pub(super) async fn put_target_now(
        &self,
        id: TargetId,
        target: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let until = self.time().now().saturating_add(millis(lifetime));
        let mut script = self.scripts().target.prepare_invoke();
        script
            .key(self.keys().targets())
            .key(self.keys().target(id))
            .arg(self.time().now())
            .arg(format!("{until} {target}"))
            .arg(millis(lifetime).max(1))
            .arg(MAX_TARGETS);
        self.link().run::<i64>(&script).await.map(drop)
    }

    pub(super) async fn target_now(&self, id: TargetId) -> Result<Option<Arc<str>>, StoreError> {
        let key = self.keys().target(id);
        let found: Option<String> = self.link().ask(::redis::cmd("GET").arg(key)).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let (until, target) = found.split_once(' ').ok_or_else(|| odd_answer("GET"))?;
        let until: i64 = until.parse().map_err(|_| odd_answer("GET"))?;
        Ok((self.time().now() < until).then(|| target.into()))
    }

    pub(super) async fn put_lock_now(&self, lock: &UserLock) -> Result<(), StoreError> {
        self.write_lock(lock.user_key(), Some(lock)).await
    }

    pub(super) async fn remove_lock_now(&self, user: UserKey) -> Result<(), StoreError> {
        self.write_lock(user, None).await
    }

    async fn write_lock(&self, user: UserKey, lock: Option<&UserLock>) -> Result<(), StoreError> {
        let (link, shard) = (self.link(), Shard::of(user));
        let words = LockWords::of(lock, self.time());
        let script = words.script(self.scripts(), self.keys(), link, user, None);
        let before = link.history.mark(shard);
        let (number, mark): (u64, u64) = link.run(&script).await?;
        link.acknowledged(shard, before, mark);
        let said = SaidLock {
            user,
            lock: lock.cloned(),
            number,
        };
        let now = self.time().clock().tick();
        self.recent().said().locks.push(now, said);
        Ok(())
    }

    pub(super) async fn locks_now(&self) -> Result<Vec<UserLock>, StoreError> {
        let of_shards = join_all(Shard::all().map(|shard| self.locks_of(shard))).await;
        let mut locks = HashMap::new();
        for of_shard in of_shards {
            // One that was moved while this went on may have been met twice; the last holds.
            locks.extend(of_shard?.into_iter().map(|lock| (lock.user_key(), lock)));
        }
        Ok(locks.into_values().collect())
    }

    async fn locks_of(&self, shard: Shard) -> Result<Vec<UserLock>, StoreError> {
        let (mut last, mut until, mut locks) = (Vec::new(), String::new(), Vec::new());
        loop {
            let mut script = self.scripts().locks.prepare_invoke();
            script
                .key(self.keys().of(shard, "locks"))
                .arg(self.keys().prefix(shard))
                .arg(self.time().now())
                .arg(&last)
                .arg(&until)
                .arg(LOCKS_AT_ONCE);
            let read: (Vec<u8>, String, Vec<Vec<u8>>) = self.link().run(&script).await?;
            // One that was lifted meanwhile is empty.
            for lock in read.2.iter().filter(|lock| !lock.is_empty()) {
                let lock = notes::read_lock(lock).map_err(|error| damaged("lock", error))?;
                locks.push(self.lock_here(lock));
            }
            (last, until) = (read.0, read.1);
            if last.is_empty() {
                return Ok(locks);
            }
        }
    }

    /// A lock of the server's time in the time of this node.
    pub(super) fn lock_here(&self, lock: UserLock) -> UserLock {
        let here = |at: Timestamp| self.time().to_wall(at.unix_millis());
        UserLock {
            since: here(lock.since),
            until: lock.until.map(here),
            ..lock
        }
    }

    pub(super) async fn put_peaks_now(&self, peaks: &[LicensePeak]) -> Result<(), StoreError> {
        let all = join_all(peaks.iter().map(|peak| async move {
            let mut script = self.scripts().peak.prepare_invoke();
            script
                .key(self.peaks_of(peak.day.day))
                .arg(notes::peak_key(peak))
                .arg(peak.day.peak)
                .arg(notes::peak(peak))
                .arg(
                    millis(self.retention().time)
                        .saturating_add(DAY_MS)
                        .min(400 * DAY_MS),
                );
            self.link().run::<i64>(&script).await.map(drop)
        }));
        all.await.into_iter().collect()
    }

    pub(super) async fn peaks_now(&self) -> Result<Vec<LicensePeak>, StoreError> {
        let today = self.time().clock().wall().unix_millis().div_euclid(DAY_MS);
        let days = millis(self.retention().time)
            .div_euclid(DAY_MS)
            .clamp(1, 400);
        let days = (today - days..=today).map(|day| Timestamp::from_unix_millis(day * DAY_MS));
        let all = join_all(days.map(|day| async move {
            let key = self.peaks_of(day);
            let all: Vec<(Vec<u8>, Vec<u8>)> =
                self.link().ask(::redis::cmd("HGETALL").arg(key)).await?;
            let records = all
                .into_iter()
                .filter(|(field, _)| field.first() == Some(&b'r'));
            records
                .map(|(_, record)| notes::read_peak(&record).map_err(|e| damaged("peak", e)))
                .collect::<Result<Vec<_>, _>>()
        }));
        let mut peaks = Vec::new();
        for day in all.await {
            peaks.extend(day?);
        }
        Ok(peaks)
    }

    fn peaks_of(&self, day: Timestamp) -> String {
        self.keys()
            .global(&format!("peaks:{}", day.unix_millis().div_euclid(DAY_MS)))
    }
}

/// A lock, or that there is none, as the script is told.
pub(super) struct LockWords {
    record: Vec<u8>,
    /// '' for ever.
    until: String,
    /// 0 for ever.
    ttl: i64,
}

impl LockWords {
    pub(super) fn of(lock: Option<&UserLock>, time: &ServerTime) -> Self {
        let Some(lock) = lock else {
            return Self {
                record: Vec::new(),
                until: String::new(),
                ttl: 0,
            };
        };
        let server = |wall: Timestamp| Timestamp::from_unix_millis(time.server_of(wall));
        let there = UserLock {
            since: server(lock.since),
            until: lock.until.map(server),
            ..lock.clone()
        };
        let until = there.until.map(Timestamp::unix_millis);
        Self {
            record: notes::lock(&there),
            until: until.map(|until| until.to_string()).unwrap_or_default(),
            // At least a moment: 0 would be for ever.
            ttl: until.map_or(0, |until| (until - time.now()).max(1)),
        }
    }

    /// Locks `user`, or lifts the lock: as the next of its shard, or with a number as what was
    /// lost.
    pub(super) fn script<'s>(
        self,
        scripts: &'s Scripts,
        keys: &Keys,
        link: &Link,
        user: UserKey,
        number: Option<u64>,
    ) -> ScriptInvocation<'s> {
        let mut script = scripts.lock.prepare_invoke();
        script
            .key(keys.lock(user))
            .arg(keys.prefix(Shard::of(user)))
            .arg(keys.channel())
            .arg(link.time.now())
            .arg(user.as_bytes().as_slice())
            .arg(self.record)
            .arg(self.until)
            .arg(self.ttl)
            .arg(&link.options.node)
            .arg(number.map_or_else(String::new, |number| number.to_string()));
        script
    }
}

/// Locks read by a script.
const LOCKS_AT_ONCE: usize = 128;

pub(super) const DAY_MS: i64 = 86_400_000;
