//! The keys file: TOML, one `[[key]]` table for each key.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde::Deserialize;
use toml::value::Datetime;
use toml::{Spanned, Value};
use zeroize::Zeroizing;

use super::key::Parts;
use super::secret::StoredSecret;
use super::{ApiKey, KeyError, NewKey, Role};
use crate::domain::{SpaceId, Timestamp, random};

/// The keys file and what is in it.
///
/// ```toml
/// [[key]]
/// id = "ops"
/// role = "site-admin"          # or "space-admin", "reader"
/// digest = "sha256:<base64url>"  # or hash = "$argon2id$..." of a chosen secret
/// created = 2026-01-31T12:00:00Z
/// # spaces = ["1001"], expires = 2027-01-31T12:00:00Z, label = "what it is for"
/// ```
#[derive(Debug)]
pub struct KeysFile {
    path: PathBuf,
    keys: Vec<ApiKey>,
}

/// What is wrong with a keys file. Messages begin as a compiler's do: `path:line: `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysFileError {
    /// It cannot be read.
    #[error("{}: the keys file cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written; the old one is as it was.
    #[error("{}: the keys file cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML, or has fields it should not have.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key in it cannot be.
    #[error("{}:{line}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with the key.
        error: KeyError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    key: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: Spanned<String>,
    role: Spanned<String>,
    #[serde(default)]
    spaces: Vec<Spanned<String>>,
    digest: Option<Spanned<String>>,
    hash: Option<Spanned<String>>,
    created: Option<Spanned<Datetime>>,
    expires: Option<Spanned<Datetime>>,
    label: Option<String>,
}

impl KeysFile {
    /// The keys file at `path`.
    ///
    /// # Errors
    ///
    /// [`KeysFileError`] with the line, when it cannot be read or anything in it is wrong:
    /// an unknown field or role, an id given twice, a space administrator without spaces.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, KeysFileError> {
        let path = path.into();
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text),
            Err(source) => Err(KeysFileError::Read { path, source }),
        }
    }

    /// As [`load`](Self::load), but a file that does not exist is an empty one.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_or_new(path: impl Into<PathBuf>) -> Result<Self, KeysFileError> {
        match Self::load(path) {
            Err(KeysFileError::Read { path, source })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                let keys = Vec::new();
                Ok(Self { path, keys })
            }
            loaded => loaded,
        }
    }

    /// The keys, in the file's order.
    #[must_use]
    pub fn list(&self) -> &[ApiKey] {
        &self.keys
    }

    /// Adds a new key. Returns `<key id>.<secret>`, which cannot be had again. Nothing is
    /// written before [`save`](Self::save).
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the id is taken or the key cannot be.
    pub fn create(&mut self, new: NewKey, now: Timestamp) -> Result<Zeroizing<String>, KeyError> {
        let (key, bearer) = new.make(now)?;
        if self.keys.iter().any(|known| known.id() == key.id()) {
            return Err(KeyError::Duplicate(key.id().to_string()));
        }
        self.keys.push(key);
        Ok(bearer)
    }

    /// Takes the key `id` out; [`save`](Self::save) makes it so.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`] when there is none.
    pub fn revoke(&mut self, id: &str) -> Result<ApiKey, KeyError> {
        match self.keys.iter().position(|key| &**key.id() == id) {
            Some(at) => Ok(self.keys.remove(at)),
            None => Err(KeyError::Unknown(id.to_owned())),
        }
    }

    /// Writes the file anew, readable by its owner only. Whoever reads it meanwhile sees the
    /// old or the new file, whole. Comments of the old one are lost.
    ///
    /// # Errors
    ///
    /// [`KeysFileError::Write`]; then the old file is as it was.
    pub fn save(&self) -> Result<(), KeysFileError> {
        // Where the file is a link, what it points to is replaced, not the link.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        replace(&target, self.to_text().as_bytes()).map_err(|source| KeysFileError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, KeysFileError> {
        let line = |at: usize| {
            text.as_bytes()[..at]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1
        };
        let raw: RawFile = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                return Err(KeysFileError::Syntax {
                    path,
                    line: line(error.span().map_or(0, |span| span.start)),
                    message: error.message().to_owned(),
                });
            }
        };
        let mut keys: Vec<ApiKey> = Vec::with_capacity(raw.key.len());
        for raw in raw.key {
            let id = raw.id.span();
            let key = raw.check().and_then(|key| {
                if keys.iter().any(|known| known.id() == key.id()) {
                    Err((id, KeyError::Duplicate(key.id().to_string())))
                } else {
                    Ok(key)
                }
            });
            match key {
                Ok(key) => keys.push(key),
                Err((at, error)) => {
                    let line = line(at.start);
                    return Err(KeysFileError::Key { path, line, error });
                }
            }
        }
        Ok(Self { path, keys })
    }

    fn to_text(&self) -> String {
        let mut out = HEADER.to_owned();
        for key in &self.keys {
            let mut field = |name: &str, value: Value| {
                writeln!(out, "{name} = {value}").expect("writing to a string cannot fail");
            };
            let (kind, secret) = key.secret().to_field();
            field("\n[[key]]\nid", Value::String(key.id().to_string()));
            field("role", Value::String(key.role().to_string()));
            if !key.spaces().is_empty() {
                let spaces = key.spaces().iter().map(|s| Value::String(s.to_string()));
                field("spaces", Value::Array(spaces.collect()));
            }
            field(kind, Value::String(secret));
            if let Some(label) = key.label() {
                field("label", Value::String(label.to_owned()));
            }
            for (name, time) in [("created", key.created()), ("expires", key.expires())] {
                if let Some(time) = time {
                    writeln!(out, "{name} = {time}").expect("writing to a string cannot fail");
                }
            }
        }
        out
    }
}

