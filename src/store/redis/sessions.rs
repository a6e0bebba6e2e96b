//! Sessions in Redis: begun, touched; and what stands in their records.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::answer::Answer;
use super::error::{damaged, odd_answer};
use super::keys::{Shard, place};
use super::server_time::ServerTime;
use super::store::RedisStore;
use crate::domain::{LimitPolicy, Session, SessionId, Timestamp, TokenDigest};
use crate::store::record::{notes, session as record};
use crate::store::{Created, Retention, StoreError, Touch};

impl RedisStore {
    pub(super) async fn create_now(&self, session: &Session) -> Result<Created, StoreError> {
        let (link, keys, time) = (self.link(), self.keys(), self.time());
        let user = session.user_key();
        let (shard, id) = (Shard::of(user), session.id());
        let lifetime = session.space().lifetime();
        let ttl = self.ttl(lifetime.absolute);
        let pointer = keys.digest(session.digest());
        // In a cluster the script cannot: it is in another slot.
        let claims = link.options.mode.has_one_server();
        if !claims && !self.claim_digest(session.digest(), shard, id, ttl).await? {
            return Ok(Created::Exists);
        }
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
            .arg(about(session))
            .arg(session.digest().as_bytes().as_slice())
            .arg(record_of(session, time))
            .arg(time.at(last.tick))
            .arg(time.at(last.ends))
            .arg(time.at(expires))
            .arg(ttl)
            .arg(self.ended_ttl())
            .arg(limit)
            .arg(policy)
            .arg(&link.options.node)
            .arg(place(shard, id))
            .arg(AT_ONCE);
        let mut left: Vec<Vec<u8>> = Vec::new();
        let answer = loop {
            let before = link.history.mark(shard);
            let answer: Answer = match link.run(&script).await {
                Ok(answer) => answer,
                Err(error) => {
                    if matches!(error, StoreError::Unavailable(_)) {
                        self.undo(session);
                    } else if !claims {
                        // It has changed nothing, but for the claim that was before it.
                        let _ = link.ask::<i64>(::redis::cmd("DEL").arg(&pointer)).await;
                    }
                    return Err(error);
                }
            };
            let goes_on = answer.word() == Some("again");
            if goes_on || answer.word() == Some("kept") {
                let odd = || odd_answer("create");
                link.acknowledged(shard, before, answer.part(2).ok_or_else(odd)?);
                left.extend(answer.rest(3).ok_or_else(odd)?);
            }
            if !goes_on {
                break answer;
            }
        };
        let created = match answer.word() {
            Some("kept") => {
                session.set_number(answer.part(1).ok_or_else(|| odd_answer("create"))?);
                if left.is_empty() {
                    return Ok(Created::Kept);
                }
                let left = left.iter().filter_map(|id| Uuid::from_slice(id).ok());
                let left = left.map(|id| (shard, SessionId::from_uuid(id))).collect();
                let left = self.read_many(left).await?;
                let left: Vec<_> = left.into_iter().flatten().collect();
                self.remember_ended(&left);
                return Ok(Created::KeptInPlaceOf(left));
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
        let place = place(shard, id);
        let mut claim = ::redis::cmd("SET");
        claim.arg(&pointer).arg(&place).arg("NX").arg("PX").arg(ttl);
        let claimed: Option<String> = link.ask(&claim).await?;
        if claimed.is_some() {
            return Ok(true);
        }
        let held: Option<Vec<u8>> = link.ask(::redis::cmd("GET").arg(&pointer)).await?;
        Ok(held == Some(place))
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

    /// For how long keys of a session live that lives for `absolute` at most.
    pub(super) fn ttl(&self, absolute: Duration) -> i64 {
        ttl(self.retention(), absolute)
    }

    /// For how long keys of an ended session live: a day more than they are shown, so that
    /// they are forgotten in order.
    pub(super) fn ended_ttl(&self) -> i64 {
        ttl(self.retention(), Duration::ZERO)
    }
}

/// For how long keys of a session live that lives for `absolute` at most.
pub(super) fn ttl(retention: &Retention, absolute: Duration) -> i64 {
    let time = absolute.saturating_add(retention.time);
    millis(time.saturating_add(Duration::from_secs(86_400))).min(MAX_TTL_MS)
}

/// Whose `session` is, and in which space.
pub(super) fn about(session: &Session) -> Vec<u8> {
    let user = session.user_key();
    [user.as_bytes(), session.space_id().as_str().as_bytes()].concat()
}

/// The record of `session` as it began, in the server's time.
pub(super) fn record_of(session: &Session, time: &ServerTime) -> Vec<u8> {
    let mut kept = session.record();
    kept.started_at = Timestamp::from_unix_millis(time.at(session.started_tick()));
    kept.last_active = Timestamp::from_unix_millis(time.at(session.last_active_tick()));
    kept.end = None;
    record::encode(&kept)
}

/// Sessions ended, or looked for, by a script at once: a millisecond.
pub(super) const AT_ONCE: usize = 64;

/// Sessions touched by a script at once: a fraction of a millisecond.
const TOUCHED_AT_ONCE: usize = 128;

/// The longest that a key lives: 400 days.
pub(super) const MAX_TTL_MS: i64 = 400 * 86_400_000;

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
