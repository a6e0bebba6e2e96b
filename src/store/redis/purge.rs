//! Forgetting what has been kept for long enough, and ending what nobody else ends.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Stored;
use super::keys::Shard;
use super::sessions::millis;
use super::store::RedisStore;
use crate::domain::Session;
use crate::store::StoreError;

/// Sessions that a step forgets, or ends, in a shard: a millisecond.
const STEP: usize = 32;

/// Nothing is as early as that.
const NEVER: &str = "-inf";

impl RedisStore {
    pub(super) async fn purge_now(&self) -> Result<usize, StoreError> {
        let old = self
            .time()
            .now()
            .saturating_sub(millis(self.retention().time));
        self.renew_secret().await?;
        let mut purged = 0;
        for shard in Shard::all() {
            purged += self.step(shard, &old.to_string(), NEVER).await?.0;
        }
        if purged == 0 {
            purged = self.purge_excess().await?;
        }
        Ok(purged)
    }

    /// Forgets the first to end, when more are kept than may be.
    async fn purge_excess(&self) -> Result<usize, StoreError> {
        let mut kept = 0;
        for shard in Shard::all() {
            let key = self.keys().of(shard, "gone");
            kept += self
                .link()
                .ask::<usize>(::redis::cmd("ZCARD").arg(key))
                .await?;
        }
        let excess = kept.saturating_sub(self.retention().max).min(STEP);
        if excess == 0 {
            return Ok(0);
        }
        let mut first = Vec::new();
        for shard in Shard::all() {
            let mut command = ::redis::cmd("ZRANGE");
            command.arg(self.keys().of(shard, "gone"));
            command.arg(0).arg(excess - 1).arg("WITHSCORES");
            let ends: Vec<(Vec<u8>, i64)> = self.link().ask(&command).await?;
            first.extend(ends.into_iter().map(|(_, at)| (at, shard.number())));
        }
        first.sort_unstable();
        let Some((last, _)) = first.get(excess - 1) else {
            return Ok(0);
        };
        let mut purged = 0;
        for shard in Shard::all() {
            if first[..excess]
                .iter()
                .any(|(_, number)| *number == shard.number())
            {
                purged += self.step(shard, &last.to_string(), NEVER).await?.0;
            }
        }
        Ok(purged)
    }

    pub(super) async fn end_overdue_now(
        &self,
        grace: Duration,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let due = self.time().now().saturating_sub(millis(grace));
        let mut ended = Vec::new();
        for shard in Shard::all() {
            loop {
                let (lapsed, some) = self.step(shard, NEVER, &due.to_string()).await?;
                ended.extend(some);
                // Those tell nobody that there may be more.
                if lapsed == 0 {
                    break;
                }
            }
        }
        Ok(ended)
    }

    async fn step(
        &self,
        shard: Shard,
        old: &str,
        due: &str,
    ) -> Result<(usize, Vec<Arc<Session>>), StoreError> {
        let mut script = self.scripts().purge.prepare_invoke();
        script
            .key(self.keys().of(shard, "gone"))
            .arg(self.keys().prefix(shard))
            .arg(self.keys().channel())
            .arg(old)
            .arg(due)
            .arg(self.ended_ttl())
            .arg(STEP)
            .arg(self.time().now());
        let (purged, ended): (usize, Vec<(Vec<u8>, Stored)>) = self.link().run(&script).await?;
        Ok((purged, self.restore_all(ended)?))
    }
}
