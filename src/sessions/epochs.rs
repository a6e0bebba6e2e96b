//! Ends of many sessions at once, by whichever process of a shared store, in the table.

use std::sync::Arc;
use std::time::Duration;

use super::Sessions;
use crate::domain::{Session, SessionEnd, Tick};
use crate::store::{EndScope, Epoch};
use crate::sync::{PoisonError, RwLock, task};

/// The epochs heard of lately: a session that is being opened or loaded meanwhile may be one
/// of those that have ended.
#[derive(Debug, Default)]
pub(super) struct Epochs(RwLock<Vec<(Tick, Epoch)>>);

/// Longer than the longest writer, as with tombstones.
const KEPT: Duration = Duration::from_secs(120);

/// Sessions taken out of the table before other tasks of the thread have their turn.
const AT_ONCE: usize = 256;

impl Epochs {
    /// Keeps `epoch` in mind; `false` when it is known.
    fn hear(&self, epoch: &Epoch, now: Tick) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = !known.iter().any(|(_, one)| one.is_same(epoch));
        if is_new {
            known.push((now.after(KEPT), epoch.clone()));
        }
        is_new
    }

    /// How `session`, whose number is known, has ended, if one of them has ended it.
    pub(super) fn end_of(&self, session: &Session) -> Option<SessionEnd> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        first_of(known.iter().map(|(_, epoch)| epoch), session).map(|epoch| epoch.end.clone())
    }

    pub(super) fn sweep(&self, now: Tick) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(until, _)| now < *until);
    }
}

/// The first of `epochs` that has ended `session`.
fn first_of<'e>(epochs: impl Iterator<Item = &'e Epoch>, session: &Session) -> Option<&'e Epoch> {
    epochs
        .filter(|epoch| epoch.covers(session))
        .min_by_key(|epoch| epoch.upto)
}

impl Sessions {
    /// Takes the sessions that `epochs` have ended out of the table: all are refused before the
    /// first is taken out.
    pub(super) async fn apply_epochs(&self, mut epochs: Vec<Epoch>) {
        let now = self.0.clock.tick();
        // First this: whoever publishes a session meanwhile looks here afterwards.
        epochs.retain(|epoch| self.0.epochs.hear(epoch, now));
        if epochs.is_empty() {
            return;
        }
        let mut ended = Vec::new();
        let mut look = |session: &Arc<Session>| {
            if let Some(epoch) = first_of(epochs.iter(), session) {
                session.set_end(epoch.end.clone());
                ended.push(Arc::clone(session));
            }
        };
        let users = epochs.iter().map(|epoch| match epoch.scope {
            EndScope::User(user) => Some(user),
            EndScope::Everything | EndScope::Space(_) => None,
        });
        match users.collect::<Option<Vec<_>>>() {
            Some(users) => {
                for user in users {
                    // A session that is being opened has no number yet, and is looked at then.
                    let guard = self.0.table.lock(user);
                    let sessions = guard.sessions();
                    let published = sessions.iter().filter(|one| guard.is_published(one));
                    published.for_each(&mut look);
                }
            }
            None => self.0.table.for_each(look),
        }
        for some in ended.chunks(AT_ONCE) {
            some.iter().for_each(|session| self.take_out(session));
            task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Clock as _, EndReason, ManualClock, Timestamp};
    use crate::store::UserPart;
    use crate::store::contract::Maker;

    #[test]
    fn the_first_epoch_says_how_a_session_ended() {
        let (epochs, maker) = (Epochs::default(), Maker::new(ManualClock::new()));
        let epoch = |upto, reason| Epoch {
            scope: EndScope::Everything,
            part: UserPart::new(0, 1),
            upto,
            end: SessionEnd {
                at: Timestamp::from_unix_millis(0),
                reason,
                by: None,
            },
        };
        let now = maker.clock.tick();
        assert!(epochs.hear(&epoch(9, EndReason::Terminated), now));
        assert!(epochs.hear(&epoch(5, EndReason::Revoked), now));
        assert!(!epochs.hear(&epoch(5, EndReason::Revoked), now));
        let session = maker.session("ann");
        let reason = |number| {
            session.set_number(number);
            epochs.end_of(&session).map(|end| end.reason)
        };
        assert_eq!(reason(5), Some(EndReason::Revoked));
        assert_eq!(reason(6), Some(EndReason::Terminated));
        assert_eq!(reason(10), None);
        epochs.sweep(now.after(KEPT));
        assert_eq!(reason(5), None);
    }
}
