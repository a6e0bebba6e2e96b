//! Giving room back to the disk.

use std::fs;
use std::path::Path;

use redb::{CompactionError, Database};

use super::database::{catch, damaged};
use super::error::{FileError, Trouble};
use super::read;

/// Below this size a file is left as it is.
const SMALL: u64 = 32 << 20;

/// Bytes that a session takes in the file, amply.
const PER_SESSION: u64 = 1024;

/// Compacts the file when it is several times as large as what is in it can need: after a
/// storm of logins, or a retention time that was cut.
pub(super) fn where_it_pays(
    path: &Path,
    database: &mut Database,
    open: usize,
) -> Result<(), FileError> {
    let size = fs::metadata(path).map_or(0, |meta| meta.len());
    if size < SMALL {
        return Ok(());
    }
    let ended = read::count_ended(database).map_err(|trouble| damaged(path, &trouble))?;
    if size / 4 < (ended + open as u64) * PER_SESSION + SMALL {
        return Ok(());
    }
    tracing::info!(path = %path.display(), size.bytes = size, "compacting the store");
    compact(path, database).map(drop)
}

/// Compacts the file as far as it goes; the sizes before and after, in bytes.
pub(super) fn compact(path: &Path, database: &mut Database) -> Result<(u64, u64), FileError> {
    let size = || fs::metadata(path).map_or(0, |meta| meta.len());
    let before = size();
    catch(path, || {
        while database.compact().map_err(|error| match error {
            CompactionError::Storage(error) => damaged(path, &Trouble::from(error)),
            other => damaged(path, &Trouble::from(other)),
        })? {}
        Ok(())
    })?;
    Ok((before, size()))
}
