//! How the command ends: the codes that scripts rely on.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use gatepass::app::{BuildError, StartError};
use gatepass::config::ConfigErrors;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request failed. Exit code 1.
    Failed(anyhow::Error),
    /// The command's words are off. Exit code 2, as clap's.
    Usage(String),
    /// The configuration file has errors. Exit code 64.
    Config(Box<ConfigErrors>),
    /// The configuration names something that cannot be used. Exit code 64.
    Build(anyhow::Error),
    /// Something that is needed is not available, such as an address. Exit code 69.
    Unavailable(anyhow::Error),
}

impl Failure {
    /// Tells the user, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let mut out = std::io::stderr().lock();
        let code = match self {
            Self::Failed(error) => {
                let _ = writeln!(out, "error: {error:#}");
                1
            }
            Self::Usage(text) => {
                let _ = writeln!(out, "error: {text}");
                2
            }
            Self::Config(errors) => {
                let text = if out.is_terminal() {
                    errors.render_styled()
                } else {
                    errors.to_string()
                };
                let _ = writeln!(out, "{text}");
                64
            }
            Self::Build(error) => {
                let _ = writeln!(out, "error: the configuration cannot be used: {error:#}");
                64
            }
            Self::Unavailable(error) => {
                let _ = writeln!(out, "error: {error:#}");
                69
            }
        };
        ExitCode::from(code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(Box::new(errors))
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error.into())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Build(error) => error.into(),
            other => Self::Unavailable(other.into()),
        }
    }
}
