//! `gatepass check`: what is wrong with a configuration, or what it does with a request.

use std::path::PathBuf;

use gatepass::app::{Explanation, Gateway};
use gatepass::config::Config;

use crate::exit::Failure;

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
        summary(
            args,
            &loaded
                .options
                .spaces
                .iter()
                .map(|s| s.id.to_string())
                .collect::<Vec<_>>(),
        );
        return Ok(());
    };
    let (method, url) = request.split_once(' ').unwrap_or(("GET", request));
    let explanation = Explanation::of(&loaded.options, method, url)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    if args.json {
        println!("{}", explanation.to_json());
    } else {
        print!("{explanation}");
    }
    Ok(())
}

fn summary(args: &Args, spaces: &[String]) {
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "ok": true, "config": args.config, "spaces": spaces })
        );
    } else {
        let spaces = spaces.join(", ");
        println!("{} is good: spaces {spaces}", args.config.display());
    }
}
