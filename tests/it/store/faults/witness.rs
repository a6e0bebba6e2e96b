//! Somebody who sees every answer, knows what was acknowledged when, and judges.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::line::Reply;
use super::verdict::Counts;

/// What happens to open sessions while Redis is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Closed,
    ServeCached,
}

impl Policy {
    pub(super) const BOTH: [Self; 2] = [Self::Closed, Self::ServeCached];

    /// For how long a gateway that serves cached sessions does.
    pub(super) const SERVED_FOR: Duration = Duration::from_secs(5);

    /// The stated bound: no request that begins later after the acknowledgement of an end is
    /// accepted, whatever the network does.
    pub(super) const fn bound(self) -> Duration {
        match self {
            Self::Closed => Duration::from_secs(2),
            Self::ServeCached => Self::SERVED_FOR,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::ServeCached => "serve-cached",
        }
    }
}

/// What a fault may do to those who are not asked to log in.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// The nodes that it reaches.
    pub(super) nodes: Vec<usize>,
    /// Whether open sessions may be answered with 503 there, under `closed`.
    pub(super) closes: bool,
}

/// After a fault, for so long there may still be 503s. Redis is asked again every 100 ms, once
/// what hangs has been given up: within `timeout` or `connect_timeout`, two seconds by default.
/// The rest is for machines that are busy.
pub(super) const RECOVERY: Duration = Duration::from_secs(6);

/// A feed that was in time was in time this much before a fault.
const SLACK: Duration = Duration::from_secs(2);

/// A session that was acknowledged.
pub(super) struct Life {
    pub(super) user: String,
    pub(super) cookie: String,
    fate: Mutex<Fate>,
}

#[derive(Default)]
pub(super) struct Fate {
    pub(super) id: Option<String>,
    /// Somebody wants it to end, and may have been heard.
    pub(super) asked: bool,
    /// When the end was acknowledged, or seen.
    pub(super) ended: Option<Instant>,
    /// It is not there any more, and nobody had asked for its end.
    pub(super) lost: bool,
    /// When a request with it last began, and on which node.
    pub(super) used: Option<(SystemTime, usize)>,
    /// Which run of each node has served it.
    served_by: BTreeMap<usize, u32>,
    refused: bool,
    late: bool,
}

impl Life {
    pub(super) fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap()
    }

    pub(super) fn is_open(&self) -> bool {
        let fate = self.fate();
        !fate.asked && !fate.lost
    }
}

/// When a fault began and ended.
#[derive(Clone)]
struct Fault {
    reach: Reach,
    began: Instant,
    over: Option<Instant>,
}

/// A stretch of answers that are no service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stretch {
    Sessions,
    Logins,
    NoAnswer,
}

pub(super) struct Witness {
    policy: Policy,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    lives: Vec<Arc<Life>>,
    faults: Vec<Fault>,
    counts: Counts,
    /// Since when there is no service, by node.
    bad_since: BTreeMap<(usize, Stretch), Instant>,
    /// How often each node was started.
    runs: BTreeMap<usize, u32>,
    /// When each node was killed.
    killed: BTreeMap<usize, SystemTime>,
    violations: Vec<String>,
}

/// When a request began.
#[derive(Clone, Copy)]
pub(super) struct Began {
    at: Instant,
    wall: SystemTime,
}

impl Began {
    #[expect(clippy::disallowed_methods, reason = "the time of the test")]
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

impl Witness {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            record: Mutex::default(),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    pub(super) fn fault_begins(&self, reach: Reach) {
        let fault = Fault {
            reach,
            began: Instant::now(),
            over: None,
        };
        self.record().faults.push(fault);
    }

    pub(super) fn fault_is_over(&self) {
        if let Some(fault) = self.record().faults.last_mut() {
            fault.over.get_or_insert_with(Instant::now);
        }
    }

    /// A node is about to be killed.
    pub(super) fn kills(&self, node: usize) {
        self.record().killed.insert(node, Began::now().wall);
    }

    /// Whether what happened on a node at some time died with it, for the store was told every
    /// so often.
    pub(super) fn died_untold(&self, node: usize, at: SystemTime, every: Duration) -> bool {
        let killed = self.record().killed.get(&node).copied();
        killed.is_some_and(|killed| (killed - every..=killed + every).contains(&at))
    }

    /// A node is started again, and knows nothing.
    pub(super) fn starts_again(&self, node: usize) {
        *self.record().runs.entry(node).or_default() += 1;
    }

