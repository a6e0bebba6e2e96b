//! `gatepass completions` and `gatepass man`.

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::Cli;
use crate::exit::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "gatepass",
        &mut std::io::stdout(),
    );
    Ok(())
}

pub(crate) fn man() -> Result<(), Failure> {
    clap_mangen::Man::new(Cli::command())
        .render(&mut std::io::stdout())
        .context("the page cannot be written")?;
    Ok(())
}
