//! Waiting for what is to come, and never for longer than that.

use std::future::Future;
use std::time::Duration;

/// Longer than anything here takes, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

/// What `future` gives, which it must within [`SOON`].
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it should have happened by now")
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    soon(async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
