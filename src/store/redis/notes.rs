//! What stands in Redis beside sessions: tickets, targets, locks, peaks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::error::{damaged, odd_answer};
use super::keys::Shard;
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
        let time = self.time();
        let server = |wall: Timestamp| Timestamp::from_unix_millis(time.server_of(wall));
        let there = UserLock {
            since: server(lock.since),
            until: lock.until.map(server),
            ..lock.clone()
        };
        let left = there.until.map(|until| until.unix_millis() - time.now());
        let until = there.until.map(|until| until.unix_millis().to_string());
        let record = notes::lock(&there);
        // At least a moment: 0 would be for ever.
        let ttl = left.map_or(0, |left| left.max(1));
        self.write_lock(lock.user_key(), record, until.unwrap_or_default(), ttl)
            .await
    }

    pub(super) async fn remove_lock_now(&self, user: UserKey) -> Result<(), StoreError> {
        self.write_lock(user, Vec::new(), String::new(), 0).await
    }

    async fn write_lock(
        &self,
        user: UserKey,
        record: Vec<u8>,
        until: String,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let mut script = self.scripts().lock.prepare_invoke();
        script
            .key(self.keys().lock(user))
            .arg(self.keys().prefix(Shard::of(user)))
            .arg(self.keys().channel())
            .arg(self.time().now())
            .arg(user.as_bytes().as_slice())
            .arg(record)
            .arg(until)
            .arg(ttl);
        self.link().run::<i64>(&script).await.map(drop)
    }

    pub(super) async fn locks_now(&self) -> Result<Vec<UserLock>, StoreError> {
        let now = self.time().now();
        let locked = join_all(Shard::all().map(|shard| async move {
            let mut command = ::redis::cmd("ZRANGE");
            command.arg(self.keys().of(shard, "locks"));
            command.arg(format!("({now}")).arg("+inf").arg("BYSCORE");
            self.link().ask::<Vec<Vec<u8>>>(&command).await
        }));
        let mut locks = Vec::new();
        for users in locked.await {
            let users = users?;
            let users = users
                .iter()
                .filter_map(|key| key.as_slice().try_into().ok());
            let users: Vec<_> = users.map(UserKey::from_bytes).collect();
            for some in users.chunks(256) {
                let read = join_all(some.iter().map(|user| async move {
                    let mut command = ::redis::cmd("HGET");
                    command.arg(self.keys().lock(*user)).arg("l");
                    self.link().ask::<Option<Vec<u8>>>(&command).await
                }));
                for lock in read.await {
                    let Some(lock) = lock? else {
                        continue;
                    };
                    let lock = notes::read_lock(&lock).map_err(|error| damaged("lock", error))?;
                    locks.push(self.lock_here(lock));
                }
            }
        }
        Ok(locks)
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

pub(super) const DAY_MS: i64 = 86_400_000;