    /// All sessions that were acknowledged.
    pub(super) fn lives(&self) -> Vec<Arc<Life>> {
        self.record().lives.clone()
    }

    /// The session at the place that `choose` says among so many, if there are any.
    pub(super) fn pick(&self, choose: impl FnOnce(usize) -> usize) -> Option<Arc<Life>> {
        let record = self.record();
        let all = record.lives.len();
        (all > 0).then(|| Arc::clone(&record.lives[choose(all)]))
    }

    pub(super) fn logins(&self) -> u64 {
        self.record().counts.logins
    }

    /// Logins that may have been heard and were not answered.
    pub(super) fn unknown(&self) -> u64 {
        self.record().counts.unknown_logins
    }

    pub(super) fn violation(&self, what: String) {
        self.record().violations.push(what);
    }

    /// What has been seen so far.
    pub(super) fn result(&self) -> (Counts, Vec<String>) {
        let record = self.record();
        let mut counts = record.counts.clone();
        for life in &record.lives {
            let fate = life.fate();
            counts.lost += u64::from(fate.lost);
            counts.wrongly_refused += u64::from(fate.refused);
            counts.wrongly_accepted += u64::from(fate.late);
        }
        (counts, record.violations.clone())
    }

    /// The answer to a login at a node.
    pub(super) fn saw_login(&self, node: usize, began: Began, user: String, reply: Option<Reply>) {
        let now = Instant::now();
        let mut record = self.record();
        let Some(reply) = record.answered(node, began, now, reply) else {
            record.counts.unknown_logins += 1;
            return;
        };
        match (reply.status, reply.cookie()) {
            (200, Some(cookie)) => {
                record.counts.logins += 1;
                record.goes_on(node, Stretch::Logins, now);
                let fate = Fate {
                    served_by: BTreeMap::from([(node, record.run(node))]),
                    used: Some((began.wall, node)),
                    ..Fate::default()
                };
                record.lives.push(Arc::new(Life {
                    user,
                    cookie,
                    fate: Mutex::new(fate),
                }));
            }
            (503, None) => {
                record.counts.logins_unavailable += 1;
                record.counts.unknown_logins += 1;
                record.stops(node, Stretch::Logins, began.at);
                if !record.is_under_fault(node, began.at, now) {
                    let said = format!("a login at {node} got 503 without a fault: {}", reply.body);
                    record.violations.push(said);
                }
            }
            _ => {
                let said = format!("a login of {user} at {node} was answered with {reply:?}");
                record.violations.push(said);
            }
        }
    }

    /// The answer to a request with the cookie of `life` at a node.
    pub(super) fn saw(&self, life: &Life, node: usize, began: Began, reply: Option<Reply>) {
        let now = Instant::now();
        let mut record = self.record();
        let Some(reply) = record.answered(node, began, now, reply) else {
            return;
        };
        if reply.set_cookie.is_some() {
            let said = format!("the cookie of {} was touched: {reply:?}", life.user);
            record.violations.push(said);
        }
        let (run, mut fate) = (record.run(node), life.fate());
        match reply.status {
            200 => {
                record.counts.served += 1;
                record.goes_on(node, Stretch::Sessions, now);
                fate.used = fate.used.max(Some((began.wall, node)));
                fate.served_by.insert(node, run);
                let Some(after) = fate
                    .ended
                    .and_then(|at| began.at.checked_duration_since(at))
                else {
                    return;
                };
                record.counts.latest_accepted = record.counts.latest_accepted.max(after);
                if after > self.policy.bound() && !fate.late {
                    fate.late = true;
                    let said = format!("{} was accepted at {node} {after:?} after", life.user);
                    record.violations.push(format!("{said} its end"));
                }
            }
            503 => {
                // Of one that is ending nobody has promised anything.
                let known = fate.served_by.get(&node) == Some(&run) && !fate.asked;
                if self.policy == Policy::ServeCached && !known {
                    record.counts.unavailable_unknown += 1;
                } else {
                    record.counts.unavailable += 1;
                    record.stops(node, Stretch::Sessions, began.at);
                }
                if !self.may_be_unavailable(&record, node, known, began.at, now) {
                    let since = record.since_fault(began.at);
                    let said = format!("{} got 503 at {node}, {since}: {}", life.user, reply.body);
                    record.violations.push(said);
                }
            }
            _ if fate.asked => {
                record.counts.refused += 1;
                fate.ended.get_or_insert(now);
            }
            status => {
                if !fate.refused {
                    fate.refused = true;
                    let since = record.since_fault(began.at);
                    let said = format!("{} was refused at {node} with {status}", life.user);
                    record.violations.push(format!("{said}, {since}"));
                }
            }
        }
    }

