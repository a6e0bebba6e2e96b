//! Two gateways, people before them, a fault, and what is left in the end.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::people::{Address, Person, Town};
use super::verdict::Verdict;
use super::witness::{Life, Policy, Reach, Witness};
use crate::kit::house::header_space;
use crate::kit::{PORTS, Served};

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) people: usize,
    /// Between two things that somebody does.
    pub(super) pause: Duration,
    /// How long a fault lasts that has no length of its own.
    pub(super) fault: Duration,
    /// Before and after it.
    pub(super) quiet: Duration,
}

impl Pace {
    /// For every test run.
    pub(super) const SHORT: Self = Self {
        people: 5,
        pause: Duration::from_millis(15),
        fault: Duration::from_millis(3200),
        quiet: Duration::from_millis(700),
    };
    /// For the table.
    pub(super) const LONG: Self = Self {
        people: 12,
        pause: Duration::from_millis(5),
        fault: Duration::from_secs(8),
        quiet: Duration::from_secs(2),
    };
}

/// A gateway before it is started.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Lines of `[store.redis]`: how it reaches Redis.
    pub(super) way: String,
    /// Lines behind the space.
    pub(super) more: String,
    pub(super) variables: Vec<(&'static str, &'static str)>,
}

impl Plan {
    pub(super) fn single(url: &str) -> Self {
        Self {
            way: format!("nodes = [\"{url}\"]\n"),
            ..Self::default()
        }
    }

    fn config(&self, node: usize, policy: Policy) -> String {
        let outage = match policy {
            Policy::Closed => String::new(),
            Policy::ServeCached => format!(
                "on_outage = \"serve-cached\"\nserve_cached_for = \"{}s\"\n",
                Policy::SERVED_FOR.as_secs()
            ),
        };
        format!(
            "{PORTS}[store]\nkind = \"redis\"\nflush_interval = \"100ms\"\n[store.redis]\n{}\
             node = \"gw-{node}\"\n{outage}{}{}",
            self.way,
            header_space(),
            self.more
        )
    }
}

/// Gateways with people before them.
pub(super) struct Scene {
    pub(super) nodes: Vec<Served>,
    pub(super) pace: Pace,
    town: Arc<Town>,
    people: JoinSet<()>,
    policy: Policy,
    /// Whose wall clock is right.
    in_time: Vec<bool>,
}

/// What `flush_interval`, a busy machine and clocks of milliseconds add up to.
const UNTOLD: Duration = Duration::from_millis(1000);

impl Scene {
    /// Starts gateways, and lets people use them for a while.
    pub(super) async fn open(plans: &[Plan], policy: Policy, pace: Pace) -> Self {
        let started = plans.iter().enumerate().map(async |(node, plan)| {
            Served::with_variables(&plan.config(node, policy), &plan.variables).await
        });
        let nodes = join_all(started).await;
        let address = |node: &Served| Address {
            edge: node.edge,
            admin: node.admin,
        };
        let town = Arc::new(Town {
            witness: Witness::new(policy),
            addresses: Mutex::new(nodes.iter().map(address).collect()),
            bearers: nodes.iter().map(|node| node.keys.site.clone()).collect(),
            stop: AtomicBool::new(false),
            storm: AtomicBool::new(false),
            next: AtomicU64::new(0),
        });
        let mut people = JoinSet::new();
        let mut first = Person::new(Arc::clone(&town));
        for n in 0..24 {
            first.log_in(n % nodes.len()).await;
        }
        for life in town.witness.lives() {
            for node in 0..nodes.len() {
                first.ask(node, &life).await;
            }
        }
        for _ in 0..pace.people {
            people.spawn(Person::new(Arc::clone(&town)).live(pace.pause));
        }
        tokio::time::sleep(pace.quiet).await;
        Self {
            nodes,
            pace,
            town,
            people,
            policy,
            in_time: plans.iter().map(|plan| plan.variables.is_empty()).collect(),
        }
    }

    /// A fault begins that reaches these nodes, and may close their doors.
    pub(super) fn begins(&self, nodes: &[usize]) {
        self.reaches(nodes, true);
    }

    /// A fault begins that reaches these nodes, and no open session.
    pub(super) fn begins_gently(&self, nodes: &[usize]) {
        self.reaches(nodes, false);
    }

    fn reaches(&self, nodes: &[usize], closes: bool) {
        let nodes = nodes.to_vec();
        self.town.witness.fault_begins(Reach { nodes, closes });
    }

    pub(super) fn is_over(&self) {
        self.town.witness.fault_is_over();
    }

    /// As long as a fault lasts.
    pub(super) async fn lasts(&self) {
        tokio::time::sleep(self.pace.fault).await;
    }

    /// All people log in, as fast as they can.
    pub(super) fn storm(&self, storm: bool) {
        self.town.storm.store(storm, Ordering::Relaxed);
    }

