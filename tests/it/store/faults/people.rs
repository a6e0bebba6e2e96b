//! What people and administrators do, on whatever node the load balancer sends them to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatepass::domain::random;
use serde_json::Value;

use super::line::{Line, Reply};
use super::witness::{Began, Life, Witness};
use crate::kit::Script;

/// Where a node is.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) edge: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// What all people of a scene know.
pub(super) struct Town {
    pub(super) witness: Witness,
    pub(super) addresses: Mutex<Vec<Address>>,
    /// What the side port of each node wants to see.
    pub(super) bearers: Vec<String>,
    pub(super) stop: AtomicBool,
    /// Nothing but logins, as fast as they go.
    pub(super) storm: AtomicBool,
    pub(super) next: AtomicU64,
}

/// Somebody with connections of their own.
pub(super) struct Person {
    town: Arc<Town>,
    edges: BTreeMap<usize, Line>,
    admins: BTreeMap<usize, Line>,
    dice: u64,
}

/// Sessions that are used and ended are among the latest of these; the rest is looked at in
/// the end.
const LATEST: usize = 200;

impl Person {
    pub(super) fn new(town: Arc<Town>) -> Self {
        Self {
            town,
            edges: BTreeMap::new(),
            admins: BTreeMap::new(),
            dice: u64::from_ne_bytes(random::bytes()) | 1,
        }
    }

