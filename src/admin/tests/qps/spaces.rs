//! Which space a path is about.

use super::Side;
use crate::admin::SpaceInfo;
use crate::domain::{SessionPolicy, SpaceId};

fn info(id: &str, prefix: &str, host: &str) -> SpaceInfo {
    SpaceInfo {
        prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()),
        hosts: vec![host.to_owned()],
        ..SpaceInfo::of(SpaceId::new(id).unwrap())
    }
}

fn side(spaces: &[(&str, &str, &str)]) -> Side {
    let side = Side::new();
    for (id, ..) in spaces {
        let id = SpaceId::new(id).unwrap();
        side.sessions.space(&id, SessionPolicy::default());
    }
    let infos = spaces
        .iter()
        .map(|(id, prefix, host)| info(id, prefix, host));
    side.spaces.replace(infos.collect());
    side
}

/// The id of the space that `path`, before `/session`, is about.
async fn space(side: &Side, path: &str) -> Result<String, (u16, String)> {
    let body = r#"{"UserDirectory":"LAB","UserId":"ann"}"#;
    let answer = side.qps("POST", &format!("{path}/session"), body).await;
    if answer.status != 201 {
        let status = answer.status.as_u16();
        return Err((status, answer.error(status)));
    }
    let open = side.sessions.find(crate::sessions::FindQuery {
        space: None,
        user: None,
        state: crate::store::StateFilter::Open,
        after: None,
        limit: 1,
    });
    let newest = open.await.unwrap().sessions.remove(0);
    let id = newest.space_id().to_string();
    let cause = crate::sessions::EndCause::because(crate::domain::EndReason::Terminated);
    let _ = side.sessions.end(&newest, cause).await.unwrap();
    Ok(id)
}

#[tokio::test]
async fn the_space_is_that_of_the_prefix() {
    let side = side(&[
        ("1", "", "a"),
        ("2", "/sales", "a"),
        ("3", "/a/b", "a"),
        ("sales", "/other", "a"),
    ]);
    for (path, expected) in [
        ("/qps", "1"),
        ("/qps/", "1"),
        ("//qps", "1"),
        ("/qps/sales", "2"),
        ("/qps/Sales", "2"),
        ("/sales/qps", "2"),
        ("/qps//sales/", "2"),
        ("/qps/a/b", "3"),
        ("/a/b/qps", "3"),
        ("/qps/1", "1"),
        ("/qps/3", "3"),
    ] {
        assert_eq!(space(&side, path).await.as_deref(), Ok(expected), "{path}");
    }
    for unknown in ["nowhere", "a", "b", "4"] {
        let error = space(&side, &format!("/qps/{unknown}")).await;
        let text = format!("there is no virtual proxy '{unknown}'");
        assert_eq!(error, Err((404, text)));
    }
}

#[tokio::test]
async fn a_prefix_on_several_hosts_takes_the_id() {
    let side = side(&[
        ("1", "/sales", "a"),
        ("2", "/sales", "b"),
        ("3", "", "a"),
        ("4", "", "b"),
    ]);
    let text = "several spaces have the prefix 'sales': name one by its id instead";
    assert_eq!(
        space(&side, "/qps/sales").await,
        Err((409, text.to_owned()))
    );
    let text = "several spaces have the prefix '': name one by its id instead";
    assert_eq!(space(&side, "/qps").await, Err((409, text.to_owned())));
    for id in ["1", "2", "3", "4"] {
        assert_eq!(space(&side, &format!("/qps/{id}")).await.as_deref(), Ok(id));
    }
}

#[tokio::test]
async fn without_a_default_space_the_bare_path_is_none() {
    let side = side(&[("1", "/sales", "a")]);
    let text = "there is no default virtual proxy: no space has an empty prefix";
    assert_eq!(space(&side, "/qps").await, Err((404, text.to_owned())));
    side.qps("GET", "/qps/alive", "").await.json(200);
}
