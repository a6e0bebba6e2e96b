//! The log of the binary.

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// What is logged, and how. Lines go to standard error.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Which events: a level, or `target=level` directives separated by commas, as
    /// `info,gatepass::audit=info`.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
    /// Whether text is coloured; `None` when standard error is a terminal.
    pub ansi: Option<bool>,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter cannot be understood.
    #[error("log filter `{filter}` is not a list of levels and target=level directives")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process logs somewhere else already.
    #[error("the process has a log already")]
    Installed(#[source] tracing_subscriber::util::TryInitError),
}

/// The log of the process. Dropped, it writes what waits to be written.
#[derive(Debug)]
#[must_use = "without it the last lines are lost"]
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// How many lines were dropped, since the process began, because nobody read the log.
#[must_use]
pub fn dropped_lines() -> usize {
    DROPPED.get().map_or(0, ErrorCounter::dropped_lines)
}

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Lines that wait to be written; whoever reads the log may be that far behind.
const WAITING_LINES: usize = 16_384;

impl Default for LogOptions {
    /// Text at level `info`.
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::default(),
            ansi: None,
        }
    }
}

impl LogOptions {
    /// Sends the process's events to standard error, from now on. A thread of its own writes
    /// them: when standard error is a pipe that nobody reads, lines are dropped and counted
    /// ([`dropped_lines`]), and no request waits.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the filter is none or the process has a log already.
    pub fn init(&self) -> Result<LogGuard, LogError> {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING_LINES)
            .lossy(true)
            .thread_name("log")
            .finish(io::stderr());
        let counter = writer.error_counter();
        let subscriber = self.subscriber(writer)?;
        subscriber.try_init().map_err(LogError::Installed)?;
        let _ = DROPPED.set(counter);
        Ok(LogGuard(guard))
    }

    /// As [`init`](Self::init), but writes to `writer` and installs nothing.
    ///
    /// # Errors
    ///
    /// [`LogError::Filter`] when the filter is none.
    pub fn subscriber<W>(
        &self,
        writer: W,
    ) -> Result<Box<dyn Subscriber + Send + Sync + 'static>, LogError>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let filter = EnvFilter::try_new(&self.filter).map_err(|source| LogError::Filter {
            filter: self.filter.clone(),
            source,
        })?;
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(writer)
            .with_ansi(self.ansi.unwrap_or_else(|| io::stderr().is_terminal()));
        Ok(match self.format {
            LogFormat::Text => Box::new(builder.finish()),
            LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(options: &LogOptions, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = options.subscriber(move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_lines_carry_dotted_fields_and_the_filter_holds() {
        let options = LogOptions {
            filter: "warn,shown=info".to_owned(),
            format: LogFormat::Json,
            ansi: Some(false),
        };
        let text = logged(&options, || {
            tracing::info!(target: "shown", { session.id = "s1" }, "a session started");
            tracing::info!(target: "hidden", "not this");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["session.id"], "s1");
        assert_eq!(line["message"], "a session started");
        assert_eq!(line["target"], "shown");
    }

    #[test]
    fn text_has_no_colour_when_told_so_and_a_bad_filter_is_an_error() {
        let plain = LogOptions {
            ansi: Some(false),
            ..LogOptions::default()
        };
        let text = logged(&plain, || tracing::warn!("careful"));
        assert!(text.contains("WARN") && !text.contains('\u{1b}'), "{text}");
        let bad = LogOptions {
            filter: "x=loudest".to_owned(),
            ..plain
        };
        let error = bad.subscriber(io::sink).err().unwrap();
        assert!(error.to_string().contains("x=loudest"), "{error}");
    }
}
