//! `gatepass cert`, and what its certificates are good for.

use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::kit::command::{Running, run};
use crate::kit::house::furnish;
use crate::kit::{LOCAL, PORTS, soon};

/// Every file, and whether it is for its owner alone.
const FILES: [(&str, bool); 7] = [
    ("ca.pem", false),
    ("ca.key", true),
    ("server.pem", false),
    ("server.key", true),
    ("client.pem", false),
    ("client.key", true),
    ("client.pfx", true),
];

const DEV: [&str; 4] = ["cert", "dev", "--out", "tls"];

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join("tls").join(name)).unwrap()
}

#[tokio::test]
async fn it_writes_an_authority_and_what_that_issues() {
    let folder = TempDir::new().unwrap();
    let said = run(folder.path(), &DEV).await;
    let said = said.ok();
    assert!(said.contains("a new authority"), "{said}");
    assert!(said.contains(r#"chain = "tls/server.pem""#), "{said}");
    assert!(said.contains("curl --cacert tls/ca.pem "), "{said}");
    for (name, secret) in FILES {
        assert!(said.contains(name), "{name}");
        use std::os::unix::fs::PermissionsExt as _;
        let meta = std::fs::metadata(folder.path().join("tls").join(name)).unwrap();
        let others = meta.permissions().mode() & 0o077;
        assert_eq!(others == 0, secret, "{name} has mode {others:o}");
    }
    let files = std::fs::read_dir(folder.path().join("tls")).unwrap();
    assert_eq!(files.count(), FILES.len());
}

#[tokio::test]
async fn it_overwrites_only_when_told_to_and_never_the_authority() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &DEV).await.ok();
    let before: Vec<Vec<u8>> = FILES.map(|(name, _)| read(folder.path(), name)).into();
    let refused = run(folder.path(), &DEV).await;
    let refused = refused.failed(1);
    assert!(
        refused.contains("server.pem") && refused.contains("--force"),
        "{refused}"
    );
    assert!(!refused.contains("ca.pem"), "{refused}");
    let unchanged: Vec<Vec<u8>> = FILES.map(|(name, _)| read(folder.path(), name)).into();
    assert_eq!(before, unchanged);

    let forced = [&DEV[..], &["--force", "--json"]].concat();
    let said = run(folder.path(), &forced).await;
    let said: serde_json::Value = serde_json::from_str(said.ok()).unwrap();
    assert_eq!(said["newAuthority"], false);
    for ((name, _), before) in FILES.iter().zip(&before) {
        let is_the_same = read(folder.path(), name) == *before;
        assert_eq!(is_the_same, name.starts_with("ca."), "{name}");
    }
}

#[tokio::test]
async fn what_it_cannot_use_is_said() {
    let folder = TempDir::new().unwrap();
    for host in ["a b", "", "a/b", "*"] {
        let words = [&DEV[..], &["--host", host]].concat();
        let said = run(folder.path(), &words).await;
        assert!(said.failed(2).contains("--host"), "{host}");
    }
    assert!(!folder.path().join("tls").exists());
    run(folder.path(), &DEV).await.ok();
    let (ca, key) = (
        folder.path().join("tls/ca.pem"),
        folder.path().join("tls/ca.key"),
    );
    let force = [&DEV[..], &["--force"]].concat();
    std::fs::copy(folder.path().join("tls/client.key"), &key).unwrap();
    let said = run(folder.path(), &force).await;
    assert!(
        said.failed(1)
            .contains("tls/ca.key is not the key of tls/ca.pem")
    );
    std::fs::copy(folder.path().join("tls/client.pem"), &ca).unwrap();
    let said = run(folder.path(), &force).await;
    let of_nobody = "tls/ca.pem is not the certificate of an authority";
    assert!(said.failed(1).contains(of_nobody));
    std::fs::remove_file(key).unwrap();
    let said = run(folder.path(), &force).await;
    assert!(said.failed(1).contains("without its ca.key"));
}

