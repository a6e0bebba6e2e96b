//! Noticing that a file has changed, however it is written: in place, by a rename, or by
//! leading a link on the way to it elsewhere, as certbot and Kubernetes do.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Watches files. What cannot be watched is told once; SIGHUP still works.
pub(crate) struct Watch {
    entries: Entries,
    events: mpsc::UnboundedReceiver<PathBuf>,
    /// Watches as long as it lives; holds the sender.
    _watcher: Option<RecommendedWatcher>,
    _sender: mpsc::UnboundedSender<PathBuf>,
}

/// Names in folders.
type Entries = BTreeSet<(PathBuf, OsString)>;

/// Several writes in a row are one change.
const SETTLE: Duration = Duration::from_millis(200);

impl Watch {
    /// Watches `files`, through their folders, as a file that is replaced is another one.
    pub(crate) fn new(files: &[PathBuf]) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let entries = entries(files);
        let watcher = start(&entries, sender.clone());
        let watcher = watcher
            .map_err(|error| tracing::warn!(%error, "files cannot be watched: reload with SIGHUP"))
            .ok();
        Self {
            entries,
            events,
            _watcher: watcher,
            _sender: sender,
        }
    }

    /// Whether the links on the way to `files` lead where they led.
    pub(crate) fn is_of(&self, files: &[PathBuf]) -> bool {
        self.entries == entries(files)
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
    entries: &Entries,
    sender: mpsc::UnboundedSender<PathBuf>,
) -> notify::Result<RecommendedWatcher> {
    let names: BTreeSet<OsString> = entries.iter().map(|(_, name)| name.clone()).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind.is_access() {
            return;
        }
        let ours = |path: &&PathBuf| path.file_name().is_some_and(|name| names.contains(name));
        if let Some(path) = event.paths.iter().find(ours) {
            let _ = sender.send(path.clone());
        }
    })?;
    let folders: BTreeSet<&PathBuf> = entries.iter().map(|(folder, _)| folder).collect();
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, folder = %folder.display(), "changes in a folder will not be noticed: reload with SIGHUP");
        }
    }
    Ok(watcher)
}

/// What another file is reached through as soon as it is exchanged: the names of `files`, and
/// of every link on the way to them.
fn entries(files: &[PathBuf]) -> Entries {
    let mut entries = Entries::new();
    for file in files {
        follow(file, &mut entries);
    }
    entries
}

fn follow(file: &Path, entries: &mut Entries) {
    let mut folder = PathBuf::from(".");
    let mut ahead: VecDeque<OsString> = parts(file).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        let path = folder.join(&name);
        let link = std::fs::read_link(&path).ok();
        if link.is_some() || ahead.is_empty() || !path.exists() {
            entries.insert((folder.clone(), name));
        }
        let Some(target) = link else {
            folder = path;
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return;
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            ahead.push_front(part);
        }
    }
}

/// The root, `..` and names; what is joined with the root is absolute.
fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_owned())
}

/// As many as Linux follows.
const MAX_LINKS: usize = 40;
