//! Working on a file that no gateway has open: looking through it, making it smaller, and
//! moving what is in it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, WriteTransaction};

use super::compact;
use super::database::{self, catch, damaged};
use super::error::{FileError, Trouble};
use super::notes;
use super::read;
use super::record::{self, Common};
use super::tables::{ACTIVE, ENDED, ENDS, LOCKS, OPEN, PEAKS, TASKS};
use super::writer::with_causes;
use crate::domain::{LicensePeak, SessionRecord};
use crate::store::wire::{Line, Lines, LinesError};

/// A store's file, for the `gatepass store` commands.
pub struct StoreFile {
    path: PathBuf,
    database: Database,
    /// What its pages were found to be, when they do not fit together.
    damage: Option<FileError>,
}

/// What is in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Sessions that are open.
    pub open: u64,
    /// Sessions that have ended and are kept.
    pub ended: u64,
    /// Locks on users.
    pub locks: u64,
    /// Background tasks.
    pub tasks: u64,
    /// Peaks of licenses, a day each.
    pub peaks: u64,
    /// The size of the file, in bytes.
    pub size: u64,
    /// What cannot be read, and why.
    pub bad: Vec<String>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Sessions that came into the file.
    pub sessions: u64,
    /// Sessions that were in it already; what had ended stays so.
    pub known: u64,
    /// Locks that came into the file.
    pub locks: u64,
    /// Background tasks that came into the file.
    pub tasks: u64,
    /// Peaks of licenses that came into the file, or are higher than what it had.
    pub peaks: u64,
}

/// Why a file could not be exported or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The store's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The other side.
    #[error("the lines cannot be {0}")]
    Io(&'static str, #[source] io::Error),
    /// There is a store already.
    #[error(
        "{} is there already: name another file, or add to it with --merge (what is in it stays)",
        .0.display()
    )]
    Exists(PathBuf),
    /// Some lines are bad; nothing was imported.
    #[error("nothing was imported, for some lines are bad:\n{0}")]
    Lines(LinesError),
}

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

impl StoreFile {
    /// Opens the file at `path` and verifies it.
    ///
    /// # Errors
    ///
    /// [`FileError`], when there is none, or another process has it, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self {
            path: path.to_owned(),
            database: database::open(path)?,
            damage: None,
        })
    }

    /// Opens the file at `path`, also when it is damaged, for an
    /// [`export`](Self::export) of what can be read.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), when nothing can be read.
    pub fn open_damaged(path: &Path) -> Result<Self, FileError> {
        let damage = match Self::open(path) {
            Err(damage @ FileError::Damaged { .. }) => damage,
            opened => return opened,
        };
        let opened = catch(path, || {
            Database::open(path).map_err(|error| database::explain(path, error))
        });
        match opened {
            Ok(database) => Ok(Self {
                path: path.to_owned(),
                database,
                damage: Some(damage),
            }),
            Err(_) => Err(damage),
        }
    }

    /// What is wrong with the file, when it is damaged.
    #[must_use]
    pub const fn damage(&self) -> Option<&FileError> {
        self.damage.as_ref()
    }

    /// Reads everything and counts it.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let mut contents = Contents {
            size: std::fs::metadata(&self.path).map_or(0, |meta| meta.len()),
            ..Contents::default()
        };
        let bad = self.walk(&mut |line| {
            match line {
                Line::Session(record) if record.end.is_some() => contents.ended += 1,
                Line::Session(_) => contents.open += 1,
                Line::Lock(_) => contents.locks += 1,
                Line::Task(_) => contents.tasks += 1,
                Line::Peak(_) => contents.peaks += 1,
                Line::Head => {}
            }
            Ok(())
        });
        contents.bad = bad.unwrap_or_default();
        contents
    }

    /// Makes the file as small as it goes; its sizes before and after, in bytes.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the file is damaged or the disk is full.
    pub fn compact(&mut self) -> Result<(u64, u64), FileError> {
        compact::compact(&self.path, &mut self.database)
    }

    /// Writes all that is in it to `out`, a line each; what could not be read, and why.
    ///
    /// # Errors
    ///
    /// [`TransferError::Io`] when `out` cannot be written.
    pub fn export(&self, out: &mut dyn Write) -> Result<Vec<String>, TransferError> {
        let mut write = |line: &Line| writeln!(out, "{}", line.to_json());
        let written = write(&Line::Head).and_then(|()| self.walk(&mut |line| write(&line)));
        let bad = written.map_err(|error| TransferError::Io("written", error))?;
        out.flush()
            .map_err(|error| TransferError::Io("written", error))?;
        Ok(bad)
    }

    /// Shows `visit` everything that can be read; what cannot, and why.
    fn walk(&self, visit: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<Vec<String>> {
        let mut bad = Vec::new();
        let mut refused = Ok(());
        let mut show = |line: Result<Line, Trouble>, bad: &mut Vec<String>| match line {
            Ok(line) if refused.is_ok() => refused = visit(line),
            Ok(_) => {}
            Err(trouble) => bad.push(with_causes(&trouble)),
        };
        let session = |record| Line::Session(Box::new(record));
        let whole = self.part(|file| {
            let mut common = Common::default();
            read::open_sessions(file, |raw| {
                show(raw.decode(&mut common).map(session), &mut bad);
                ControlFlow::Continue(())
            })
        });
        bad.extend(whole.err());
        let whole = self.part(|file| {
            let ended = file.begin_read()?.open_table(ENDED)?;
            for entry in ended.iter()? {
                let (key, bytes) = entry?;
                let record = read::decode(key.value(), bytes.value());
                show(record.map(session), &mut bad);
            }
            Ok(())
        });
        bad.extend(whole.err());
        let whole = self.part(|file| {
            let locks = file.begin_read()?.open_table(LOCKS)?;
            for entry in locks.iter()? {
                let lock = notes::read_lock(entry?.1.value());
                let lock = lock.map_err(|error| Trouble::format("a lock", error));
                show(lock.map(Line::Lock), &mut bad);
            }
            Ok(())
        });
        bad.extend(whole.err());
        let whole = self.part(|file| {
            let tasks = file.begin_read()?.open_table(TASKS)?;
            for entry in tasks.iter()? {
                let (id, task) = entry?;
                let task = notes::read_task(id.value(), task.value());
                let task = task.map_err(|error| Trouble::format("a background task", error));
                show(task.map(|task| Line::Task(Box::new(task))), &mut bad);
            }
            let peaks = file.begin_read()?.open_table(PEAKS)?;
            for entry in peaks.iter()? {
                let peak = notes::read_peak(entry?.1.value());
                let peak = peak.map_err(|error| Trouble::format("a peak", error));
                show(peak.map(Line::Peak), &mut bad);
            }
            Ok(())
        });
        bad.extend(whole.err());
        refused.map(|()| bad)
    }

    /// Reads a part of the file, which may be damaged half-way.
    fn part(&self, work: impl FnOnce(&Database) -> Result<(), Trouble>) -> Result<(), String> {
        let read = catch(&self.path, || {
            work(&self.database).map_err(|trouble| damaged(&self.path, &trouble))
        });
        read.map_err(|error| error.to_string())
    }

    /// Reads lines as [`export`](Self::export) writes them into the file at `path`: all of
    /// them, or none. A file that is there is added to only with `merge`; a session that is in
    /// it stays as it is, unless it is open there and has ended here.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; then nothing was imported.
    pub fn import(path: &Path, lines: impl Read, merge: bool) -> Result<Imported, TransferError> {
        let is_new = !path.exists();
        if !is_new && !merge {
            return Err(TransferError::Exists(path.to_owned()));
        }
        let database = database::open_or_make(path)?;
        let failed = |error: redb::Error| damaged(path, &Trouble::from(error));
        let transaction = database.begin_write().map_err(|e| failed(e.into()))?;
        let read = read_lines(path, &transaction, lines);
        if read.is_err() {
            drop(transaction);
            drop(database);
            if is_new {
                let _ = std::fs::remove_file(path);
            }
            return read;
        }
        transaction.commit().map_err(|e| failed(e.into()))?;
        read
    }
}

