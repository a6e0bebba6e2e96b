//! Reading a configuration from start to end.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::DeTable;

use super::check;
use super::deserialize::{ReadError, ReadErrorKind};
use super::env;
use super::error::{ConfigError, ConfigErrors};
use super::raw::RawGateway;
use super::report::Report;
use super::suggest;
use super::tree::{KeyPath, Node, Place};
use crate::app::options::GatewayOptions;

/// A configuration to be read: a text, where it came from, and variables over it.
#[derive(Clone, Debug)]
pub struct Config {
    text: String,
    origin: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a configuration says, and the files it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The options.
    pub options: GatewayOptions,
    /// The configuration file, and every file it names: what to watch for changes.
    pub files_read: Vec<PathBuf>,
}

impl Config {
    /// The configuration `text`, with no variables over it. `origin` is the file it came
    /// from: messages name it, and the files that the text names are looked for from its
    /// folder.
    #[must_use]
    pub fn new(text: impl Into<String>, origin: impl Into<PathBuf>) -> Self {
        Self {
            text: text.into(),
            origin: origin.into(),
            variables: Vec::new(),
        }
    }

    /// With these environment variables over it. Those whose names do not start with
    /// `GATEPASS_` are left alone.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Reads the file `path`, with the process's environment over it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and as [`read`](Self::read).
    pub fn load(path: impl AsRef<Path>) -> Result<Loaded, ConfigErrors> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let error = general(format!("cannot read `{}`: {error}", path.display()));
            ConfigErrors::new(path, "", vec![error])
        })?;
        let (variables, foreign): (Vec<_>, Vec<_>) = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name
                    .into_string()
                    .ok()
                    .filter(|name| env::is_option(name))?;
                Some(
                    value
                        .into_string()
                        .map(|value| (name.clone(), value))
                        .map_err(|_| name),
                )
            })
            .partition(Result::is_ok);
        if !foreign.is_empty() {
            let errors = foreign
                .into_iter()
                .filter_map(Result::err)
                .map(|name| general(format!("the environment variable `{name}` is not UTF-8")));
            return Err(ConfigErrors::new(path, &text, errors.collect()));
        }
        Self::new(text, path)
            .with_variables(variables.into_iter().filter_map(Result::ok))
            .read()
    }

    /// Reads `text` without any environment; see [`new`](Self::new) for `origin`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_str(text: &str, origin: impl Into<PathBuf>) -> Result<Loaded, ConfigErrors> {
        Self::new(text, origin).read()
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: the text is no TOML; a key is not known, or is of a method
    /// that is not used; a value is not allowed; a file that is named cannot be read.
    pub fn read(self) -> Result<Loaded, ConfigErrors> {
        let failed = |errors| Err(ConfigErrors::new(&self.origin, &self.text, errors));
        let (document, syntax) = DeTable::parse_recoverable(&self.text);
        if !syntax.is_empty() {
            return failed(syntax.iter().map(not_toml).collect());
        }
        let mut tree = Node::from_document(&document);
        let mut errors: Vec<ConfigError> = env::overlay(&mut tree, &self.variables)
            .into_iter()
            .map(|error| ConfigError {
                place: Some(Place::Variable(error.variable().clone())),
                label: "it sets no option".to_owned(),
                ..general(error.to_string())
            })
            .collect();
        let (raw, broken) = read_raw(&mut tree, &mut errors);

        let folder = self.origin.parent().unwrap_or(Path::new(""));
        let report = Report::new(&tree, folder, &broken);
        let options = check::gateway(raw, &report.root());
        let (found, files) = report.finish();
        errors.extend(found);
        match options {
            Some(options) if errors.is_empty() => {
                let mut files_read = vec![self.origin];
                files_read.extend(files);
                files_read.sort();
                files_read.dedup();
                Ok(Loaded {
                    options,
                    files_read,
                })
            }
            _ => failed(errors),
        }
    }
}

/// The tree as structs. What does not fit is reported, taken out of the tree and handed
/// back, and the rest is read again, so that one reading finds all of it.
fn read_raw(tree: &mut Node, errors: &mut Vec<ConfigError>) -> (RawGateway, Vec<KeyPath>) {
    let mut broken = Vec::new();
    loop {
        let error = match RawGateway::deserialize(&*tree) {
            Ok(raw) => return (raw, broken),
            Err(error) => error,
        };
        let path = error.path();
        errors.push(misfit(tree, &path, &error));
        let key = path.nearest_key();
        if tree.get(&key).is_none() || key.0.is_empty() {
            return (RawGateway::default(), broken);
        }
        tree.remove(&key);
        broken.push(key);
    }
}

fn misfit(tree: &Node, path: &KeyPath, error: &ReadError) -> ConfigError {
    let key = tree.label(path);
    let found = tree
        .nearest(path)
        .map_or_else(String::new, |node| node.value.to_string());
    match &error.kind {
        ReadErrorKind::UnknownKey { known } => {
            let name = key.rsplit('.').next().unwrap_or_default();
            let allowed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            ConfigError {
                place: tree.place_of_key(path).cloned(),
                title: format!("unknown key `{key}`"),
                label: "there is no such option here".to_owned(),
                help: suggest::closest(name, known).map(|name| format!("did you mean `{name}`?")),
                notes: vec![format!("allowed: {}", allowed.join(", "))],
                key,
            }
        }
        ReadErrorKind::Kind { expected } => ConfigError {
            place: tree.place_of_value(path).cloned(),
            title: format!("bad value for `{key}`"),
            label: format!("found {found}"),
            help: None,
            notes: vec![format!("allowed: {expected}")],
            key,
        },
        ReadErrorKind::Other { message } => ConfigError {
            place: tree.place_of_value(path).cloned(),
            title: format!("bad value for `{key}`"),
            label: message.clone(),
            help: None,
            notes: Vec::new(),
            key,
        },
    }
}

fn not_toml(error: &toml::de::Error) -> ConfigError {
    ConfigError {
        place: error.span().map(Place::File),
        label: error.message().to_owned(),
        ..general("the file is not TOML".to_owned())
    }
}

/// An error that is about no key.
fn general(title: String) -> ConfigError {
    ConfigError {
        key: String::new(),
        place: None,
        title,
        label: String::new(),
        help: None,
        notes: Vec::new(),
    }
}
