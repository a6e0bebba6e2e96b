//! `gatepass store export` and `import`: lines of JSON out of a store and into one. A file is read
//! when no gateway has it open; a running gateway is asked, whatever its store; and Redis is read
//! and written beside the gateways that share it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use gatepass::app::options::GatewayOptions;
use gatepass::app::shared_sessions;
use gatepass::sessions::Imported;
use gatepass::store::StoreError;
use gatepass::store::file::StoreFile;
use gatepass::store::wire::{Lines, LinesError};
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::access::Access;
use crate::exit::Failure;
use crate::side_port::{SidePort, block_on};
use crate::store::{Kept, Which, tell};

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    gateway: Gateway,
    /// Where to write; otherwise the standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    gateway: Gateway,
    /// Where to read from; otherwise the standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Add to a file that is there; what is in it stays. Running gateways and Redis are always
    /// added to
    #[arg(long)]
    merge: bool,
}

/// A gateway that runs, to be asked instead of the store.
#[derive(Debug, clap::Args)]
struct Gateway {
    /// The side port of a running gateway, as http://127.0.0.1:8081; needs the key of a site
    /// administrator
    #[arg(long, value_name = "URL", conflicts_with = "path")]
    url: Option<String>,
    #[command(flatten)]
    access: Access,
}

/// Where lines come from or go to.
enum Place {
    Running(Box<SidePort>),
    Kept(Kept),
}

impl Gateway {
    fn place(&self, which: &Which) -> Result<Place, Failure> {
        match &self.url {
            Some(url) => Ok(Place::Running(Box::new(self.access.open(Some(url), None)?))),
            None if self.access.names_key() => Err(Failure::Usage(
                "--api-key-file is for a running gateway: name it with --url".to_owned(),
            )),
            None => Ok(Place::Kept(which.kept()?)),
        }
    }
}

pub(crate) fn export(export: &Export) -> Result<(), Failure> {
    let place = export.gateway.place(&export.which)?;
    let file = match &place {
        Place::Kept(Kept::File(path)) => Some((path, StoreFile::open_damaged(path)?)),
        _ => None,
    };
    let mut out: Box<dyn Write> = match &export.to {
        None => Box::new(BufWriter::new(io::stdout().lock())),
        Some(to) => {
            let out = private(to).with_context(|| format!("{} cannot be made", to.display()))?;
            Box::new(BufWriter::new(out))
        }
    };
    match (&place, &file) {
        (_, Some((path, file))) => export_file(path, file, &mut out),
        (Place::Running(side_port), _) => block_on(download(side_port, &mut out)),
        (Place::Kept(Kept::Redis(options)), _) => block_on(export_shared(options, &mut out)),
        (Place::Kept(Kept::File(_)), None) => Ok(()),
    }
}

fn export_file(path: &Path, file: &StoreFile, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(damage) = file.damage() {
        tell(damage);
    }
    let bad = file.export(out)?;
    bad.iter().for_each(tell);
    if bad.is_empty() && file.damage().is_none() {
        return Ok(());
    }
    Err(Failure::Failed(anyhow!(
        "not everything in {} could be read",
        path.display()
    )))
}

async fn download(side_port: &SidePort, out: &mut dyn Write) -> Result<(), Failure> {
    let accept = [("accept", "application/x-ndjson")];
    let response = side_port.stream("/api/v1/store/export", &accept).await?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the export broke off: what was written is not all");
        let frame = frame.map_err(Failure::Unavailable)?;
        if let Some(bytes) = frame.data_ref() {
            out.write_all(bytes).context(UNWRITABLE)?;
        }
    }
    Ok(out.flush().context(UNWRITABLE)?)
}

async fn export_shared(options: &GatewayOptions, out: &mut dyn Write) -> Result<(), Failure> {
    let mut export = shared_sessions(options).await?.export(None);
    while let Some(lines) = export.next().await.map_err(unavailable)? {
        for line in lines {
            writeln!(out, "{}", line.to_json()).context(UNWRITABLE)?;
        }
    }
    Ok(out.flush().context(UNWRITABLE)?)
}