    /// How far apart the clocks of the first two gateways are.
    pub(super) async fn apart(&self) -> Duration {
        let mut admin = Person::new(Arc::clone(&self.town));
        let mut started = async |node: usize, life: &Life| {
            let session = admin.look(node, life).await??;
            let started = session["sessionStart"].as_str()?;
            let started = chrono::DateTime::parse_from_rfc3339(started).ok()?;
            Some(SystemTime::from(started))
        };
        for life in self.town.witness.lives() {
            let said = (started(0, &life).await, started(1, &life).await);
            // Or it has ended.
            if let (Some(one), Some(other)) = said {
                let apart = one.duration_since(other);
                return apart.unwrap_or_else(|error| error.duration());
            }
        }
        panic!("no session is open");
    }

    pub(super) fn logins(&self) -> u64 {
        self.town.witness.logins()
    }

    /// Kills a gateway.
    pub(super) async fn kill(&mut self, node: usize) {
        self.town.witness.kills(node);
        self.nodes[node].process.signal("KILL").await;
        self.nodes[node].process.end().await;
    }

    /// Starts it again.
    pub(super) async fn start(&mut self, node: usize) {
        self.town.witness.starts_again(node);
        self.nodes[node].start_again().await;
        let (edge, admin) = (self.nodes[node].edge, self.nodes[node].admin);
        self.town.addresses.lock().unwrap()[node] = Address { edge, admin };
    }

    /// The fault is over: all goes on by itself, nothing is lost, nothing is back.
    pub(super) async fn close(mut self, fault: &str) -> Verdict {
        self.is_over();
        self.storm(false);
        // Whatever is not as it was by now is a violation: the witness looks on.
        tokio::time::sleep(super::witness::RECOVERY.min(self.pace.quiet * 2)).await;
        tokio::time::sleep(self.pace.quiet).await;
        self.town.stop.store(true, Ordering::Relaxed);
        while let Some(person) = self.people.join_next().await {
            person.expect("a person's life");
        }
        // The store is told of the last activity.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.audit().await;
        let (counts, violations) = self.town.witness.result();
        Verdict {
            fault: fault.to_owned(),
            policy: self.policy.name(),
            counts,
            violations,
        }
    }

    async fn audit(&self) {
        let lives = self.town.witness.lives();
        let parts = lives.chunks(lives.len().div_ceil(8).max(1));
        let audits = parts.map(async |part| {
            let mut auditor = Person::new(Arc::clone(&self.town));
            for life in part {
                self.audit_one(&mut auditor, life).await;
            }
        });
        join_all(audits).await;
        let mut auditor = Person::new(Arc::clone(&self.town));
        let (witness, mut open) = (&self.town.witness, 0);
        open += lives.iter().filter(|life| life.is_open()).count() as u64;
        for node in 0..self.nodes.len() {
            let total = auditor.total(node).await;
            let expected = open..=open + witness.unknown();
            if !total.is_some_and(|total| expected.contains(&total)) {
                witness.violation(format!("{node} counts {total:?} open, not {expected:?}"));
            }
        }
    }

    async fn audit_one(&self, auditor: &mut Person, life: &Life) {
        let witness = &self.town.witness;
        let (asked, ended, used) = {
            let fate = life.fate();
            (fate.asked, fate.ended.is_some(), fate.used)
        };
        if asked && !ended {
            let end = async || auditor.end_by_user(0, life).await.then_some(());
            retry(end).await;
        }
        for node in 0..self.nodes.len() {
            // An end elsewhere is felt in a moment; the witness knows when that is too late.
            let settled = async || match auditor.ask(node, life).await {
                None | Some(503) => None,
                Some(200) => (!asked).then_some(()),
                Some(_) => Some(()),
            };
            retry(settled).await;
        }
        if !life.is_open() {
            return;
        }
        for node in 0..self.nodes.len() {
            match auditor.look(node, life).await {
                Some(Some(session)) => self.audit_activity(node, (life, used), &session),
                Some(None) => witness.saw_lost(life, &format!("no session on {node} in the end")),
                None => witness.violation(format!("{node} cannot tell of {}", life.user)),
            }
        }
    }

    /// The store knows of every request but the very last: nothing was moved back.
    fn audit_activity(
        &self,
        node: usize,
        (life, used): (&Life, Option<(SystemTime, usize)>),
        session: &serde_json::Value,
    ) {
        let said = session["lastActive"].as_str().unwrap();
        let said: SystemTime = chrono::DateTime::parse_from_rfc3339(said).unwrap().into();
        let (used, on) = used.expect("it was used");
        let behind = used.duration_since(said).unwrap_or_default();
        let died = self.town.witness.died_untold(on, used, UNTOLD);
        if behind > UNTOLD && self.in_time[node] && !died {
            let what = format!(
                "{} was last active {behind:?} later than {node} says",
                life.user
            );
            self.town.witness.violation(what);
        }
    }
}

/// Tries again until it works out.
async fn retry(mut work: impl AsyncFnMut() -> Option<()>) {
    let tries = async {
        while work().await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), tries).await;
    done.expect("all goes on by itself");
}
