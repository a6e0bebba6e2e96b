//! A gateway in a process of its own, which can be killed and started again.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::command::Running;
use super::house::{Bearers, furnish};
use super::{Admin, Script, Upstream};

/// A gateway in a process of its own.
pub(crate) struct Served {
    pub(crate) process: Running,
    pub(crate) folder: TempDir,
    pub(crate) upstream: Upstream,
    pub(crate) edge: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) keys: Bearers,
    /// Variables of the process's environment.
    variables: Vec<(&'static str, &'static str)>,
}

impl Served {
    pub(crate) async fn with(config: &str) -> Self {
        Self::with_variables(config, &[]).await
    }

    /// One with these variables in its environment.
    pub(crate) async fn with_variables(
        config: &str,
        variables: &[(&'static str, &'static str)],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let keys = furnish(folder.path());
        Self::of(folder, keys, config, variables).await
    }

    /// One that the same keys open as this one.
    pub(crate) async fn beside(&self, config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let _ = furnish(folder.path());
        let keys = folder.path().join("keys.toml");
        std::fs::copy(self.folder.path().join("keys.toml"), keys).unwrap();
        Self::of(folder, self.keys.clone(), config, &[]).await
    }

    async fn of(
        folder: TempDir,
        keys: Bearers,
        config: &str,
        variables: &[(&'static str, &'static str)],
    ) -> Self {
        let upstream = Upstream::start().await;
        let served =
            format!("{config}\n[log]\nformat = \"json\"\n").replace("UPSTREAM", &upstream.url());
        std::fs::write(folder.path().join("gatepass.toml"), served).unwrap();
        let process = Running::start_with(folder.path(), &["serve"], variables);
        Self {
            edge: process.address("the edge is ready").await,
            admin: process.address("the side port is ready").await,
            process,
            folder,
            upstream,
            keys,
            variables: variables.to_vec(),
        }
    }

    /// Starts the gateway again, on other ports, after its process has ended.
    pub(crate) async fn start_again(&mut self) {
        self.process = Running::start_with(self.folder.path(), &["serve"], &self.variables);
        self.edge = self.process.address("the edge is ready").await;
        self.admin = self.process.address("the side port is ready").await;
    }

    /// Kills the process, which can do nothing about it, and starts the gateway again.
    pub(crate) async fn die(&mut self) {
        self.process.signal("KILL").await;
        self.process.end().await;
        self.start_again().await;
    }

    pub(crate) fn script(&self) -> Script {
        Script::new(self.edge)
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::new(self.admin, &self.keys.site)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}
