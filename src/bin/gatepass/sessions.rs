//! `gatepass sessions`: the sessions of a running gateway.

use std::io::{IsTerminal as _, Write as _};

use anyhow::anyhow;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::side_port::{self, SidePort, Target, block_on, text};
use crate::{follow, table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List sessions, newest first
    List(ListArgs),
    /// Show one session
    Show {
        /// Its id
        id: String,
    },
    /// End sessions: by id, of a user, or all open ones that a filter lets through
    End(EndArgs),
    /// Print starts and ends of sessions as they happen, until it is interrupted
    Watch,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only those that match, as "user={name='a*'};client_type='UI'"
    #[arg(long)]
    filter: Option<String>,
    /// Which
    #[arg(long, default_value = "open", value_parser = ["open", "ended", "all"])]
    state: String,
    /// The order, as "-last_active,id"
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    order_by: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct EndArgs {
    #[command(flatten)]
    which: Which,
    /// End nothing; say how many it would be
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The ids of the sessions
    ids: Vec<String>,
    /// All sessions of a user, as DIRECTORY\ID
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// All open sessions that match; "" for all
    #[arg(long)]
    filter: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let side_port = args.target.open()?;
    let json = args.target.json;
    block_on(async {
        match &args.command {
            Command::List(list_args) => list(&side_port, list_args, json).await,
            Command::Show { id } => show(&side_port, id, json).await,
            Command::End(end_args) => end(&side_port, end_args, json).await,
            Command::Watch => follow::watch(&side_port, json).await,
        }
    })
}

/// As many pages as it takes.
async fn list(side_port: &SidePort, args: &ListArgs, json: bool) -> Result<(), Failure> {
    let mut fixed = format!("{}?view=full", side_port.in_space(&["sessions"])?);
    for (name, value) in [
        ("state", Some(&args.state)),
        ("filter", args.filter.as_ref()),
        ("order_by", args.order_by.as_ref()),
    ] {
        if let Some(value) = value {
            add(&mut fixed, name, value);
        }
    }
    let (mut sessions, mut answer) = (Vec::new(), Value::Null);
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    while sessions.len() < limit {
        let mut path = fixed.clone();
        add(
            &mut path,
            "limit",
            &(limit - sessions.len()).min(1000).to_string(),
        );
        if let Some(cursor) = answer["next"].as_str() {
            add(&mut path, "cursor", cursor);
        }
        answer = side_port.call(Method::GET, &path, None).await?;
        sessions.extend_from_slice(side_port::list(&answer, "sessions")?);
        if answer["next"].is_null() {
            break;
        }
    }
    let (shown, total) = (sessions.len(), answer["total"].as_u64().unwrap_or(0));
    if json {
        println!("{}", json!({"sessions": sessions, "total": total}));
        return Ok(());
    }
    let rows = sessions.iter().map(|session| {
        let state = match session["endReason"].as_str() {
            Some(_) => format!(
                "{} {}",
                text(session, "sessionEnd"),
                text(session, "endReason")
            ),
            None => "open".to_owned(),
        };
        [
            text(session, "sessionId"),
            user(session),
            text(session, "clientIp"),
            text(session, "sessionStart"),
            text(session, "lastActive"),
            state,
        ]
    });
    table::print(
        ["ID", "USER", "ADDRESS", "START", "LAST ACTIVE", "STATE"],
        rows,
    )?;
    if total > shown as u64 {
        eprintln!("{shown} of {total}");
    }
    Ok(())
}

/// Adds a parameter to a path that has one already.
fn add(path: &mut String, name: &str, value: &str) {
    path.push_str(&format!("&{name}="));
    path.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
}

/// The user of a session, as `directory\id`.
pub(crate) fn user(session: &Value) -> String {
    format!(
        "{}\\{}",
        text(session, "userDirectory"),
        text(session, "userId")
    )
}

async fn show(side_port: &SidePort, id: &str, json: bool) -> Result<(), Failure> {
    let path = format!("{}?view=full", side_port.in_space(&["sessions", id])?);
    let session = side_port.call(Method::GET, &path, None).await?;
    if json {
        println!("{session}");
        return Ok(());
    }
    let fields = session.as_object().into_iter().flatten();
    let rows = fields
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let shown = match value {
                Value::String(_) => text(&session, name),
                other => other.to_string(),
            };
            [name.clone(), shown]
        });
    table::print(["FIELD", "VALUE"], rows)?;
    Ok(())
}

async fn end(side_port: &SidePort, args: &EndArgs, json: bool) -> Result<(), Failure> {
    let mut body = match (&args.which.user, &args.which.filter) {
        (Some(user), _) => {
            let (directory, id) = side_port::user(user)?;
            json!({ "user": { "userDirectory": directory, "userId": id } })
        }
        (None, Some(filter)) => json!({ "filter": filter }),
        (None, None) => json!({ "sessionIds": args.which.ids }),
    };
    body["dryRun"] = args.dry_run.into();
    let path = side_port.in_space(&["sessions", "end"])?;
    let mut answer = side_port.call(Method::POST, &path, Some(&body)).await?;
    // Many are ended in the background: follow the task until it is through.
    let show_progress = std::io::stderr().is_terminal();
    let is_task = answer["taskId"].is_string();
    while matches!(answer["status"].as_str(), Some("queued" | "running")) {
        if show_progress {
            eprint!("\r{} of {} ", answer["done"], answer["requested"]);
            let _ = std::io::stderr().flush();
        }
        let task = text(&answer, "taskId");
        let path = format!("{}?wait=1000", side_port.in_space(&["tasks", &task])?);
        answer = side_port.call(Method::GET, &path, None).await?;
    }
    if is_task && show_progress {
        eprintln!("\r{} of {} ", answer["done"], answer["requested"]);
    }
    if json {
        println!("{answer}");
    } else if args.dry_run {
        println!("{} would end", answer["ended"]);
    } else {
        println!(
            "{} ended, {} had ended before",
            answer["ended"], answer["alreadyEnded"]
        );
    }
    if answer["status"] == "failed" {
        let task = text(&answer, "taskId");
        return Err(anyhow!("task {task} did not go through: ask again").into());
    }
    let unknown: Vec<&str> = side_port::list(&answer, "unknown")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(anyhow!("there is no session {}", unknown.join(", ")).into())
}
