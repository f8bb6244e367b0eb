//! TLS towards vendors: rustls with ring and Mozilla's roots, the same for sockets and for HTTP.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// A client configuration that offers these application protocols.
///
/// # Errors
/// The crypto provider does not support rustls' default protocol versions: a fault of the build.
pub(super) fn client_config(protocols: &[&[u8]]) -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
