//! `gatepass nodes`: the gateways that share their sessions with a running one.

use http::Method;
use serde_json::Value;

use crate::exit::Failure;
use crate::side_port::{self, Target, block_on, text};
use crate::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let side_port = args.target.open()?;
    let answer = block_on(side_port.call(Method::GET, "/api/v1/nodes", None))?;
    if args.target.json {
        println!("{answer}");
        return Ok(());
    }
    let nodes = side_port::list(&answer, "nodes")?;
    let rows = nodes.iter().map(|node| {
        [
            text(node, "name"),
            text(node, "status"),
            text(node, "version"),
            edges(node),
            number(node, "openSessions"),
            number(node, "openedSessions"),
            format!(
                "{} ms, {}",
                number(node, "lagMillis"),
                number(node, "lagChanges")
            ),
            text(node, "startedAt"),
            text(node, "lastSeen"),
        ]
    });
    table::print(
        [
            "NODE",
            "STATUS",
            "VERSION",
            "EDGE",
            "IN TABLE",
            "OPENED",
            "LAG, CHANGES",
            "STARTED",
            "LAST SEEN",
        ],
        rows,
    )?;
    for node in nodes.iter().filter(|node| node["nameTaken"] == true) {
        eprintln!(
            "warning: two nodes are called {}: give each its own, [store.redis] node (instance {})",
            text(node, "name"),
            text(node, "instanceId")
        );
    }
    Ok(())
}

fn number(node: &Value, name: &str) -> String {
    node[name]
        .as_u64()
        .map_or_else(String::new, |n| n.to_string())
}

fn edges(node: &Value) -> String {
    let edges = node["edges"].as_array().into_iter().flatten();
    let edges: Vec<String> = edges
        .map(|edge| edge.as_str().unwrap_or_default())
        .map(|edge| edge.replace(char::is_control, "\u{fffd}"))
        .collect();
    edges.join(" ")
}
