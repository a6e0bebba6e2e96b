//! What good configurations become.

use std::time::Duration;

use super::{SPACE, load};
use crate::app::options::{
    AdminOptions, AnonymousMode, AuthnMethod, EdgeOptions, HeaderUser, JwtDirectory, KeySource,
    LogOptions, PoolOptions, StoreOptions, UpstreamTimeouts,
};
use crate::config::Config;
use crate::domain::{LimitPolicy, SameSite, SeatLimit, SessionPolicy, UserLimit};

#[test]
fn as_little_as_can_be_has_every_default() {
    let options = load(SPACE, &[]).options;
    assert_eq!(options.edge, EdgeOptions::default());
    assert_eq!(options.admin, AdminOptions::default());
    let beside = options.store.path.clone();
    assert!(beside.is_absolute() && beside.ends_with("gatepass.redb"));
    let default = StoreOptions {
        path: beside,
        ..StoreOptions::default()
    };
    assert_eq!(options.store, default);
    assert_eq!(options.log, LogOptions::default());
    let [space] = &options.spaces[..] else {
        panic!("one space");
    };
    assert_eq!((space.id.as_str(), space.name.as_str()), ("1001", "1001"));
    assert!(space.hosts.is_empty() && space.prefix.is_empty());
    assert!(space.strip_prefix && space.preserve_host);
    assert_eq!(space.authn, [AuthnMethod::Anonymous(AnonymousMode::Allow)]);
    assert!(space.identity_headers.is_empty() && space.assertion.is_none());
    assert_eq!(space.session, SessionPolicy::default());
    assert_eq!(
        (space.cookie.name(), space.cookie.same_site()),
        ("gatepass", SameSite::Lax)
    );
    assert!(space.access.is_empty() && space.classify.is_empty() && space.licenses.is_empty());
    assert_eq!(space.timeouts, UpstreamTimeouts::default());
    assert_eq!(space.pool, PoolOptions::default());
}

#[test]
fn a_space_with_everything() {
    let text = r#"
[[space]]
id = "1001"
name = "Sales portal"
hosts = ["sales.example.com"]
prefix = "/sales/eu"
upstream = ["http://127.0.0.1:3000", "http://127.0.0.1:3001"]
authn = ["jwt", "header", "local", "anonymous"]
strip_prefix = false
assertion = { audience = "sales" }

[space.session]
absolute_timeout = "10m"
max_per_user = 5
on_limit = "refuse"

[space.jwt]
issuer = "https://login.example.com"
audience = ["sales", "portal"]
key_file = "issuer.pem"
algorithms = ["ES256"]
claims = { directory = "tid" }
attributes = [{ claim = "groups" }]

[space.header]
name = "hdr-usr"
pattern = "$ud\\\\$id"
trusted = ["10.1.2.3/24", "192.0.2.1"]

[space.local]
users = "users.toml"

[[space.classify]]
when = { header = "X-Client", matches = "ci-*" }
client_type = "ci"

[[space.classify]]
license = "professional"

[[space.license]]
name = "professional"
seats = 10
"#;
    let loaded = load(text, &["issuer.pem", "users.toml"]);
    let space = &loaded.options.spaces[0];
    assert_eq!(space.cookie.name(), "gatepass-sales-eu");
    assert_eq!(space.upstreams.len(), 2);
    assert_eq!(space.session.lifetime.idle, Duration::from_secs(600));
    let refuse = UserLimit {
        max: 5,
        policy: LimitPolicy::Refuse,
    };
    assert_eq!(space.session.limit, Some(refuse));
    let seats = SeatLimit {
        license: "professional".into(),
        seats: 10,
        policy: LimitPolicy::Refuse,
    };
    assert_eq!(space.licenses, [seats]);
    let [
        AuthnMethod::Jwt(jwt),
        AuthnMethod::Header(header),
        AuthnMethod::Local(local),
        AuthnMethod::Anonymous(_),
    ] = &space.authn[..]
    else {
        panic!("{:?}", space.authn);
    };
    assert_eq!(jwt.audiences, ["sales", "portal"]);
    assert_eq!(jwt.claims.directory, JwtDirectory::Claim("tid".into()));
    assert_eq!(jwt.attributes[0].attribute, "groups");
    assert!(matches!(&jwt.keys, KeySource::PemFile(path) if path.ends_with("issuer.pem")));
    assert_eq!(header.user, HeaderUser::Pattern(r"$ud\\$id".into()));
    assert_eq!(header.trusted[0].to_string(), "10.1.2.0/24");
    assert_eq!(header.trusted[1].to_string(), "192.0.2.1/32");
    assert!(local.users.ends_with("users.toml"));
    let mut names: Vec<_> = loaded
        .files_read
        .iter()
        .filter_map(|f| f.file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["gatepass.toml", "issuer.pem", "users.toml"]);
}

#[test]
fn spaces_of_different_hosts_may_have_the_same_cookie() {
    let space =
        |id: &str, host: &str| format!("{}hosts = [\"{host}\"]\n", SPACE.replace("1001", id));
    let text = space("1", "a.example.com") + &space("2", "b.example.com");
    assert_eq!(load(&text, &[]).options.spaces.len(), 2);
}

#[test]
fn s31_an_open_side_port_is_there_when_it_is_asked_for() {
    let text = format!("[admin]\nlisten = \"10.0.0.1:8081\"\nallow_plain_http = true\n{SPACE}");
    let admin = load(&text, &[]).options.admin;
    assert_eq!(admin.listen.to_string(), "10.0.0.1:8081");
    assert!(admin.hosts.iter().any(|host| host.matches("10.0.0.1")));
}

#[test]
fn a_file_is_loaded_from_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    let errors = Config::load(&path).unwrap_err().to_string();
    assert!(
        errors.contains("cannot read `") && errors.contains("site.toml"),
        "{errors}"
    );
    std::fs::write(&path, SPACE).unwrap();
    let loaded = Config::load(&path).unwrap();
    assert_eq!(loaded.files_read, [path]);
}

#[test]
fn an_error_tells_its_line_and_its_key() {
    let errors = Config::from_str(&format!("{SPACE}colour = 1\n"), "x.toml").unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(error.key(), "space.1001.colour");
    assert_eq!(errors.line_of(error), Some(6));
    assert_eq!(error.variable(), None);
    assert!(errors.render_styled().contains('\u{1b}'));
}
