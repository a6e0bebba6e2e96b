//! A gateway that runs, with everything around it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use gatepass::admin::keys::{KeysFile, NewKey, Role};
use gatepass::app::demo::data;
use gatepass::app::{Gateway, StartError};
use gatepass::config::{Config, Loaded};
use gatepass::domain::{Clock as _, Identity, SpaceId, SystemClock};
use tempfile::TempDir;

use super::{Admin, Authority, Browser, Script, Upstream, Wire, log};

/// Ports of their own choice, one worker, and keys for the side port.
pub(crate) const PORTS: &str = r#"
[edge]
listen = ["127.0.0.1:0"]
workers = 1
[admin]
listen = "127.0.0.1:0"
api_keys = "keys.toml"
"#;

/// Space 1001, whose users are `alice` and `bob` of the directory DEMO.
pub(crate) const LOCAL: &str = r#"
[[space]]
id = "1001"
name = "Sales portal"
upstream = ["UPSTREAM"]
authn = ["local"]
identity_headers = ["x-forwarded"]
assertion = { audience = "sales" }
[space.local]
users = "users.toml"
"#;

/// A gateway, the folder of its files, and the upstream that `UPSTREAM` in them stands for.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) upstream: Upstream,
    pub(crate) folder: TempDir,
    pub(crate) keys: Bearers,
    pub(crate) site: Site,
}

/// What a house's edge has beside what its configuration says: lines behind `[edge]`.
pub(crate) type Site = String;

/// TLS with the certificates in these files (`NAME.pem`, `NAME.key`), and `more` options.
pub(crate) fn tls_site(files: &[&str], more: &str) -> Site {
    let certificate = |file: &&str| format!("{{ chain = \"{file}.pem\", key = \"{file}.key\" }}");
    let certificates: Vec<String> = files.iter().map(certificate).collect();
    let certificates = certificates.join(", ");
    format!("tls = {{ certificates = [{certificates}]{more} }}\n")
}

/// What API keys are presented as.
#[derive(Clone)]
pub(crate) struct Bearers {
    pub(crate) site: String,
    /// Administers space 1001.
    pub(crate) space: String,
    pub(crate) reader: String,
}

impl House {
    /// A house with this configuration.
    pub(crate) async fn with(config: &str) -> Self {
        Self::before(Upstream::start().await, config).await
    }

    /// A house before `upstream`.
    pub(crate) async fn before(upstream: Upstream, config: &str) -> Self {
        Self::at(Site::new(), TempDir::new().unwrap(), upstream, config).await
    }

    /// A house whose edge speaks TLS, with a certificate of `authority` for this machine.
    pub(crate) async fn over_tls(authority: &Authority, config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        authority.issue_for_this_machine(folder.path());
        let site = tls_site(&["site"], "");
        Self::at(site, folder, Upstream::start().await, config).await
    }

    /// A house at `site`, whose files are in `folder`.
    pub(crate) async fn at(site: Site, folder: TempDir, upstream: Upstream, config: &str) -> Self {
        log::watch();
        let keys = furnish(folder.path());
        let config = config.replace("[edge]\n", &format!("[edge]\n{site}"));
        let options = read(folder.path(), &upstream, &config).unwrap().options;
        let gateway = Gateway::start(options).await.unwrap();
        Self {
            gateway,
            upstream,
            folder,
            keys,
            site,
        }
    }

    /// A house with space 1001 and its login page.
    pub(crate) async fn local() -> Self {
        Self::with(&format!("{PORTS}{LOCAL}")).await
    }

    /// A house where the header `hdr-usr` from this machine names the user, in LAB.
    pub(crate) async fn header(more: &str) -> Self {
        Self::with(&format!("{PORTS}{}{more}", header_space())).await
    }

    /// Reads `config` as this house would.
    pub(crate) fn read(&self, config: &str) -> Result<Loaded, String> {
        let config = config.replace("[edge]\n", &format!("[edge]\n{}", self.site));
        read(self.folder.path(), &self.upstream, &config)
    }

    /// Puts `config` into force.
    pub(crate) fn reload(&self, config: &str) -> Vec<&'static str> {
        let options = self.read(config).unwrap().options;
        self.gateway.reload(options).unwrap()
    }

    pub(crate) fn edge(&self) -> SocketAddr {
        self.gateway.edge_addresses()[0]
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.edge())
    }

    pub(crate) fn script(&self) -> Script {
        Script::new(self.edge())
    }

    /// A program that is the user `user` of LAB, in a house with the header `hdr-usr`.
    pub(crate) fn script_of(&self, user: &str) -> Script {
        self.script().with("hdr-usr", user)
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::new(self.gateway.admin_address(), &self.keys.site)
    }

    /// A ticket of `space` for the user `user` of LAB, as a trusted program buys it.
    pub(crate) async fn ticket(&self, space: &str, user: &str) -> String {
        let sessions = self.gateway.sessions();
        let space = sessions.find_space(&SpaceId::new(space).unwrap()).unwrap();
        let user = Identity::new("LAB", user).unwrap();
        let bought = sessions.issue_ticket(&space, user.into(), None).await;
        bought.unwrap().expose().to_owned()
    }

    pub(crate) async fn wire(&self) -> Wire {
        Wire::connect(self.edge()).await
    }

    pub(crate) async fn wire_from(&self, from: &str) -> Wire {
        Wire::connect_from(from.parse::<IpAddr>().unwrap(), self.edge()).await
    }

    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Space 1001, where the header `hdr-usr` of loopback peers names the user, in LAB.
pub(crate) fn header_space() -> String {
    r#"
[[space]]
id = "1001"
name = "Sales portal"
upstream = ["UPSTREAM"]
authn = ["header"]
identity_headers = ["x-forwarded"]
[space.header]
name = "hdr-usr"
directory = "LAB"
trusted = ["127.0.0.1"]
"#
    .to_owned()
}

/// What starting with `config` comes to, with nothing behind it.
pub(crate) async fn try_start(config: &str) -> Result<Gateway, StartError> {
    let folder = TempDir::new().unwrap();
    let _ = furnish(folder.path());
    let options = read(folder.path(), &Upstream::start().await, config)
        .unwrap()
        .options;
    Gateway::start(options).await
}

/// Writes users, keys and the demo's public key into `folder`.
pub(crate) fn furnish(folder: &Path) -> Bearers {
    data::write(folder).unwrap();
    let path = folder.join("keys.toml");
    std::fs::remove_file(&path).unwrap();
    let mut file = KeysFile::load_or_new(&path).unwrap();
    let now = SystemClock::new().wall();
    let mut make = |new: NewKey| file.create(new, now).unwrap().to_string();
    let bearers = Bearers {
        site: make(NewKey::new("site", Role::SiteAdmin)),
        space: make(NewKey::new("space", Role::SpaceAdmin).spaces([SpaceId::new("1001").unwrap()])),
        reader: make(NewKey::new("reader", Role::Reader)),
    };
    file.save().unwrap();
    bearers
}

fn read(folder: &Path, upstream: &Upstream, config: &str) -> Result<Loaded, String> {
    let text = config.replace("UPSTREAM", &upstream.url());
    Config::from_str(&text, folder.join("gatepass.toml")).map_err(|errors| errors.to_string())
}
