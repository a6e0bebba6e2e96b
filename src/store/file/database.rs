//! The file itself: made, opened, let go of and opened again.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Builder, Database, DatabaseError, ReadableDatabase as _, StorageError, TableError};

use super::error::{FileError, Trouble};
use super::tables::{
    ABOUT, ACTIVE, CREDENTIALS, ENDED, ENDS, FORMAT, FORMAT_KEY, LOCKS, OPEN, PEAKS, REFRESHED,
    TASKS, TICKETS,
};

/// Memory for pages that were read or are being written.
const CACHE: usize = 64 << 20;

/// The open file, for the thread that writes and those that read. It is away while it is being
/// opened again after a failure.
pub(super) struct Handle {
    path: PathBuf,
    database: Mutex<Option<Arc<Database>>>,
}

impl Handle {
    pub(super) fn new(path: &Path, database: Database) -> Self {
        Self {
            path: path.to_owned(),
            database: Mutex::new(Some(Arc::new(database))),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Result<Arc<Database>, Trouble> {
        let database = self.slot().clone();
        database.ok_or(Trouble::Writer(
            "the file is being opened again after a failure",
        ))
    }

    /// Lets go of the file; whoever reads it still has it for a moment.
    pub(super) fn close(&self) {
        let database = self.slot().take();
        drop(database);
    }

    /// Opens the file again after [`close`](Self::close).
    pub(super) fn reopen(&self) -> Result<(), FileError> {
        let database = open(&self.path)?;
        *self.slot() = Some(Arc::new(database));
        Ok(())
    }
}

/// Opens the file at `path`, every page of which is verified; makes it where there is none.
pub(super) fn open_or_make(path: &Path) -> Result<Database, FileError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
        Err(source) => return Err(io_error(path, source)),
        Ok(_) => {}
    }
    open(path)
}

/// Opens the file at `path`, every page of which is verified.
pub(super) fn open(path: &Path) -> Result<Database, FileError> {
    let meta = fs::metadata(path).map_err(|error| io_error(path, error))?;
    let foreign = |why: &str| FileError::Foreign {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    if !meta.is_file() {
        return Err(foreign("it is no file"));
    }
    if meta.len() == 0 {
        return Err(foreign("it is empty"));
    }
    warn_of_readers(path, &meta);
    let database = catch(path, || {
        let mut builder = Builder::new();
        builder
            .set_cache_size(CACHE)
            .set_check_integrity_on_open(true);
        builder.open(path).map_err(|error| explain(path, error))
    })?;
    catch(path, || check_format(path, &database))?;
    Ok(database)
}

/// Makes the file at `path`, for its owner only: beside it first, so that what stands at `path`
/// is a whole store at any time.
fn make(path: &Path) -> Result<(), FileError> {
    let failed = |error| io_error(path, error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(&new).map_err(failed)?);
    let database = Builder::new()
        .set_cache_size(CACHE)
        .create(&new)
        .map_err(|error| explain(path, error))?;
    furnish(&database).map_err(|trouble| damaged(path, &trouble))?;
    drop(database);
    fs::rename(&new, path).map_err(failed)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    folder.sync_all().map_err(failed)
}

/// All tables, so that readers find them.
fn furnish(database: &Database) -> Result<(), Trouble> {
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.insert(FORMAT_KEY, FORMAT)?;
    transaction.open_table(OPEN)?;
    transaction.open_table(ACTIVE)?;
    transaction.open_table(ENDED)?;
    transaction.open_table(ENDS)?;
    transaction.open_table(LOCKS)?;
    transaction.open_table(TICKETS)?;
    transaction.open_table(TASKS)?;
    transaction.open_table(PEAKS)?;
    transaction.open_table(CREDENTIALS)?;
    transaction.open_table(REFRESHED)?;
    transaction.commit()?;
    Ok(())
}

fn check_format(path: &Path, database: &Database) -> Result<(), FileError> {
    let read = || -> Result<Option<u64>, Trouble> {
        let transaction = database.begin_read()?;
        let table = match transaction.open_table(ABOUT) {
            Err(TableError::TableDoesNotExist(_) | TableError::TableTypeMismatch { .. }) => {
                return Ok(None);
            }
            table => table?,
        };
        Ok(table.get(FORMAT_KEY)?.map(|format| format.value()))
    };
    match read().map_err(|trouble| damaged(path, &trouble))? {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(FileError::Later {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
        None => Err(FileError::Foreign {
            path: path.to_owned(),
            why: "it is a database of another program".to_owned(),
        }),
    }
}

/// What `work` gives. A file that was altered may make the library below panic; that is
/// damage, and no end of the process.
pub(super) fn catch<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, FileError>,
) -> Result<T, FileError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    caught.unwrap_or_else(|_| {
        Err(FileError::Damaged {
            path: path.to_owned(),
            why: "its pages do not fit together".to_owned(),
        })
    })
}

pub(super) fn explain(path: &Path, error: DatabaseError) -> FileError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            FileError::Locked { path }
        }
        DatabaseError::Storage(StorageError::Io(source)) => match source.kind() {
            io::ErrorKind::InvalidData => FileError::Foreign {
                path,
                why: source.to_string(),
            },
            io::ErrorKind::UnexpectedEof => FileError::Damaged {
                path,
                why: "it is cut short".to_owned(),
            },
            _ => FileError::Io { path, source },
        },
        other => FileError::Damaged {
            path,
            why: other.to_string(),
        },
    }
}

/// That `path` is damaged, as `trouble` says.
pub(super) fn damaged(path: &Path, trouble: &Trouble) -> FileError {
    let mut why = trouble.to_string();
    if let Some(source) = std::error::Error::source(trouble) {
        why = format!("{why}: {source}");
    }
    FileError::Damaged {
        path: path.to_owned(),
        why,
    }
}

fn io_error(path: &Path, source: io::Error) -> FileError {
    FileError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Says so when others than its owner may read the file: it has names and addresses of users.
fn warn_of_readers(path: &Path, meta: &fs::Metadata) {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        if mode & 0o077 != 0 {
            tracing::warn!(
                path = %path.display(),
                mode = format_args!("{:o}", mode & 0o777),
                "others than its owner may read or write the store: chmod 600"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = (path, meta);
}
