//! Takes the steps, and holds what happens against the reference.

use std::sync::Arc;
use std::time::Duration;

use super::reference::{Fate, Known, Life, Lock, Reference, Room};
use super::step::{Step, USERS};
use super::world::{Answer, Way, World, eventually};
use crate::domain::{Identity, Session, Token, TokenDigest};
use crate::sessions::tests::new_session;
use crate::sessions::{
    Admission, EndCause, EndOutcome, EstablishError, Established, JoinKey, LockError, LockOrder,
};
use crate::store::redis::OnOutage;

pub(super) struct Actor<'s> {
    world: World<'s>,
    known: Reference,
}

impl<'s> Actor<'s> {
    pub(super) fn new(world: World<'s>) -> Self {
        let known = Reference::default();
        Self { world, known }
    }

    pub(super) async fn take(&mut self, step: Step) {
        match step {
            Step::LogIn { node, user, space } => self.log_in(self.node(node), user, space).await,
            Step::Request { node, session } => {
                if let Some(session) = self.session(session) {
                    self.request(self.node(node), session).await;
                }
            }
            Step::Credential { node, session } => {
                if let Some(session) = self.session(session) {
                    self.add_credential(self.node(node), session).await;
                }
            }
            Step::End { node, session } => {
                if let Some(session) = self.session(session) {
                    self.end(self.node(node), session).await;
                }
            }
            Step::EndUser { node, user, space } => {
                self.end_user(self.node(node), user, space).await;
            }
            Step::EndSpace { node, space } => self.end_space(self.node(node), space).await,
            Step::Lock { node, user, space } => self.lock(self.node(node), user, space).await,
            Step::Unlock { node, user, space } => self.unlock(self.node(node), user, space).await,
            Step::Pass { millis } => self.world.pass(Duration::from_millis(millis)),
            Step::Sweep { node } => self.sweep(self.node(node)).await,
            Step::Flush { node } => self.flush(self.node(node)).await,
            Step::Replace { node, orderly } => self.replace(self.node(node), orderly).await,
            Step::Break { node, cable } => self.world.break_way(self.node(node), cable),
            Step::Deafen { node } => self.world.deafen(self.node(node)),
            Step::Mend { node } => self.mend(self.node(node)).await,
        }
    }

    /// Mends everything, and asks every node about every session.
    pub(super) async fn look_at_everything(&mut self) {
        for node in 0..self.world.nodes.len() {
            self.mend(node).await;
        }
        for session in 0..self.known.sessions.len() {
            for node in 0..self.world.nodes.len() {
                self.request(node, session).await;
            }
        }
    }

    fn node(&self, number: usize) -> usize {
        number % self.world.nodes.len()
    }

    fn session(&self, number: usize) -> Option<usize> {
        // The latest first: more happens to them.
        let count = self.known.sessions.len();
        (count > 0).then(|| count - 1 - number % count)
    }

    fn exactly(&self) -> bool {
        !self.world.is_fleet()
    }

    fn way(&self, node: usize) -> Way {
        self.world.nodes[node].way
    }

    /// Only a store that can be away may fail.
    fn may_fail(&self, what: &str) {
        assert!(self.world.is_fleet(), "{what} failed");
    }

