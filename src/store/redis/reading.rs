//! Reading parts of many records.

use std::sync::Arc;

use ::redis::FromRedisValue;

use super::changes;
use super::error::odd_answer;
use super::keys::Shard;
use super::sessions::AT_ONCE;
use super::store::RedisStore;
use crate::domain::{Session, SessionEnd, SessionId};
use crate::store::{Standing, StoreError};

impl RedisStore {
    /// `fields` of the records `ids`.
    pub(super) async fn fields<T: FromRedisValue>(
        &self,
        ids: &[(Shard, SessionId)],
        fields: &[&str],
    ) -> Result<Vec<T>, StoreError> {
        let commands = ids.iter().map(|(shard, id)| {
            let mut command = ::redis::cmd("HMGET");
            command.arg(self.keys().session(*shard, *id)).arg(fields);
            command
        });
        self.link().ask_all(commands.collect()).await
    }

    pub(super) async fn standing_now(
        &self,
        sessions: &[Arc<Session>],
    ) -> Result<Vec<Standing>, StoreError> {
        let ids = sessions.iter().map(|s| (Shard::of(s.user_key()), s.id()));
        let ids: Vec<_> = ids.collect();
        let mut standing = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            for (known, at, reason, by) in self.fields(some, &["m", "e", "w", "y"]).await? {
                let known: Option<Vec<u8>> = known;
                standing.push(match known {
                    None => Standing::Unknown,
                    Some(_) => self
                        .read_end(at, reason, by)?
                        .map_or(Standing::Open, Standing::Ended),
                });
            }
        }
        Ok(standing)
    }

    /// An end as its fields say, in the time of this node; `None` for a session that is open.
    pub(super) fn read_end(
        &self,
        at: Option<String>,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<Option<SessionEnd>, StoreError> {
        let Some(at) = at else {
            return Ok(None);
        };
        let (reason, by) = (reason.unwrap_or_default(), by.unwrap_or_default());
        let end = changes::end(&at, &reason, &by).ok_or_else(|| odd_answer("read"))?;
        let at = self.time().to_wall(end.at.unix_millis());
        Ok(Some(SessionEnd { at, ..end }))
    }
}
