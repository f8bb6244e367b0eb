//! `neurality probe`: asks a health endpoint, for images without a shell.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use url::Url;

/// Arguments of `neurality probe`.
#[derive(Clone, Debug, clap::Args)]
pub struct ProbeArgs {
    /// `http://` address, such as `http://127.0.0.1:8080/readyz`.
    pub url: Url,
    /// Seconds to wait for the answer.
    #[arg(long, default_value_t = 3)]
    pub timeout_secs: u64,
}

/// Longest status line that is read, bytes.
const STATUS_LINE: u64 = 256;

/// Succeeds if the endpoint answers 200 in time.
///
/// # Errors
/// It does not, or is not an `http://` address.
pub async fn run(args: ProbeArgs) -> anyhow::Result<()> {
    let limit = Duration::from_secs(args.timeout_secs);
    let status = timeout(limit, status(&args.url))
        .await
        .with_context(|| format!("{} did not answer in time", args.url))??;
    ensure!(status == "200", "{} answered {status}", args.url);
    Ok(())
}

async fn status(url: &Url) -> anyhow::Result<String> {
    ensure!(url.scheme() == "http", "only http:// can be probed");
    let host = url.host_str().context("the address has no host")?;
    let port = url.port_or_known_default().context("no port")?;
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .await
        .with_context(|| format!("connect to {host}:{port}"))?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        url.path()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .context("send the request")?;
    let mut head = String::new();
    let mut limited = stream.take(STATUS_LINE);
    while !head.contains("\r\n") {
        let mut piece = [0; 64];
        let read = limited.read(&mut piece).await.context("read the answer")?;
        ensure!(read > 0, "the answer is not HTTP");
        head.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    let status = head.split(' ').nth(1).context("the answer is not HTTP")?;
    Ok(status.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn probe(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let port = listener.local_addr().expect("bound").port();
        let server = async {
            let (mut peer, _) = listener.accept().await.expect("accept");
            let mut request = [0; 512];
            let read = peer.read(&mut request).await.expect("request");
            assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
            peer.write_all(answer.as_bytes()).await.expect("answer");
        };
        let url = Url::parse(&format!("http://127.0.0.1:{port}/readyz")).expect("url");
        let args = ProbeArgs {
            url,
            timeout_secs: 5,
        };
        tokio::join!(run(args), server).0
    }

    #[tokio::test]
    async fn only_200_is_healthy() {
        probe("HTTP/1.1 200 OK\r\n\r\nok").await.expect("healthy");
        let error = probe("HTTP/1.1 503 Service Unavailable\r\n\r\n")
            .await
            .expect_err("not ready");
        assert!(error.to_string().ends_with("answered 503"), "{error}");
        probe("").await.expect_err("no answer at all");
    }
}
