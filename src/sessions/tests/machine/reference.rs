//! What has to come of the steps, in plain words.

use std::sync::Arc;
use std::time::Duration;

use super::step::{SPACES, USERS};
use super::world::LIFETIME;
use crate::domain::{Session, TokenDigest};

/// Every session there ever was, and the locks.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) sessions: Vec<Known>,
    locks: [[Lock; SPACES.len()]; USERS.len()],
    /// Whether a login came to nothing that the store may know of.
    ghosts: [[bool; SPACES.len()]; USERS.len()],
}

/// A session whose login was answered.
pub(super) struct Known {
    pub(super) session: Arc<Session>,
    pub(super) digest: TokenDigest,
    pub(super) user: usize,
    pub(super) space: usize,
    pub(super) fate: Fate,
    pub(super) started: Duration,
    /// When it was last active, as the store knows at least.
    pub(super) told: Duration,
    /// When it was last active, as whoever judges knows at least.
    pub(super) sure: Duration,
    /// When it was last active, as any node knows.
    pub(super) active: Duration,
    /// When it was, by node.
    pub(super) active_on: [Duration; 3],
    /// Nodes that have refused it, and have to go on so.
    pub(super) heard: [bool; 3],
    /// Credentials that open it, wherever they were seen.
    pub(super) credentials: Vec<TokenDigest>,
}

/// What has become of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody has ended it; its time may be up.
    Open,
    /// It ended, and that was acknowledged at this time.
    Ended(Duration),
    /// Somebody was to end it and could not tell whether they did.
    Unsure,
}

/// Whether the time of a session is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Live,
    /// Whoever says so is right.
    Either,
    Over,
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lock {
    /// Nobody ever locked them.
    #[default]
    Never,
    Locked,
    /// It was lifted; some node may not have heard.
    Lifted,
    Unsure,
}

/// What a login does to the user's other sessions.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// These leave, by their numbers; the login comes through.
    Made(Vec<usize>),
    /// There is none.
    No,
    /// That cannot be said.
    Unsure,
}

/// Sessions that a user may have in the spaces with a limit.
const MAX: usize = 2;

/// Clocks of a fleet are that of the server, each as it was read when the node connected.
const MARGIN: Duration = Duration::from_secs(100);

impl Known {
    /// Whether its time is up at `now`, as far as `exactly` as there is one clock.
    pub(super) fn life(&self, now: Duration, exactly: bool) -> Life {
        let margin = if exactly { Duration::ZERO } else { MARGIN };
        let (age, sure) = (now - self.started, now - self.sure);
        let (idle, absolute) = (LIFETIME.idle, LIFETIME.absolute);
        if age >= absolute + margin || now - self.active >= idle + margin {
            Life::Over
        } else if age + margin < absolute && sure + margin < idle {
            Life::Live
        } else {
            Life::Either
        }
    }

    /// Notes a request that was accepted.
    pub(super) fn used(&mut self, node: usize, now: Duration, exactly: bool) {
        self.active = now;
        self.active_on[node] = now;
        if exactly {
            self.sure = now;
        }
    }
}

impl Reference {
    pub(super) fn lock(&mut self, user: usize, space: usize) -> &mut Lock {
        &mut self.locks[user][space]
    }

    pub(super) fn ghost(&mut self, user: usize, space: usize) -> &mut bool {
        &mut self.ghosts[user][space]
    }

    /// The sessions of a user in a space, by their numbers.
    pub(super) fn of(&self, user: Option<usize>, space: usize) -> Vec<usize> {
        let all = self.sessions.iter().enumerate();
        all.filter(|(_, known)| user.is_none_or(|user| known.user == user) && known.space == space)
            .map(|(number, _)| number)
            .collect()
    }

    /// That those of `numbers` which were open have ended.
    pub(super) fn end(&mut self, numbers: &[usize], now: Duration) {
        for &number in numbers {
            let fate = &mut self.sessions[number].fate;
            if !matches!(fate, Fate::Ended(_)) {
                *fate = Fate::Ended(now);
            }
        }
    }

    /// That those of `numbers` which were open may have ended.
    pub(super) fn doubt(&mut self, numbers: &[usize]) {
        for &number in numbers {
            let fate = &mut self.sessions[number].fate;
            if *fate == Fate::Open {
                *fate = Fate::Unsure;
            }
        }
    }

    /// What becomes of a login of `user` in `space`.
    pub(super) fn room(&self, user: usize, space: usize, now: Duration, exactly: bool) -> Room {
        if space == 0 {
            return Room::Made(Vec::new());
        }
        let (mut live, mut over) = (Vec::new(), Vec::new());
        for number in self.of(Some(user), space) {
            let known = &self.sessions[number];
            match (known.fate, known.life(now, exactly)) {
                (Fate::Ended(_), _) => {}
                (Fate::Open, Life::Live) => live.push(number),
                (Fate::Open, Life::Over) => over.push(number),
                _ => return Room::Unsure,
            }
        }
        if self.ghosts[user][space] {
            return Room::Unsure;
        }
        let excess = (live.len() + 1).saturating_sub(MAX);
        if excess > 0 && space == 2 {
            return Room::No;
        }
        // The oldest by their ids, which have the time of the node that opened them.
        live.sort_by_key(|number| self.sessions[*number].session.id());
        over.extend(live.into_iter().take(excess));
        Room::Made(over)
    }
}
