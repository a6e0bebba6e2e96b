//! `gatepass demo`: a gateway, an app behind it and somebody to log in as, in one command.

use std::net::SocketAddr;

use anyhow::Context as _;
use gatepass::app::Gateway;
use gatepass::app::demo::{DemoApp, data};
use gatepass::app::options::{GatewayOptions, Upstream};
use gatepass::config::Config;

use crate::exit::Failure;
use crate::{output, serve};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the edge listens; a loopback address
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    edge: SocketAddr,
    /// Where the side port listens; a loopback address
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    admin: SocketAddr,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    for address in [args.edge, args.admin] {
        if !address.ip().is_loopback() {
            return Err(Failure::Usage(format!(
                "{address} is no loopback address: the demo's passwords and keys are known to everybody"
            )));
        }
    }
    let folder = Folder::new()?;
    let config = data::write(&folder.0).context("the demo's files cannot be written")?;
    // Without the environment: what is set there is for another gateway.
    let text = std::fs::read_to_string(&config).context("the demo's files cannot be read")?;
    let mut options = Config::from_str(&text, config)?.options;
    let app = DemoApp::start().map_err(|error| Failure::Unavailable(error.into()))?;
    settle(&mut options, args, &app)?;
    let _log = serve::log(&options)?;
    serve::run_until_stopped(options, None, greet)
}

fn settle(options: &mut GatewayOptions, args: &Args, app: &DemoApp) -> Result<(), Failure> {
    options.edge.listen = vec![args.edge];
    options.admin.listen = args.admin;
    let upstream: Upstream = format!("http://{}", app.address())
        .parse()
        .context("the demo app's address")?;
    for space in &mut options.spaces {
        space.upstreams = vec![upstream.clone()];
    }
    Ok(())
}

/// Says where to click and what to type.
fn greet(gateway: &Gateway) {
    let edge = gateway
        .edge_addresses()
        .first()
        .map_or_else(String::new, ToString::to_string);
    let admin = gateway.admin_address();
    let command = command();
    let [site, space, reader] = data::KEYS;
    let (password, secret) = (data::PASSWORD, data::SECRET);
    // Who does not listen can do without; the gateway runs all the same.
    let _ = output::print(format_args!(
        "\
Gatepass demo, ready. Its passwords and keys are known to everybody: for this machine only.

  Open          http://{edge}/
  Log in        alice / {password}   (groups sales, admins)
                bob / {password}     (group sales)

  Sessions      curl -H 'Authorization: Bearer {site}.{secret}' http://{admin}/api/v1/spaces/1001/sessions
  End one       curl -X DELETE -H 'Authorization: Bearer {site}.{secret}' http://{admin}/api/v1/spaces/1001/sessions/SESSION_ID
  End a user's  curl -X DELETE -H 'Authorization: Bearer {site}.{secret}' http://{admin}/api/v1/spaces/1001/users/DEMO/alice/sessions
  The API       http://{admin}/docs
  Metrics       curl -H 'Authorization: Bearer {site}.{secret}' http://{admin}/metrics
  Health        curl http://{admin}/health/ready

  As a program  curl -H \"Authorization: Bearer $({command} token --demo --user carol)\" http://{edge}/jwt/echo

  Other keys    {space}.{secret} (space 1001), {reader}.{secret} (reads only)
  Stop          Ctrl-C
"
    ));
}

/// How this program is called from here.
fn command() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "gatepass".into());
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| path.strip_prefix(here).ok().map(std::path::Path::to_owned));
    short.map_or_else(
        || path.display().to_string(),
        |short| format!("./{}", short.display()),
    )
}

/// A folder for the demo's files, gone when the demo is.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let name: String = gatepass::domain::random::bytes::<8>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = std::env::temp_dir().join(format!("gatepass-demo-{name}"));
        std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
