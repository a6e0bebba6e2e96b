//! `GET /api/v1/nodes`: the gateways that share the sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::request::{NoParams, Params};
use super::wire::Text;
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::domain::Timestamp;
use crate::store::Node;

#[derive(Serialize)]
struct NodesBody<'a> {
    nodes: Vec<NodeBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeBody<'a> {
    name: &'a str,
    /// Whether another node that was heard of lately has the name, too.
    name_taken: bool,
    instance_id: &'a str,
    /// Whether it is the one that answers.
    answering: bool,
    version: &'a str,
    started_at: Text<Timestamp>,
    last_seen: Text<Timestamp>,
    edges: &'a [String],
    status: &'a str,
    open_sessions: u64,
    opened_sessions: u64,
    lag_millis: u64,
    lag_changes: u64,
    assertion_key: Option<Value>,
}

/// By name. The one that answers is as it is now, the others as they said last.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, Problem> {
    let own = admin.this_node().describe();
    let mut nodes = admin.sessions().nodes().await?.unwrap_or_default();
    nodes.retain(|node| node.instance != own.instance);
    nodes.push(own.clone());
    nodes.sort_by(|a, b| (&a.name, a.started).cmp(&(&b.name, b.started)));
    let body = NodesBody {
        nodes: nodes
            .iter()
            .map(|n| NodeBody::new(n, &nodes, &own))
            .collect(),
    };
    Ok(Json(body).into_response())
}

impl<'a> NodeBody<'a> {
    fn new(node: &'a Node, all: &[Node], own: &Node) -> Self {
        Self {
            name: &node.name,
            name_taken: all.iter().filter(|other| other.name == node.name).count() > 1,
            instance_id: node.instance.as_str(),
            answering: node.instance == own.instance,
            version: &node.version,
            started_at: Text(node.started),
            last_seen: Text(node.seen),
            edges: &node.edges,
            status: &node.status,
            open_sessions: node.open,
            opened_sessions: node.opened,
            lag_millis: u64::try_from(node.lag.time.as_millis()).unwrap_or(u64::MAX),
            lag_changes: node.lag.changes,
            assertion_key: node
                .key
                .as_deref()
                .and_then(|k| serde_json::from_str(k).ok()),
        }
    }
}
