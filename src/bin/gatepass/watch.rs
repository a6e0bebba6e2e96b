//! Noticing that a file has changed, however it is written: in place, or by a rename.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Watches files. What cannot be watched is told once; SIGHUP still works.
pub(crate) struct Watch {
    events: mpsc::UnboundedReceiver<PathBuf>,
    /// Watches as long as it lives; holds the sender.
    _watcher: Option<RecommendedWatcher>,
    _sender: mpsc::UnboundedSender<PathBuf>,
}

/// Several writes in a row are one change.
const SETTLE: Duration = Duration::from_millis(200);

impl Watch {
    /// Watches `files`, through their folders, as a file that is replaced is another one.
    pub(crate) fn new(files: &[PathBuf]) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let watcher = start(files, sender.clone());
        let watcher = watcher
            .map_err(|error| tracing::warn!(%error, "files cannot be watched: reload with SIGHUP"))
            .ok();
        Self {
            events,
            _watcher: watcher,
            _sender: sender,
        }
    }

    /// Waits for a change, and then until changes settle; one of the changed files.
    pub(crate) async fn changed(&mut self) -> PathBuf {
        let Some(first) = self.events.recv().await else {
            return std::future::pending().await;
        };
        while let Ok(Some(_)) = tokio::time::timeout(SETTLE, self.events.recv()).await {}
        first
    }
}

fn start(
    files: &[PathBuf],
    sender: mpsc::UnboundedSender<PathBuf>,
) -> notify::Result<RecommendedWatcher> {
    let mut folders: HashMap<PathBuf, Vec<OsString>> = HashMap::new();
    for file in files {
        let folder = file
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        if let Some(name) = file.file_name() {
            folders
                .entry(folder.to_owned())
                .or_default()
                .push(name.to_owned());
        }
    }
    let watched = folders.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind.is_access() {
            return;
        }
        let ours = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| {
                watched
                    .values()
                    .any(|names| names.iter().any(|n| n == name))
            })
        };
        if let Some(path) = event.paths.iter().find(ours) {
            let _ = sender.send(path.clone());
        }
    })?;
    for folder in folders.keys() {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}
