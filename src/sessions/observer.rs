//! Who is told of starts and ends.

use std::sync::Arc;

use crate::domain::Session;

/// Is told of every session that starts or ends here: metrics, audit, event streams.
///
/// Called in the middle of the use case, a start under a lock, so an observer returns at once,
/// does its work elsewhere and calls nothing of `Sessions`. Of one session it hears the start
/// first, then the end, each once.
pub trait Observer: Send + Sync + 'static {
    /// `session` has started and is kept by the store.
    fn started(&self, session: &Arc<Session>);

    /// `session` has ended and can no longer be used; its end says why.
    fn ended(&self, session: &Arc<Session>);
}
