//! What all nodes of a namespace know.

use super::error::odd_answer;
use super::store::RedisStore;
use crate::domain::SharedSecret;
use crate::store::StoreError;

/// For how long it is kept when no node is there any more, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 86_400_000;

impl RedisStore {
    /// The secret: the one that is there, or else the one that is known here, or a new one.
    pub(super) async fn secret_now(&self) -> Result<SharedSecret, StoreError> {
        let key = self.keys().global("secret");
        let known = self.known_secret().get().cloned();
        let own = known.unwrap_or_else(SharedSecret::generate);
        let mut claim = ::redis::cmd("SET");
        claim.arg(&key).arg(own.expose().as_slice());
        claim.arg("NX").arg("GET").arg("PX").arg(KEPT_MS);
        let there: Option<Vec<u8>> = self.link().ask(&claim).await?;
        let mut keep = ::redis::cmd("PEXPIRE");
        keep.arg(&key).arg(KEPT_MS);
        self.link().ask::<i64>(&keep).await?;
        let secret = match there {
            None => own,
            Some(bytes) => {
                let bytes = bytes.try_into().map_err(|_| odd_answer("SET"))?;
                SharedSecret::from_bytes(bytes)
            }
        };
        let _ = self.known_secret().set(secret.clone());
        Ok(secret)
    }

    /// Keeps the secret for longer, and puts it back when it was lost with all the rest, so
    /// that nodes that start from now on have the same as this one.
    pub(super) async fn renew_secret(&self) -> Result<(), StoreError> {
        match self.known_secret().get() {
            Some(_) => self.secret_now().await.map(drop),
            None => Ok(()),
        }
    }
}
