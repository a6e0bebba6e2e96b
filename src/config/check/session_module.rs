//! The table `admin.session_module`.

use crate::app::options::{AdminOptions, SpaceOptions};
use crate::config::raw::RawSessionModule;
use crate::config::report::{Scope, read};
use crate::domain::SpaceId;

/// The space that the table names. `asks` is whether the side port asks clients for their
/// certificates, without which nobody could call it.
pub(super) fn session_module(
    raw: RawSessionModule,
    table: &Scope<'_>,
    asks: bool,
) -> Option<SpaceId> {
    if !asks {
        table.unused(
            "only client certificates open it, and the side port asks for none",
            "allowed: this together with `client_ca` in `admin.tls`",
        );
    }
    if raw.space.is_none() {
        table.key("space").missing("the id of a space");
    }
    read(table, "space", raw.space, |at, text| {
        at.parse(&text, "the id of a space")
    })
}

/// Sessions can only be kept in a space that there is.
pub(super) fn is_of_a_space(admin: &AdminOptions, table: &Scope<'_>, spaces: &[SpaceOptions]) {
    if let Some(id) = &admin.session_module
        && !spaces.iter().any(|space| space.id == *id)
    {
        table.key("session_module").key("space").conflict(
            &format!("there is no space `{id}`"),
            "allowed: the id of a space of this configuration",
        );
    }
}