impl RawKey {
    fn check(self) -> Result<ApiKey, (Range<usize>, KeyError)> {
        let (id_at, role_at) = (self.id.span(), self.role.span());
        let role = Role::parse(self.role.get_ref())
            .ok_or_else(|| (role_at.clone(), KeyError::Role(self.role.get_ref().clone())))?;
        let spaces = self
            .spaces
            .iter()
            .map(|space| SpaceId::new(space.get_ref()).map_err(|e| (space.span(), e.into())))
            .collect::<Result<_, _>>()?;
        let secret = match (&self.digest, &self.hash) {
            (Some(digest), None) => {
                StoredSecret::parse_digest(digest.get_ref()).map_err(|e| (digest.span(), e))?
            }
            (None, Some(hash)) => {
                StoredSecret::parse_hash(hash.get_ref()).map_err(|e| (hash.span(), e))?
            }
            _ => return Err((id_at, KeyError::SecretFields)),
        };
        let parts = Parts {
            role,
            spaces,
            secret,
            created: time("created", self.created.as_ref())?,
            expires: time("expires", self.expires.as_ref())?,
            label: self.label,
            id: self.id.into_inner(),
        };
        ApiKey::new(parts).map_err(|error| match error {
            KeyError::NoSpaces | KeyError::SiteAdminWithSpaces => (role_at, error),
            _ => (id_at, error),
        })
    }
}

fn time(
    name: &'static str,
    raw: Option<&Spanned<Datetime>>,
) -> Result<Option<Timestamp>, (Range<usize>, KeyError)> {
    raw.map(|raw| {
        DateTime::parse_from_rfc3339(&raw.get_ref().to_string())
            .map(|time| Timestamp::from(time.to_utc()))
            .map_err(|_| (raw.span(), KeyError::Time(name)))
    })
    .transpose()
}

/// Puts a new file with `bytes` in the place of `path`, in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let suffix = u64::from_ne_bytes(random::bytes());
    let temporary = folder.join(format!(".{name}.{suffix:016x}"));
    let written = write_private(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the error to report is the first one.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The rename itself must survive a power failure too, where folders can be synced.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

const HEADER: &str = "\
# API keys of the side port, written by `gatepass key`. Secrets are kept as digests only.
";
