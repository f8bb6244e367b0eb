//! Chat completions, streaming, with tools: what OpenAI and Azure OpenAI share.

mod assemble;
mod driver;
mod failure;
mod request;
pub mod sse;

use std::{sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use url::Url;

use self::driver::Driver;
pub(super) use self::request::Dialect;
use super::{LlmRequest, LlmStream};
use crate::{
    providers::{Fault, ProviderError, Vendor},
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// Pieces that may wait for the call; then the driver stops reading and the vendor waits.
const EVENT_CAPACITY: usize = 64;

/// What all clients of a process share.
#[derive(Clone)]
pub(in crate::providers) struct ChatShared {
    /// One pool of connections.
    pub(in crate::providers) http: reqwest::Client,
    /// To the first token; between later pieces, too.
    pub(in crate::providers) patience: Duration,
    pub(in crate::providers) tasks: TaskTracker,
    pub(in crate::providers) metrics: Arc<Metrics>,
}

/// One vendor's endpoint.
pub(super) struct ChatClient {
    pub(super) vendor: Vendor,
    pub(super) url: Url,
    pub(super) key: (HeaderName, HeaderValue),
    pub(super) dialect: Dialect,
    pub(super) shared: ChatShared,
}

impl ChatClient {
    /// Sends the request; returns when the answer begins. A task on the tracker reads the rest.
    pub(super) async fn reply(&self, request: LlmRequest) -> Result<LlmStream, ProviderError> {
        let started = Instant::now();
        let result = self.send(&request, started).await;
        drop(request);
        let answer = result.inspect_err(|e| self.count(Err(e.fault)))?;
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let driver = Driver::new(self, answer, events, started);
        let span = tracing::Span::current();
        self.shared
            .tasks
            .spawn(tracing::Instrument::instrument(driver.run(), span));
        Ok(LlmStream { events: out })
    }

    async fn send(
        &self,
        request: &LlmRequest,
        started: Instant,
    ) -> Result<reqwest::Response, ProviderError> {
        let body = self
            .dialect
            .body(request)
            .map_err(|e| ProviderError::new(self.vendor, Fault::BadRequest).because(e))?;
        let (name, key) = self.key.clone();
        let sending = self
            .shared
            .http
            .post(self.url.clone())
            .header(name, key)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(body)
            .send();
        let answer = timeout_at(started + self.shared.patience, sending)
            .await
            .map_err(|_| ProviderError::new(self.vendor, Fault::Timeout))?
            .map_err(|e| failure::of_transport(self.vendor, e))?;
        if !answer.status().is_success() {
            return Err(failure::of_answer(self.vendor, answer).await);
        }
        Ok(answer)
    }

    fn count(&self, result: Result<(), Fault>) {
        self.shared
            .metrics
            .provider_call(ProviderKind::Llm, self.vendor, CallResult(result));
    }
}

/// An API key as a header that no log prints.
///
/// # Errors
/// The key cannot be a header.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}
