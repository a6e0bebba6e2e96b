//! `gatepass store`: work on a store's file that no gateway has open.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gatepass::app::options::StoreKind;
use gatepass::config::Config;
use gatepass::store::file::{FileError, StoreFile, TransferError};

use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Verify every page and every record, and count what is there
    Check(Which),
    /// Make the file as small as it goes
    Compact(Which),
    /// Write sessions and locks as lines of JSON, without any secret
    Export(Export),
    /// Read lines of JSON into a new file, or into one that is there
    Import(Import),
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

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,
    /// Where to write; otherwise the standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(flatten)]
    which: Which,
    /// Where to read from; otherwise the standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Add to a file that is there; what is in it stays
    #[arg(long)]
    merge: bool,
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
        Command::Export(export) => run_export(&export),
        Command::Import(import) => run_import(&import),
    }
}

impl Which {
    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let store = Config::load(&self.config)?.options.store;
        if store.kind != StoreKind::File {
            return Err(Failure::Usage(format!(
                "{} keeps sessions in memory: name a file with --path",
                self.config.display()
            )));
        }
        Ok(store.path)
    }

    fn say(&self, text: &str, json: &serde_json::Value) -> Result<(), Failure> {
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
        "{}: {} open sessions, {} ended, {} locks, {} bytes",
        path.display(),
        found.open,
        found.ended,
        found.locks,
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

fn run_export(export: &Export) -> Result<(), Failure> {
    let path = export.which.path()?;
    let file = StoreFile::open_damaged(&path)?;
    if let Some(damage) = file.damage() {
        tell(damage);
    }
    let bad = match &export.to {
        None => file.export(&mut BufWriter::new(io::stdout().lock()))?,
        Some(to) => {
            let out = private(to).with_context(|| format!("{} cannot be made", to.display()))?;
            file.export(&mut BufWriter::new(out))?
        }
    };
    bad.iter().for_each(tell);
    if bad.is_empty() && file.damage().is_none() {
        return Ok(());
    }
    Err(Failure::Failed(anyhow::anyhow!(
        "not everything in {} could be read",
        path.display()
    )))
}

/// A new file for its owner only: it names users.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn run_import(import: &Import) -> Result<(), Failure> {
    let path = import.which.path()?;
    let done = match &import.from {
        None => StoreFile::import(&path, io::stdin().lock(), import.merge)?,
        Some(from) => {
            let lines =
                File::open(from).with_context(|| format!("{} cannot be read", from.display()))?;
            StoreFile::import(&path, BufReader::new(lines), import.merge)?
        }
    };
    let text = format!(
        "{}: {} sessions and {} locks imported, {} sessions were there",
        path.display(),
        done.sessions,
        done.locks,
        done.known
    );
    let json = serde_json::json!({
        "path": path,
        "sessions": done.sessions,
        "locks": done.locks,
        "known": done.known,
    });
    import.which.say(&text, &json)
}

/// Tells of something beside what is asked for.
fn tell(text: impl std::fmt::Display) {
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
