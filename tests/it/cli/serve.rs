//! `gatepass serve`

use tempfile::TempDir;

use crate::kit::command::{Running, run, run_with};
use crate::kit::house::{furnish, header_space};
use crate::kit::{
    Admin, Browser, LOCAL, PORTS, Script, Served, Socket, Upstream, Wire, eventually,
};

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nobody() {
    let mut served = Served::with(&format!("{PORTS}{}", header_space())).await;
    served.process.stop_reading();
    let script = Script::new(served.edge).with("hdr-usr", "ann");
    // Far more than a pipe takes (64 KiB).
    for _ in 0..1_000 {
        assert_eq!(script.get("/echo").await.status, 200);
    }
    served.process.signal("TERM").await;
    assert!(served.process.end().await.success());
}

#[tokio::test]
async fn sigterm_drains() {
    let mut served = Served::with(&format!("{PORTS}{}", header_space())).await;
    let script = Script::new(served.edge).with("hdr-usr", "ann");
    let mut busy = Wire::connect(served.edge).await;
    busy.send(script.head("GET", "/halves", 0)).await;
    assert_eq!(busy.head().await.unwrap().0, 200);
    busy.chunk().await.unwrap();
    let mut socket = Socket::open(served.edge, "/ws", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;
    served.process.signal("TERM").await;
    assert_eq!(socket.close_code().await, 1001);
    served.upstream.go_on();
    assert_eq!(busy.chunk().await.unwrap(), b"second");
    assert_eq!(busy.chunk().await, None);
    assert_eq!(served.process.end().await.code(), Some(0));
    assert_eq!(
        served.process.count("\"stopped\""),
        1,
        "{:?}",
        served.process.said()
    );
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let served = Served::with(&format!("{PORTS}{LOCAL}")).await;
    let mut alice = Browser::new(served.edge);
    alice
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let mut socket = alice.socket("/ws").await;
    // By the command, which writes a new file and puts it in the old one's place.
    let add = [
        "user",
        "add",
        "erin",
        "--directory",
        "DEMO",
        "--password-file",
        "-",
    ];
    run_with(served.folder.path(), &add, "a-new-password\n")
        .await
        .ok();
    served
        .process
        .line("the new configuration is in force")
        .await;
    Browser::new(served.edge)
        .log_in("/", "erin", "a-new-password")
        .await
        .says(200, "GET /");
    // In place, as an editor may.
    let admin = Admin::new(served.admin, &served.keys.reader);
    assert_eq!(admin.get("/api/v1/spaces").await.status, 200);
    run(served.folder.path(), &["key", "revoke", "--id", "reader"])
        .await
        .ok();
    eventually(async || (admin.get("/api/v1/spaces").await.status == 401).then_some(())).await;
    let config = served
        .read("gatepass.toml")
        .replace("Sales portal", "Sales renamed");
    served.write("gatepass.toml", &config);
    eventually(async || {
        let page = alice.clone().get("/.gatepass/x").await;
        page.text().contains("Sales renamed").then_some(())
    })
    .await;
    socket.echo("still there").await;
    alice.get("/y").await.says(200, "GET /y");
}

#[cfg(unix)]
#[tokio::test]
async fn files_that_links_lead_to_elsewhere_are_read_again() {
    use std::fs::{create_dir, read_to_string, rename, write};
    use std::os::unix::fs::symlink;

    // As Kubernetes puts secrets into place: `users.toml` is a link to `..data/users.toml`,
    // and `..data` one to a folder that is replaced as a whole.
    let (folder, upstream) = (TempDir::new().unwrap(), Upstream::start().await);
    furnish(folder.path());
    let path = |name: &str| folder.path().join(name);
    let config = format!("{PORTS}{LOCAL}\n[log]\nformat = \"json\"\n");
    write(
        path("gatepass.toml"),
        config.replace("UPSTREAM", &upstream.url()),
    )
    .unwrap();
    let users = read_to_string(path("users.toml")).unwrap();
    std::fs::remove_file(path("users.toml")).unwrap();
    let lead_to = |version: &str, users: &str| {
        create_dir(path(version)).unwrap();
        write(path(version).join("users.toml"), users).unwrap();
        symlink(version, path("..data_tmp")).unwrap();
        rename(path("..data_tmp"), path("..data")).unwrap();
    };
    lead_to("..1", &users);
    symlink("..data/users.toml", path("users.toml")).unwrap();
    let process = Running::start(folder.path(), &["serve"]);
    process.address("the side port is ready").await;
    let changed = "the new configuration is in force";
    lead_to("..2", &format!("{users}\n"));
    process.one_more(changed, 0).await;
    lead_to("..3", &users);
    process.one_more(changed, 1).await;
    // In the folder that was not there at the start.
    write(path("..3").join("users.toml"), format!("{users}\n")).unwrap();
    process.one_more(changed, 2).await;
}

#[tokio::test]
async fn sighup_reloads_and_s41_a_bad_file_changes_nothing() {
    let mut served = Served::with(&format!("{PORTS}{LOCAL}")).await;
    let mut alice = Browser::new(served.edge);
    alice
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let good = served.read("gatepass.toml");
    served.write("gatepass.toml", &good.replace("authn", "auhtn"));
    served.process.signal("HUP").await;
    let line = served.process.line("is refused, the old one stays").await;
    assert!(line.contains("auhtn") && line.contains("ERROR"), "{line}");
    alice.get("/y").await.says(200, "GET /y");
    served.write(
        "gatepass.toml",
        &good.replace("Sales portal", "Sales renamed"),
    );
    let reloads = served.process.count("is in force");
    served.process.signal("HUP").await;
    served.process.one_more("is in force", reloads).await;
    alice.get("/.gatepass/x").await.says(404, "Sales renamed");
    alice.get("/z").await.says(200, "GET /z");
    served.process.signal("INT").await;
    assert_eq!(served.process.end().await.code(), Some(0));
}

#[tokio::test]
async fn an_occupied_port_is_69() {
    let folder = TempDir::new().unwrap();
    let _ = furnish(folder.path());
    let holder = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for number in [1, 2] {
        let config = format!("{PORTS}{LOCAL}").replace("UPSTREAM", "http://127.0.0.1:9");
        let config = match number {
            1 => config.replacen("127.0.0.1:0", &taken, 1),
            _ => config.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{taken}\"")),
        };
        std::fs::write(folder.path().join("gatepass.toml"), config).unwrap();
        let done = run(folder.path(), &["serve"]).await;
        let said = done.failed(69);
        assert!(said.contains(&taken), "{said}");
    }
}