fn read_lines(
    path: &Path,
    transaction: &WriteTransaction,
    mut bytes: impl Read,
) -> Result<Imported, TransferError> {
    let (mut imported, mut lines) = (Imported::default(), Lines::new());
    let mut piece = vec![0; PIECE];
    loop {
        let read = match bytes.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| TransferError::Io("read", error))?,
        };
        let batches = match read {
            0 => vec![lines.finish().map_err(TransferError::Lines)?],
            _ => lines.push(&piece[..read]).map_err(TransferError::Lines)?,
        };
        for line in batches.into_iter().flatten() {
            import_line(transaction, line, &mut imported)
                .map_err(|trouble| damaged(path, &trouble))?;
        }
        if read == 0 {
            return Ok(imported);
        }
    }
}

fn import_line(
    transaction: &WriteTransaction,
    line: Line,
    imported: &mut Imported,
) -> Result<(), Trouble> {
    match line {
        Line::Head => {}
        Line::Session(session) => match import_session(transaction, &session)? {
            true => imported.sessions += 1,
            false => imported.known += 1,
        },
        Line::Lock(lock) => {
            let mut locks = transaction.open_table(LOCKS)?;
            locks.insert(lock.user_key().as_bytes(), notes::lock(&lock).as_slice())?;
            imported.locks += 1;
        }
        Line::Task(task) => {
            let mut tasks = transaction.open_table(TASKS)?;
            if tasks.get(task.id.as_u64())?.is_none() {
                tasks.insert(task.id.as_u64(), notes::task(&task).as_slice())?;
                imported.tasks += 1;
            }
        }
        Line::Peak(peak) => imported.peaks += u64::from(import_peak(transaction, &peak)?),
    }
    Ok(())
}

/// Whether `peak` is higher than the one that the file has.
fn import_peak(transaction: &WriteTransaction, peak: &LicensePeak) -> Result<bool, Trouble> {
    let (mut peaks, key) = (transaction.open_table(PEAKS)?, notes::peak_key(peak));
    let known = peaks.get(key.as_slice())?;
    let known = known.and_then(|bytes| notes::read_peak(bytes.value()).ok());
    if known.is_some_and(|known| known.day.peak >= peak.day.peak) {
        return Ok(false);
    }
    peaks.insert(key.as_slice(), notes::peak(peak).as_slice())?;
    Ok(true)
}

/// Whether `session` came into the file.
fn import_session(
    transaction: &WriteTransaction,
    session: &SessionRecord,
) -> Result<bool, Trouble> {
    let (key, bytes) = (record::key(session.id), record::encode(session));
    let mut open = transaction.open_table(OPEN)?;
    let mut ended = transaction.open_table(ENDED)?;
    if ended.get(key)?.is_some() {
        return Ok(false);
    }
    let Some(end) = &session.end else {
        if open.get(key)?.is_some() {
            return Ok(false);
        }
        open.insert(key, bytes.as_slice())?;
        return Ok(true);
    };
    open.remove(key)?;
    transaction.open_table(ACTIVE)?.remove(key)?;
    ended.insert(key, bytes.as_slice())?;
    let mut ends = transaction.open_table(ENDS)?;
    ends.insert((end.at.unix_millis(), key), ())?;
    Ok(true)
}
