//! A WebSocket that sends back every message until either side closes.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;

/// Accepts the upgrade; refused as axum refuses it when the request is not one.
pub(super) async fn open(upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(MAX_MESSAGE).on_upgrade(repeat)
}

async fn repeat(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        // Pings and closes are answered by the library itself.
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

/// The longest message that is echoed, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;
