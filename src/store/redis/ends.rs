//! The end of one session, and of a user's.

use std::sync::Arc;

use super::answer::{Answer, Stored};
use super::error::odd_answer;
use super::keys::Shard;
use super::sessions::{AT_ONCE, millis};
use super::store::RedisStore;
use crate::domain::{EndReason, Session, SessionEnd, SessionId, TokenDigest, UserKey};
use crate::store::{EndScope, Ended, StoreError, Touch};

/// For how long the digest of an ended session is known: longer than any login with it takes.
const RETIRED_MS: i64 = 120_000;

impl RedisStore {
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
            .arg(idle)
            .arg(&self.link().options.node);
        let before = self.link().history.mark(shard);
        let answer: Answer = self.link().run(&script).await?;
        if answer.word() == Some("unknown") {
            let mark = answer.part(1).ok_or_else(|| odd_answer("end"))?;
            self.link().has_all(shard, before, mark)?;
            self.believe_missing()?;
            return Ok(Ended::Unknown);
        }
        let stored: Stored = answer.part(1).ok_or_else(|| odd_answer("end"))?;
        let session = self.restore(last.id, stored)?;
        let session = session.ok_or_else(|| odd_answer("end"))?;
        match answer.word() {
            Some("now") => {
                let mark = answer.part(2).ok_or_else(|| odd_answer("end"))?;
                self.link().acknowledged(shard, before, mark);
                self.remember_ended(std::slice::from_ref(&session));
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

    /// Few sessions end with one script; more of them with an epoch, unless one goes on.
    pub(super) async fn end_user_now(
        &self,
        user: UserKey,
        keep: Option<SessionId>,
        end: SessionEnd,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let (keys, shard) = (self.keys(), Shard::of(user));
        let kept = keep.map(|id| id.as_uuid().as_bytes().to_vec());
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
                .arg(AT_ONCE)
                .arg(&self.link().options.node)
                .arg(kept.as_deref().unwrap_or_default());
            let before = self.link().history.mark(shard);
            let (more, mark, ended): (bool, u64, Vec<(Vec<u8>, Stored)>) =
                self.link().run(&script).await?;
            self.link().acknowledged(shard, before, mark);
            let ended = self.restore_all(ended)?;
            self.remember_ended(&ended);
            all.extend(ended);
            if !more {
                return Ok(all);
            }
            if keep.is_none() {
                break;
            }
        }
        let scope = EndScope::User(user);
        self.end_scope_now(scope.clone(), end).await?;
        loop {
            let settled = self.settle_now(Some(scope.clone())).await?;
            all.extend(settled.ended);
            if settled.done {
                return Ok(all);
            }
        }
    }

    /// Keeps in mind that `sessions` have ended, should Redis lose it.
    pub(super) fn remember_ended(&self, sessions: &[Arc<Session>]) {
        let now = self.time().clock().tick();
        let mut said = self.recent().said();
        for session in sessions {
            said.ended.push(now, Arc::clone(session));
        }
    }
}
