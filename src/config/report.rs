//! Where the errors of a reading are gathered, and what finds them.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::duration;
use super::error::ConfigError;
use super::tree::{KeyPath, Node, Place};

/// A reading: the tree that is read, the errors and the files so far.
pub(super) struct Report<'a> {
    tree: &'a Node,
    /// Files are named from here.
    folder: &'a Path,
    /// Keys that an error was reported of already, and that were taken out of the tree.
    broken: &'a [KeyPath],
    errors: RefCell<Vec<ConfigError>>,
    files: RefCell<Vec<PathBuf>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(tree: &'a Node, folder: &'a Path, broken: &'a [KeyPath]) -> Self {
        Self {
            tree,
            folder,
            broken,
            errors: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The document itself.
    pub(super) fn root(&'a self) -> Scope<'a> {
        Scope {
            report: self,
            path: KeyPath::default(),
        }
    }

    pub(super) fn finish(self) -> (Vec<ConfigError>, Vec<PathBuf>) {
        (self.errors.into_inner(), self.files.into_inner())
    }
}

/// A key and its value, being checked.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    report: &'a Report<'a>,
    path: KeyPath,
}

impl<'a> Scope<'a> {
    pub(super) fn key(&self, key: &str) -> Self {
        Self {
            report: self.report,
            path: self.path.key(key),
        }
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self {
            report: self.report,
            path: self.path.index(index),
        }
    }

    /// The full key, for messages.
    pub(super) fn label(&self) -> String {
        self.report.tree.label(&self.path)
    }

    /// The value is not one of the `allowed`.
    pub(super) fn bad(&self, reason: &str, allowed: &str) {
        let place = self.report.tree.place_of_value(&self.path);
        self.push(
            "bad value for",
            place,
            reason,
            &format!("allowed: {allowed}"),
        );
    }

    /// The value is at odds with something else.
    pub(super) fn conflict(&self, reason: &str, note: &str) {
        let place = self.report.tree.place_of_value(&self.path);
        self.push("conflict at", place, reason, note);
    }

    /// The key has no effect, which its author did not intend.
    pub(super) fn unused(&self, reason: &str, note: &str) {
        let place = self.report.tree.place_of_key(&self.path);
        self.push("unused option", place, reason, note);
    }

    /// The key is not there and must be, in the table around it.
    pub(super) fn missing(&self, allowed: &str) {
        if self.is_broken() {
            return;
        }
        let table = self.path.parent();
        let place = self
            .report
            .tree
            .place_of_value(&table)
            .filter(|_| !table.0.is_empty());
        self.push(
            "missing option",
            place,
            "it is not here",
            &format!("allowed: {allowed}"),
        );
    }

    /// As [`conflict`](Self::conflict), of a value that may be a default one.
    pub(super) fn conflict_or_missing(&self, reason: &str, note: &str) {
        let tree = self.report.tree;
        let written = (0..self.path.0.len())
            .map(|up| KeyPath(self.path.0[..self.path.0.len() - up].to_vec()))
            .find_map(|path| tree.place_of_value(&path));
        self.push("conflict at", written, reason, note);
    }

    /// Whether `key` is written in this table.
    pub(super) fn has(&self, key: &str) -> bool {
        let here = self.key(key);
        here.is_broken() || self.report.tree.get(&here.path).is_some()
    }

    /// Whether an error was reported of this key, or of something in it, already.
    pub(super) fn is_broken(&self) -> bool {
        self.report
            .broken
            .iter()
            .any(|broken| broken.starts_with(&self.path))
    }

    fn push(&self, what: &str, place: Option<&Place>, label: &str, note: &str) {
        let key = self.label();
        self.report.errors.borrow_mut().push(ConfigError {
            title: format!("{what} `{key}`"),
            key,
            place: place.cloned(),
            label: label.to_owned(),
            help: None,
            notes: vec![note.to_owned()],
        });
    }

    /// What was written here, for messages.
    pub(super) fn found(&self) -> String {
        self.report
            .tree
            .nearest(&self.path)
            .map_or_else(String::new, |node| node.value.to_string())
    }

    /// The value as `T`.
    pub(super) fn parse<T>(&self, text: &str, allowed: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.accept(text.parse(), allowed)
    }

    /// The value, or the error it was found to be.
    pub(super) fn accept<T>(&self, result: Result<T, impl Display>, allowed: &str) -> Option<T> {
        let refuse = |error: String| {
            let found = self.found();
            if error.contains(&found) {
                self.bad(&error, allowed);
            } else {
                self.bad(&format!("found {found}: {error}"), allowed);
            }
        };
        result.map_err(|error| refuse(error.to_string())).ok()
    }

    /// The one of `choices` that `text` names.
    pub(super) fn choose<T: Copy>(&self, text: &str, choices: &[(&str, T)]) -> Option<T> {
        self.choose_beside(text, choices, &[])
    }

    /// The one of `choices` that `text` names; `later` are known, and not there yet.
    pub(super) fn choose_beside<T: Copy>(
        &self,
        text: &str,
        choices: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let chosen = choices
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value);
        if chosen.is_none() {
            let names: Vec<String> = choices
                .iter()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let reason = if later.contains(&text) {
                format!("`{text}` is not available in this version")
            } else {
                format!("found {}", self.found())
            };
            self.bad(&reason, &names.join(", "));
        }
        chosen
    }

    /// A duration longer than none.
    pub(super) fn duration(&self, text: &str) -> Option<Duration> {
        let duration = self.accept(duration::parse(text), duration::FORM)?;
        if duration.is_zero() {
            self.bad("it must be longer than nothing", duration::FORM);
            return None;
        }
        Some(duration)
    }

    /// A number between `least` and `most`.
    pub(super) fn number(&self, number: u64, least: u64, most: u64) -> Option<usize> {
        if (least..=most).contains(&number) {
            return usize::try_from(number).ok();
        }
        self.bad(
            &format!("found {}", self.found()),
            &format!("{least} to {most}"),
        );
        None
    }

    /// A text that is not blank.
    pub(super) fn filled(&self, text: &str, allowed: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_control) {
            self.bad("it is blank or has control characters", allowed);
            return None;
        }
        Some(text.to_owned())
    }

    /// Where `path` leads from the folder of the configuration.
    pub(super) fn in_folder(&self, path: PathBuf) -> PathBuf {
        self.report.folder.join(path)
    }

    /// A file that can be read, named from the folder of the configuration.
    pub(super) fn file(&self, text: &str, what: &str) -> Option<PathBuf> {
        let path = self.report.folder.join(text);
        let readable = File::open(&path).and_then(|file| file.metadata());
        let reason = match readable {
            Ok(meta) if meta.is_file() => {
                self.report.files.borrow_mut().push(path.clone());
                return Some(path);
            }
            Ok(_) => "not a file".to_owned(),
            Err(error) => error.to_string(),
        };
        let reason = format!("cannot read `{}`: {reason}", path.display());
        self.bad(
            &reason,
            &format!("the path of {what}, from the folder of this file"),
        );
        None
    }
}

