//! `gatepass store`

use std::path::Path;

use serde_json::Value;

use crate::kit::command::{run, run_with};
use crate::kit::house::header_space;
use crate::kit::{PORTS, Served};

/// A gateway that has run: with a session of ann that is open and one of bob that has ended.
async fn served() -> Served {
    let mut served = Served::with(&format!("{PORTS}{}", header_space())).await;
    for user in ["ann", "bob"] {
        let login = served.script().with("hdr-usr", user).get("/echo").await;
        assert_eq!(login.status, 200);
    }
    let sessions = served.admin().sessions("1001").await;
    let bob = sessions.iter().find(|s| s["userId"] == "bob").unwrap();
    served.admin().end("1001", bob).await;
    stop(&mut served).await;
    served
}

async fn stop(served: &mut Served) {
    served.process.signal("TERM").await;
    assert!(served.process.end().await.success());
}

async fn check(folder: &Path, args: &[&str]) -> Value {
    let args = [&["store", "check", "--json"], args].concat();
    serde_json::from_str(run(folder, &args).await.ok()).unwrap()
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let mut served = served().await;
    let folder = served.folder.path();
    let found = check(folder, &[]).await;
    assert_eq!((&found["open"], &found["ended"]), (&1.into(), &1.into()));
    let exported = run(folder, &["store", "export"]).await.ok().to_owned();
    assert_eq!(exported.lines().count(), 4, "{exported}");
    assert!(exported.contains("{\"peak\":{"), "{exported}");
    assert!(exported.starts_with("{\"gatepass_store\":{\"version\":1}}\n"));
    // Not over a store that is there; beside it, and into it.
    let import = ["store", "import"];
    let refused = run_with(folder, &import, &exported).await;
    let said = refused.failed(1);
    assert!(
        said.contains("is there already") && said.contains("--merge"),
        "{said}"
    );
    let merged = run_with(folder, &["store", "import", "--merge"], &exported).await;
    assert!(merged.ok().contains("0 sessions"), "{merged:?}");
    assert!(merged.ok().contains("2 sessions were there"), "{merged:?}");
    let elsewhere = ["store", "import", "--path", "new.redb"];
    run_with(folder, &elsewhere, &exported).await.ok();
    let path = ["--path", "new.redb"];
    assert_eq!(check(folder, &path).await["open"], 1);
    let again = run(folder, &["store", "export", "--path", "new.redb"]).await;
    assert_eq!(again.ok(), exported);
    let compacted = run(folder, &["store", "compact", "--path", "new.redb"]).await;
    assert!(compacted.ok().contains("bytes before"), "{compacted:?}");
    // A gateway goes on with what was imported.
    std::fs::rename(folder.join("new.redb"), folder.join("gatepass.redb")).unwrap();
    served.start_again().await;
    assert_eq!(served.admin().session("1001").await["userId"], "ann");
    let locked = run(served.folder.path(), &["store", "check"]).await;
    let said = locked.failed(69);
    assert!(said.contains("in use by another process"), "{said}");
}

#[tokio::test]
async fn bad_lines_are_named_and_nothing_is_imported() {
    let served = served().await;
    let folder = served.folder.path();
    let exported = run(folder, &["store", "export"]).await.ok().to_owned();
    let bad = exported.replace("\"header\"", "\"hat\"") + "\nno json\n";
    let import = ["store", "import", "--path", "new.redb"];
    let refused = run_with(folder, &import, &bad).await;
    let said = refused.failed(1);
    for part in [
        "line 2: method: `hat` is no",
        "line 3:",
        "line 6:",
        "nothing was imported",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!folder.join("new.redb").exists());
    let refused = run_with(folder, &import, "{\"lock\":{}}").await;
    assert!(refused.failed(1).contains("line 1"), "{refused:?}");
    let missing = run(folder, &["store", "check", "--path", "none.redb"]).await;
    assert!(missing.failed(1).contains("none.redb"), "{missing:?}");
    std::fs::write(folder.join("text.redb"), "x".repeat(5000)).unwrap();
    let foreign = run(folder, &["store", "check", "--path", "text.redb"]).await;
    assert!(
        foreign.failed(1).contains("no store of Gatepass"),
        "{foreign:?}"
    );
}
