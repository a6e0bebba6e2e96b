//! A new session: of a user who is not locked, within their limit and the seats of its
//! license, once per credential, durable before its token is given out.

use std::sync::Arc;
use std::time::Duration;

use super::flights::Flight;
use super::{Resolution, Sessions};
use crate::domain::{
    EndReason, Liveness, Method, NewSession, Session, SpaceState, Timestamp, Token, TokenDigest,
};
use crate::store::{Created, StoreError, Touch};
use crate::sync::task;

/// Under what circumstances a session is to be opened.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// What parallel requests that are to share one session have in common.
    pub join: Option<JoinKey>,
    /// The session that the client had until now; it ends before the new one's token is
    /// given out (a new token at every change of privilege).
    pub replaces: Option<Arc<Session>>,
}

/// A credential, or what else stands for it: requests that bring the same one share the
/// session that the first of them opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinKey {
    /// A digest over the credential, the space and whatever else tells callers apart.
    pub digest: TokenDigest,
    /// For how long it opens the session; `None` for as long as the session lives.
    pub valid_for: Option<Duration>,
}

/// What [`Sessions::establish`] did.
#[derive(Debug)]
#[must_use]
pub enum Established {
    /// It opened this session; the token opens it from now on.
    Opened {
        /// The new session.
        session: Arc<Session>,
        /// Its secret, for the client alone.
        token: Token,
    },
    /// An earlier or parallel request with the same [`JoinKey`] had opened this one.
    Joined(Arc<Session>),
}

impl Established {
    /// The session, whoever opened it.
    #[must_use]
    pub const fn session(&self) -> &Arc<Session> {
        match self {
            Self::Opened { session, .. } | Self::Joined(session) => session,
        }
    }
}

/// A session whose secret a trusted program chose.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The session.
    pub session: Arc<Session>,
    /// Whether the user had no session before.
    pub new_user: bool,
}

/// Why no session was opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstablishError {
    /// The user has as many sessions as they may, and the policy is to refuse.
    #[error("the user has {max} sessions, as many as they may have")]
    LimitReached {
        /// How many they may have.
        max: u32,
    },
    /// All seats of the license are taken, and the policy is to refuse.
    #[error("all {seats} seats of the license `{license}` are taken")]
    NoSeat {
        /// The license.
        license: Arc<str>,
        /// How many seats it has.
        seats: u32,
    },
    /// The user is locked.
    #[error("the user is locked")]
    Locked {
        /// Until when; `None` until the lock is lifted.
        until: Option<Timestamp>,
    },
    /// A session with the secret that was chosen is there already, or was until lately.
    #[error("the secret is that of a session that is there already")]
    SecretTaken,
    /// The session was ended while it was being opened.
    #[error("the session was ended while it was being opened")]
    EndedMeanwhile,
    /// The store did not keep it.
    #[error("the new session could not be kept")]
    Store(#[from] StoreError),
}

impl Sessions {
    /// Opens a session of `space`, or joins the one that the same credential opened.
    ///
    /// When this returns, the session is kept by the store, a session it replaces has ended,
    /// and so have those that made room for it: at no time does the user have more sessions
    /// than the limit, or the license more than its seats, however many logins run at once.
    ///
    /// # Errors
    ///
    /// [`EstablishError`]; then no session was opened.
    pub async fn establish(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
        admission: Admission,
    ) -> Result<Established, EstablishError> {
        if !self.0.store.outlives_process() {
            return self.establish_or_join(space, new, admission).await;
        }
        // On a task of its own: a client that gives up half-way must not leave a session in
        // the store that no table knows.
        let (this, space) = (self.clone(), Arc::clone(space));
        let login = async move { this.establish_or_join(&space, new, admission).await };
        match task::spawn(login).await {
            Ok(result) => result,
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(EstablishError::EndedMeanwhile),
        }
    }

    /// Opens a session of `space` whose secret a trusted program chose:
    /// [`TokenDigest::of_chosen`] is `digest`. It is subject to the same limits as any other.
    ///
    /// # Errors
    ///
    /// [`EstablishError`]; then no session was opened. [`EstablishError::SecretTaken`] when the
    /// secret opens a session, or opened one that has ended lately: an ended session's secret
    /// must stay dead.
    pub async fn establish_chosen(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
        digest: TokenDigest,
    ) -> Result<Chosen, EstablishError> {
        let (this, space) = (self.clone(), Arc::clone(space));
        let login = async move {
            let user = new.identity.key(space.id());
            // One whose time is up is there until it is swept, and nobody's any more.
            let others = match this.0.store.shared() {
                Some(_) => this.all_of_user(user).await?,
                None => this.0.table.lock(user).sessions(),
            };
            let now = this.now();
            let is_live = |other: &Arc<Session>| other.liveness(now) == Liveness::Live;
            let new_user = !others.iter().any(is_live);
            let session = this.start(&space, new, digest)?;
            if this.is_taken(&digest) {
                return Err(EstablishError::SecretTaken);
            }
            this.begin(&session, None, true).await?;
            Ok(Chosen { session, new_user })
        };
        match task::spawn(login).await {
            Ok(result) => result,
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(EstablishError::EndedMeanwhile),
        }
    }

