//! `gatepass sessions watch`: events as they come.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::sessions::user;
use crate::side_port::{SidePort, text};

/// An event of a stream, as the side port writes them: one line of each kind.
#[derive(Debug, Default)]
struct Event {
    id: Option<String>,
    name: String,
    data: String,
}

/// Prints events as they come. A stream that ends is taken up again where it was, until the
/// side port cannot be reached.
pub(crate) async fn watch(side_port: &SidePort, json: bool) -> Result<(), Failure> {
    let mut last: Option<String> = None;
    loop {
        let mut body = side_port.events(last.as_deref()).await?.into_body();
        let mut bytes = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = bytes.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = bytes.drain(..end + 2).collect();
                let event = Event::read(&String::from_utf8_lossy(&event));
                last = event.id.clone().or(last);
                if !event.data.is_empty() && !print(&event, json)? {
                    return Ok(());
                }
            }
            if bytes.len() > MAX_EVENT {
                return Err(anyhow!("an event is longer than {MAX_EVENT} bytes").into());
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Event {
    fn read(text: &str) -> Self {
        let mut event = Self::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => event.id = Some(id.to_owned()),
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ => {}
            }
        }
        event
    }
}

/// Prints an event; `false` when nobody reads any more.
fn print(event: &Event, json: bool) -> Result<bool, Failure> {
    let data: Value = serde_json::from_str(&event.data).context("an event is no JSON")?;
    let line = if json {
        json!({"id": event.id, "event": event.name, "data": data}).to_string()
    } else if event.name == "gap" {
        "some events were missed: list the sessions to see where they are".to_owned()
    } else {
        let what = event.name.strip_prefix("session.").unwrap_or(&event.name);
        let (at, id) = (text(&data, "at"), text(&data, "sessionId"));
        let mut line = format!("{at} {what:<7} {id} {}", user(&data));
        if data["endReason"].is_string() {
            line.push_str(&format!(" {}", text(&data, "endReason")));
        }
        if data["endedBy"].is_string() {
            line.push_str(&format!(" by {}", text(&data, "endedBy")));
        }
        line
    };
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow!(error)
            .context("the output cannot be written")
            .into()),
    }
}

/// Between the end of a stream and its successor.
const PAUSE: Duration = Duration::from_secs(1);
/// Bytes; more is no event of a side port.
const MAX_EVENT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_line_by_line_and_a_comment_is_none() {
        let event = Event::read("id: 1f-2\nevent: session.ended\ndata: {\"a\":\"b: c\"}\n\n");
        assert_eq!(event.id.as_deref(), Some("1f-2"));
        assert_eq!(
            (&*event.name, &*event.data),
            ("session.ended", "{\"a\":\"b: c\"}")
        );
        let heartbeat = Event::read(": waiting\nid: 1f-3\n\n");
        assert_eq!(
            (heartbeat.id.as_deref(), &*heartbeat.data),
            (Some("1f-3"), "")
        );
    }
}
