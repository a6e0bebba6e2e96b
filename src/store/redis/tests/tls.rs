//! Servers that speak TLS and know their users.

use std::sync::Arc;

use super::server::RedisServer;
use super::{connect, fresh, fulfils_the_contract};
use crate::domain::{ManualClock, Spaces};
use crate::store::redis::{RedisMode, RedisOptions, RedisStore};
use crate::store::{Retention, SessionStore as _};

/// A certificate of its own, as a server and its clients want it.
struct Certificate {
    files: tempfile::TempDir,
    pem: String,
}

impl Certificate {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let pem = made.cert.pem();
        std::fs::write(files.path().join("server.pem"), &pem).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(files.path().join("server.key"), key).unwrap();
        Self { files, pem }
    }

    /// The options of a server: names and values in turn.
    fn options(&self, port: u16) -> Vec<String> {
        let path = |name: &str| self.files.path().join(name).display().to_string();
        let options = [
            ("tls-port", port.to_string()),
            ("tls-cert-file", path("server.pem")),
            ("tls-key-file", path("server.key")),
            ("tls-ca-cert-file", path("server.pem")),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ];
        let flat = options.map(|(name, value)| [name.to_owned(), value]);
        flat.into_iter().flatten().collect()
    }

    /// A server with a user `gp`, whose password is `pw`, and the port for TLS.
    fn server(&self) -> (RedisServer, u16) {
        let port = free_port();
        let options = self.options(port);
        let flags: Vec<_> = options
            .chunks(2)
            .flat_map(|option| [format!("--{}", option[0]), option[1].clone()])
            .collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let server = RedisServer::start_with(&flags);
        assert_eq!(server.command(&USER), "+OK");
        (server, port)
    }

    fn trusted_by(&self, options: RedisOptions) -> RedisOptions {
        RedisOptions {
            username: Some("gp".to_owned()),
            password: Some("pw".to_owned()),
            authorities: Some(self.pem.clone().into_bytes()),
            ..options
        }
    }
}

/// What config/reference.toml recommends, for the namespaces of tests.
const USER: [&str; 12] = [
    "ACL",
    "SETUSER",
    "gp",
    "on",
    ">pw",
    "~test*",
    "~{test*",
    "&test*",
    "+@all",
    "-@admin",
    "-@dangerous",
    "+role",
];

fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

async fn is_refused(options: RedisOptions) -> bool {
    let clock = Arc::new(ManualClock::new());
    let connected = RedisStore::connect(options, Retention::default(), Spaces::new(), clock);
    connected.await.is_err()
}

#[tokio::test]
async fn a_server_with_tls_and_a_user_fulfils_the_contract() {
    let certificate = Certificate::new();
    let (_server, port) = certificate.server();
    let url = format!("rediss://127.0.0.1:{port}");
    let options = certificate.trusted_by(RedisOptions::single(url));
    fulfils_the_contract(&options).await;
    // Whoever is not vouched for is not spoken to.
    let strange = RedisOptions {
        authorities: Some(Certificate::new().pem.into_bytes()),
        ..options
    };
    assert!(is_refused(strange).await);
}

#[tokio::test]
async fn a_master_is_found_by_a_sentinel_that_speaks_tls_and_asks_for_a_password() {
    let certificate = Certificate::new();
    let (_master, port) = certificate.server();
    let (watched_at, tls) = (free_port(), free_port());
    let mut file = format!("port {watched_at}\nbind 127.0.0.1\nrequirepass watched\n");
    for option in certificate.options(tls).chunks(2) {
        file.push_str(&format!("{} {}\n", option[0], option[1]));
    }
    file.push_str(&format!("sentinel monitor sessions 127.0.0.1 {port} 1\n"));
    let _sentinel = RedisServer::sentinel_of(watched_at, &file);
    let options = certificate.trusted_by(RedisOptions {
        mode: RedisMode::Sentinel {
            master: "sessions".to_owned(),
        },
        sentinel_password: Some("watched".to_owned()),
        ..RedisOptions::single(format!("rediss://127.0.0.1:{tls}"))
    });
    let store = connect(&fresh(&options), ManualClock::new(), Retention::default()).await;
    assert!(store.state().lost_since.is_none(), "{store:?}");
    let (strange, nobody) = (Certificate::new(), None);
    let strangers = Some(strange.pem.into_bytes());
    for refused in [
        RedisOptions {
            authorities: strangers,
            ..options.clone()
        },
        RedisOptions {
            sentinel_password: nobody,
            ..options
        },
    ] {
        assert!(is_refused(refused).await);
    }
}