/// `raw` read by `read`, when it is there.
pub(super) fn read<'a, R, T>(
    table: &Scope<'a>,
    key: &str,
    raw: Option<R>,
    read: impl FnOnce(&Scope<'a>, R) -> Option<T>,
) -> Option<T> {
    raw.and_then(|raw| read(&table.key(key), raw))
}

/// As [`read_all`]; an empty list is an error.
pub(super) fn read_some<'a, R, T>(
    table: &Scope<'a>,
    key: &str,
    raw: Option<Vec<R>>,
    allowed: &str,
    read: impl Fn(&Scope<'a>, R) -> Option<T>,
) -> Option<Vec<T>> {
    if raw.as_ref().is_some_and(Vec::is_empty) {
        let allowed = format!("at least one of: {allowed}");
        table.key(key).bad("it is empty", &allowed);
    }
    read_all(table, key, raw, read)
}

/// Each item of `raw` read by `read`; the bad ones are reported and left out.
pub(super) fn read_all<'a, R, T>(
    table: &Scope<'a>,
    key: &str,
    raw: Option<Vec<R>>,
    read: impl Fn(&Scope<'a>, R) -> Option<T>,
) -> Option<Vec<T>> {
    let scope = table.key(key);
    raw.map(|items| {
        items
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| read(&scope.index(index), item))
            .collect()
    })
}
