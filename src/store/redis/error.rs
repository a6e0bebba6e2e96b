//! What Redis says when it will not.

use ::redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::StoreError;
use crate::store::record::FormatError;

/// As the store's error. Only what is certain not to have happened, and will not with another
/// try, is refused; everything else is an outage.
pub(super) fn store_error(error: RedisError) -> StoreError {
    match (error.kind(), error.code()) {
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, Some("OOM")) => StoreError::Refused {
            what: error.to_string(),
        },
        // Its text has all that its causes say.
        _ => StoreError::Unavailable(error.to_string().into()),
    }
}

/// Whether another connection may do better: this one is gone, or leads to the wrong server.
pub(super) fn wants_reconnect(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::AuthenticationFailed
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
            )
    ) || matches!(error.code(), Some("NOAUTH"))
        || error.is_unrecoverable_error()
}

/// What stands in Redis is not what this program writes.
pub(super) fn damaged(what: &str, error: FormatError) -> StoreError {
    tracing::error!(record = what, %error, "a record in Redis cannot be read");
    StoreError::Unavailable(Box::new(error))
}

/// An answer that the scripts of this program do not give.
pub(super) fn odd_answer(what: &str) -> StoreError {
    StoreError::Unavailable(format!("an odd answer to {what}").into())
}
