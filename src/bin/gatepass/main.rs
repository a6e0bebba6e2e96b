//! The `gatepass` command: the gateway, and what operators need around it.

mod access;
mod cert;
mod check;
mod demo;
mod exit;
mod follow;
mod key;
mod nodes;
mod output;
mod pkcs12;
mod prompt;
mod serve;
mod sessions;
mod shell;
mod side_port;
mod store;
mod table;
mod token;
mod transfer;
mod user;
mod users;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Proxy-session authentication in front of web applications.
#[derive(Debug, Parser)]
#[command(
    name = "gatepass",
    version,
    about,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Args),
    /// Run the gateway before a small demo app, with well-known users and keys, on this machine
    Demo(demo::Args),
    /// Check a configuration without running it
    Check(check::Args),
    /// Manage a users file (local logins)
    #[command(subcommand)]
    User(user::Command),
    /// Manage a keys file (API keys of the side port)
    #[command(subcommand)]
    Key(key::Command),
    /// See and end sessions of a running gateway
    Sessions(sessions::Args),
    /// Lock and unlock users of a running gateway
    Users(users::Args),
    /// List the gateways that share their sessions with a running one
    Nodes(nodes::Args),
    /// Check and compact a store's file; export and import what a store keeps
    #[command(subcommand)]
    Store(store::Command),
    /// Make certificates
    #[command(subcommand)]
    Cert(cert::Command),
    /// Mint a JWT for tests
    Token(token::Args),
    /// Print a shell's completions
    Completions(shell::CompletionsArgs),
    /// Print the manual page
    Man,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::User(command) => user::run(command),
        Command::Key(command) => key::run(command),
        Command::Sessions(args) => sessions::run(&args),
        Command::Users(args) => users::run(&args),
        Command::Nodes(args) => nodes::run(&args),
        Command::Store(command) => store::run(command),
        Command::Cert(command) => cert::run(command),
        Command::Token(args) => token::run(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man => shell::man(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
