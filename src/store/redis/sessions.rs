//! Sessions in Redis: begun, found, touched, ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::redis::FromRedisValue;
use uuid::Uuid;

use super::error::{damaged, odd_answer};
use super::keys::Shard;
use super::store::RedisStore;
use crate::domain::{
    EndReason, LimitPolicy, Session, SessionEnd, SessionId, Timestamp, TokenDigest, UserKey,
};
use crate::store::record::{notes, session as record};
use crate::store::{Created, Ended, StoreError, Touch};

/// A record as it stands: `r`, `a`, `e`, `w`, `y`.
pub(super) type Stored = (
    Option<Vec<u8>>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The fields of [`Stored`].
const FIELDS: [&str; 5] = ["r", "a", "e", "w", "y"];

/// What a script says first.
#[derive(Debug)]
pub(super) struct Answer(Vec<::redis::Value>);

impl FromRedisValue for Answer {
    fn from_redis_value(value: ::redis::Value) -> Result<Self, ::redis::ParsingError> {
        Vec::from_redis_value(value).map(Self)
    }
}

impl Answer {
    pub(super) fn word(&self) -> Option<&str> {
        match self.0.first()? {
            ::redis::Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
            ::redis::Value::SimpleString(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn part<T: FromRedisValue>(&self, at: usize) -> Option<T> {
        T::from_redis_value(self.0.get(at)?.clone()).ok()
    }

    fn rest<T: FromRedisValue>(&self) -> Option<Vec<T>> {
        let rest = self.0.iter().skip(1).cloned();
        rest.map(|value| T::from_redis_value(value).ok()).collect()
    }
}

impl RedisStore {
    pub(super) async fn create_now(&self, session: &Session) -> Result<Created, StoreError> {
        let (link, keys, time) = (self.link(), self.keys(), self.time());
        let user = session.user_key();
        let (shard, id) = (Shard::of(user), session.id());
        let lifetime = session.space().lifetime();
        let ttl = self.ttl(lifetime.absolute);
        let pointer = keys.digest(session.digest());
        let place = place_of(shard, id);
        // In a cluster the script cannot: it is in another slot.
        let claims = link.has_one_server();
        if !claims && !self.claim_digest(session.digest(), shard, id, ttl).await? {
            return Ok(Created::Exists);
        }
        let mut kept = session.record();
        kept.started_at = Timestamp::from_unix_millis(time.at(session.started_tick()));
        kept.last_active = Timestamp::from_unix_millis(time.at(session.last_active_tick()));
        kept.end = None;
        let last = Touch::last_of(session);
        let expires = session.started_tick().after(lifetime.absolute);
        let (limit, policy) = match session.space().policy().limit {
            None => (0, ""),
            Some(limit) if limit.policy == LimitPolicy::Refuse => (limit.max, "refuse"),
            Some(limit) => (limit.max, "end_oldest"),
        };
        let mut script = self.scripts().create.prepare_invoke();
        script.key(keys.session(shard, id));
        if claims {
            script.key(&pointer);
        }
        script
            .arg(keys.prefix(shard))
            .arg(keys.channel())
            .arg(time.now())
            .arg(id.as_uuid().as_bytes().as_slice())
            .arg([user.as_bytes(), session.space_id().as_str().as_bytes()].concat())
            .arg(session.digest().as_bytes().as_slice())
            .arg(record::encode(&kept))
            .arg(time.at(last.tick))
            .arg(time.at(last.ends))
            .arg(time.at(expires))
            .arg(ttl)
            .arg(self.ended_ttl())
            .arg(limit)
            .arg(policy)
            .arg(&place)
            .arg(ENDED_AT_ONCE);
        let mut left: Vec<Vec<u8>> = Vec::new();
        let answer = loop {
            let answer: Answer = match link.run(&script).await {
                Ok(answer) => answer,
                Err(error) => {
                    if matches!(error, StoreError::Unavailable(_)) {
                        self.undo(shard, id);
                    }
                    return Err(error);
                }
            };
            if matches!(answer.word(), Some("kept" | "again")) {
                left.extend(answer.rest().ok_or_else(|| odd_answer("create"))?);
            }
            if answer.word() != Some("again") {
                break answer;
            }
        };
        let created = match answer.word() {
            Some("kept") => {
                if left.is_empty() {
                    return Ok(Created::Kept);
                }
                let left = left.iter().filter_map(|id| Uuid::from_slice(id).ok());
                let left = left.map(|id| (shard, SessionId::from_uuid(id))).collect();
                let left = self.read_many(left).await?;
                return Ok(Created::KeptInPlaceOf(left.into_iter().flatten().collect()));
            }
            Some("exists") => return Ok(Created::Exists),
            Some("full") => Created::LimitReached { max: limit },
            Some("locked") => {
                let lock: Vec<u8> = answer.part(1).ok_or_else(|| odd_answer("create"))?;
                let lock = notes::read_lock(&lock).map_err(|error| damaged("lock", error))?;
                Created::Locked(self.lock_here(lock))
            }
            _ => return Err(odd_answer("create")),
        };
        if !claims {
            let _: i64 = link.ask(::redis::cmd("DEL").arg(&pointer)).await?;
        }
        Ok(created)
    }

    /// Makes the token with `digest` the way to the session `id`; `false` when it is the way to
    /// another one.
    pub(super) async fn claim_digest(
        &self,
        digest: &TokenDigest,
        shard: Shard,
        id: SessionId,
        ttl: i64,
    ) -> Result<bool, StoreError> {
        let (link, pointer) = (self.link(), self.keys().digest(digest));
        let place = place_of(shard, id);
        let mut claim = ::redis::cmd("SET");
        claim.arg(&pointer).arg(&place).arg("NX").arg("PX").arg(ttl);
        let claimed: Option<String> = link.ask(&claim).await?;
        if claimed.is_some() {
            return Ok(true);
        }
        let held: Option<Vec<u8>> = link.ask(::redis::cmd("GET").arg(&pointer)).await?;
        Ok(held == Some(place))
    }

    pub(super) async fn load_now(
        &self,
        digest: &TokenDigest,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let pointer = self.keys().digest(digest);
        let place: Option<Vec<u8>> = self.link().ask(::redis::cmd("GET").arg(pointer)).await?;
        let Some((shard, id)) = place.as_deref().and_then(read_place) else {
            return Ok(None);
        };
        let found = self.read(shard, id).await?;
        Ok(found.filter(|session| session.end().is_none() && session.digest() == digest))
    }

    /// The session `id`, wherever it is.
    pub(super) async fn get_now(&self, id: SessionId) -> Result<Option<Arc<Session>>, StoreError> {
        let everywhere = Shard::all().map(|shard| (shard, id)).collect();
        let found = self.read_many(everywhere).await?;
        Ok(found.into_iter().flatten().next())
    }

    pub(super) async fn read(
        &self,
        shard: Shard,
        id: SessionId,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(self.keys().session(shard, id)).arg(&FIELDS);
        self.restore(id, self.link().ask(&command).await?)
    }

    pub(super) async fn read_many(
        &self,
        ids: Vec<(Shard, SessionId)>,
    ) -> Result<Vec<Option<Arc<Session>>>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let stored: Vec<Stored> = self.fields(some, &FIELDS).await?;
            for ((_, id), stored) in some.iter().zip(stored) {
                found.push(self.restore(*id, stored)?);
            }
        }
        Ok(found)
    }

    /// The session that `stored` is of.
    pub(super) fn restore(
        &self,
        id: SessionId,
        stored: Stored,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let (Some(bytes), active, at, reason, by) = stored else {
            return Ok(None);
        };
        let time = self.time();
        let mut found = record::decode(id, &bytes).map_err(|error| damaged("session", error))?;
        let active = active.unwrap_or_else(|| found.last_active.unix_millis());
        found.started_at = time.to_wall(found.started_at.unix_millis());
        found.last_active = time.to_wall(active);
        found.end = self.read_end(at, reason, by)?;
        let session = self.spaces().restore(found, &**time.clock());
        Ok(Some(Arc::new(session)))
    }

    pub(super) async fn touch_now(&self, touched: &[Touch]) -> Result<(), StoreError> {
        let mut by_shard: HashMap<u8, Vec<&Touch>> = HashMap::new();
        for touch in touched {
            let shard = Shard::of(touch.user).number();
            by_shard.entry(shard).or_default().push(touch);
        }
        for shard in Shard::all() {
            let touched = by_shard.remove(&shard.number()).unwrap_or_default();
            for some in touched.chunks(TOUCHED_AT_ONCE) {
                let mut script = self.scripts().touch.prepare_invoke();
                script.arg(self.keys().prefix(shard));
                for touch in some {
                    script
                        .key(self.keys().session(shard, touch.id))
                        .arg(touch.id.as_uuid().as_bytes().as_slice())
                        .arg(self.time().at(touch.tick))
                        .arg(self.time().at(touch.ends));
                }
                let _: i64 = self.link().run(&script).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn end_now(&self, last: Touch, end: SessionEnd) -> Result<Ended, StoreError> {
        let (keys, time) = (self.keys(), self.time());
        let shard = Shard::of(last.user);
        // One that is not due is idle by another rule than its space's, which the caller knows.
        let idle = match end.reason {
            EndReason::Idle if last.ends <= time.clock().tick() => {
                millis(last.ends.since(last.tick)).max(1)
            }
            _ => 0,
        };
        let mut script = self.scripts().end.prepare_invoke();
        script
            .key(keys.session(shard, last.id))
            .arg(keys.prefix(shard))
            .arg(keys.channel())
            .arg(time.now())
            .arg(last.id.as_uuid().as_bytes().as_slice())
            .arg(time.at(last.tick))
            .arg(time.server_of(end.at))
            .arg(end.reason.as_str())
            .arg(end.by.as_deref().unwrap_or_default())
            .arg(self.ended_ttl())
            .arg(idle);
        let answer: Answer = self.link().run(&script).await?;
        if answer.word() == Some("unknown") {
            return Ok(Ended::Unknown);
        }
        let stored: Stored = answer.part(1).ok_or_else(|| odd_answer("end"))?;
        let session = self.restore(last.id, stored)?;
        let session = session.ok_or_else(|| odd_answer("end"))?;
        match answer.word() {
            Some("now") => {
                self.retire(session.digest());
                Ok(Ended::Now(session))
            }
            Some("before") => Ok(Ended::Before(session)),
            Some("active") => Ok(Ended::Active(session)),
            _ => Err(odd_answer("end")),
        }
    }

    /// Lets the way from a digest go soon: it leads to a session that has ended. Nobody waits
    /// for that, and without it, it goes later.
    pub(super) fn retire(&self, digest: &TokenDigest) {
        let Ok(mut connection) = self.link().connection() else {
            return;
        };
        let mut command = ::redis::cmd("PEXPIRE");
        command.arg(self.keys().digest(digest)).arg(RETIRED_MS);
        self.runtime().spawn(async move {
            let _ = command.query_async::<i64>(&mut connection).await;
        });
    }

    pub(super) async fn end_user_now(
        &self,
        user: UserKey,
        end: SessionEnd,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let (keys, shard) = (self.keys(), Shard::of(user));
        let mut all = Vec::new();
        loop {
            let mut script = self.scripts().end_user.prepare_invoke();
            script
                .key(keys.open_of_user(user))
                .arg(keys.prefix(shard))
                .arg(keys.channel())
                .arg(self.time().server_of(end.at))
                .arg(end.reason.as_str())
                .arg(end.by.as_deref().unwrap_or_default())
                .arg(self.ended_ttl())
                .arg(ENDED_AT_ONCE);
            let (seen, ended): (usize, Vec<(Vec<u8>, Stored)>) = self.link().run(&script).await?;
            all.extend(self.restore_all(ended)?);
            if seen < ENDED_AT_ONCE {
                return Ok(all);
            }
        }
    }

    pub(super) fn restore_all(
        &self,
        stored: Vec<(Vec<u8>, Stored)>,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let mut all = Vec::new();
        for (id, stored) in stored {
            let id = Uuid::from_slice(&id).map_err(|_| odd_answer("a script"))?;
            if let Some(session) = self.restore(SessionId::from_uuid(id), stored)? {
                self.retire(session.digest());
                all.push(session);
            }
        }
        Ok(all)
    }

    /// For how long keys of a session live that lives for `absolute` at most.
    pub(super) fn ttl(&self, absolute: Duration) -> i64 {
        let time = absolute.saturating_add(self.retention().time);
        millis(time.saturating_add(Duration::from_secs(86_400))).min(MAX_TTL_MS)
    }

    /// For how long keys of an ended session live: a day more than they are shown, so that
    /// they are forgotten in order.
    pub(super) fn ended_ttl(&self) -> i64 {
        self.ttl(Duration::ZERO)
    }
}

/// Records read at once: a fraction of a millisecond of Redis.
pub(super) const AT_ONCE: usize = 128;

/// Sessions ended by a script at once: a millisecond.
pub(super) const ENDED_AT_ONCE: usize = 32;

/// Sessions touched by a script at once: a fraction of a millisecond.
const TOUCHED_AT_ONCE: usize = 128;

/// For how long the digest of an ended session is known: longer than any login with it takes.
const RETIRED_MS: i64 = 120_000;

/// The longest that a key lives: 400 days.
pub(super) const MAX_TTL_MS: i64 = 400 * 86_400_000;

fn place_of(shard: Shard, id: SessionId) -> Vec<u8> {
    [&[shard.number()], id.as_uuid().as_bytes().as_slice()].concat()
}

fn read_place(bytes: &[u8]) -> Option<(Shard, SessionId)> {
    let (shard, id) = bytes.split_first()?;
    let id = Uuid::from_slice(id).ok()?;
    Some((Shard::read(*shard)?, SessionId::from_uuid(id)))
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