const UNWRITABLE: &str = "the lines cannot be written";

/// A new file for its owner only: it names users.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(crate) fn import(import: &Import) -> Result<(), Failure> {
    let place = import.gateway.place(&import.which)?;
    let lines: Box<dyn Read + Send> = match &import.from {
        None => Box::new(io::stdin()),
        Some(from) => {
            let file = File::open(from);
            let file = file.with_context(|| format!("{} cannot be read", from.display()))?;
            Box::new(BufReader::new(file))
        }
    };
    let (name, done) = match place {
        Place::Running(side_port) => {
            let done = block_on(side_port.upload("/api/v1/store/import", upload(lines)))?;
            ("the running gateway".to_owned(), done)
        }
        Place::Kept(Kept::Redis(options)) => {
            let done = block_on(import_shared(&options, lines))?;
            let done = json!({
                "sessions": done.sessions,
                "known": done.known,
                "ended": done.ended,
                "clashes": done.clashes,
                "locks": done.locks,
                "tasks": done.tasks,
                "peaks": done.peaks,
            });
            ("Redis".to_owned(), done)
        }
        Place::Kept(Kept::File(path)) => {
            let done = StoreFile::import(&path, lines, import.merge)?;
            let said = json!({
                "path": path,
                "sessions": done.sessions,
                "known": done.known,
                "locks": done.locks,
                "tasks": done.tasks,
                "peaks": done.peaks,
            });
            (path.display().to_string(), said)
        }
    };
    import.which.say(&told(&name, &done), &done)
}

/// What an import did, in words.
fn told(place: &str, done: &Value) -> String {
    let count = |name: &str| done[name].as_u64().unwrap_or(0);
    let mut text = format!(
        "{place}: {} sessions, {} locks, {} tasks and {} peaks imported, {} sessions were there",
        count("sessions"),
        count("locks"),
        count("tasks"),
        count("peaks"),
        count("known")
    );
    for (name, what) in [
        ("ended", "were open there and have ended"),
        (
            "clashes",
            "were left out, for their tokens are those of others",
        ),
    ] {
        if count(name) > 0 {
            text.push_str(&format!(", {} {what}", count(name)));
        }
    }
    text
}

async fn import_shared(
    options: &GatewayOptions,
    mut bytes: Box<dyn Read + Send>,
) -> Result<Imported, Failure> {
    let sessions = shared_sessions(options).await?;
    let (mut lines, mut done) = (Lines::new(), Imported::default());
    let mut piece = vec![0; PIECE];
    loop {
        let read = read(&mut bytes, &mut piece).context("the lines cannot be read")?;
        let batches = match read {
            0 => lines.finish().map(|last| vec![last]),
            _ => lines.push(&piece[..read]),
        };
        for batch in batches.map_err(|error| refused(&error, lines.given()))? {
            done = done.and(sessions.import(batch, None).await.map_err(unavailable)?);
        }
        if read == 0 {
            return Ok(done);
        }
    }
}

fn refused(error: &LinesError, given: u64) -> Failure {
    Failure::Failed(match given {
        0 => anyhow!("{error}\nnothing was imported"),
        _ => anyhow!("{error}\nlines 1 to {given} were imported, and can be again"),
    })
}

fn unavailable(error: StoreError) -> Failure {
    Failure::Unavailable(error.into())
}

fn read(bytes: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match bytes.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// A body of what `bytes` give, read on a thread that may wait.
fn upload(mut bytes: Box<dyn Read + Send>) -> BoxBody<Bytes, io::Error> {
    let (pieces, body) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut piece = vec![0; PIECE];
        loop {
            let next = match read(&mut bytes, &mut piece) {
                Ok(0) => return,
                Ok(read) => Ok(Bytes::copy_from_slice(&piece[..read])),
                Err(error) => Err(error),
            };
            let ends = next.is_err();
            if pieces.blocking_send(next).is_err() || ends {
                return;
            }
        }
    });
    BoxBody::new(Upload(body))
}

struct Upload(mpsc::Receiver<io::Result<Bytes>>);

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = self.0.poll_recv(context);
        next.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
