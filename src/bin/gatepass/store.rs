//! `gatepass store`: work on a store's file that no gateway has open; to and from a store that is
//! in use, see [`transfer`](crate::transfer).

use std::io;
use std::path::PathBuf;

use gatepass::app::options::{GatewayOptions, StoreKind};
use gatepass::config::Config;
use gatepass::store::file::{FileError, StoreFile, TransferError};

use crate::exit::Failure;
use crate::{output, transfer};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Verify every page and every record, and count what is there
    Check(Which),
    /// Make the file as small as it goes
    Compact(Which),
    /// Write what is kept as lines of JSON, without any secret: of a file that no gateway has
    /// open, of a running gateway (--url), or of Redis
    Export(transfer::Export),
    /// Read lines of JSON into a new file, or into one that is there; into a running gateway
    /// (--url), or into Redis
    Import(transfer::Import),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The configuration that names the file
    #[arg(
        long,
        env = "GATEPASS_CONFIG",
        default_value = "gatepass.toml",
        value_name = "FILE"
    )]
    config: PathBuf,
    /// The file, instead of the one that the configuration names
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(which) => check(&which),
        Command::Compact(which) => {
            let path = which.path()?;
            let (before, after) = StoreFile::open(&path)?.compact()?;
            let text = format!("{}: {before} bytes before, {after} now", path.display());
            let json = serde_json::json!({ "path": path, "before": before, "after": after });
            which.say(&text, &json)
        }
        Command::Export(export) => transfer::export(&export),
        Command::Import(import) => transfer::import(&import),
    }
}

/// Where a store is that can be worked on without a gateway.
pub(crate) enum Kept {
    File(PathBuf),
    Redis(Box<GatewayOptions>),
}

impl Which {
    pub(crate) fn kept(&self) -> Result<Kept, Failure> {
        if let Some(path) = &self.path {
            return Ok(Kept::File(path.clone()));
        }
        let options = Config::load(&self.config)?.options;
        match options.store.kind {
            StoreKind::File => Ok(Kept::File(options.store.path)),
            StoreKind::Redis => Ok(Kept::Redis(Box::new(options))),
            _ => Err(Failure::Usage(format!(
                "{} keeps sessions in memory: name a file with --path, or for exports and \
                 imports a running gateway with --url",
                self.config.display()
            ))),
        }
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        match self.kept()? {
            Kept::File(path) => Ok(path),
            Kept::Redis(_) => Err(Failure::Usage(format!(
                "{} keeps sessions in Redis: name a file with --path",
                self.config.display()
            ))),
        }
    }

    pub(crate) fn say(&self, text: &str, json: &serde_json::Value) -> Result<(), Failure> {
        match self.json {
            true => output::print(json)?,
            false => output::print(text)?,
        }
        Ok(())
    }
}

fn check(which: &Which) -> Result<(), Failure> {
    let path = which.path()?;
    let found = StoreFile::open(&path)?.contents();
    let bad = found.bad.len();
    let mut text = format!(
        "{}: {} open sessions, {} ended, {} locks, {} tasks, {} peaks, {} bytes",
        path.display(),
        found.open,
        found.ended,
        found.locks,
        found.tasks,
        found.peaks,
        found.size
    );
    for bad in &found.bad {
        text.push_str("\n  ");
        text.push_str(bad);
    }
    let json = serde_json::json!({
        "path": path,
        "ok": bad == 0,
        "open": found.open,
        "ended": found.ended,
        "locks": found.locks,
        "tasks": found.tasks,
        "peaks": found.peaks,
        "size": found.size,
        "bad": found.bad,
    });
    which.say(&text, &json)?;
    if bad > 0 {
        return Err(Failure::Failed(anyhow::anyhow!(
            "{bad} records cannot be read: `gatepass store export` leaves them out"
        )));
    }
    Ok(())
}

/// Tells of something beside what is asked for.
pub(crate) fn tell(text: impl std::fmt::Display) {
    use std::io::Write as _;
    // Who does not listen can do without.
    let _ = writeln!(io::stderr(), "warning: {text}");
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Locked { .. } => Self::Unavailable(error.into()),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::File(error) => error.into(),
            other => Self::Failed(other.into()),
        }
    }
}
