//! From the prefix in a path to a space.

use std::sync::Arc;

use super::error::QpsError;
use crate::admin::keys::Principal;
use crate::admin::spaces::SpaceInfo;
use crate::admin::state::Admin;
use crate::domain::{SpaceId, SpaceState};

/// The space with the path prefix `prefix` (without its first slash, in any case; empty for
/// the default). Where no prefix or more than one fits, `prefix` may be the id of a space that
/// `who` may look at: ids of other spaces are not told apart from none.
///
/// # Errors
///
/// When there is no such space, or several.
pub(super) fn find(
    admin: &Admin,
    who: &Principal,
    prefix: &str,
) -> Result<Arc<SpaceState>, QpsError> {
    let spaces = admin.spaces().load();
    let has_prefix = |space: &&SpaceInfo| {
        let own = space.prefix.as_deref().unwrap_or_default();
        own.trim_start_matches('/').eq_ignore_ascii_case(prefix)
    };
    let mut fitting = spaces.iter().filter(has_prefix);
    let state = |id: &SpaceId| admin.sessions().find_space(id);
    let by_id = || {
        let id = SpaceId::new(prefix).ok().filter(|id| who.may_read(id));
        id.and_then(|id| state(&id))
    };
    let shown = || format!("'{}'", QpsError::shown(prefix));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => state(&one.id).ok_or_else(|| QpsError::UnknownProxy(shown())),
        (Some(_), Some(_)) => by_id().ok_or_else(|| QpsError::Ambiguous(shown())),
        (None, _) if prefix.is_empty() => Err(QpsError::NoDefaultProxy),
        (None, _) => by_id().ok_or_else(|| QpsError::UnknownProxy(shown())),
    }
}
