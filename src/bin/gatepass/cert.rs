//! `gatepass cert`: certificates for trying things out.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use gatepass::domain::{Clock as _, HostPattern, SystemClock, Timestamp, random};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _,
};
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::{output, pkcs12};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make an authority of your own, and certificates for a listener and a client: for
    /// development and tests
    Dev(DevArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevArgs {
    /// The folder to write to; made when it is not there. An authority that is in it already
    /// issues the new certificates
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A name or address of the listener, beside localhost, 127.0.0.1 and ::1; may be given
    /// several times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Overwrite certificates and keys that are there (not the authority's)
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A development authority.
struct Authority {
    pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A file to be written.
struct File {
    name: &'static str,
    content: Zeroizing<Vec<u8>>,
    /// For its owner alone.
    secret: bool,
}

impl File {
    fn new(name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            content: Zeroizing::new(content.into()),
            secret: !name.ends_with(".pem"),
        }
    }
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(args) => dev(&args),
    }
}

fn dev(args: &DevArgs) -> Result<(), Failure> {
    let now = SystemClock::new().wall();
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    for host in &args.hosts {
        if host.parse::<IpAddr>().is_err() && HostPattern::new(host).is_err() {
            return Err(Failure::Usage(format!(
                "--host {host}: not a host name, an IP address, or `*.` before a host name"
            )));
        }
        names.push(host.clone());
    }
    let found = Authority::read(&args.out, now)?;
    let is_new = found.is_none();
    let authority = match found {
        Some(authority) => authority,
        None => Authority::make(now)?,
    };

    let mut files = Vec::new();
    if is_new {
        files.push(File::new("ca.pem", &*authority.pem));
        let key = authority.issuer.key().serialize_pem();
        files.push(File::new("ca.key", key));
    }
    let (server, server_key) = authority
        .issue(server(&names, now))
        .map_err(|error| Failure::Usage(format!("--host: {error}")))?;
    files.push(File::new("server.pem", server.pem() + &authority.pem));
    files.push(File::new("server.key", server_key.serialize_pem()));
    let (client, client_key) = authority
        .issue(client(now))
        .context("a client's certificate cannot be made")?;
    let pfx = pkcs12::with_empty_password(
        CLIENT,
        client_key.serialized_der(),
        client.der(),
        &[&authority.der],
        random::bytes(),
    );
    files.push(File::new("client.pem", client.pem()));
    files.push(File::new("client.key", client_key.serialize_pem()));
    files.push(File::new("client.pfx", pfx));

    let taken = files
        .iter()
        .filter(|file| args.out.join(file.name).exists());
    let taken: Vec<&str> = taken.map(|file| file.name).collect();
    if !taken.is_empty() && !args.force {
        let text = format!(
            "{} has {} already: --force overwrites",
            args.out.display(),
            taken.join(", ")
        );
        return Err(Failure::Failed(anyhow!(text)));
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("{} cannot be made", args.out.display()))?;
    for file in &files {
        write(&args.out, file)?;
    }
    let written: Vec<PathBuf> = files.iter().map(|file| args.out.join(file.name)).collect();
    let text = if args.json {
        json!({ "files": written, "hosts": names, "newAuthority": is_new }).to_string()
    } else {
        said(&args.out, &files, is_new)
    };
    Ok(output::print(text)?)
}

impl Authority {
    /// The authority in `folder`, if there is one.
    fn read(folder: &Path, now: Timestamp) -> anyhow::Result<Option<Self>> {
        let (chain, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        match (chain.exists(), key.exists()) {
            (false, false) => return Ok(None),
            (true, true) => {}
            (true, false) => bail!("{} is there without its ca.key", chain.display()),
            (false, true) => bail!("{} is there without its ca.pem", key.display()),
        }
        let read = |path: &Path| {
            let text = fs::read_to_string(path);
            text.with_context(|| format!("{} cannot be read", path.display()))
        };
        let (pem, key_pem) = (read(&chain)?, Zeroizing::new(read(&key)?));
        let garbled = |path: &Path| format!("{} cannot be used", path.display());
        let key_pair = KeyPair::from_pem(&key_pem).with_context(|| garbled(&key))?;
        let (_, section) = parse_x509_pem(pem.as_bytes()).with_context(|| garbled(&chain))?;
        let der = section.contents;
        let (_, certificate) = X509Certificate::from_der(&der).with_context(|| garbled(&chain))?;
        if !certificate.is_ca() {
            bail!("{} is not the certificate of an authority", chain.display());
        }
        if certificate.public_key().raw != &*key_pair.subject_public_key_info() {
            bail!("{} is not the key of {}", key.display(), chain.display());
        }
        if certificate.validity().not_after.timestamp() <= now.unix_seconds() {
            bail!(
                "the authority {} has expired: move ca.pem and ca.key away, and a new one is made",
                chain.display()
            );
        }
        let issuer = Issuer::from_ca_cert_pem(&pem, key_pair).with_context(|| garbled(&chain))?;
        Ok(Some(Self { pem, issuer, der }))
    }

    fn make(now: Timestamp) -> anyhow::Result<Self> {
        // A name of its own, so that nobody takes one for another.
        let mark = u32::from_be_bytes(random::bytes());
        let name = format!("Gatepass development authority {mark:08x}");
        let mut params = params(vec![], &name, now).context("an authority cannot be made")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_after = time(now.after(AUTHORITY)).to_datetime();
        params.use_authority_key_identifier_extension = false;
        let key = KeyPair::generate().context("an authority's key cannot be made")?;
        let certificate = params
            .self_signed(&key)
            .context("an authority cannot be made")?;
        Ok(Self {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        })
    }

    fn issue(
        &self,
        params: Result<CertificateParams, rcgen::Error>,
    ) -> Result<(rcgen::Certificate, KeyPair), rcgen::Error> {
        let key = KeyPair::generate()?;
        Ok((params?.signed_by(&key, &self.issuer)?, key))
    }
}

/// What all certificates have in common.
fn params(
    names: Vec<String>,
    common_name: &str,
    now: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    // Clocks differ.
    params.not_before =
        time(Timestamp::from_unix_millis(now.unix_millis() - 3_600_000)).to_datetime();
    params.not_after = time(now.after(LEAF)).to_datetime();
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn server(names: &[String], now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    // Clients read the alternative names; a common name has no room for a long host.
    let mut params = params(names.to_vec(), "localhost", now)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client(now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(vec![], CLIENT, now)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// `at` in the words of X.509, which have no times before 1950 and after 9999.
fn time(at: Timestamp) -> ASN1Time {
    ASN1Time::from_timestamp(at.unix_seconds()).expect("the clock tells a time of our days")
}

/// Writes `file` beside its place, then puts it there, so that nobody reads half of it.
fn write(folder: &Path, file: &File) -> anyhow::Result<()> {
    let (path, new) = (
        folder.join(file.name),
        folder.join(format!(".{}.new", file.name)),
    );
    let put = || {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(
            &mut options,
            if file.secret { 0o600 } else { 0o644 },
        );
        let mut opened = options.open(&new)?;
        opened.write_all(&file.content)?;
        opened.sync_all()?;
        fs::rename(&new, &path)
    };
    put().with_context(|| format!("{} cannot be written", path.display()))
}

/// What was written, and how to use it.
fn said(folder: &Path, files: &[File], is_new: bool) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    let authority = if is_new {
        "a new authority"
    } else {
        "the authority that was there"
    };
    let dir = folder.display();
    format!(
        "{dir}: {files} were written; they come from {authority}.\n\
         client.pfx has the client's certificate and key, with an empty password.\n\n\
         In gatepass.toml, with paths from its folder:\n\n\
         [admin]\n\
         tls = {{ certificates = [{{ chain = \"{dir}/server.pem\", key = \"{dir}/server.key\" }}], client_ca = \"{dir}/ca.pem\" }}\n\
         certificate_roles = [{{ subject_cn = \"{CLIENT}\", role = \"site-admin\" }}]\n\n\
         Then:\n\n\
         curl --cacert {dir}/ca.pem --cert {dir}/client.pem --key {dir}/client.key https://localhost:8081/api/v1/spaces",
        files = names.join(", "),
    )
}

const CLIENT: &str = "QlikClient";
const DAY: u64 = 86_400;
const LEAF: Duration = Duration::from_secs(365 * DAY);
const AUTHORITY: Duration = Duration::from_secs(3650 * DAY);
