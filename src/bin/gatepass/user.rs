//! `gatepass user`: the users of local logins.

use std::path::PathBuf;

use anyhow::Context as _;
use gatepass::authn::local::{UserEntry, UsersFile};
use gatepass::domain::{Attributes, Identity};
use serde_json::json;

use crate::exit::Failure;
use crate::{output, prompt, table};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add a user; asks for the password unless a file has it
    Add(AddArgs),
    /// Remove a user
    Remove(RemoveArgs),
    /// List the users
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The users file; made when it is not there
    #[arg(long, default_value = "users.toml", value_name = "FILE")]
    file: PathBuf,
    /// The user's id, what they type to log in
    id: String,
    /// The user directory
    #[arg(long, default_value = "LOCAL")]
    directory: String,
    /// The name to show
    #[arg(long)]
    name: Option<String>,
    /// The e-mail address
    #[arg(long)]
    email: Option<String>,
    /// A group; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// An attribute, as NAME=VALUE; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The file with the password; `-` for standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// The users file
    #[arg(long, default_value = "users.toml", value_name = "FILE")]
    file: PathBuf,
    /// The user's id
    id: String,
    /// The user directory
    #[arg(long, default_value = "LOCAL")]
    directory: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The users file
    #[arg(long, default_value = "users.toml", value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(args) => add(args),
        Command::Remove(args) => Ok(remove(&args)?),
        Command::List(args) => Ok(list(&args)?),
    }
}

fn add(args: AddArgs) -> Result<(), Failure> {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    if !args.groups.is_empty() {
        pairs.push(("group".to_owned(), args.groups));
    }
    for pair in args.attributes {
        match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                pairs.push((name.to_owned(), vec![value.to_owned()]))
            }
            _ => {
                return Err(Failure::Usage(format!(
                    "--attribute {pair}: not of the form NAME=VALUE"
                )));
            }
        }
    }
    let attributes: Attributes = pairs.into_iter().collect();
    let identity = Identity::new(&args.directory, &args.id)
        .and_then(|user| user.with_name(args.name.as_deref().unwrap_or("")))
        .and_then(|user| user.with_email(args.email.as_deref().unwrap_or("")))
        .map_err(|error| Failure::Usage(error.to_string()))?
        .with_attributes(attributes);
    let mut file = UsersFile::load_or_empty(&args.file).context("no user was added")?;
    let password = match &args.password_file {
        Some(path) => prompt::from_file(path)?,
        None => prompt::new_password()?,
    };
    let user = identity.to_string();
    let entry = UserEntry::new(identity, &password).context("no user was added")?;
    file.add(entry)
        .and_then(|()| file.save())
        .context("no user was added")?;
    let file = args.file.display();
    Ok(output::print(format_args!("{user} was added to {file}"))?)
}

fn remove(args: &RemoveArgs) -> anyhow::Result<()> {
    let mut file = UsersFile::load(&args.file).context("no user was removed")?;
    let removed = file
        .remove(&args.directory, &args.id)
        .context("no user was removed")?;
    file.save().context("no user was removed")?;
    let (user, file) = (removed.identity(), args.file.display());
    output::print(format_args!("{user} was removed from {file}"))
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let file = UsersFile::load(&args.file)?;
    let users = file.users().iter().map(UserEntry::identity);
    if args.json {
        let users: Vec<_> = users
            .map(|user| {
                let attributes: serde_json::Map<_, _> = user
                    .attributes()
                    .iter()
                    .map(|a| (a.name.to_string(), json!(a.values)))
                    .collect();
                json!({
                    "userDirectory": user.directory(),
                    "userId": user.id(),
                    "userName": user.name(),
                    "email": user.email(),
                    "attributes": attributes,
                })
            })
            .collect();
        return output::print(json!({ "users": users }));
    }
    let rows = users.map(|user| {
        let groups = user.attributes().values("group").join(", ");
        let email = user.email().unwrap_or("").to_owned();
        [
            user.directory().to_owned(),
            user.id().to_owned(),
            user.name().to_owned(),
            email,
            groups,
        ]
    });
    table::print(["DIRECTORY", "ID", "NAME", "E-MAIL", "GROUPS"], rows)
}
