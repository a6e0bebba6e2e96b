//! Ends of many sessions at once, as one line in the order of all sessions.

use crate::domain::{Session, SessionEnd, SpaceId, UserKey};

/// Whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndScope {
    /// All sessions that there are.
    Everything,
    /// Those of a space.
    Space(SpaceId),
    /// Those of a user.
    User(UserKey),
}

impl EndScope {
    /// Whether `session` is one of them, whenever it was opened.
    #[must_use]
    pub fn includes(&self, session: &Session) -> bool {
        match self {
            Self::Everything => true,
            Self::Space(space) => space == session.space_id(),
            Self::User(user) => *user == session.user_key(),
        }
    }
}

/// That all sessions of a scope have ended which a [`SharedStore`](super::SharedStore) opened
/// up to a moment: those with numbers up to [`upto`](Self::upto).
///
/// Numbers are the store's own, so no clock has a say in which session came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Whose sessions.
    pub scope: EndScope,
    /// Which part of all users this is about; each has numbers of its own.
    pub part: UserPart,
    /// The number of the last session that it ends.
    pub upto: u64,
    /// How they ended.
    pub end: SessionEnd,
}

impl Epoch {
    /// Whether it has ended `session`. A session whose number the store has not told yet, or
    /// that is older than numbers, has none and counts as the oldest.
    #[must_use]
    pub fn covers(&self, session: &Session) -> bool {
        session.number() <= self.upto
            && self.part.has(session.user_key())
            && self.scope.includes(session)
    }

    /// Whether it is the same line as `other`, told again.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.upto, self.part, &self.scope) == (other.upto, other.part, &other.scope)
    }
}

/// One of several equal parts of all users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserPart {
    number: u8,
    of: u8,
}

impl UserPart {
    /// The part `number` of `of` parts, at least one.
    #[must_use]
    pub const fn new(number: u8, of: u8) -> Self {
        Self { number, of }
    }

    /// Whether `user` is in it.
    #[must_use]
    pub const fn has(self, user: UserKey) -> bool {
        user.as_bytes()[0] % self.of == self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EndReason, ManualClock, Timestamp};
    use crate::store::contract::Maker;

    #[test]
    fn an_epoch_ends_what_is_in_its_scope_and_no_newer() {
        let maker = Maker::new(ManualClock::new());
        let (ann, bob) = (maker.session("ann"), maker.session("bob"));
        let epoch = |scope| Epoch {
            scope,
            part: UserPart::new(0, 1),
            upto: 5,
            end: SessionEnd {
                at: Timestamp::from_unix_millis(0),
                reason: EndReason::Terminated,
                by: None,
            },
        };
        let of_ann = epoch(EndScope::User(ann.user_key()));
        let of_space = epoch(EndScope::Space(ann.space_id().clone()));
        let elsewhere = epoch(EndScope::Space(SpaceId::new("other").unwrap()));
        for (number, covered) in [(0, true), (5, true), (6, false)] {
            ann.set_number(number);
            bob.set_number(number);
            assert_eq!(of_ann.covers(&ann), covered);
            assert!(!of_ann.covers(&bob));
            assert_eq!(of_space.covers(&bob), covered);
            assert!(!elsewhere.covers(&ann));
            assert_eq!(epoch(EndScope::Everything).covers(&ann), covered);
        }
    }

    #[test]
    fn every_user_is_in_one_part() {
        let user = Maker::new(ManualClock::new()).session("ann").user_key();
        let parts = (0..16).filter(|number| UserPart::new(*number, 16).has(user));
        assert_eq!(parts.count(), 1);
    }
}