    /// Does this and that until it is enough.
    pub(super) async fn live(mut self, pause: Duration) {
        while !self.town.stop.load(Ordering::Relaxed) {
            if self.town.storm.load(Ordering::Relaxed) {
                self.do_something(60, 5).await;
            } else {
                self.do_something(4, 3).await;
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// A login or an end by so many of a hundred times, else a request.
    async fn do_something(&mut self, logins: usize, ends: usize) {
        let node = self.node();
        let what = self.roll(100);
        if what < logins {
            return self.log_in(node).await;
        }
        let Some(life) = self.somebody() else {
            return;
        };
        if what < logins + ends && life.is_open() {
            self.end(node, &life).await;
        } else {
            self.ask(node, &life).await;
        }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice >> 33).unwrap() % sides
    }

    fn node(&mut self) -> usize {
        let nodes = self.town.bearers.len();
        self.roll(nodes)
    }

    /// Some session, mostly a late one.
    fn somebody(&mut self) -> Option<Arc<Life>> {
        let town = Arc::clone(&self.town);
        let late = self.roll(10) > 0;
        town.witness.pick(|all| {
            let among = if late { all.min(LATEST) } else { all };
            all - 1 - self.roll(among)
        })
    }

    pub(super) async fn log_in(&mut self, node: usize) {
        let number = self.town.next.fetch_add(1, Ordering::Relaxed);
        let user = format!("user{number}");
        let began = Began::now();
        let reply = self.edge(node, "GET", "/echo", &[("hdr-usr", &user)]).await;
        self.town.witness.saw_login(node, began, user, reply);
    }

    /// Makes a request; the status of its answer.
    pub(super) async fn ask(&mut self, node: usize, life: &Life) -> Option<u16> {
        let began = Began::now();
        let cookie = [("cookie", &*life.cookie)];
        let reply = self.edge(node, "GET", "/echo", &cookie).await;
        let status = reply.as_ref().map(|reply| reply.status);
        self.town.witness.saw(life, node, began, reply);
        status
    }

    /// Ends a session in one of three ways; whether that was acknowledged.
    pub(super) async fn end(&mut self, node: usize, life: &Life) -> bool {
        match self.roll(3) {
            0 => self.log_out(node, life).await,
            1 => self.end_by_id(node, life).await,
            _ => self.end_by_user(node, life).await,
        }
    }

    async fn log_out(&mut self, node: usize, life: &Life) -> bool {
        self.town.witness.asks_end(life);
        let address = self.address(node).edge;
        let headers = [
            ("cookie", &*life.cookie),
            ("origin", &*format!("http://{address}")),
            ("sec-fetch-site", "same-origin"),
        ];
        let began = Began::now();
        let reply = self.edge(node, "POST", "/.gatepass/logout", &headers).await;
        let reply = self.town.witness.saw_admin(node, began, reply);
        self.acknowledged(life, reply, &[204])
    }

    async fn end_by_id(&mut self, node: usize, life: &Life) -> bool {
        let known = life.fate().id.clone();
        let id = match known {
            Some(id) => id,
            None => match self.look(node, life).await {
                Some(Some(session)) => session["sessionId"].as_str().unwrap().to_owned(),
                Some(None) if life.is_open() => {
                    self.town
                        .witness
                        .saw_lost(life, &format!("no session on {node}"));
                    return false;
                }
                _ => return false,
            },
        };
        life.fate().id = Some(id.clone());
        let first = self.town.witness.asks_end(life);
        let path = format!("/api/v1/spaces/1001/sessions/{id}");
        let reply = self.admin(node, "DELETE", &path).await;
        if first && reply.as_ref().is_some_and(|reply| reply.status == 404) {
            self.town
                .witness
                .saw_lost(life, &format!("nothing to end by id on {node}"));
            return false;
        }
        self.acknowledged(life, reply, &[200, 404, 409])
    }

    pub(super) async fn end_by_user(&mut self, node: usize, life: &Life) -> bool {
        let first = self.town.witness.asks_end(life);
        let path = format!("/api/v1/spaces/1001/users/LAB/{}/sessions", life.user);
        let reply = self.admin(node, "DELETE", &path).await;
        if first && reply.as_ref().is_some_and(|reply| reply.status == 200) {
            let ended: Value = serde_json::from_str(&reply.as_ref().unwrap().body).unwrap();
            if ended["sessions"].as_array().unwrap().is_empty() {
                self.town
                    .witness
                    .saw_lost(life, &format!("nothing to end by user on {node}"));
                return false;
            }
        }
        self.acknowledged(life, reply, &[200])
    }

    fn acknowledged(&self, life: &Life, reply: Option<Reply>, by: &[u16]) -> bool {
        let Some(reply) = reply else {
            return false;
        };
        let yes = by.contains(&reply.status);
        if yes {
            self.town.witness.saw_end(life);
        } else if !matches!(reply.status, 503 | 401) {
            let said = format!("the end of {} was answered with {reply:?}", life.user);
            self.town.witness.violation(said);
        }
        yes
    }

    /// The open session of a user as the store has it; the outer `None` when nobody can tell.
    pub(super) async fn look(&mut self, node: usize, life: &Life) -> Option<Option<Value>> {
        let path = format!("/api/v1/spaces/1001/users/LAB/{}/sessions", life.user);
        let reply = self.admin(node, "GET", &path).await?;
        if reply.status != 200 {
            return None;
        }
        let mut found: Value = serde_json::from_str(&reply.body).unwrap();
        let sessions = found["sessions"].as_array_mut().unwrap();
        Some(sessions.pop())
    }

    /// How many sessions are open, as a node says.
    pub(super) async fn total(&mut self, node: usize) -> Option<u64> {
        let path = "/api/v1/spaces/1001/sessions?limit=1";
        let reply = self.admin(node, "GET", path).await?;
        let page: Value = serde_json::from_str(&reply.body).ok()?;
        page["total"].as_u64()
    }

    async fn edge(
        &mut self,
        node: usize,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<Reply> {
        let to = self.address(node).edge;
        let mut script = Script::new(to);
        for (name, value) in headers {
            script = script.with(name, value);
        }
        let line = self.edges.entry(node).or_default();
        line.ask(to, &script.head(method, path, 0)).await
    }

    async fn admin(&mut self, node: usize, method: &str, path: &str) -> Option<Reply> {
        let to = self.address(node).admin;
        let script = Script::new(to).bearer(&self.town.bearers[node]);
        let began = Began::now();
        let line = self.admins.entry(node).or_default();
        let reply = line.ask(to, &script.head(method, path, 0)).await;
        self.town.witness.saw_admin(node, began, reply)
    }

    fn address(&self, node: usize) -> Address {
        self.town.addresses.lock().unwrap()[node]
    }
}
