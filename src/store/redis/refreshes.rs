//! What is renewed for sessions, in Redis: beside the session, in its slot.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::error::odd_answer;
use super::keys::Shard;
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::Session;
use crate::store::{Finished, Lease, RefreshStore, Refreshed, StoreError, StoreFuture};

impl RedisStore {
    async fn lease_now(
        &self,
        session: &Session,
        (seen, waited): (u64, u64),
        time: Duration,
    ) -> Result<Lease, StoreError> {
        let (shard, id) = (Shard::of(session.user_key()), session.id());
        let mut script = self.scripts().refresh_lease.prepare_invoke();
        script
            .key(self.keys().session(shard, id))
            .key(self.keys().refreshed(shard, id))
            .arg(seen)
            .arg(waited)
            .arg(self.time().now())
            .arg(millis(time).max(1));
        let answer: Answer = self.link().run(&script).await?;
        let read = || {
            Some(match answer.word()? {
                "ended" => Lease::Ended,
                "failed" => Lease::Failed,
                "elsewhere" => Lease::Elsewhere {
                    attempt: answer.part(1)?,
                },
                "newer" => Lease::Newer(kept(answer.part(1)?, answer.part(2)?)?),
                "held" => Lease::Held {
                    attempt: answer.part(1)?,
                    current: kept(answer.part(2)?, answer.part(3)?),
                },
                _ => return None,
            })
        };
        read().ok_or_else(|| odd_answer("refresh_lease"))
    }

    async fn finish_now(
        &self,
        session: &Session,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> Result<Finished, StoreError> {
        let (shard, id) = (Shard::of(session.user_key()), session.id());
        let (word, secret) = match &outcome {
            Some(secret) => ("kept", &**secret),
            None => ("failed", &[][..]),
        };
        let mut script = self.scripts().refresh_finish.prepare_invoke();
        script
            .key(self.keys().session(shard, id))
            .key(self.keys().refreshed(shard, id))
            .arg(attempt)
            .arg(word)
            .arg(secret);
        let answer: Answer = self.link().run(&script).await?;
        match (answer.word(), answer.part(1)) {
            (Some("kept"), Some(version)) => Ok(Finished::Kept { version }),
            (Some("late"), _) => Ok(Finished::Late),
            (Some("ended"), _) => Ok(Finished::Ended),
            _ => Err(odd_answer("refresh_finish")),
        }
    }

    async fn refreshed_now(&self, session: &Session) -> Result<Option<Refreshed>, StoreError> {
        let key = self
            .keys()
            .refreshed(Shard::of(session.user_key()), session.id());
        let mut command = ::redis::cmd("HMGET");
        command.arg(key).arg("v").arg("o");
        let found: (Option<u64>, Option<Vec<u8>>) = self.link().ask(&command).await?;
        Ok(match found {
            (Some(version), Some(secret)) => kept(version, secret),
            _ => None,
        })
    }
}

fn kept(version: u64, secret: Vec<u8>) -> Option<Refreshed> {
    (version > 0).then(|| Refreshed {
        version,
        secret: secret.into(),
    })
}

impl RefreshStore for RedisStore {
    fn lease(
        &self,
        session: &Arc<Session>,
        seen: u64,
        waited: u64,
        time: Duration,
    ) -> StoreFuture<'_, Lease> {
        let session = Arc::clone(session);
        Box::pin(async move { self.lease_now(&session, (seen, waited), time).await })
    }

    fn finish(
        &self,
        session: &Arc<Session>,
        attempt: u64,
        outcome: Option<Arc<[u8]>>,
    ) -> StoreFuture<'_, Finished> {
        let session = Arc::clone(session);
        Box::pin(async move { self.finish_now(&session, attempt, outcome).await })
    }

    fn refreshed(&self, session: &Arc<Session>) -> StoreFuture<'_, Option<Refreshed>> {
        let session = Arc::clone(session);
        Box::pin(async move { self.refreshed_now(&session).await })
    }
}
