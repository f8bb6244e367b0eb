//! Sends spans over our own runtime.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// The span processor exports from a thread of its own, outside of tokio, where an asynchronous client cannot run: the request is handed to the
/// process's runtime and awaited from there. Cancel-safe: a dropped export lets the request end by itself.
#[derive(Debug)]
pub(super) struct SpanSender {
    runtime: Handle,
    http: reqwest::Client,
}

impl SpanSender {
    /// A sender on the current runtime.
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self {
            runtime: Handle::current(),
            http,
        }
    }
}

#[async_trait]
impl HttpClient for SpanSender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        self.runtime
            .spawn(async move { HttpClient::send_bytes(&http, request).await })
            .await?
    }
}
