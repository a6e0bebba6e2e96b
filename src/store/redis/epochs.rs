//! Ends of many sessions by one write a shard.

use ::redis::ScriptInvocation;
use futures_util::future::join_all;

use super::answer::Stored;
use super::changes;
use super::keys::{Keys, Shard};
use super::link::Link;
use super::scripts::Scripts;
use super::store::RedisStore;
use crate::domain::SessionEnd;
use crate::store::{EndScope, Epoch, Settled, StoreError};

/// Sessions that a step looks at in a shard, and of which it marks so many at most: a
/// millisecond or two of Redis' time.
const LOOKS: usize = 500;
const STEP: usize = 32;

/// After this time without a step, who began to mark them is no more.
const ABANDONED_MS: i64 = 30_000;

/// Whether there are more, and those that were marked.
type Step = (bool, Vec<(Vec<u8>, Stored)>);

/// Places the epoch: the next one of `shard`, or with a number one that it has lost.
pub(super) fn script<'s>(
    scripts: &'s Scripts,
    keys: &Keys,
    link: &Link,
    shard: Shard,
    scope: &EndScope,
    end: &SessionEnd,
    number: Option<u64>,
) -> ScriptInvocation<'s> {
    let name = changes::scope(scope);
    let mut script = scripts.epoch.prepare_invoke();
    script
        .key(keys.epochs(shard, &name))
        .arg(keys.prefix(shard))
        .arg(keys.channel())
        .arg(link.time.now())
        .arg(&link.options.node)
        .arg(&name)
        .arg(changes::epoch_head(shard, &name))
        .arg(number.map_or_else(String::new, |number| number.to_string()))
        .arg(link.time.server_of(end.at))
        .arg(end.reason.as_str())
        .arg(end.by.as_deref().unwrap_or_default());
    script
}

fn shards_of(scope: &EndScope) -> Vec<Shard> {
    match scope {
        EndScope::User(user) => vec![Shard::of(*user)],
        EndScope::Everything | EndScope::Space(_) => Shard::all().collect(),
    }
}

impl RedisStore {
    pub(super) async fn end_scope_now(
        &self,
        scope: EndScope,
        end: SessionEnd,
    ) -> Result<Vec<Epoch>, StoreError> {
        let placed = join_all(shards_of(&scope).into_iter().map(|shard| {
            let (scope, end) = (scope.clone(), end.clone());
            async move {
                let (scripts, keys, link) = (self.scripts(), self.keys(), self.link());
                let script = script(scripts, keys, link, shard, &scope, &end, None);
                let before = link.history.mark(shard);
                let (upto, mark): (u64, u64) = link.run(&script).await?;
                link.acknowledged(shard, before, mark);
                let epoch = Epoch {
                    scope,
                    part: shard.part(),
                    upto,
                    end,
                };
                let now = link.time.clock().tick();
                self.recent().said().epochs.push(now, epoch.clone());
                Ok(epoch)
            }
        }));
        placed.await.into_iter().collect()
    }

    pub(super) async fn settle_now(&self, scope: Option<EndScope>) -> Result<Settled, StoreError> {
        let name = scope.as_ref().map(changes::scope).unwrap_or_default();
        let shards = scope
            .as_ref()
            .map_or_else(|| Shard::all().collect(), shards_of);
        let steps = join_all(shards.into_iter().map(|shard| {
            let now = self.time().now();
            let mut script = self.scripts().settle.prepare_invoke();
            script
                .key(self.keys().of(shard, "xp"))
                .arg(self.keys().prefix(shard))
                .arg(self.keys().channel())
                .arg(now)
                .arg(self.ended_ttl())
                .arg(&name)
                .arg(now.saturating_sub(ABANDONED_MS))
                .arg(LOOKS)
                .arg(STEP);
            async move {
                let step: Result<Step, StoreError> = self.link().run(&script).await;
                step
            }
        }));
        let mut settled = Settled {
            ended: Vec::new(),
            done: true,
        };
        for step in steps.await {
            let (more, ended) = step?;
            settled.done &= !more;
            settled.ended.extend(self.restore_all(ended)?);
        }
        Ok(settled)
    }
}
