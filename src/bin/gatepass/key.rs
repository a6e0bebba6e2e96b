//! `gatepass key`: the API keys of the side port.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use gatepass::admin::keys::{KeysFile, NewKey, Role};
use gatepass::domain::{Clock as _, SpaceId, SystemClock};
use serde_json::json;

use crate::exit::Failure;
use crate::{output, prompt, table};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make an API key; prints its secret, this once
    Create(CreateArgs),
    /// List the keys, without secrets
    List(ListArgs),
    /// Revoke a key
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// The key's id
    #[arg(long)]
    id: String,
    /// What it may do: site-admin, space-admin or reader
    #[arg(long)]
    role: String,
    /// A space it is for; may be given several times
    #[arg(long = "space", value_name = "ID")]
    spaces: Vec<String>,
    /// The keys file; made when it is not there
    #[arg(long, default_value = "keys.toml", value_name = "FILE")]
    file: PathBuf,
    /// The file with a secret of your choice (`-` for standard input); otherwise one is made
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Days until it expires
    #[arg(long, value_name = "DAYS")]
    expires_in: Option<u32>,
    /// What it is for
    #[arg(long)]
    label: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The keys file
    #[arg(long, default_value = "keys.toml", value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArgs {
    /// The key's id
    #[arg(long)]
    id: String,
    /// The keys file
    #[arg(long, default_value = "keys.toml", value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(&args),
        Command::List(args) => Ok(list(&args)?),
        Command::Revoke(args) => Ok(revoke(&args)?),
    }
}

fn create(args: &CreateArgs) -> Result<(), Failure> {
    let usage = |text: String| Failure::Usage(text);
    let role = Role::parse(&args.role).ok_or_else(|| {
        usage(format!(
            "--role {}: not one of site-admin, space-admin, reader",
            args.role
        ))
    })?;
    let spaces: Result<Vec<SpaceId>, _> = args
        .spaces
        .iter()
        .map(|space| SpaceId::new(space))
        .collect();
    let spaces = spaces.map_err(|error| usage(error.to_string()))?;
    let now = SystemClock::new().wall();
    let mut new = NewKey::new(&args.id, role).spaces(spaces);
    if let Some(path) = &args.secret_file {
        new = new.secret(prompt::from_file(path)?.as_str());
    }
    if let Some(days) = args.expires_in {
        new = new.expires(now.after(Duration::from_secs(u64::from(days) * 86_400)));
    }
    if let Some(label) = &args.label {
        new = new.label(label);
    }
    let mut file = KeysFile::load_or_new(&args.file).context("no key was made")?;
    let bearer = file
        .create(new, now)
        .map_err(|error| usage(error.to_string()))?;
    file.save().context("no key was made")?;
    let role = role.as_str();
    if args.json {
        let made = json!({ "id": args.id, "role": role, "spaces": args.spaces, "bearer": *bearer });
        return Ok(output::print(made)?);
    }
    let file = args.file.display();
    let mut said = format!("key {} ({role}) was added to {file}\n", args.id);
    if args.secret_file.is_none() {
        said += "its secret is not kept and will not be shown again:\n";
    }
    Ok(output::print(format_args!(
        "{said}Authorization: Bearer {}",
        *bearer
    ))?)
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let file = KeysFile::load(&args.file)?;
    let spaces = |key: &gatepass::admin::keys::ApiKey| {
        key.spaces()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    if args.json {
        let keys: Vec<_> = file
            .list()
            .iter()
            .map(|key| {
                json!({
                    "id": &**key.id(),
                    "role": key.role().as_str(),
                    "spaces": spaces(key),
                    "created": key.created().map(|t| t.to_string()),
                    "expires": key.expires().map(|t| t.to_string()),
                    "label": key.label(),
                })
            })
            .collect();
        return output::print(json!({ "keys": keys }));
    }
    let rows = file.list().iter().map(|key| {
        let expires = key
            .expires()
            .map_or_else(|| "never".to_owned(), |t| t.to_string());
        let label = key.label().unwrap_or("").to_owned();
        [
            key.id().to_string(),
            key.role().as_str().to_owned(),
            spaces(key).join(", "),
            expires,
            label,
        ]
    });
    table::print(["ID", "ROLE", "SPACES", "EXPIRES", "LABEL"], rows)
}

fn revoke(args: &RevokeArgs) -> anyhow::Result<()> {
    let mut file = KeysFile::load(&args.file).context("no key was revoked")?;
    file.revoke(&args.id).context("no key was revoked")?;
    file.save().context("no key was revoked")?;
    output::print(format_args!(
        "key {} was removed from {}; a running gateway takes notice at once",
        args.id,
        args.file.display()
    ))
}
