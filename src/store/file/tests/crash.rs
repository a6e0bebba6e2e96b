//! What is there after a crash, against a model: any order of changes, and a copy of the file
//! as a process that is killed leaves it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use crate::domain::{
    Clock as _, EndReason, ManualClock, Session, SessionId, SessionRecord, Spaces, UserLock,
};
use crate::store::contract::Maker;
use crate::store::file::FileStore;
use crate::store::{Created, Ended, IdRange, Retention, SessionStore, Touch};

#[derive(Clone, Debug)]
enum Step {
    Create,
    /// Of the nth session there has been; so for the others.
    End(usize),
    Touch(usize),
    CreateAgain(usize),
    Lock(bool),
    Purge,
    /// All of these at once, so that they share a transaction.
    Storm(usize),
    /// The process is killed and starts again.
    Crash,
    /// It ends as it should and starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..20_usize;
    prop_oneof![
        6 => Just(Step::Create),
        4 => which.clone().prop_map(Step::End),
        4 => which.clone().prop_map(Step::Touch),
        1 => which.prop_map(Step::CreateAgain),
        1 => any::<bool>().prop_map(Step::Lock),
        1 => Just(Step::Purge),
        1 => (1..8_usize).prop_map(Step::Storm),
        2 => Just(Step::Crash),
        1 => Just(Step::Restart),
    ]
}

/// What there must be.
struct Model {
    folder: TempDir,
    file: usize,
    clock: ManualClock,
    maker: Maker,
    store: FileStore,
    /// Every session there has been, as it must be kept.
    known: BTreeMap<SessionId, SessionRecord>,
    sessions: Vec<Arc<Session>>,
    lock: Option<UserLock>,
}

impl Model {
    fn new() -> Self {
        let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new());
        let store = open(&folder, 0, &clock);
        Self {
            maker: Maker::new(clock.clone()),
            known: BTreeMap::new(),
            sessions: Vec::new(),
            lock: None,
            file: 0,
            folder,
            clock,
            store,
        }
    }

    async fn take(&mut self, step: Step) {
        self.clock.advance(Duration::from_millis(7));
        let nth = |n: usize| self.sessions.get(n).cloned();
        match step {
            Step::Create => {
                let session = self.maker.session("ann");
                assert!(matches!(
                    self.store.create(&session).await.unwrap(),
                    Created::Kept
                ));
                self.note(session);
            }
            Step::Storm(count) => {
                let new: Vec<_> = (0..count).map(|_| self.maker.session("bob")).collect();
                let all = new.iter().map(|session| self.store.create(session));
                for created in futures_util::future::join_all(all).await {
                    assert!(matches!(created.unwrap(), Created::Kept));
                }
                new.into_iter().for_each(|session| self.note(session));
            }
            Step::CreateAgain(n) => {
                let Some(session) = nth(n) else { return };
                let created = self.store.create(&session).await.unwrap();
                assert!(matches!(created, Created::Exists), "delete wins");
            }
            Step::Touch(n) => {
                let Some(session) = nth(n) else { return };
                let touch = self.maker.touch(&session, self.clock.tick());
                self.store.touch_many(&[touch]).await.unwrap();
                let record = self.known.get_mut(&session.id()).unwrap();
                if record.end.is_none() {
                    record.last_active = touch.at;
                }
            }
            Step::End(n) => {
                let Some(session) = nth(n) else { return };
                let end = self.maker.end(EndReason::LoggedOut);
                let record = self.known.get_mut(&session.id()).unwrap();
                let last = Touch {
                    at: record.last_active,
                    ..Touch::last_of(&session)
                };
                match self.store.end(last, end.clone()).await.unwrap() {
                    Ended::Now(_) if record.end.is_none() => record.end = Some(end),
                    Ended::Before(kept) => assert_eq!(kept.end(), record.end.as_ref()),
                    other => panic!("{other:?} of {record:?}"),
                }
            }
            Step::Lock(on) => {
                let lock = UserLock {
                    space: self.maker.space.id().clone(),
                    directory: "LAB".into(),
                    id: "ann".into(),
                    until: None,
                    since: self.clock.wall(),
                    by: "ops".into(),
                    reason: None,
                };
                if on {
                    self.store.put_lock(&lock).await.unwrap();
                } else {
                    self.store.remove_lock(lock.user_key()).await.unwrap();
                }
                self.lock = on.then_some(lock);
            }
            Step::Purge => assert_eq!(self.store.purge().await.unwrap(), 0),
            Step::Crash => {
                // What the system has of the file when the process is killed: a copy.
                let (from, to) = (self.file, self.file + 1);
                let path = |n: usize| self.folder.path().join(n.to_string());
                std::fs::copy(path(from), path(to)).unwrap();
                self.file = to;
                self.store = open(&self.folder, to, &self.clock);
                self.compare().await;
            }
            Step::Restart => {
                self.store.close().await.unwrap();
                self.store = open(&self.folder, self.file, &self.clock);
                self.compare().await;
            }
        }
    }

    fn note(&mut self, session: Arc<Session>) {
        self.known.insert(session.id(), session.record());
        self.sessions.push(session);
    }

    async fn compare(&self) {
        let found = self.store.recover().await.unwrap();
        let ended = self.store.walk_ended(IdRange::ALL, 10_000).await.unwrap();
        let sessions = found.sessions.iter().chain(&ended);
        let found_all: BTreeMap<_, _> = sessions.map(|s| (s.id(), s.record())).collect();
        assert_eq!(found_all, self.known);
        let open = self.known.values().filter(|record| record.end.is_none());
        assert_eq!(found.sessions.len(), open.count());
        assert_eq!(found.locks, self.lock.iter().cloned().collect::<Vec<_>>());
    }
}

fn open(folder: &TempDir, file: usize, clock: &ManualClock) -> FileStore {
    let path = folder.path().join(file.to_string());
    let clock = Arc::new(clock.clone());
    FileStore::open(&path, Retention::default(), &Spaces::new(), clock).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn s11_any_order_of_changes_survives_any_crash(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for step in steps {
                model.take(step).await;
            }
            model.take(Step::Crash).await;
        });
    }
}
