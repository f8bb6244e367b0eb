//! Waiting for a Redis that fails over, where giving up at once costs a caller more than the wait.

use std::{error::Error, time::Duration};

use tokio::time::{Instant, sleep};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Tries until Redis answers or `limit` is over, and says `waits` of each try that it did not. What `is_away` does not mean is an answer.
///
/// # Errors
/// That of the last try.
pub async fn through_failover<T, E, F>(
    limit: Duration,
    waits: &'static str,
    is_away: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let end = Instant::now() + limit;
    loop {
        match attempt().await {
            Err(error) if is_away(&error) && Instant::now() < end => {
                tracing::warn!(error = &error as &dyn Error, "{waits}");
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
