//! The file of users.
//!
//! ```toml
//! [[user]]
//! directory = "DEMO"
//! id = "alice"
//! name = "Alice Adams"
//! email = "alice@demo.example"
//! password = "$argon2id$v=19$m=19456,t=2,p=1$..."
//!
//! [user.attributes]
//! group = ["sales", "admins"]
//! ```

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::password::{Hashed, PasswordError};
use crate::domain::{Attributes, Identity, IdentityError};

/// The users of a file. Changes are in memory until [`save`](Self::save).
#[derive(Clone, Debug)]
pub struct UsersFile {
    path: PathBuf,
    users: Vec<UserEntry>,
}

/// A user who may log in.
#[derive(Clone, Debug)]
pub struct UserEntry {
    identity: Identity,
    password: Hashed,
}

/// Why the file cannot be used or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsersFileError {
    /// It cannot be read.
    #[error("the users file {} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("the users file {} cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML of the right form. The text itself is not shown: it has hashes in it.
    #[error("the users file {}, line {line}: {message}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A user's names cannot be an identity.
    #[error("the users file {}, user number {number}: not a user", path.display())]
    User {
        /// Which.
        path: PathBuf,
        /// Which user, counted from 1.
        number: usize,
        /// Why.
        source: IdentityError,
    },
    /// A user's password is no hash that can be used.
    #[error("the users file {}, user {user}: the password cannot be used", path.display())]
    Password {
        /// Which.
        path: PathBuf,
        /// The user.
        user: String,
        /// Why.
        source: PasswordError,
    },
    /// A user is there twice. Names are compared without case.
    #[error("the users file {} has the user {user} already", path.display())]
    Duplicate {
        /// Which.
        path: PathBuf,
        /// The user.
        user: String,
    },
    /// A user is not there.
    #[error("the users file {} has no user {user}", path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
        /// The user.
        user: String,
    },
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, rename = "user")]
    users: Vec<RawUser>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawUser {
    directory: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    password: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Vec<String>>,
}

impl UserEntry {
    /// `identity` with this password, of which the hash is kept. Takes tens of milliseconds.
    ///
    /// # Errors
    ///
    /// When the password is empty or longer than [`MAX_PASSWORD`](super::MAX_PASSWORD) bytes.
    pub fn new(identity: Identity, password: &str) -> Result<Self, PasswordError> {
        Ok(Self {
            identity,
            password: Hashed::of(password)?,
        })
    }

    /// Who.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) const fn password(&self) -> &Hashed {
        &self.password
    }
}

impl UsersFile {
    /// The users of the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or anything in it is not as it needs to be.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, UsersFileError> {
        let path = path.into();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text),
            Err(source) => Err(UsersFileError::Read { path, source }),
        }
    }

    /// The same; a file that does not exist has no users.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_or_empty(path: impl Into<PathBuf>) -> Result<Self, UsersFileError> {
        match Self::load(path) {
            Err(UsersFileError::Read { path, source }) if source.kind() == ErrorKind::NotFound => {
                Ok(Self {
                    path,
                    users: Vec::new(),
                })
            }
            other => other,
        }
    }

    /// The users, in the file's order.
    #[must_use]
    pub fn users(&self) -> &[UserEntry] {
        &self.users
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a user.
    ///
    /// # Errors
    ///
    /// When there is one of that directory and id, compared without case.
    pub fn add(&mut self, user: UserEntry) -> Result<(), UsersFileError> {
        if self.position(&user.identity).is_some() {
            return Err(UsersFileError::Duplicate {
                path: self.path.clone(),
                user: user.identity.to_string(),
            });
        }
        self.users.push(user);
        Ok(())
    }

    /// Removes the user with this directory and id, compared without case.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn remove(&mut self, directory: &str, id: &str) -> Result<UserEntry, UsersFileError> {
        Identity::new(directory, id)
            .ok()
            .and_then(|wanted| self.position(&wanted))
            .map(|at| self.users.remove(at))
            .ok_or_else(|| UsersFileError::Unknown {
                path: self.path.clone(),
                user: format!("{directory}\\{id}"),
            })
    }

    /// Writes the file, readable by its owner only. Whoever reads it meanwhile sees the old
    /// file or the new one, and so does whoever comes after a crash. Comments are lost.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then the old one is still there.
    pub fn save(&self) -> Result<(), UsersFileError> {
        self.write().map_err(|source| UsersFileError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, UsersFileError> {
        let raw: RawFile = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let before = error.span().map_or(0, |span| span.start).min(text.len());
                return Err(UsersFileError::Form {
                    path,
                    line: text.as_bytes()[..before].split(|b| *b == b'\n').count(),
                    message: error.message().to_owned(),
                });
            }
        };
        let mut file = Self {
            path,
            users: Vec::with_capacity(raw.users.len()),
        };
        for (i, raw) in raw.users.into_iter().enumerate() {
            let path = || file.path.clone();
            let identity = raw.identity().map_err(|source| UsersFileError::User {
                path: path(),
                number: i + 1,
                source,
            })?;
            let password =
                Hashed::parse(&raw.password).map_err(|source| UsersFileError::Password {
                    path: path(),
                    user: identity.to_string(),
                    source,
                })?;
            file.add(UserEntry { identity, password })?;
        }
        Ok(file)
    }

    fn position(&self, wanted: &Identity) -> Option<usize> {
        self.users
            .iter()
            .position(|user| user.identity.same_user(wanted))
    }

    fn write(&self) -> std::io::Result<()> {
        let raw = RawFile {
            users: self.users.iter().map(RawUser::from).collect(),
        };
        let text = toml::to_string_pretty(&raw).map_err(std::io::Error::other)?;
        // Where the name is a link, what it points to is replaced, not the link.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
        let written = create_private(&temporary).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        });
        if written.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&temporary);
        }
        written?;
        File::open(folder)?.sync_all()
    }
}

impl RawUser {
    fn identity(&self) -> Result<Identity, IdentityError> {
        let attributes: Attributes = self
            .attributes
            .iter()
            .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str)))
            .collect();
        Identity::new(&self.directory, &self.id)?
            .with_name(self.name.as_deref().unwrap_or(""))?
            .with_email(self.email.as_deref().unwrap_or(""))
            .map(|user| user.with_attributes(attributes))
    }
}

impl From<&UserEntry> for RawUser {
    fn from(user: &UserEntry) -> Self {
        let identity = &user.identity;
        let attributes = identity.attributes().iter().map(|attribute| {
            let values = attribute.values.iter().map(ToString::to_string);
            (attribute.name.to_string(), values.collect())
        });
        Self {
            directory: identity.directory().to_owned(),
            id: identity.id().to_owned(),
            name: Some(identity.name().to_owned()),
            email: identity.email().map(ToOwned::to_owned),
            password: user.password.to_string(),
            attributes: attributes.collect(),
        }
    }
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