    fn may_be_unavailable(
        &self,
        record: &Record,
        node: usize,
        known: bool,
        began: Instant,
        now: Instant,
    ) -> bool {
        let Some(fault) = record.fault_of(node, began, now) else {
            return false;
        };
        let served_until = match self.policy {
            Policy::ServeCached if known => fault.began + Policy::SERVED_FOR - SLACK,
            _ => fault.began,
        };
        fault.reach.closes && now > served_until
    }

    /// That somebody asks for the end of `life`; the first time?
    pub(super) fn asks_end(&self, life: &Life) -> bool {
        !std::mem::replace(&mut life.fate().asked, true)
    }

    /// That an end was acknowledged.
    pub(super) fn saw_end(&self, life: &Life) {
        let now = Instant::now();
        self.record().counts.ends += 1;
        let mut fate = life.fate();
        fate.ended = Some(fate.ended.map_or(now, |seen| seen.min(now)));
    }

    /// That a session is gone whose end nobody had asked for.
    pub(super) fn saw_lost(&self, life: &Life, how: &str) {
        let mut fate = life.fate();
        if !std::mem::replace(&mut fate.lost, true) {
            drop(fate);
            self.violation(format!("{} is lost: {how}", life.user));
        }
    }

    /// The answer to an administrator.
    pub(super) fn saw_admin(
        &self,
        node: usize,
        began: Began,
        reply: Option<Reply>,
    ) -> Option<Reply> {
        let now = Instant::now();
        let mut record = self.record();
        let reply = record.answered(node, began, now, reply)?;
        if reply.status == 503 && !record.is_under_fault(node, began.at, now) {
            let said = format!("the side port of {node} without a fault: {}", reply.body);
            record.violations.push(said);
        }
        Some(reply)
    }
}

impl Record {
    fn run(&self, node: usize) -> u32 {
        self.runs.get(&node).copied().unwrap_or(0)
    }

    fn answered(
        &mut self,
        node: usize,
        began: Began,
        now: Instant,
        reply: Option<Reply>,
    ) -> Option<Reply> {
        self.counts.requests += 1;
        match reply {
            Some(reply) => {
                let took = now - began.at;
                self.counts.longest_wait = self.counts.longest_wait.max(took);
                self.goes_on(node, Stretch::NoAnswer, now);
                Some(reply)
            }
            None => {
                self.counts.unanswered += 1;
                self.stops(node, Stretch::NoAnswer, began.at);
                if !self.is_under_fault(node, began.at, now) {
                    self.violations.push(format!("{node} did not answer"));
                }
                None
            }
        }
    }

    fn stops(&mut self, node: usize, stretch: Stretch, at: Instant) {
        self.bad_since.entry((node, stretch)).or_insert(at);
    }

    fn goes_on(&mut self, node: usize, stretch: Stretch, now: Instant) {
        if let Some(since) = self.bad_since.remove(&(node, stretch)) {
            let longest = match stretch {
                Stretch::Sessions => &mut self.counts.longest_503,
                Stretch::Logins => &mut self.counts.longest_login_503,
                Stretch::NoAnswer => &mut self.counts.longest_silence,
            };
            *longest = (*longest).max(now - since);
        }
    }

    /// The fault, or its aftermath, that a request at a node between these times meets.
    fn fault_of(&self, node: usize, began: Instant, now: Instant) -> Option<&Fault> {
        let mut faults = self.faults.iter().rev();
        faults.find(|fault| {
            let until = fault.over.map(|over| over + RECOVERY);
            fault.reach.nodes.contains(&node)
                && now >= fault.began
                && until.is_none_or(|until| began <= until)
        })
    }

    fn is_under_fault(&self, node: usize, began: Instant, now: Instant) -> bool {
        self.fault_of(node, began, now).is_some()
    }

    fn since_fault(&self, at: Instant) -> String {
        let Some(fault) = self.faults.last() else {
            return "before any fault".to_owned();
        };
        let began = at.saturating_duration_since(fault.began);
        let over = fault.over.map(|over| at.saturating_duration_since(over));
        format!("{began:?} after the fault began, {over:?} after it was over")
    }
}
