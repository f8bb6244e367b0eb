//! Sends spans over our own runtime.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::runtime::Handle;

use super::logs::TelemetryError;

/// The span processor exports from a thread of its own, outside of tokio, where an asynchronous client cannot run: the request is handed to the
/// process's runtime and awaited from there. Cancel-safe: a dropped export lets the request end by itself.
#[derive(Debug)]
pub(super) struct SpanSender {
    runtime: Handle,
    http: reqwest::Client,
}

impl SpanSender {
    /// A sender on the current runtime that waits for `limit` at most.
    ///
    /// # Errors
    /// TLS or the client cannot be set up: a fault of the build.
    pub(super) fn new(limit: Duration) -> Result<Self, TelemetryError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(limit)
            .build()?;
        Ok(Self {
            runtime: Handle::current(),
            http,
        })
    }
}

/// The build has no default provider of cryptography; the client must be given one.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
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
