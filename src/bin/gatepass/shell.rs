//! `gatepass completions` and `gatepass man`.

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::exit::Failure;
use crate::{Cli, output};

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gatepass", &mut script);
    Ok(output::print(String::from_utf8_lossy(&script).trim_end())?)
}

pub(crate) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .context("the page cannot be written")?;
    Ok(output::print(String::from_utf8_lossy(&page).trim_end())?)
}
