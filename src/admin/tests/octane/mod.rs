//! The Octane dialect through the side port's router.

pub(super) mod access;
mod errors;
mod lists;
mod signing;
mod tasks;
mod updates;

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use serde_json::Value;

use super::{Answer, Side, request};

/// Everything below the space that the tests act in.
const SPACE: &str = "/api/shared_spaces/1001";

/// A request with headers of the test's choice, and as JSON if there is a body.
fn call(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut call = request(method, path, None, body);
    for (name, value) in headers {
        let name = header::HeaderName::from_bytes(name.as_bytes()).unwrap();
        call.headers_mut().append(name, value.parse().unwrap());
    }
    call
}

/// The text of a query in a URL.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Side {
    /// Signs in with `<id>.<secret>`; the cookie to send from then on.
    async fn sign_in(&self, bearer: &str, headers: &[(&str, &str)]) -> String {
        let (id, secret) = bearer.split_once('.').unwrap();
        let body = format!(r#"{{"client_id":"{id}","client_secret":"{secret}"}}"#);
        self.clock.advance(Duration::from_millis(1));
        let answer = self
            .send(call("POST", "/authentication/sign_in", headers, &body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.cookie()
    }

    /// What the administrator of space 1001 gets below it.
    async fn look(&self, path: &str) -> Answer {
        self.get(&format!("{SPACE}{path}"), &self.bearers.sales)
            .await
    }

    /// The same, of sessions that fulfil `query`.
    async fn query(&self, query: &str) -> Answer {
        self.look(&format!("/sessions?query={}", encoded(query)))
            .await
    }

    /// Has the administrator of space 1001 terminate what `query` says.
    async fn terminate(&self, query: &str, more: &str) -> Answer {
        let path = format!("{SPACE}/sessions/terminate/?query={}{more}", encoded(query));
        let body = r#"{"data":[{"is_closed":true}]}"#;
        self.send(request("PUT", &path, Some(&self.bearers.sales), body))
            .await
    }

    /// The result of a termination that is through when it answers.
    async fn terminated(&self, query: &str, more: &str) -> Value {
        let answer = self.terminate(query, &format!("{more}&wait=20000")).await;
        let task = answer.json(200)["data"][0].clone();
        assert!(
            ["completed", "completed_with_errors"].contains(&task["status"].as_str().unwrap()),
            "{task}"
        );
        task["result"].clone()
    }
}

impl Answer {
    /// The cookie that it sets, as it is to be sent.
    #[track_caller]
    fn cookie(&self) -> String {
        let mut set = self.headers.get_all(header::SET_COOKIE).iter();
        let secret = set.find_map(|value| {
            let pair = value.to_str().unwrap().split(';').next().unwrap();
            pair.starts_with("LWSSO_COOKIE_KEY=").then_some(pair)
        });
        secret.expect("the session's cookie").to_owned()
    }

    /// The error with this status and code.
    #[track_caller]
    fn fault(&self, status: u16, code: &str) -> Value {
        let body = self.json(status);
        assert_eq!(body["error_code"], code, "{}", self.text);
        assert!(!self.text.contains("total_count"), "{}", self.text);
        assert_eq!(body["stack_trace"], Value::Null);
        assert_eq!(body["description"], body["description_translated"]);
        assert!(!body["description"].as_str().unwrap().is_empty());
        assert!(!body["correlation_id"].as_str().unwrap().is_empty());
        assert_eq!(body["business_error"], status < 500);
        assert!(body.as_object().unwrap().contains_key("properties"));
        body
    }

    /// The entities of a list, whose envelope is whole.
    #[track_caller]
    fn data(&self) -> Vec<Value> {
        let body = self.json(200);
        assert_eq!(body["exceeds_total_count"], false);
        assert!(body["total_count"].is_u64());
        assert!(!self.headers.contains_key(header::ETAG));
        body["data"].as_array().unwrap().clone()
    }

    /// The ids of a list.
    #[track_caller]
    fn ids(&self) -> Vec<String> {
        let ids = self.data().into_iter();
        ids.map(|entity| entity["id"].as_str().unwrap().to_owned())
            .collect()
    }
}
