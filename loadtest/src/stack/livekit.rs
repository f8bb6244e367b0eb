//! LiveKit server on loopback.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::json;

use super::{
    Service, ServiceSpec, Signal, StackDir, StackError, doing, free_tcp_port, free_udp_port, tools,
};

const START_LIMIT: Duration = Duration::from_secs(15);
const STOP_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 3;

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct LiveKitOptions {
    /// Names the service in its stack (logs, pid file): set it when a stack has more than one LiveKit.
    pub name: String,
    /// The one API key.
    pub api_key: String,
    /// Its secret: at least 32 characters.
    pub api_secret: String,
    /// Where room and participant events are posted, signed with the API key.
    pub webhook_urls: Vec<String>,
    /// Needed by the SIP API (trunks and dispatch rules) and by nothing else.
    pub redis: Option<SocketAddr>,
    /// Media over ICE/TCP alone.
    pub tcp_only: bool,
}

impl Default for LiveKitOptions {
    /// A random secret, no webhooks, no Redis, media over UDP with TCP beside it.
    fn default() -> Self {
        Self {
            name: "livekit".to_owned(),
            api_key: "APIlocal".to_owned(),
            api_secret: format!("{:032x}", rand::random::<u128>()),
            webhook_urls: Vec::new(),
            redis: None,
            tcp_only: false,
        }
    }
}

/// A running LiveKit server.
#[derive(Debug)]
pub struct LiveKit {
    server: Service,
    options: LiveKitOptions,
    port: u16,
}

impl LiveKit {
    /// Starts the server that `make setup` built: about a quarter of a second.
    ///
    /// # Errors
    /// As [`Service::start`]; [`StackError::Missing`] before `make setup`.
    pub fn start(dir: &StackDir, options: LiveKitOptions) -> Result<Self, StackError> {
        let mut attempt = 1;
        loop {
            match Self::try_start(dir, &options) {
                Err(error) if error.is_port_taken() && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// The process, to freeze, kill and restart.
    pub fn server(&self) -> &Service {
        &self.server
    }

    /// `ws://127.0.0.1:port`, for participants and agents.
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// `http://127.0.0.1:port`, for the server API.
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The API key.
    pub fn api_key(&self) -> &str {
        &self.options.api_key
    }

    /// The API secret.
    pub fn api_secret(&self) -> &str {
        &self.options.api_secret
    }

    fn try_start(dir: &StackDir, options: &LiveKitOptions) -> Result<Self, StackError> {
        let port = free_tcp_port()?;
        let config = dir.path().join(format!("{}.yaml", options.name));
        // JSON is YAML, too.
        let text = configuration(options, port, free_udp_port()?, free_tcp_port()?).to_string();
        fs::write(&config, text).map_err(doing(format!("write {}", config.display())))?;
        let spec = ServiceSpec::new(&options.name, tools::from_setup("bin/livekit-server")?)
            .args(["--config".as_ref(), config.as_os_str()])
            // Asked politely it would wait for its participants to leave.
            .stop(Signal::Kill, STOP_LIMIT)
            .ready(START_LIMIT, move || is_healthy(port));
        Ok(Self {
            server: Service::start(dir, spec)?,
            options: options.clone(),
            port,
        })
    }
}

fn configuration(
    options: &LiveKitOptions,
    port: u16,
    udp_port: u16,
    tcp_port: u16,
) -> serde_json::Value {
    let mut rtc = json!({
        "use_external_ip": false,
        "node_ip": "127.0.0.1",
        "tcp_port": tcp_port,
        "enable_loopback_candidate": true,
        "interfaces": { "includes": ["lo"] },
        "ips": { "includes": ["127.0.0.1/32"] },
        // Without an entry clients are told to ask public servers.
        "stun_servers": ["127.0.0.1:3478"],
    });
    if options.tcp_only {
        rtc["force_tcp"] = json!(true);
    }
    rtc["udp_port"] = json!(udp_port);
    let mut config = json!({
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": { &options.api_key: &options.api_secret },
        "logging": { "level": "info", "json": true },
        "rtc": rtc,
    });
    if !options.webhook_urls.is_empty() {
        config["webhook"] = json!({ "api_key": options.api_key, "urls": options.webhook_urls });
    }
    if let Some(address) = options.redis {
        config["redis"] = json!({ "address": address.to_string() });
    }
    config
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream =
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}
