//! `POST /ticket`.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::call::Call;
use super::error::QpsError;
use super::wire::{TicketForm, json};
use crate::domain::{SpaceId, TargetId, TicketSecret};

/// A ticket for a user. With a target it says where the browser was going, for the caller to
/// send it there again, with the ticket behind it.
pub(super) async fn buy(call: &Call) -> Result<Response, QpsError> {
    let (input, space) = (call.input()?, call.space()?);
    let identity = Arc::new(input.identity()?);
    if let Some(lock) = call.sessions().user_lock(space.id(), &identity) {
        return Err(QpsError::Locked { until: lock.until });
    }
    let target = match input.target_id() {
        Some(id) => Some(target(call, space.id(), id).await?),
        None => None,
    };
    let secret = call
        .sessions()
        .issue_ticket(space, Arc::clone(&identity), target.clone())
        .await?;
    // Of the ticket as much as tells it from others, so that its use can be found.
    let digest = TicketSecret::digest_of(space.id(), secret.expose());
    let bought = format!("{identity} {digest:?}");
    call.audit("ticket.add", space.id(), &bought, 0);
    let form = TicketForm::new(&identity, secret.expose(), target.as_deref());
    Ok(json(StatusCode::CREATED, &form))
}

/// The address that is known as `id` in `space`.
async fn target(call: &Call, space: &SpaceId, id: &str) -> Result<Arc<str>, QpsError> {
    let unknown = || QpsError::UnknownTarget(QpsError::shown(id));
    let known = id.parse::<TargetId>().map_err(|_| unknown())?;
    let target = call.sessions().target(known).await?;
    // Kept with the space that it is of: `<space id> <address>`.
    let address = target.as_deref().and_then(|kept| {
        let (of, address) = kept.split_once(' ')?;
        (of == space.as_str()).then(|| Arc::from(address))
    });
    address.ok_or_else(unknown)
}
