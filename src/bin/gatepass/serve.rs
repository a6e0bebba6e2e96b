//! `gatepass serve`: run the gateway until it is told to stop.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gatepass::app::Gateway;
use gatepass::app::options::{GatewayOptions, LogFormat};
use gatepass::config::{Config, ConfigErrors};
use gatepass::telemetry;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;
use crate::watch::Watch;

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
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let loaded = Config::load(&args.config)?;
    let _log = log(&loaded.options)?;
    let mut files = Files::new(&args.config, loaded.files_read);
    let options = files.load()?;
    run_until_stopped(options, Some(files), |gateway| {
        let scheme = if gateway.edge_has_tls() {
            "https"
        } else {
            "http"
        };
        for address in gateway.edge_addresses() {
            let url = format_args!("{scheme}://{address}");
            tracing::info!(%address, %url, "the edge is ready");
        }
        for address in gateway.redirect_addresses() {
            tracing::info!(%address, "plain HTTP is redirected to https");
        }
        tracing::info!(address = %gateway.admin_address(), "the side port is ready");
    })
}

/// Sets up the log as `options` say; `GATEPASS_LOG` overrides what is logged.
pub(crate) fn log(options: &GatewayOptions) -> Result<telemetry::LogGuard, Failure> {
    let log = telemetry::LogOptions {
        filter: std::env::var("GATEPASS_LOG").unwrap_or_else(|_| options.log.level.clone()),
        format: match options.log.format {
            LogFormat::Json => telemetry::LogFormat::Json,
            _ => telemetry::LogFormat::Text,
        },
        ansi: None,
    };
    log.init().map_err(|error| Failure::Build(error.into()))
}

/// Runs a gateway with `options`, reloading when its files change or a SIGHUP comes, until
/// SIGTERM or SIGINT; then drains. `ready` is called once both ports listen.
pub(crate) fn run_until_stopped(
    options: GatewayOptions,
    files: Option<Files>,
    ready: impl FnOnce(&Gateway),
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("side-port")
        .enable_all()
        .build()
        .context("no runtime can be had")?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        let gateway = Gateway::start(options).await?;
        ready(&gateway);
        signals.until_stop(&gateway, files).await;
        tracing::info!("draining");
        let drained = gateway.shut_down().await;
        tracing::info!(
            connections.closed = drained.closed,
            connections.cut = drained.cut,
            "stopped"
        );
        Ok(())
    })
}

struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self {
            hang_up: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    /// Reloads whenever there is reason to; returns when the process is to end.
    async fn until_stop(&mut self, gateway: &Gateway, files: Option<Files>) {
        let Some(mut files) = files else {
            // Nothing to reload from; a terminal that closes still must not end the process.
            loop {
                tokio::select! {
                    _ = self.hang_up.recv() => {}
                    () = either(&mut self.terminate, &mut self.interrupt) => return,
                }
            }
        };
        loop {
            tokio::select! {
                () = either(&mut self.terminate, &mut self.interrupt) => return,
                _ = self.hang_up.recv() => tracing::info!("reloading: SIGHUP"),
                path = files.watch.changed() => tracing::info!(file = %path.display(), "reloading: a file has changed"),
            }
            reload(gateway, &mut files);
        }
    }
}

/// A configuration file and the files that it names, all of them watched.
pub(crate) struct Files {
    config: PathBuf,
    watched: Vec<PathBuf>,
    watch: Watch,
}

impl Files {
    /// Watches `watched`, the files that were read for `config`.
    fn new(config: &Path, watched: Vec<PathBuf>) -> Self {
        Self {
            config: config.to_owned(),
            watch: Watch::new(&watched),
            watched,
        }
    }

    /// Reads the configuration. Every file was watched before it was read, so that no change
    /// is missed: a file that is named for the first time is watched, and all is read again.
    /// So are files that a link leads to now.
    fn load(&mut self) -> Result<GatewayOptions, ConfigErrors> {
        loop {
            if !self.watch.is_of(&self.watched) {
                self.watch = Watch::new(&self.watched);
            }
            let loaded = Config::load(&self.config)?;
            if loaded.files_read == self.watched {
                return Ok(loaded.options);
            }
            self.watch = Watch::new(&loaded.files_read);
            self.watched = loaded.files_read;
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Reloads. What is bad is told loudly and changes nothing.
fn reload(gateway: &Gateway, files: &mut Files) {
    let options = match files.load() {
        Ok(options) => options,
        Err(errors) => {
            gateway.refuse_reload();
            tracing::error!("the new configuration is refused, the old one stays:\n{errors}");
            return;
        }
    };
    match gateway.reload(options) {
        Ok(unchanged) => {
            for key in unchanged {
                tracing::warn!(key, "changed, but in force only after a restart");
            }
            tracing::info!("the new configuration is in force");
        }
        Err(error) => {
            let error = anyhow::Error::from(error);
            tracing::error!("the new configuration is refused, the old one stays: {error:#}");
        }
    }
}
