//! Chat completions, streaming, with tools: what OpenAI and Azure OpenAI share.

mod assemble;
mod calls;
mod deployment;
mod driver;
mod failure;
mod machine_text;
mod names;
mod reader;
mod replay;
mod request;
pub mod sse;
mod wire_error;

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

pub use self::reader::StreamReader;
pub(super) use self::{deployment::Deployment, request::Dialect};
use self::{
    deployment::{Field, Habits},
    driver::Driver,
};
use super::{LlmRequest, LlmStream, Message};
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
    pub(super) deployment: Arc<Deployment>,
    pub(super) shared: ChatShared,
}

impl ChatClient {
    /// Sends the request; returns when the answer begins. A task on the tracker reads the rest.
    pub(super) async fn reply(&self, request: LlmRequest) -> Result<LlmStream, ProviderError> {
        let started = Instant::now();
        let result = self.send(&request, started).await;
        let reader = StreamReader::new(tool_names(&request));
        drop(request);
        let answer = result.inspect_err(|e| self.count(Err(e.fault)))?;
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let driver = Driver::new(self, answer, reader, events, started);
        let span = tracing::Span::current();
        self.shared
            .tasks
            .spawn(tracing::Instrument::instrument(driver.run(), span));
        Ok(LlmStream {
            vendor: self.vendor,
            events: out,
        })
    }

    /// Sends the request; if a field of it is refused, again without it. The deployment is not sent that field any more.
    async fn send(
        &self,
        request: &LlmRequest,
        started: Instant,
    ) -> Result<reqwest::Response, ProviderError> {
        // Each field is refused once at most, and the effort twice before it is left out.
        for _ in 0..Field::ALL.len() + 2 {
            let habits = self.deployment.habits();
            let answer = self.send_once(request, habits, started).await?;
            if answer.status().is_success() {
                return Ok(answer);
            }
            let reading = failure::of_answer(self.vendor, answer);
            let (error, told) = timeout_at(started + self.shared.patience, reading)
                .await
                .map_err(|_| ProviderError::new(self.vendor, Fault::Timeout))?;
            let is_learnt = error.fault == Fault::BadRequest
                && told.is_some_and(|told| self.deployment.refused(habits, &told));
            if !is_learnt {
                return Err(error);
            }
            let left_out = self.deployment.habits().left_out();
            tracing::warn!(
                vendor = self.vendor.as_str(),
                left_out = left_out.join(" "),
                "a deployment refuses a field of the request: it is left out from now on"
            );
        }
        Err(ProviderError::new(self.vendor, Fault::BadRequest))
    }

    async fn send_once(
        &self,
        request: &LlmRequest,
        habits: Habits,
        started: Instant,
    ) -> Result<reqwest::Response, ProviderError> {
        let body = self
            .dialect
            .body(request, habits)
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
        timeout_at(started + self.shared.patience, sending)
            .await
            .map_err(|_| ProviderError::new(self.vendor, Fault::Timeout))?
            .map_err(|e| failure::of_transport(self.vendor, e))
    }

    fn count(&self, result: Result<(), Fault>) {
        self.shared
            .metrics
            .provider_call(ProviderKind::Llm, self.vendor, CallResult(result));
    }
}

/// The tools that the model knows: those that it is offered, and those that it called before. It may write of one that it is not offered any more.
fn tool_names(request: &LlmRequest) -> impl Iterator<Item = &str> {
    let offered = request.tools.iter().map(|tool| tool.name);
    let called = request.messages.iter().flat_map(|message| match message {
        Message::Assistant { tool_calls, .. } => tool_calls.as_slice(),
        _ => &[],
    });
    offered.chain(called.map(|call| call.name.as_str()))
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