    async fn log_in(&mut self, node: usize, user: usize, space: usize) {
        let (now, exactly) = (self.world.now, self.exactly());
        let mut room = self.known.room(user, space, now, exactly);
        let lock = *self.known.lock(user, space);
        let here = &self.world.nodes[node];
        let at = &here.spaces[space];
        let open = async || {
            let new = new_session(USERS[user]);
            here.sessions.establish(at, new, Admission::default()).await
        };
        let mut login = open().await;
        if lock == Lock::Lifted && matches!(login, Err(EstablishError::Locked { .. })) {
            if here.way != Way::Whole {
                return;
            }
            let identity = Identity::new("LAB", USERS[user]).unwrap();
            eventually("the node hears that the lock is lifted", async || {
                here.sessions.user_lock(at.id(), &identity).is_none()
            })
            .await;
            login = open().await;
        }
        match login {
            Ok(Established::Opened { session, token }) => {
                assert_ne!(lock, Lock::Locked, "a user who is locked logged in");
                assert_ne!(room, Room::No, "a login beyond the limit");
                match &mut room {
                    Room::Made(leave) => self.known.end(leave, now),
                    _ => self.known.doubt(&self.known.of(Some(user), space)),
                }
                self.known.sessions.push(Known {
                    digest: Token::digest(&token),
                    session,
                    user,
                    space,
                    fate: Fate::Open,
                    started: now,
                    told: now,
                    sure: now,
                    active: now,
                    active_on: [Duration::ZERO; 3],
                    heard: [false; 3],
                    credentials: Vec::new(),
                });
            }
            Ok(Established::Joined(session)) => panic!("joined {session:?}"),
            Err(EstablishError::Locked { .. }) => {
                assert!(
                    !matches!(lock, Lock::Never | Lock::Lifted),
                    "nobody locked them"
                );
            }
            Err(EstablishError::LimitReached { .. }) => {
                assert!(matches!(room, Room::No | Room::Unsure), "there was room");
            }
            Err(EstablishError::Store(_)) => {
                self.may_fail("a login");
                *self.known.ghost(user, space) = true;
                self.known.doubt(&self.known.of(Some(user), space));
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn request(&mut self, node: usize, number: usize) {
        let (now, exactly) = (self.world.now, self.exactly());
        let user = self.known.sessions[number].user;
        let lock = *self.known.lock(user, self.known.sessions[number].space);
        let known = &self.known.sessions[number];
        let (digest, space) = (known.digest, known.space);
        let (fate, life, heard) = (known.fate, known.life(now, exactly), known.heard[node]);
        let here = &self.world.nodes[node];
        let ask = async || here.request(&digest, space).await;
        let mut answer = ask().await;
        let what = format!("session {number} on node {node}, {fate:?}, {life:?}, at {now:?}");
        // Who has not heard that a lock was lifted, or could not tell others of one, bars its user.
        let barred = lock != Lock::Never;
        match fate {
            Fate::Unsure => return,
            Fate::Open if life == Life::Over => {
                assert_ne!(answer, Answer::Accepted, "its time is up: {what}");
            }
            Fate::Open if life == Life::Live => {
                if here.way == Way::Whole && answer == Answer::Unsure
                    || lock == Lock::Lifted && answer == Answer::Refused && here.way == Way::Whole
                {
                    // The node is on its way back, or has still to hear that a lock was lifted.
                    eventually("the node can tell", async || {
                        ask().await == Answer::Accepted
                    })
                    .await;
                    answer = Answer::Accepted;
                }
                let refused = answer == Answer::Refused && !barred;
                assert!(!refused, "a live session is refused: {what}");
            }
            Fate::Open => {}
            Fate::Ended(at) if answer == Answer::Accepted => {
                assert!(!heard && self.world.is_fleet(), "accepted again: {what}");
                let bound = OnOutage::Closed.believed_for();
                if here.way == Way::Whole {
                    eventually("it is refused", async || ask().await == Answer::Refused).await;
                    answer = Answer::Refused;
                } else {
                    assert!(now - at <= bound, "accepted after the bound: {what}");
                }
            }
            Fate::Ended(_) => {}
        }
        if matches!(fate, Fate::Ended(_)) || life == Life::Over {
            for credential in &known.credentials {
                let by_credential = here.request_by(credential, space).await;
                let agrees = by_credential != Answer::Accepted || answer == Answer::Accepted;
                assert!(agrees, "accepted by its credential: {what}");
            }
        }
        let known = &mut self.known.sessions[number];
        match answer {
            Answer::Accepted if fate == Fate::Open => {
                known.used(node, now, exactly);
            }
            Answer::Refused => {
                // Who is away and refuses may do so for a lock that was lifted.
                if fate == Fate::Open && life != Life::Live {
                    known.fate = Fate::Ended(now);
                }
                known.heard[node] = matches!(known.fate, Fate::Ended(_));
            }
            _ => {}
        }
    }

    async fn add_credential(&mut self, node: usize, number: usize) {
        let known = &mut self.known.sessions[number];
        let text = format!("{} {number} {}", node, known.credentials.len());
        let digest = TokenDigest::of(text.as_bytes());
        let here = &self.world.nodes[node];
        // Only who has just verified it against a live session of theirs does so.
        if let Some(session) = here.sessions.0.table.by_digest(&known.digest) {
            let join = JoinKey {
                digest,
                valid_for: None,
            };
            let _ = here.sessions.add_credential(&session, join).await;
            known.credentials.push(digest);
        }
    }

    async fn end(&mut self, node: usize, number: usize) {
        let (now, known) = (self.world.now, &self.known.sessions[number]);
        let here = &self.world.nodes[node];
        let (id, space) = (known.session.id(), here.spaces[known.space].id());
        let cause = EndCause::terminated_by("ops");
        match here.sessions.end_by_id(space, id, cause).await {
            Ok(outcome) => {
                let again = matches!(outcome, EndOutcome::Ended(_));
                let over = matches!(known.fate, Fate::Ended(_));
                assert!(!(again && over), "session {number} has ended twice");
                assert!(!matches!(
                    outcome,
                    EndOutcome::Active(_) | EndOutcome::Unknown
                ));
                self.known.end(&[number], now);
                self.known.sessions[number].heard[node] = true;
            }
            Err(_) => {
                self.may_fail("an end");
                self.known.doubt(&[number]);
            }
        }
    }

    async fn end_user(&mut self, node: usize, user: usize, space: usize) {
        let here = &self.world.nodes[node];
        let key = new_session(USERS[user])
            .identity
            .key(here.spaces[space].id());
        let cause = EndCause::terminated_by("ops");
        let ended = here.sessions.end_user(key, &cause).await;
        self.all_of_user_ended(node, user, space, ended.ok());
    }

    fn all_of_user_ended(
        &mut self,
        node: usize,
        user: usize,
        space: usize,
        ended: Option<Vec<Arc<Session>>>,
    ) {
        let all = self.known.of(Some(user), space);
        let Some(ended) = ended else {
            self.may_fail("the end of all");
            return self.known.doubt(&all);
        };
        for &number in &all {
            let known = &mut self.known.sessions[number];
            let is_ended = ended.iter().any(|s| s.id() == known.session.id());
            let over = matches!(known.fate, Fate::Ended(_));
            assert!(!(is_ended && over), "session {number} has ended twice");
            known.heard[node] = true;
        }
        self.known.end(&all, self.world.now);
        *self.known.ghost(user, space) = false;
    }

    async fn end_space(&mut self, node: usize, space: usize) {
        let here = &self.world.nodes[node];
        let cause = EndCause::terminated_by("ops");
        let ended = here.sessions.end_space(&here.spaces[space], &cause).await;
        let all = self.known.of(None, space);
        match ended {
            Ok(_) => {
                self.known.end(&all, self.world.now);
                for &number in &all {
                    self.known.sessions[number].heard[node] = true;
                }
            }
            Err(_) => {
                self.may_fail("the end of a space");
                self.known.doubt(&all);
            }
        }
    }

    async fn lock(&mut self, node: usize, user: usize, space: usize) {
        let here = &self.world.nodes[node];
        let identity = Identity::new("LAB", USERS[user]).unwrap();
        let order = LockOrder {
            time: None,
            by: "ops".into(),
            reason: None,
        };
        let id = here.spaces[space].id();
        let ended = match here.sessions.lock_user(id, &identity, order).await {
            Ok(locked) => {
                *self.known.lock(user, space) = Lock::Locked;
                Some(locked.ended)
            }
            Err(LockError::Store(_)) => {
                *self.known.lock(user, space) = Lock::Unsure;
                None
            }
            Err(error) => panic!("{error}"),
        };
        self.all_of_user_ended(node, user, space, ended);
    }

    async fn unlock(&mut self, node: usize, user: usize, space: usize) {
        let here = &self.world.nodes[node];
        let identity = Identity::new("LAB", USERS[user]).unwrap();
        let (id, lock) = (here.spaces[space].id(), *self.known.lock(user, space));
        if lock == Lock::Locked && here.way == Way::Whole {
            eventually("the node hears of the lock", async || {
                here.sessions.user_lock(id, &identity).is_some()
            })
            .await;
        }
        match here.sessions.unlock_user(id, &identity).await {
            Ok(Some(_)) => *self.known.lock(user, space) = Lock::Lifted,
            Ok(None) => {
                let heard = here.way == Way::Whole;
                assert!(!(lock == Lock::Locked && heard), "the lock was forgotten");
            }
            Err(_) => {
                self.may_fail("lifting a lock");
                *self.known.lock(user, space) = Lock::Unsure;
            }
        }
    }

    async fn sweep(&mut self, node: usize) {
        let swept = self.world.nodes[node].sessions.sweep().await;
        if swept.is_err() {
            self.may_fail("a sweep");
        }
    }

    async fn flush(&mut self, node: usize) {
        let sessions = self.world.nodes[node].sessions.clone();
        sessions.run_flusher(Duration::from_secs(5), async {}).await;
        if self.way(node) != Way::Broken {
            self.told(node);
        }
    }

    /// That the store knows what the node knew.
    fn told(&mut self, node: usize) {
        for known in &mut self.known.sessions {
            known.told = known.told.max(known.active_on[node]);
            known.sure = known.sure.max(known.told);
        }
    }

    async fn replace(&mut self, node: usize, orderly: bool) {
        self.world.replace(node, orderly).await;
        for known in &mut self.known.sessions {
            known.heard[node] = false;
            if !self.world.is_fleet() {
                known.sure = known.told;
            }
        }
    }

    async fn mend(&mut self, node: usize) {
        if self.way(node) == Way::Deaf {
            self.replace(node, false).await;
        } else {
            self.world.mend(node).await;
        }
    }
}
