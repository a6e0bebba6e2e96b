//! Where a side port's address and key come from: the command's words, the environment, a
//! profile.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gatepass::net::tls::{TlsClientSettings, http_connector, https_connector};
use http::Uri;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::prompt;
use crate::side_port::SidePort;

/// What a command shows to the side port.
#[derive(Debug, clap::Args)]
pub(crate) struct Access {
    /// The file with the API key, as `<id>.<secret>` (`-` for standard input); or set
    /// GATEPASS_API_KEY or GATEPASS_API_KEY_FILE
    #[arg(long, value_name = "FILE", global = true)]
    api_key_file: Option<PathBuf>,
    /// The authorities (PEM) that an https side port's certificate must come from [default:
    /// those that this machine trusts]
    #[arg(long, env = "GATEPASS_CA", value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// A certificate (PEM) to show to an https side port; then no API key is needed
    #[arg(long, env = "GATEPASS_CERT", value_name = "FILE", global = true)]
    cert: Option<PathBuf>,
    /// The key of that certificate (PEM) [default: in the certificate's file]
    #[arg(long, env = "GATEPASS_KEY", value_name = "FILE", global = true)]
    key: Option<PathBuf>,
    /// A TOML file with `url`, `api_key_file`, `ca`, `cert`, `key` and `space` [default:
    /// gatepass/profile.toml in the user's configuration folder]
    #[arg(long, env = "GATEPASS_PROFILE", value_name = "FILE", global = true)]
    profile: Option<PathBuf>,
}

/// A profile file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    api_key_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    space: Option<String>,
}

const DEFAULT_URL: &str = "http://127.0.0.1:8081";

impl Access {
    /// Whether the command line names the file with the key.
    pub(crate) const fn names_key(&self) -> bool {
        self.api_key_file.is_some()
    }

    /// The side port at `url`, or where the profile says.
    pub(crate) fn open(&self, url: Option<&str>, space: Option<&str>) -> Result<SidePort, Failure> {
        let profile = self.profile()?;
        let url = url.map(str::to_owned).or_else(|| profile.url.clone());
        let url = url.unwrap_or_else(|| DEFAULT_URL.to_owned());
        let parsed = url.parse::<Uri>().ok().filter(|parsed| {
            let bare = parsed.path() == "/" && parsed.query().is_none();
            matches!(parsed.scheme_str(), Some("http" | "https"))
                && parsed.authority().is_some()
                && bare
        });
        let Some(parsed) = parsed else {
            let text = format!("`{url}` is not the address of a side port, as {DEFAULT_URL}");
            return Err(Failure::Usage(text));
        };
        let mut shows_certificate = false;
        let connector = if parsed.scheme_str() == Some("https") {
            let tls = self.tls(&profile)?;
            shows_certificate = tls.certificate.is_some();
            https_connector(&tls)
        } else {
            http_connector()
        };
        let connector = connector.map_err(|error| Failure::Failed(error.into()))?;
        let key = self.key(profile.api_key_file)?;
        if key.is_none() && !shows_certificate {
            return Err(Failure::Usage(
                "no API key: set GATEPASS_API_KEY, or give --api-key-file or a profile that \
                 names one"
                    .to_owned(),
            ));
        }
        let base = url.trim_end_matches('/').to_owned();
        let space = space.map(str::to_owned).or(profile.space);
        Ok(SidePort::new(base, key, space, connector))
    }

    /// What an https side port is trusted by, and shown.
    fn tls(&self, profile: &Profile) -> Result<TlsClientSettings, Failure> {
        let cert = self.cert.clone().or_else(|| profile.cert.clone());
        // A key beside a certificate of elsewhere is another one's.
        let of_profile = || self.cert.is_none().then(|| profile.key.clone())?;
        let key = self.key.clone().or_else(of_profile);
        if cert.is_none() && key.is_some() {
            return Err(Failure::Usage(
                "--key is the key of a certificate: give --cert, too".to_owned(),
            ));
        }
        Ok(TlsClientSettings {
            ca: self.ca.clone().or_else(|| profile.ca.clone()),
            certificate: cert.map(|cert| (cert.clone(), key.unwrap_or(cert))),
        })
    }

    /// The API key: as the command says, the environment, or the profile.
    fn key(&self, of_profile: Option<PathBuf>) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(file) = &self.api_key_file {
            return Ok(Some(prompt::from_file(file)?));
        }
        if let Ok(key) = std::env::var("GATEPASS_API_KEY") {
            return Ok(Some(Zeroizing::new(key)));
        }
        let file = std::env::var_os("GATEPASS_API_KEY_FILE").map(PathBuf::from);
        let file = file.or(of_profile);
        Ok(file.map(|file| prompt::from_file(&file)).transpose()?)
    }

    /// The profile named, or the one in the user's configuration folder when there is one.
    fn profile(&self) -> Result<Profile, Failure> {
        let path = match &self.profile {
            Some(path) => path.clone(),
            None => match default_profile().filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(Profile::default()),
            },
        };
        let read = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()));
        let parse = |text: String| {
            toml::from_str::<Profile>(&text).with_context(|| path.display().to_string())
        };
        let mut profile = read.and_then(parse).map_err(Failure::Build)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for file in [
            &mut profile.api_key_file,
            &mut profile.ca,
            &mut profile.cert,
            &mut profile.key,
        ] {
            *file = file.take().map(|file| folder.join(file));
        }
        Ok(profile)
    }
}

fn default_profile() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(home)?;
    Some(config.join("gatepass").join("profile.toml"))
}
