//! Logins that were refused because Redis did not answer, and that it may have kept.

use std::time::Duration;

use super::keys::Shard;
use super::store::RedisStore;
use crate::domain::SessionId;

/// For how long a login is taken back at most: longer than most outages, and in the end the
/// session idles out.
const TRIES: u32 = 3_600;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

impl RedisStore {
    /// Takes the session `id` back as soon as that is possible, so that it counts under no
    /// limit and stands in no list. Nobody waits for that.
    pub(super) fn undo(&self, shard: Shard, id: SessionId) {
        let (link, scripts) = self.shared_parts();
        let (key, prefix) = (
            self.keys().session(shard, id),
            self.keys().prefix(shard).to_owned(),
        );
        self.runtime().spawn(async move {
            for _ in 0..TRIES {
                let mut script = scripts.undo.prepare_invoke();
                script.key(&key).arg(&prefix);
                script.arg(id.as_uuid().as_bytes().as_slice());
                if link.run::<i64>(&script).await.is_ok() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