/// Runs another program, where this machine has it.
async fn other(folder: &Path, program: &str, args: &[&str]) -> Option<(bool, String)> {
    let command = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output();
    let output = soon(command).await.ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[tokio::test]
async fn openssl_reads_what_it_writes() {
    let folder = TempDir::new().unwrap();
    let words = [
        &DEV[..],
        &["--host", "gate.example.com", "--host", "10.0.0.5"],
    ]
    .concat();
    run(folder.path(), &words).await.ok();
    let openssl = async |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        other(folder.path(), "openssl", &words).await
    };
    let pfx = openssl("pkcs12 -in tls/client.pfx -passin pass: -nodes -info").await;
    let Some((good, said)) = pfx else {
        return; // no openssl here
    };
    assert!(good, "{said}");
    for part in [
        "MAC: sha256",
        "BEGIN PRIVATE KEY",
        "friendlyName: QlikClient",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.matches("BEGIN CERTIFICATE").count(), 2, "{said}");
    let (wrong, said) = openssl("pkcs12 -in tls/client.pfx -passin pass:x -nodes")
        .await
        .unwrap();
    assert!(!wrong, "{said}");
    for verify in [
        "verify -x509_strict -purpose sslserver -CAfile tls/ca.pem tls/server.pem",
        "verify -x509_strict -purpose sslserver -verify_hostname gate.example.com -CAfile tls/ca.pem tls/server.pem",
        "verify -x509_strict -purpose sslserver -verify_hostname localhost -CAfile tls/ca.pem tls/server.pem",
        "verify -x509_strict -purpose sslserver -verify_ip 10.0.0.5 -CAfile tls/ca.pem tls/server.pem",
        "verify -x509_strict -purpose sslclient -CAfile tls/ca.pem tls/client.pem",
    ] {
        let (good, said) = openssl(verify).await.unwrap();
        assert!(good, "{verify}: {said}");
    }
}

#[tokio::test]
async fn a_gateway_serves_with_them_and_takes_new_ones_while_it_runs() {
    let folder = TempDir::new().unwrap();
    let keys = furnish(folder.path());
    run(folder.path(), &DEV).await.ok();
    let tls = r#"tls = { certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }], client_ca = "tls/ca.pem" }"#;
    let config = format!("{PORTS}{tls}\n{LOCAL}\n[log]\nformat = \"json\"\n");
    let config = config.replace("UPSTREAM", "http://127.0.0.1:9");
    std::fs::write(folder.path().join("gatepass.toml"), config).unwrap();
    std::fs::write(folder.path().join("key"), keys.site).unwrap();
    let process = Running::start(folder.path(), &["serve"]);
    let port = process.address("the side port is ready").await.port();
    let url = format!("https://localhost:{port}");
    let list = async |more: &[&str]| {
        let words = ["sessions", "list", "--space", "1001", "--url", &url];
        run(folder.path(), &[&words[..], more].concat()).await
    };
    let with_key = ["--ca", "tls/ca.pem", "--api-key-file", "key"];
    list(&with_key).await.ok();

    // Whoever trusts another authority does not send a key.
    let others = ["cert", "dev", "--out", "others"];
    run(folder.path(), &others).await.ok();
    let stranger = list(&["--ca", "others/ca.pem", "--api-key-file", "key"]).await;
    let said = stranger.failed(69);
    assert!(
        said.contains("cannot be reached") && said.contains("UnknownIssuer"),
        "{said}"
    );

    // A certificate instead of a key; a profile, too.
    let certificate = ["--cert", "tls/client.pem", "--key", "tls/client.key"];
    let shown = list(&[&["--ca", "tls/ca.pem"][..], &certificate].concat()).await;
    assert_ne!(shown.code, 2, "{shown:?}");
    assert!(!shown.err.contains("cannot be reached"), "{shown:?}");
    let profile = "ca = \"tls/ca.pem\"\napi_key_file = \"key\"\n";
    std::fs::write(folder.path().join("profile.toml"), profile).unwrap();
    list(&["--profile", "profile.toml"]).await.ok();
    for (words, said) in [
        (&["--ca", "tls/ca.pem"][..], "no API key"),
        (&["--key", "tls/client.key"], "give --cert, too"),
    ] {
        let refused = list(words).await;
        assert!(refused.failed(2).contains(said), "{refused:?}");
    }
    let foreign = ["--cert", "tls/client.pem", "--key", "tls/server.key"];
    let refused = list(&foreign).await;
    let said = "`tls/server.key`: it is not the key of the certificate in `tls/client.pem`";
    assert!(refused.failed(1).contains(said), "{refused:?}");

    let taken = process.count("the new configuration is in force");
    let force = [&DEV[..], &["--force"]].concat();
    run(folder.path(), &force).await.ok();
    process
        .one_more("the new configuration is in force", taken)
        .await;
    list(&with_key).await.ok();

    let refused = process.count("the new configuration is refused");
    std::fs::copy(
        folder.path().join("tls/client.key"),
        folder.path().join("tls/server.key"),
    )
    .unwrap();
    process
        .one_more("the new configuration is refused", refused)
        .await;
    let line = process
        .line("it is not the key of the certificate in")
        .await;
    assert!(line.contains("[admin] tls"), "{line}");
    list(&with_key).await.ok();
    let check = run(folder.path(), &["check"]).await;
    let said = check.failed(64);
    let reason =
        "[admin] tls: `tls/server.key`: it is not the key of the certificate in `tls/server.pem`";
    assert!(said.contains(reason), "{said}");
}