    async fn establish_or_join(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
        admission: Admission,
    ) -> Result<Established, EstablishError> {
        let Some(join) = admission.join else {
            return self.open_new(space, new, admission.replaces, None).await;
        };
        // One at a time here; over several nodes, the store sees to it when it is claimed.
        let _flight = self.0.flights.board(join.digest).await;
        match self.resolve_credential(&join.digest, space) {
            Resolution::Live(session) => return Ok(Established::Joined(session)),
            Resolution::Due(session, reason) => {
                self.expire(&session, reason).await?;
                if session.liveness(self.0.clock.tick()) == Liveness::Live {
                    return Ok(Established::Joined(session));
                }
            }
            Resolution::Unknown => {}
        }
        self.open_new(space, new, admission.replaces, Some(join))
            .await
    }

    async fn open_new(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
        replaces: Option<Arc<Session>>,
        join: Option<JoinKey>,
    ) -> Result<Established, EstablishError> {
        let token = Token::generate();
        let digest = match new.method {
            Method::ApiKey => token.side_port_digest(),
            _ => token.digest(),
        };
        let session = self.start(space, new, digest)?;
        let Some(join) = join else {
            self.begin(&session, replaces, false).await?;
            return Ok(Established::Opened { session, token });
        };
        if let Some(other) = self.claim(&join, &session).await? {
            self.set_alias(&other, &join);
            other.touch(self.now());
            return Ok(Established::Joined(other));
        }
        if let Err(refused) = self.begin(&session, replaces, false).await {
            self.release(&join, &session).await;
            return Err(refused);
        }
        self.set_alias(&session, &join);
        Ok(Established::Opened { session, token })
    }

    /// A session that is nowhere yet.
    fn start(
        &self,
        space: &Arc<SpaceState>,
        new: NewSession,
        digest: TokenDigest,
    ) -> Result<Arc<Session>, EstablishError> {
        self.refuse_locked(new.identity.key(space.id()), self.0.clock.tick())?;
        let new = self.0.spaces.share(new);
        let session = Session::start(new, Arc::clone(space), digest, &*self.0.clock);
        Ok(Arc::new(session))
    }

    /// Makes `session` one that its token opens, once the one that it replaces has ended and
    /// there is a place for it.
    async fn begin(
        &self,
        session: &Arc<Session>,
        replaces: Option<Arc<Session>>,
        is_chosen: bool,
    ) -> Result<(), EstablishError> {
        let space = session.space();
        if let Some(old) = replaces {
            self.expire(&old, EndReason::Replaced).await?;
        }
        // Under a limit, logins come one after the other: a place that one of them is still
        // clearing must not be taken by the next. Always the user before the license.
        let _user_turn = match space.policy().limit {
            Some(_) => {
                let user = session.user_key();
                Some(self.turn(&[b"user", user.as_bytes()]).await)
            }
            None => None,
        };
        let _license_turn = match session.license() {
            Some(license) if self.licenses().is_limited(session) => {
                let space = space.id().as_str().as_bytes();
                Some(self.turn(&[b"license", space, license.as_bytes()]).await)
            }
            _ => None,
        };
        self.take_shared_seat(session).await?;
        let created = self.create(session, is_chosen).await;
        if created.is_err() {
            self.leave_shared_seat(session).await;
        }
        created
    }

    /// Keeps `session` in the store and makes it one that its token opens.
    async fn create(&self, session: &Arc<Session>, is_chosen: bool) -> Result<(), EstablishError> {
        let mut place = self.take_place(session).await?;
        let doubts = self.0.freshness.doubts();
        match self.0.store.create(session).await? {
            Created::Kept => {}
            Created::KeptInPlaceOf(left) => self.note_ended(&left),
            Created::LimitReached { max } => return Err(EstablishError::LimitReached { max }),
            Created::Locked(lock) => {
                // It comes into force here as a change, in its place among others: it may have
                // been lifted since.
                return Err(EstablishError::Locked { until: lock.until });
            }
            Created::Exists if is_chosen => return Err(EstablishError::SecretTaken),
            Created::Exists => {
                let what = "its random id or token is taken".to_owned();
                return Err(StoreError::Refused { what }.into());
            }
        }
        if !place.publish() {
            // Somebody ended the user's sessions meanwhile; the store must know it too, unless
            // it is from the store that it is known here.
            if let Some(end) = session.end().cloned() {
                let _ = self.0.store.end(Touch::last_of(session), end).await?;
            }
            return Err(EstablishError::EndedMeanwhile);
        }
        // When the store cannot tell, nobody has the token of what it may have kept.
        if !self.outlived_doubts(session, doubts).await? {
            return Err(EstablishError::EndedMeanwhile);
        }
        Ok(())
    }

    /// Whether `digest` opens a session here, or opened one that has ended lately.
    fn is_taken(&self, digest: &TokenDigest) -> bool {
        self.0.table.by_digest(digest).is_some()
            || self.0.tombstones.has(digest, self.0.clock.tick())
    }

    pub(super) async fn turn(&self, of: &[&[u8]]) -> Flight<'_> {
        self.0.flights.board(TokenDigest::of_parts(of)).await
    }
}
