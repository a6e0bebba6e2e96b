//! The `gatepass` command as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::wait::SOON;
use super::{eventually, soon};

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command in a folder, with an environment of its own.
pub(crate) fn gatepass(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("NO_COLOR", "1")
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) async fn run(folder: &Path, args: &[&str]) -> Done {
    run_with(folder, args, "").await
}

/// Runs it to its end, with `input` as its standard input.
pub(crate) async fn run_with(folder: &Path, args: &[&str], input: &str) -> Done {
    let mut child = gatepass(folder, args)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = soon(child.wait_with_output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

impl Done {
    /// The standard output of a command that did what it should.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }

    /// The standard error of a command that failed in this way.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        &self.err
    }
}

/// Writes down what is said, until told not to listen any more; then holds the pipe.
async fn note(
    said: impl AsyncRead + Unpin,
    lines: Arc<Mutex<Vec<String>>>,
    deaf: CancellationToken,
) {
    let mut said = BufReader::new(said).lines();
    while let Some(Ok(Some(line))) = deaf.run_until_cancelled(said.next_line()).await {
        lines.lock().unwrap().push(line);
    }
    if deaf.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

/// A command that goes on, and what it has said so far.
pub(crate) struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    deaf: CancellationToken,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        Self::follow(gatepass(folder, args))
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = gatepass(folder, args);
        command.envs(variables.iter().copied());
        Self::follow(command)
    }

    /// Starts it deaf to a signal, as `XFSZ`.
    pub(crate) fn start_ignoring(folder: &Path, signal: &str, args: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_gatepass");
        let words = [
            "-c",
            "trap '' $1; shift; exec \"$@\"",
            "sh",
            signal,
            program,
        ];
        let mut command = Command::new("sh");
        command
            .args(words)
            .args(args)
            .current_dir(folder)
            .env_clear()
            .env("NO_COLOR", "1")
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::follow(command)
    }

    fn follow(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let deaf = CancellationToken::new();
        let noted = |lines: &Arc<_>| (Arc::clone(lines), deaf.clone());
        let (said, ear) = noted(&lines);
        tokio::spawn(note(child.stdout.take().unwrap(), said, ear));
        let (said, ear) = noted(&lines);
        tokio::spawn(note(child.stderr.take().unwrap(), said, ear));
        Self { child, lines, deaf }
    }

    /// Waits for a line with `text` in it.
    pub(crate) async fn line(&self, text: &str) -> String {
        let found = eventually(async || {
            let lines = self.lines.lock().unwrap();
            lines.iter().find(|line| line.contains(text)).cloned()
        });
        let found = tokio::time::timeout(SOON, found).await;
        found.unwrap_or_else(|_| panic!("no line with {text:?}: {:#?}", self.said()))
    }

    /// How many lines have `text` in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits for one more line with `text` than there were.
    pub(crate) async fn one_more(&self, text: &str, than: usize) {
        eventually(async || (self.count(text) > than).then_some(())).await;
    }

    /// The address in the line (of a log in JSON) that says `text`.
    pub(crate) async fn address(&self, text: &str) -> SocketAddr {
        let line: Value = serde_json::from_str(&self.line(text).await).unwrap();
        let found = line
            .pointer("/fields/address")
            .or_else(|| line.get("address"));
        found
            .unwrap_or_else(|| panic!("{line}"))
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends the process a signal, as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let kill = Command::new("sh")
            .args(["-c", "kill -$0 $1", name, &id])
            .status();
        assert!(soon(kill).await.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        soon(self.child.wait()).await.unwrap()
    }

    /// Reads nothing any more of what it says, and leaves it talking.
    pub(crate) fn stop_reading(&self) {
        self.deaf.cancel();
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
