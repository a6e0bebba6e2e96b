//! Faults, with real gateways, real Redis servers and real signals, before a witness.
//!
//! Two gateways share a Redis; people log in, use their sessions on either of them and end
//! them on either of them, in three ways. The witness knows what was acknowledged when, and
//! looks at every answer:
//!
//! - no session is accepted by a request that began later after the acknowledgement of its end
//!   than the stated bound: two seconds, or as long as cached sessions are served;
//! - no open session is ever refused, and no cookie is touched;
//! - there are 503s only where a fault reaches and for as long as it lasts, and with
//!   `serve-cached` none in that time for a session that the gateway knows;
//! - in the end nothing acknowledged is lost, nothing is back, `lastActive` was not moved back,
//!   and all gateways count the same.
//!
//! `make faults` runs all of it one after the other, for longer, and prints the table.

mod gateways;
mod line;
mod masters;
mod networks;
mod people;
mod scene;
mod servers;
mod verdict;
mod witness;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use scene::Pace;
use verdict::{HEAD, Verdict};
use witness::Policy;

/// A fault under a policy; what blocks in it has a thread of its own.
type Case = Box<dyn FnOnce() -> Verdict + Send>;

/// Each of these faults under each of these policies.
macro_rules! cases {
    ($pace:expr, $policies:expr, [$($fault:path),* $(,)?]) => {{
        let mut cases: Vec<Case> = Vec::new();
        $(for policy in $policies {
            cases.push(Box::new(move || Handle::current().block_on($fault(policy, $pace))));
        })*
        cases
    }};
}

fn servers(pace: Pace) -> Vec<Case> {
    use servers as by;
    cases!(
        pace,
        Policy::BOTH,
        [
            by::stopped,
            by::killed,
            by::killed_every_second,
            by::paused,
            by::full,
            by::read_only,
            by::password,
            by::user_off,
            by::user_barred,
        ]
    )
}

fn networks(pace: Pace) -> Vec<Case> {
    use networks as by;
    cases!(
        pace,
        Policy::BOTH,
        [
            by::delayed,
            by::cut,
            by::silent,
            by::dropped,
            by::one_way,
            by::other_way,
            by::commands_cut,
            by::pushes_cut,
            by::pushes_dropped,
        ]
    )
}

fn masters(pace: Pace) -> Vec<Case> {
    use masters as by;
    cases!(
        pace,
        Policy::BOTH,
        [
            by::master_killed,
            by::failover,
            by::handed_over,
            by::alone,
            by::cluster_master_killed,
            by::slots_move,
        ]
    )
}

fn gateways(pace: Pace) -> Vec<Case> {
    use gateways as by;
    // What dies is the same under both policies.
    let mut cases = cases!(
        pace,
        [Policy::Closed],
        [by::one_killed, by::all_killed, by::clocks_apart]
    );
    cases.extend(cases!(pace, Policy::BOTH, [by::stopped]));
    cases
}

/// Scenes that are played at the same time, in all tests of this process.
static AT_ONCE: Semaphore = Semaphore::const_new(6);

/// Runs them, `all` at the same time or one after the other, and says what is wrong.
async fn survive(cases: Vec<Case>, all: bool) {
    let run = async |case: Case| {
        let _turn = AT_ONCE.acquire().await.unwrap();
        tokio::task::spawn_blocking(case).await.unwrap()
    };
    let at_once = if all { cases.len() } else { 1 };
    let mut verdicts = stream::iter(cases.into_iter().map(run)).buffered(at_once);
    let mut complaints = Vec::new();
    println!("{HEAD}");
    while let Some(verdict) = verdicts.next().await {
        println!("{verdict}");
        complaints.extend(verdict.complaints());
    }
    let shown = &complaints[..complaints.len().min(40)];
    assert!(complaints.is_empty(), "{}: {shown:#?}", complaints.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s15_servers_that_fail() {
    survive(servers(Pace::SHORT), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s16_networks_that_fail() {
    survive(networks(Pace::SHORT), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s15_masters_that_change() {
    survive(masters(Pace::SHORT), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s11_gateways_that_die() {
    survive(gateways(Pace::SHORT), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes: make faults"]
async fn table() {
    let mut cases = servers(Pace::LONG);
    cases.extend(networks(Pace::LONG));
    cases.extend(masters(Pace::LONG));
    cases.extend(gateways(Pace::LONG));
    survive(cases, false).await;
}
