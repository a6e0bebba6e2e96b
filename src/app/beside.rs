//! A store that gateways share, for a program beside them.

use std::sync::Arc;

use super::error::StartError;
use super::options::GatewayOptions;
use super::store;
use crate::domain::{Clock, Spaces, SystemClock};
use crate::sessions::Sessions;

/// Where a node's name stands in what it keeps of its own.
const BESIDE: &str = "beside";

/// The sessions that the gateways with these `options` have in a store that they share: under
/// the lifetimes that the options name, with the locks that are in force. Nobody is served, and
/// nobody else notices.
///
/// # Errors
///
/// [`StartError`] when the store is not reached, or cannot tell.
pub async fn shared_sessions(options: &GatewayOptions) -> Result<Sessions, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let spaces = Spaces::new();
    // It is no node, and has no name of its own. The thread, if there is one, goes on for as
    // long as the program.
    let (store, _thread) = store::open(&options.store, BESIDE, &spaces, &clock).await?;
    let sessions = Sessions::builder()
        .clock(clock)
        .retention(store::retention(&options.store))
        .spaces(spaces)
        .store(store)
        .build();
    for space in &options.spaces {
        let _ = sessions.space(&space.id, space.session);
    }
    sessions.recover().await.map_err(StartError::Recover)?;
    Ok(sessions)
}
