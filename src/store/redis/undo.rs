//! Logins that were refused because Redis did not answer, and that it may have kept.

use std::time::Duration;

use super::keys::{Shard, place};
use super::store::RedisStore;
use crate::domain::Session;

/// For how long a login is taken back at most: longer than most outages, and in the end the
/// session idles out.
const TRIES: u32 = 3_600;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

impl RedisStore {
    /// Takes `session` back as soon as that is possible, so that it counts under no limit and
    /// stands in no list, and so that a secret that was chosen for it can be used again. Nobody
    /// waits for that.
    pub(super) fn undo(&self, session: &Session) {
        let (link, scripts) = self.shared_parts();
        let (shard, id) = (Shard::of(session.user_key()), session.id());
        let (key, prefix) = (
            self.keys().session(shard, id),
            self.keys().prefix(shard).to_owned(),
        );
        let (pointer, way) = (self.keys().digest(session.digest()), place(shard, id));
        self.runtime().spawn(async move {
            for _ in 0..TRIES {
                let mut script = scripts.undo.prepare_invoke();
                script.key(&key).arg(&prefix);
                script.arg(id.as_uuid().as_bytes().as_slice());
                let mut release = scripts.swap.prepare_invoke();
                release.key(&pointer).arg(&way).arg("").arg(0);
                let has_ended = link.run::<bool>(&script).await.ok();
                if has_ended == Some(true)
                    || has_ended.is_some() && link.run::<bool>(&release).await.is_ok()
                {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
