//! Credentials in the file: under the session that they open, so that they go with it. The
//! table finds them; here they are only kept for the next process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableError};

use super::change::{Change, Credential};
use super::error::Trouble;
use super::record::{self, Key};
use super::store::FileStore;
use super::tables::CREDENTIALS;
use crate::domain::{Session, SessionId, Timestamp, TokenDigest};
use crate::store::{Claimed, CredentialStore, KeptCredential, StoreFuture};

/// Credentials that are kept of a session: a token that is renewed every minute has this many
/// in force when each holds for a quarter of an hour. The first to run out makes room.
const MAX: usize = 16;

/// Credentials of sessions that are being created: they come into the file with them.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<SessionId, Credential>>);

impl Claims {
    pub(super) fn put(&self, id: SessionId, credential: Credential) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.insert(id, credential);
    }

    pub(super) fn take(&self, id: SessionId) -> Option<Credential> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.remove(&id)
    }
}

/// Lets `credential` open the session `key`.
pub(super) fn put(
    table: &mut Table<'_, (Key, [u8; 32]), i64>,
    key: Key,
    credential: &Credential,
) -> Result<(), Trouble> {
    let mut there = Vec::new();
    for entry in table.range(all_of(key))? {
        let (place, until) = entry?;
        there.push((until.value(), place.value()));
    }
    if there.len() >= MAX {
        there.sort_unstable();
        for (_, place) in &there[..=there.len() - MAX] {
            table.remove(*place)?;
        }
    }
    let until = credential.until.unix_millis();
    table.insert((key, *credential.digest.as_bytes()), until)?;
    Ok(())
}

/// Lets nothing open the session `key`.
pub(super) fn drop_all(
    table: &mut Table<'_, (Key, [u8; 32]), i64>,
    key: Key,
) -> Result<(), Trouble> {
    table.retain_in(all_of(key), |_, _| false)?;
    Ok(())
}

fn all_of(key: Key) -> std::ops::RangeInclusive<(Key, [u8; 32])> {
    (key, [0; 32])..=(key, [u8::MAX; 32])
}

/// Those in the file that are in force at `now`, of sessions that `is_open`.
pub(super) fn read(
    database: &Database,
    now: Timestamp,
    is_open: impl Fn(SessionId) -> bool,
) -> Result<Vec<KeptCredential>, Trouble> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(CREDENTIALS) {
        // A file that an earlier version made.
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut found = Vec::new();
    for entry in table.iter()? {
        let (place, until) = entry?;
        let (key, digest) = place.value();
        let kept = KeptCredential {
            digest: TokenDigest::from_bytes(digest),
            session: record::id(key),
            until: Timestamp::from_unix_millis(until.value()),
        };
        if now < kept.until && is_open(kept.session) {
            found.push(kept);
        }
    }
    Ok(found)
}

impl CredentialStore for FileStore {
    fn claim(
        &self,
        credential: TokenDigest,
        session: &Arc<Session>,
        valid_for: Duration,
    ) -> StoreFuture<'_, Claimed> {
        let id = session.id();
        let credential = Credential {
            digest: credential,
            until: self.clock.wall().after(valid_for),
        };
        Box::pin(async move {
            if self.open.get(id).is_some() {
                self.done(Change::PutCredential { id, credential }).await?;
            } else {
                self.claims.put(id, credential);
            }
            Ok(Claimed::Kept)
        })
    }

    fn release(&self, _: TokenDigest, session: &Session) -> StoreFuture<'_, ()> {
        self.claims.take(session.id());
        Box::pin(async { Ok(()) })
    }
}
