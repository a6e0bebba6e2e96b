//! `gatepass token`

use serde_json::json;

use crate::kit::command::{run, run_with};
use crate::kit::tokens::{JWT, new_key_pem};
use crate::kit::{House, PORTS};

#[tokio::test]
async fn a_demo_token_opens_the_demos_space() {
    let house = House::with(&format!("{PORTS}{JWT}")).await;
    let folder = house.folder.path();
    let done = run(
        folder,
        &["token", "--demo", "--user", "carol", "--group", "sales"],
    )
    .await;
    house
        .script()
        .bearer(done.ok().trim())
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
    assert_eq!(
        house.upstream.last().header("x-forwarded-groups"),
        Some("sales")
    );
    let done = run(
        folder,
        &[
            "token",
            "--demo",
            "--user",
            "carol",
            "--expires-in",
            "-3600",
        ],
    )
    .await;
    assert_eq!(
        house
            .script()
            .bearer(done.ok().trim())
            .get("/jwt/x")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_token_of_an_own_key_or_secret_opens_the_space_that_trusts_it() {
    let (pem, key) = new_key_pem("mine");
    let jwks = json!({ "keys": [key.public_jwk().unwrap()] });
    let by_key = JWT
        .replace("key_file = \"jwt-public.pem\"", "jwks_file = \"jwks.json\"")
        .replace("EdDSA", "ES256");
    let by_secret = by_key
        .replace("jwks_file = \"jwks.json\"", "secret_file = \"secret\"")
        .replace("ES256", "HS256")
        .replace("1002", "1003")
        .replace("/jwt", "/hs");
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text) in [
        ("jwks.json", jwks.to_string()),
        ("private.pem", pem),
        ("secret", "0123456789abcdef0123456789abcdef\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let absolute = |text: String| {
        ["jwks.json", "\"secret\""].iter().fold(text, |text, name| {
            let bare = name.trim_matches('"');
            text.replace(
                &format!("\"{bare}\""),
                &format!("{:?}", folder.path().join(bare)),
            )
        })
    };
    let house = House::with(&absolute(format!("{PORTS}{by_key}{by_secret}"))).await;
    let common = [
        "--user",
        "dave",
        "--directory",
        "LAB",
        "--issuer",
        "https://demo.gatepass.example",
        "--audience",
        "demo",
        "--claim",
        "groups=[\"a\",\"b\"]",
    ];
    let mint = async |source: &[&str]| {
        let args = [&["token"], source, &common].concat();
        run(folder.path(), &args).await.ok().trim().to_owned()
    };
    let token = mint(&["--key", "private.pem", "--kid", "mine"]).await;
    house
        .script()
        .bearer(&token)
        .get("/jwt/x")
        .await
        .says(200, "GET /x");
    assert_eq!(
        house.upstream.last().header("x-forwarded-groups"),
        Some("a,b")
    );
    assert_eq!(house.script().bearer(&token).get("/hs/x").await.status, 401);
    let token = mint(&["--secret-file", "secret"]).await;
    house
        .script()
        .bearer(&token)
        .get("/hs/x")
        .await
        .says(200, "GET /x");
    assert_eq!(
        house.script().bearer(&token).get("/jwt/x").await.status,
        401
    );
    run(folder.path(), &["token", "--user", "x"])
        .await
        .failed(2);
    run(
        folder.path(),
        &["token", "--user", "x", "--demo", "--key", "private.pem"],
    )
    .await
    .failed(2);
    run_with(
        folder.path(),
        &["token", "--user", "x", "--key", "secret"],
        "",
    )
    .await
    .failed(1);
}
