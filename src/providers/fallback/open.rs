//! Opening a stream at the recogniser or the synthesiser, again if need be, within a deadline.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::backoff;
use crate::providers::{
    BoxFuture, Fault, ProviderError, Vendor,
    stt::{SpeechToText, SttRequest, SttStream},
    tts::{TextToSpeech, TtsRequest, TtsStream},
};

/// A vendor whose streams are opened with retries.
pub struct Patient<T> {
    inner: T,
    vendor: Vendor,
    /// For all attempts together.
    patience: Duration,
}

impl<T> Patient<T> {
    /// Retries `inner`'s `open` for at most this long.
    #[must_use]
    pub fn new(inner: T, vendor: Vendor, patience: Duration) -> Self {
        Self {
            inner,
            vendor,
            patience,
        }
    }

    /// Tries until it succeeds, fails for good, or the next attempt would begin after the deadline.
    async fn retried<S, F>(&self, attempt: impl Fn() -> F) -> Result<S, ProviderError>
    where
        F: Future<Output = Result<S, ProviderError>>,
    {
        let deadline = Instant::now() + self.patience;
        for round in 0.. {
            let error = match timeout_at(deadline, attempt()).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => error,
                Err(_) => break,
            };
            let wait = match error.fault {
                Fault::RateLimited(Some(wait)) => wait,
                fault if fault.is_retryable() => backoff(round),
                _ => return Err(error),
            };
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::debug!(vendor = self.vendor.as_str(), %error, round, "open again");
            sleep(wait).await;
        }
        Err(ProviderError::new(self.vendor, Fault::Timeout))
    }
}

impl<T: SpeechToText> SpeechToText for Patient<T> {
    fn open(&self, request: SttRequest) -> BoxFuture<'_, Result<SttStream, ProviderError>> {
        Box::pin(self.retried(move || self.inner.open(request.clone())))
    }
}

impl<T: TextToSpeech> TextToSpeech for Patient<T> {
    fn open(&self, request: TtsRequest) -> BoxFuture<'_, Result<TtsStream, ProviderError>> {
        Box::pin(self.retried(move || self.inner.open(request.clone())))
    }
}
