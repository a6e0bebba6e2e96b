//! `gatepass check`: what is wrong with a configuration, or what it does with a request.

use std::path::PathBuf;

use gatepass::app::{Explanation, Gateway};
use gatepass::config::Config;

use crate::exit::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file
    #[arg(
        long,
        env = "GATEPASS_CONFIG",
        default_value = "gatepass.toml",
        value_name = "FILE"
    )]
    config: PathBuf,
    /// Say what becomes of a request, as "GET https://sales.example.com/admin"
    #[arg(long, value_name = "REQUEST")]
    explain: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = Config::load(&args.config)?;
    Gateway::check(&loaded.options)?;
    let Some(request) = &args.explain else {
        let spaces = loaded.options.spaces.iter();
        let spaces: Vec<_> = spaces.map(|space| space.id.to_string()).collect();
        return Ok(summary(args, &spaces)?);
    };
    let (method, url) = request.split_once(' ').unwrap_or(("GET", request));
    let explanation = Explanation::of(&loaded.options, method, url)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let text = if args.json {
        explanation.to_json()
    } else {
        explanation.to_string()
    };
    Ok(output::print(text.trim_end())?)
}

fn summary(args: &Args, spaces: &[String]) -> anyhow::Result<()> {
    if args.json {
        let json = serde_json::json!({ "ok": true, "config": args.config, "spaces": spaces });
        output::print(json)
    } else {
        let (config, spaces) = (args.config.display(), spaces.join(", "));
        output::print(format_args!("{config} is good: spaces {spaces}"))
    }
}
