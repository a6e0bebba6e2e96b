//! The tables of the file.

use redb::TableDefinition;

use super::record::Key;

/// What the file is: see [`FORMAT`].
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("gatepass");

/// The key in [`ABOUT`] under which the version of the tables stands.
pub(super) const FORMAT_KEY: &str = "format";

/// The version of the tables: which there are and what their keys are.
pub(super) const FORMAT: u64 = 1;

/// What is written after a failure to see whether the file can grow, and taken out again.
pub(super) const PROBE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("probe");

/// Open sessions, oldest start first. New ones come at the end, so that logins write few pages.
pub(super) const OPEN: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("open");

/// When open sessions were last active, in Unix milliseconds, once they were active after their
/// start: beside the records, so that noting it rewrites no record.
pub(super) const ACTIVE: TableDefinition<'_, Key, i64> = TableDefinition::new("active");

/// Sessions that have ended, oldest start first.
pub(super) const ENDED: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("ended");

/// Sessions that have ended, in the order of their ends (Unix milliseconds).
pub(super) const ENDS: TableDefinition<'_, (i64, Key), ()> = TableDefinition::new("ends");

/// Locks on users, by the users' keys.
pub(super) const LOCKS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("locks");

/// Tickets that wait to be redeemed, by the digests of their secrets.
pub(super) const TICKETS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("tickets");

/// Background tasks, by their ids.
pub(super) const TASKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("tasks");

/// Peaks of licenses, by day, space and license.
pub(super) const PEAKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("peaks");

/// Until when (Unix milliseconds) a credential opens an open session: by the session and the
/// digest of the credential.
pub(super) const CREDENTIALS: TableDefinition<'_, (Key, [u8; 32]), i64> =
    TableDefinition::new("credentials");

/// What was renewed for open sessions, last.
pub(super) const REFRESHED: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("refreshed");
