//! Who uses a gateway: a person with a browser, a program, an administrator.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::wire::Dial;
use super::{Answer, Socket, Wire};

/// A person's browser: it keeps cookies, navigates and submits forms.
#[derive(Clone)]
pub(crate) struct Browser {
    edge: SocketAddr,
    /// Set where the edge speaks https.
    dial: Option<Dial>,
    jar: BTreeMap<String, String>,
    /// Headers that something between adds, such as a proxy that speaks TLS.
    through: Vec<(String, String)>,
    /// Everything that was ever put into the jar.
    pub(crate) received: Vec<String>,
}

impl Browser {
    pub(crate) fn new(edge: SocketAddr) -> Self {
        Self {
            edge,
            dial: None,
            jar: BTreeMap::new(),
            through: Vec::new(),
            received: Vec::new(),
        }
    }

    /// The same browser behind something that adds a header.
    pub(crate) fn through(mut self, name: &str, value: &str) -> Self {
        self.through.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same browser, which uses https.
    pub(crate) fn over_tls(mut self, dial: Dial) -> Self {
        self.dial = Some(dial);
        self
    }

    /// Loads a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, &[], "").await
    }

    /// Submits a form.
    pub(crate) async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form: Vec<_> = form
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let scheme = if self.dial.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", self.edge);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", &*origin),
            ("sec-fetch-site", "same-origin"),
        ];
        self.request("POST", path, &headers, &form.join("&")).await
    }

    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut script = Script::new(self.edge);
        script.dial = self.dial.clone();
        script = script
            .with("user-agent", "Mozilla/5.0 (Test)")
            .with("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .with("sec-fetch-mode", "navigate")
            .with("sec-fetch-dest", "document");
        for (name, value) in headers {
            script = script.with(name, value);
        }
        for (name, value) in &self.through {
            script = script.with(name, value);
        }
        if !self.jar.is_empty() {
            script = script.with("cookie", &self.cookie_header());
        }
        let answer = script.send(method, path, body).await;
        self.take_cookies(&answer);
        answer
    }

    /// Goes where a redirect leads, on this origin.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.text());
        let target = answer.header("location").to_owned();
        assert!(
            target.starts_with('/') && !target.starts_with("//"),
            "{target}"
        );
        self.get(&target).await
    }

    /// Does what a person does who wants to see `path` and has to log in first; the page, or
    /// the form again when the login is refused.
    pub(crate) async fn log_in(&mut self, path: &str, user: &str, password: &str) -> Answer {
        let sent_away = self.get(path).await;
        let form = self.follow(&sent_away).await;
        let answer = self.fill_in(&form, user, password).await;
        if answer.status == 303 {
            self.follow(&answer).await
        } else {
            answer
        }
    }

    /// Fills in the login form of a page and submits it.
    pub(crate) async fn fill_in(&mut self, page: &Answer, user: &str, password: &str) -> Answer {
        page.says(200, "<form method=post");
        let action = attribute(page.text(), "<form method=post action=\"");
        let target = attribute(page.text(), "name=return value=\"");
        let fields = [
            ("return", &*target),
            ("username", user),
            ("password", password),
        ];
        self.submit(&action, &fields).await
    }

    /// A WebSocket, with this browser's cookies.
    pub(crate) async fn socket(&self, path: &str) -> Socket {
        Socket::open(self.edge, path, &[("cookie", &self.cookie_header())])
            .await
            .expect("an open WebSocket")
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
        pairs.join("; ")
    }

    fn take_cookies(&mut self, answer: &Answer) {
        for value in answer.headers.get_all("set-cookie") {
            let text = value.to_str().unwrap();
            self.received.push(text.to_owned());
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The text of an attribute, from behind `before` to its quote.
fn attribute(page: &str, before: &str) -> String {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"));
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&amp;", "&").replace("&#39;", "'")
}

/// A program: it sends what it is told to.
#[derive(Clone)]
pub(crate) struct Script {
    to: SocketAddr,
    /// Set where it speaks https.
    dial: Option<Dial>,
    headers: Vec<(String, String)>,
}

impl Script {
    pub(crate) fn new(to: SocketAddr) -> Self {
        Self {
            to,
            dial: None,
            headers: Vec::new(),
        }
    }

    /// The same program, which uses https.
    pub(crate) fn over_tls(mut self, dial: Dial) -> Self {
        self.dial = Some(dial);
        self
    }

    /// The same program, which also sends this header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.to
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let message = format!("{}{body}", self.head(method, path, body.len()));
        if let Some(dial) = &self.dial {
            let mut wire = Wire::over(dial(self.to).await);
            wire.send(message).await;
            return wire.response_to(method).await;
        }
        let mut wire = Wire::connect(self.to).await;
        wire.send(message).await;
        wire.response_to(method).await
    }

    /// The head of a request.
    pub(crate) fn head(&self, method: &str, path: &str, length: usize) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head += &format!("Host: {}\r\n", self.to);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if length > 0 || method == "POST" {
            head += &format!("Content-Length: {length}\r\n");
        }
        head + "\r\n"
    }

    /// The session cookie that an answer gave, as a program would send it back.
    pub(crate) fn with_cookie_of(self, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        assert!(cookie.contains('='), "no cookie in {:?}", answer.headers);
        self.with("cookie", cookie)
    }
}

/// An administrator at the side port.
#[derive(Clone)]
pub(crate) struct Admin {
    script: Script,
    pub(crate) address: SocketAddr,
}

impl Admin {
    pub(crate) fn new(address: SocketAddr, bearer: &str) -> Self {
        Self {
            script: Script::new(address).bearer(bearer),
            address,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.script.get(path).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.script.send("DELETE", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        let script = self.script.clone().with("content-type", "application/json");
        script.send("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answer {
        let script = self.script.clone().with("content-type", "application/json");
        script.send("PUT", path, body).await
    }

    /// The open sessions of a space, newest first, with all that is known of them.
    pub(crate) async fn sessions(&self, space: &str) -> Vec<Value> {
        let path = format!("/api/v1/spaces/{space}/sessions?view=full&limit=1000");
        let page = self.get(&path).await.json(200);
        page["sessions"].as_array().unwrap().clone()
    }

    /// The one open session of a space.
    pub(crate) async fn session(&self, space: &str) -> Value {
        let mut sessions = self.sessions(space).await;
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions.remove(0)
    }

    /// Ends a session; what it was.
    pub(crate) async fn end(&self, space: &str, session: &Value) -> Value {
        let id = session["sessionId"].as_str().unwrap();
        let path = format!("/api/v1/spaces/{space}/sessions/{id}?view=full");
        self.delete(&path).await.json(200)
    }
}
