//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::tree::Place;

/// Everything that is wrong with a configuration.
///
/// Displayed, each error names the file, the line and the key, shows the line with a mark
/// under the fault, and tells what is allowed.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    origin: PathBuf,
    text: String,
    errors: Vec<ConfigError>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct ConfigError {
    pub(super) key: String,
    pub(super) place: Option<Place>,
    pub(super) title: String,
    /// Under the mark.
    pub(super) label: String,
    /// What to do about it.
    pub(super) help: Option<String>,
    /// What is allowed, and what else is worth knowing.
    pub(super) notes: Vec<String>,
}

impl ConfigError {
    /// The full key, as `space.1001.session.idle_timeout`; empty when it is about none.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.title
    }

    /// The environment variable it is about, when it is about one.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        match &self.place {
            Some(Place::Variable(name)) => Some(name),
            _ => None,
        }
    }

    fn offset(&self) -> Option<usize> {
        match &self.place {
            Some(Place::File(range)) => Some(range.start),
            _ => None,
        }
    }
}

impl ConfigErrors {
    /// `errors`, put into the order of the text; there is at least one.
    pub(super) fn new(origin: &Path, text: &str, mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| error.offset().unwrap_or(usize::MAX));
        Self {
            origin: origin.to_owned(),
            text: text.to_owned(),
            errors,
        }
    }

    /// The errors, in the order of the file; those of environment variables last.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }

    /// The line of the file `error` is about, counted from 1.
    #[must_use]
    pub fn line_of(&self, error: &ConfigError) -> Option<usize> {
        let before = self.text.get(..error.offset()?)?;
        Some(before.matches('\n').count() + 1)
    }

    /// The errors for a terminal, in colour.
    #[must_use]
    pub fn render_styled(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let rendered: Vec<String> = self
            .errors
            .iter()
            .map(|error| renderer.render(&[self.group(error)]))
            .collect();
        rendered.join("\n\n")
    }

    fn group<'a>(&'a self, error: &'a ConfigError) -> Group<'a> {
        let title = Level::ERROR.primary_title(&*error.title);
        let file = self.origin.to_string_lossy();
        let mut group = match &error.place {
            Some(Place::File(span)) => {
                let mark = AnnotationKind::Primary
                    .span(self.on_one_line(span))
                    .label(&*error.label);
                title.element(Snippet::source(&*self.text).path(file).annotation(mark))
            }
            Some(Place::Variable(name)) => title
                .element(Origin::path(format!("environment variable {name}")))
                .element(Level::NOTE.message(&*error.label)),
            None if error.label.is_empty() => title.element(Origin::path(file)),
            None => title
                .element(Origin::path(file))
                .element(Level::NOTE.message(&*error.label)),
        };
        if let Some(help) = &error.help {
            group = group.element(Level::HELP.message(&**help));
        }
        group.elements(error.notes.iter().map(|note| Level::NOTE.message(&**note)))
    }

    /// The first line of `span`: a table of twenty lines needs no twenty lines of marks.
    fn on_one_line(&self, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let marked = self.text.get(span.clone()).unwrap_or_default();
        let len = marked.find(['\n', '\r']).unwrap_or(marked.len());
        span.start..span.start + len
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for ConfigErrors {}
