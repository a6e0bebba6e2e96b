//! Real servers: started on free ports, stopped, killed, paused.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A redis-server of its own, with a directory that outlives its process.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    directory: TempDir,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    /// One that keeps what it acknowledges (append-only file).
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self {
            port: free_port(),
            directory: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            process: None,
        };
        server.launch();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A sentinel of the master at a port.
    pub(crate) fn sentinel(master: u16) -> Self {
        let port = free_port();
        Self::sentinel_of(port, &sentinel_file(port, master))
    }

    /// A sentinel at a port, with a configuration file.
    pub(crate) fn sentinel_of(port: u16, file: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sentinel.conf");
        std::fs::write(&path, file).unwrap();
        let child = Command::new("redis-server")
            .arg(&path)
            .arg("--sentinel")
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server ({error}): run tests/redis/install"));
        let server = Self {
            port,
            directory,
            arguments: Vec::new(),
            process: Some(child),
        };
        server.wait();
        server
    }

    /// Starts the process; it answers when this returns.
    pub(crate) fn launch(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--repl-diskless-sync-delay", "0"])
            .args(["--dir", self.directory.path().to_str().unwrap()])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server ({error}): run tests/redis/install"));
        self.process = Some(child);
        self.wait();
    }

    fn wait(&self) {
        for _ in 0..1000 {
            let answer = self.try_command(&["PING"]);
            if answer.is_ok_and(|a| a.starts_with("+PONG") || a.starts_with("-NOAUTH")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer on port {}", self.port);
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGSTOP: it is there, and does nothing.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// The first line of the answer to a command.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap()
    }

    /// The whole answer to a command, a value a line.
    pub(crate) fn text(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-p", &port])
            .args(words)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// The same, after the password.
    pub(crate) fn command_as(&self, password: &str, words: &[&str]) -> String {
        self.converse(&[&["AUTH", password], words]).unwrap()
    }

    fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        self.converse(&[words])
    }

    /// The first line of the answer to the last command.
    fn converse(&self, commands: &[&[&str]]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut line = String::new();
        for words in commands {
            let mut bytes = format!("*{}\r\n", words.len());
            for word in *words {
                bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
            }
            stream.write_all(bytes.as_bytes())?;
            line.clear();
            BufReader::new(&stream).read_line(&mut line)?;
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> u16 {
    // The cluster bus wants the port 10,000 above as well.
    loop {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if port < 50_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

fn sentinel_file(port: u16, master: u16) -> String {
    format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor sessions 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds sessions 1000\n\
         sentinel failover-timeout sessions 5000\n"
    )
}
