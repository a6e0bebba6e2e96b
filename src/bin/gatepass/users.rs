//! `gatepass users`: locks on users of a running gateway.

use http::Method;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::sessions::user;
use crate::side_port::{self, Target, block_on, text};
use crate::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Bar a user from new sessions and end the open ones
    Lock(LockArgs),
    /// Lift the lock on a user
    Unlock {
        /// The user, as DIRECTORY\ID
        user: String,
    },
    /// List the locks
    Locks,
}

#[derive(Debug, clap::Args)]
struct LockArgs {
    /// The user, as DIRECTORY\ID
    user: String,
    /// Until when, as 2026-12-31T23:59:59Z; otherwise until it is lifted
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why; shown to administrators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let side_port = args.target.open()?;
    let json = args.target.json;
    block_on(async {
        match &args.command {
            Command::Lock(lock) => {
                let (directory, id) = side_port::user(&lock.user)?;
                let path = side_port.in_space(&["users", directory, id, "lock"])?;
                let body = json!({ "until": lock.until, "reason": lock.reason });
                let answer = side_port.call(Method::PUT, &path, Some(&body)).await?;
                let text = format!(
                    "{} is locked, {} sessions ended",
                    lock.user, answer["ended"]
                );
                say(json, &answer, &text);
            }
            Command::Unlock { user } => {
                let (directory, id) = side_port::user(user)?;
                let path = side_port.in_space(&["users", directory, id, "lock"])?;
                let answer = side_port.call(Method::DELETE, &path, None).await?;
                say(json, &answer, &format!("{user} is unlocked"));
            }
            Command::Locks => {
                let path = side_port.in_space(&["locks"])?;
                let answer = side_port.call(Method::GET, &path, None).await?;
                list(json, &answer)?;
            }
        }
        Ok(())
    })
}

fn say(json: bool, answer: &Value, text: &str) {
    if json {
        println!("{answer}");
    } else {
        println!("{text}");
    }
}

fn list(json: bool, answer: &Value) -> Result<(), Failure> {
    if json {
        println!("{answer}");
        return Ok(());
    }
    let locks = side_port::list(answer, "locks")?;
    let rows = locks.iter().map(|lock| {
        let until = match lock["until"].as_str() {
            Some(_) => text(lock, "until"),
            None => "it is lifted".to_owned(),
        };
        [
            user(lock),
            until,
            text(lock, "since"),
            text(lock, "by"),
            text(lock, "reason"),
        ]
    });
    table::print(["USER", "UNTIL", "SINCE", "BY", "REASON"], rows)?;
    Ok(())
}
