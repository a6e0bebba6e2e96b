//! A client of a running gateway's side port.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use gatepass::net::tls::HttpsConnector;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::exit::Failure;

/// How a command reaches the side port. What is not given comes from the environment, then
/// from the profile, then from the defaults.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// The side port's address [default: http://127.0.0.1:8081]
    #[arg(long, env = "GATEPASS_ADMIN_URL", value_name = "URL", global = true)]
    url: Option<String>,
    #[command(flatten)]
    access: Access,
    /// The space
    #[arg(long, env = "GATEPASS_SPACE", value_name = "ID", global = true)]
    space: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The side port.
pub(crate) struct SidePort {
    base: String,
    key: Option<Zeroizing<String>>,
    space: Option<String>,
    client: Client<HttpsConnector, BoxBody<Bytes, io::Error>>,
}

const BAD_KEY: &str = "the API key is not of visible ASCII";

/// How long an answer may take to begin, and to come whole.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Target {
    /// The side port that is meant.
    pub(crate) fn open(&self) -> Result<SidePort, Failure> {
        self.access.open(self.url.as_deref(), self.space.as_deref())
    }
}

impl SidePort {
    /// The side port at `base`, which has no path.
    pub(crate) fn new(
        base: String,
        key: Option<Zeroizing<String>>,
        space: Option<String>,
        connector: HttpsConnector,
    ) -> Self {
        Self {
            base,
            key,
            space,
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
        }
    }

    /// The path of `parts` below the space.
    pub(crate) fn in_space(&self, parts: &[&str]) -> Result<String, Failure> {
        let space = self.space.as_deref().ok_or_else(|| {
            Failure::Usage("which space? Give --space, or a profile that names one".to_owned())
        })?;
        let mut path = format!("/api/v1/spaces/{}", utf8_percent_encode(space, SEGMENT));
        for part in parts {
            path.push('/');
            path.extend(utf8_percent_encode(part, SEGMENT));
        }
        Ok(path)
    }

    /// Sends a request and reads the JSON of its answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let response = self.send(method, path, body, &[]).await?;
        let status = response.status();
        let whole = tokio::time::timeout(TIMEOUT, response.into_body().collect()).await;
        let broken = || format!("the answer of {} broke off", self.base);
        let bytes = match whole {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(Failure::Unavailable(anyhow!(error).context(broken()))),
            Err(error) => return Err(Failure::Unavailable(anyhow!(error).context(broken()))),
        };
        let value = serde_json::from_slice(&bytes);
        if status.is_success() {
            let foreign = || format!("{} does not answer as a side port does", self.base);
            return Ok(value.with_context(foreign)?);
        }
        Err(refusal(status, &value.unwrap_or_default()))
    }

    /// Follows the events behind `last`, or those to come.
    pub(crate) async fn events(&self, last: Option<&str>) -> Result<Response<Incoming>, Failure> {
        let path = match &self.space {
            Some(space) => format!(
                "/api/v1/events?space={}",
                utf8_percent_encode(space, SEGMENT)
            ),
            None => "/api/v1/events".to_owned(),
        };
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last.map(|last| ("last-event-id", last)));
        self.stream(&path, &headers).await
    }

    /// The answer to `GET path`, whose body may be long.
    pub(crate) async fn stream(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response<Incoming>, Failure> {
        let response = self.send(Method::GET, path, None, headers).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.into_body().collect().await;
        let bytes = body.map(|body| body.to_bytes()).unwrap_or_default();
        let problem = serde_json::from_slice(&bytes).unwrap_or_default();
        Err(refusal(status, &problem))
    }

    /// Sends lines of JSON, as many as there are, and reads the JSON of the answer.
    pub(crate) async fn upload(
        &self,
        path: &str,
        lines: BoxBody<Bytes, io::Error>,
    ) -> Result<Value, Failure> {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(lines)
            .map_err(|_| Failure::Usage(BAD_KEY.to_owned()))?;
        // No time limit: who reads them says so as long as it gets on.
        let response = self.client.request(request).await;
        let response = response.map_err(|error| self.unreached(error))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let bytes = body.map(|body| body.to_bytes()).unwrap_or_default();
        let value = serde_json::from_slice(&bytes).unwrap_or_default();
        match status.is_success() {
            true => Ok(value),
            false => Err(refusal(status, &value)),
        }
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.header(AUTHORIZATION, format!("Bearer {}", key.trim())),
            None => request,
        }
    }

    fn unreached(&self, error: impl Into<anyhow::Error>) -> Failure {
        let error = error.into();
        Failure::Unavailable(error.context(format!("{} cannot be reached", self.base)))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if headers.is_empty() {
            request = request.header(ACCEPT, "application/json");
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |value| Bytes::from(value.to_string()));
        let body = Full::new(body).map_err(|never| match never {});
        let request = request
            .body(BoxBody::new(body))
            .map_err(|_| Failure::Usage(BAD_KEY.to_owned()))?;
        match tokio::time::timeout(TIMEOUT, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.unreached(error)),
            Err(_) => {
                let seconds = TIMEOUT.as_secs();
                let error = anyhow!("{} does not answer within {seconds} s", self.base);
                Err(Failure::Unavailable(error))
            }
        }
    }
}

/// What a problem means for the command.
fn refusal(status: StatusCode, problem: &Value) -> Failure {
    let title = problem["title"].as_str();
    let title = title.or(status.canonical_reason()).unwrap_or("refused");
    let error = match problem["detail"].as_str() {
        Some(detail) => anyhow!("{}: {title}: {detail}", status.as_u16()),
        None => anyhow!("{}: {title}", status.as_u16()),
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return Failure::Unavailable(error);
    }
    Failure::Failed(error)
}

/// `directory\id` as two texts.
pub(crate) fn user(text: &str) -> Result<(&str, &str), Failure> {
    match text.split_once('\\') {
        Some((directory, id)) if !directory.is_empty() && !id.is_empty() => Ok((directory, id)),
        _ => Err(Failure::Usage(format!(
            "`{text}` is not of the form DIRECTORY\\ID"
        ))),
    }
}

/// Runs `future` on a runtime of this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => Err(anyhow!(error).context("no runtime can be had").into()),
    }
}

/// The text in the member `name`, or nothing; safe to print on a terminal, whoever chose it.
pub(crate) fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str().unwrap_or_default();
    text.replace(char::is_control, "\u{fffd}")
}

/// The list in the member `name`.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], Failure> {
    let list = value[name].as_array().map(Vec::as_slice);
    let missing = || anyhow!("the answer has no `{name}`: is the side port of another version?");
    Ok(list.ok_or_else(missing)?)
}
