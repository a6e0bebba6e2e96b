//! What can go wrong with a store.

/// A store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached or does not answer in time. Try again later; conclude nothing.
    #[error("the session store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is there and will not do this: full, read-only, or not permitted.
    #[error("the session store refuses: {what}")]
    Refused {
        /// What it says.
        what: String,
    },
}
