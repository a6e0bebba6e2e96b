//! `gatepass token`: JWTs for tests.

use std::path::PathBuf;

use anyhow::Context as _;
use gatepass::app::demo::data;
use gatepass::authn::jwt::{Algorithm, SigningKey};
use gatepass::domain::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::{output, prompt};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sign with the demo's key, for its space 1002
    #[arg(long, conflicts_with_all = ["key", "secret_file"])]
    demo: bool,
    /// The PEM file with the private key to sign with
    #[arg(long, value_name = "FILE", conflicts_with = "secret_file")]
    key: Option<PathBuf>,
    /// The file with the secret to sign with (HS algorithms)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The algorithm; otherwise the one that the key is for
    #[arg(long)]
    algorithm: Option<String>,
    /// The key's id, for the token's header
    #[arg(long)]
    kid: Option<String>,
    /// The user's id: claim `sub`
    #[arg(long)]
    user: String,
    /// The user directory: claim `directory`
    #[arg(long)]
    directory: Option<String>,
    /// The name to show: claim `name`
    #[arg(long)]
    name: Option<String>,
    /// The e-mail address: claim `email`
    #[arg(long)]
    email: Option<String>,
    /// A group: claim `groups`; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Who makes the token: claim `iss`
    #[arg(long)]
    issuer: Option<String>,
    /// Whom it is for: claim `aud`
    #[arg(long)]
    audience: Option<String>,
    /// Seconds until it expires; negative for one that has
    #[arg(
        long,
        default_value_t = 3600,
        allow_negative_numbers = true,
        value_name = "SECONDS"
    )]
    expires_in: i64,
    /// Any other claim, as NAME=JSON or NAME=text; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let algorithm = args.algorithm.as_deref().map(|name| {
        name.parse::<Algorithm>().map_err(|_| {
            Failure::Usage(format!(
                "--algorithm {name}: not the name of a JWT algorithm, as RS256"
            ))
        })
    });
    let algorithm = algorithm.transpose()?;
    let mut key = match (&args.key, &args.secret_file) {
        _ if args.demo => SigningKey::from_pem(data::JWT_PRIVATE_KEY.as_bytes(), None)
            .context("the demo's key")?,
        (Some(path), _) => {
            let pem = prompt::from_file(path)?;
            SigningKey::from_pem(pem.as_bytes(), algorithm)
                .with_context(|| path.display().to_string())?
        }
        (None, Some(path)) => {
            let secret = prompt::from_file(path)?;
            SigningKey::from_secret(
                secret.trim().as_bytes(),
                algorithm.unwrap_or(Algorithm::HS256),
            )
            .with_context(|| path.display().to_string())?
        }
        (None, None) => {
            return Err(Failure::Usage(
                "one of --demo, --key and --secret-file is needed".to_owned(),
            ));
        }
    };
    if let Some(kid) = &args.kid {
        key = key.with_kid(kid.as_str());
    }
    let token = key
        .sign(&Value::Object(claims(args)?))
        .context("the token cannot be signed")?;
    Ok(output::print(token)?)
}

fn claims(args: &Args) -> Result<Map<String, Value>, Failure> {
    let now = SystemClock::new().wall().unix_seconds();
    let demo = |value: &str| args.demo.then(|| value.to_owned());
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(args.user));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now.saturating_add(args.expires_in)));
    for (name, value) in [
        (
            "iss",
            args.issuer.clone().or_else(|| demo(data::JWT_ISSUER)),
        ),
        (
            "aud",
            args.audience.clone().or_else(|| demo(data::JWT_AUDIENCE)),
        ),
        ("directory", args.directory.clone().or_else(|| demo("DEMO"))),
        ("name", args.name.clone()),
        ("email", args.email.clone()),
    ] {
        if let Some(value) = value {
            claims.insert(name.to_owned(), json!(value));
        }
    }
    if !args.groups.is_empty() {
        claims.insert("groups".to_owned(), json!(args.groups));
    }
    for pair in &args.claims {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("--claim {pair}: not of the form NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        claims.insert(name.to_owned(), value);
    }
    Ok(claims)
}
