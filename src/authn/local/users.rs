//! Who may log in, and whether they may now.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::limits::{Attempts, LoginLimits, address_key, user_key};
use super::password::{Hashed, MAX_PASSWORD};
use super::users_file::{UserEntry, UsersFile};
use crate::domain::{Clock, Identity, TokenDigest};

/// The users that may log in with a password. They can be [replaced](Self::replace) at any
/// time.
#[derive(Debug)]
pub struct LocalUsers {
    table: ArcSwap<Table>,
    hashing: Arc<Semaphore>,
    max_wait: Duration,
    by_user: Attempts<TokenDigest>,
    by_address: Attempts<IpAddr>,
    /// How many passwords were hashed, and at what cost the last.
    #[cfg(test)]
    hashed: std::sync::Mutex<(usize, (u32, u32, u32))>,
}

/// Why a login did not succeed. The first is all that the person may be told of names and
/// passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No such user, or not their password.
    #[error("the user name or the password is wrong")]
    WrongCredentials,
    /// Too many attempts at this user or from this address.
    #[error("too many attempts; the next one is possible in {retry_after:?}")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Too many logins of all users at once.
    #[error("too many logins at once")]
    Busy,
}

#[derive(Debug)]
struct Table {
    /// By folded directory and id.
    by_name: HashMap<(String, String), Arc<UserEntry>>,
    /// By folded id; `None` where several directories have it.
    by_id: HashMap<String, Option<Arc<UserEntry>>>,
    /// What the password of an unknown user is compared with.
    decoy: Arc<Hashed>,
}

impl LocalUsers {
    /// Bytes of a user name that is looked at: directory, backslash, id.
    const MAX_NAME: usize = 2 * Identity::MAX_PART + 1;

    /// The users of `file`, with `limits` measured by `clock`.
    #[must_use]
    pub fn new(file: &UsersFile, limits: LoginLimits, clock: &Arc<dyn Clock>) -> Self {
        let permits = limits.parallel_hashes.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            table: ArcSwap::from_pointee(Table::new(file)),
            hashing: Arc::new(Semaphore::new(permits)),
            max_wait: limits.max_wait,
            by_user: Attempts::new(limits.user_burst, limits.user_refill, Arc::clone(clock)),
            by_address: Attempts::new(
                limits.address_burst,
                limits.address_refill,
                Arc::clone(clock),
            ),
            #[cfg(test)]
            hashed: std::sync::Mutex::default(),
        }
    }

    /// Lets the users of `file` log in, and nobody else. Attempts stay counted.
    pub fn replace(&self, file: &UsersFile) {
        self.table.store(Arc::new(Table::new(file)));
    }

    /// How many users there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.load().by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The user `name`, if `password` is theirs. `name` is `DIRECTORY\id`, or an id that only
    /// one directory has; case does not matter. `client` is the address that attempts are
    /// counted by. The copies of the password that are made here are wiped.
    ///
    /// # Errors
    ///
    /// See [`LoginError`]. Whether the user exists changes neither the answer nor its cost.
    pub async fn verify(
        &self,
        name: &str,
        password: &str,
        client: Option<IpAddr>,
    ) -> Result<Identity, LoginError> {
        let too_many = |retry_after| LoginError::TooManyAttempts { retry_after };
        if let Some(client) = client {
            self.by_address
                .take(&address_key(client))
                .map_err(too_many)?;
        }
        if name.len() > Self::MAX_NAME || password.len() > MAX_PASSWORD {
            return Err(LoginError::WrongCredentials);
        }
        let turn = Arc::clone(&self.hashing).acquire_owned();
        let turn = tokio::time::timeout(self.max_wait, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(LoginError::Busy);
        };
        // Counted only now: names that are made up are remembered no faster than passwords
        // are hashed, which bounds the memory they take.
        let (user, key, decoy) = self.table.load().find(name);
        self.by_user.take(&key).map_err(too_many)?;

        let password = Zeroizing::new(password.as_bytes().to_vec());
        #[cfg(test)]
        {
            let mut hashed = self.hashed.lock().unwrap();
            let hash = user.as_deref().map_or(&*decoy, UserEntry::password);
            *hashed = (hashed.0 + 1, hash.cost());
        }
        let candidate = user.clone();
        let verified = tokio::task::spawn_blocking(move || {
            // Given back when the work is done, not when the caller goes away.
            let _turn = turn;
            // Nothing matches the decoy; it is the same work.
            let hash = candidate.as_deref().map_or(&*decoy, UserEntry::password);
            hash.matches(&password)
        })
        .await;
        match (verified, user) {
            (Ok(true), Some(user)) => Ok(user.identity().clone()),
            _ => Err(LoginError::WrongCredentials),
        }
    }

    #[cfg(test)]
    pub(super) fn decoy_cost(&self) -> (u32, u32, u32) {
        self.table.load().decoy.cost()
    }

    #[cfg(test)]
    pub(super) fn hashed(&self) -> (usize, (u32, u32, u32)) {
        *self.hashed.lock().unwrap()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.by_user.len(), self.by_address.len())
    }
}

impl Table {
    fn new(file: &UsersFile) -> Self {
        let mut by_name = HashMap::with_capacity(file.users().len());
        let mut by_id = HashMap::with_capacity(file.users().len());
        for user in file.users() {
            let (directory, id) = (user.identity().directory(), user.identity().id());
            let user = Arc::new(user.clone());
            by_id
                .entry(fold(id))
                .and_modify(|other| *other = None)
                .or_insert_with(|| Some(Arc::clone(&user)));
            by_name.insert((fold(directory), fold(id)), user);
        }
        let decoy = Hashed::decoy(file.users().iter().map(UserEntry::password));
        Self {
            by_name,
            by_id,
            decoy: Arc::new(decoy),
        }
    }

    /// The user that `name` names, if any; the key that attempts at them are counted by,
    /// however they are named; what to compare with when there is none.
    fn find(&self, name: &str) -> (Option<Arc<UserEntry>>, TokenDigest, Arc<Hashed>) {
        let name = fold(name);
        let user = match name.split_once('\\') {
            Some((directory, id)) => {
                let name = (directory.trim().to_owned(), id.trim().to_owned());
                self.by_name.get(&name).cloned()
            }
            None => self.by_id.get(&name).cloned().flatten(),
        };
        let key = match &user {
            Some(user) => {
                let identity = user.identity();
                user_key(&[&fold(identity.directory()), &fold(identity.id())])
            }
            None => user_key(&[&name]),
        };
        (user, key, Arc::clone(&self.decoy))
    }
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}
