//! Waiting for what is to come, and never for longer than that.

use std::future::Future;
use std::time::Duration;

/// Longer than anything here takes, on a busy machine too.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// What `future` gives, which it must within [`SOON`].
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    // A moment more, so that who says more about it is heard.
    tokio::time::timeout(SOON + Duration::from_secs(1), future)
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
