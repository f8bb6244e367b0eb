//! The whole product with its world on this machine: servers, simulators, gateway, worker.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use serde_json::json;
use url::Url;

use super::{DemoTarget, command};
use crate::stack::{
    Database, Lifetime, LiveKit, LiveKitOptions, Postgres, Redis, Service, ServiceSpec, Signal,
    StackDir, free_tcp_port, onnxruntime_library, silero_model, workspace_root,
};

/// The first time, the simulators let the corpus be spoken.
const SIM_START: Duration = Duration::from_secs(180);
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(5);
const PROBE_DEADLINE: Duration = Duration::from_millis(500);
/// Where Twilio would find our SIP gateway: nobody resolves it here.
const SIP_HOST: &str = "sip.demo.invalid";

/// Everything that runs. Dropped in this order: the product before what it stands on.
pub struct DemoStack {
    /// The worker's process.
    pub worker: Service,
    /// The gateway's process.
    pub gateway: Service,
    sim: Service,
    _livekit: LiveKit,
    _redis: Redis,
    _postgres: Postgres,
    /// Where to call.
    pub target: DemoTarget,
    /// The product's database.
    pub database: Database,
    /// The worker's `/metrics` port.
    pub worker_port: u16,
    program: PathBuf,
    config: PathBuf,
    deepgram_port: u16,
}

struct Ports {
    gateway: u16,
    worker: u16,
    deepgram: u16,
    openai: u16,
}

impl DemoStack {
    /// Brings it up; `simulators` is a file of `loadtest/config`. What an earlier run of this name left is ended first.
    /// Blocks for some seconds.
    ///
    /// # Errors
    /// Something is missing or does not start: the error says which and shows the end of its log.
    pub fn start(name: &str, lifetime: Lifetime, simulators: &str) -> anyhow::Result<Self> {
        let program = command::sibling("neurality")?;
        let ports = Ports {
            gateway: free_tcp_port()?,
            worker: free_tcp_port()?,
            deepgram: free_tcp_port()?,
            openai: free_tcp_port()?,
        };
        let dir = StackDir::exclusive(name, lifetime)?;
        step("simulators of Deepgram and OpenAI");
        let sim = start_sim(&dir, &ports, simulators)?;
        step("Postgres");
        let postgres = Postgres::start(&dir)?;
        let database = postgres.create_database("neurality")?;
        step("Redis");
        let redis = Redis::start(&dir)?;
        step("LiveKit");
        let livekit = LiveKit::start(
            &dir,
            LiveKitOptions {
                redis: Some(redis.address()),
                webhook_urls: vec![format!(
                    "http://127.0.0.1:{}/livekit/webhook",
                    ports.gateway
                )],
                ..LiveKitOptions::default()
            },
        )?;
        let target = target(&ports, &livekit)?;
        let config = dir.path().join("neurality.yaml");
        write_private(
            &config,
            &configuration(&ports, &target, &database, &redis, &dir)?,
        )?;
        prepare(&program, &config)?;
        step("gateway and worker");
        let gateway = start_role(&dir, &program, &config, "gateway", ports.gateway)?;
        let worker = start_role(&dir, &program, &config, "worker", ports.worker)?;
        write_private(
            &dir.path().join("target.json"),
            &serde_json::to_string_pretty(&target)?,
        )?;
        Ok(Self {
            worker,
            gateway,
            sim,
            _livekit: livekit,
            _redis: redis,
            _postgres: postgres,
            target,
            database,
            worker_port: ports.worker,
            program,
            config,
            deepgram_port: ports.deepgram,
        })
    }

    /// Runs an operator's command of the product.
    ///
    /// # Errors
    /// It failed; the text is what it said.
    pub fn neurality(&self, arguments: &[&str]) -> anyhow::Result<String> {
        command::neurality(&self.program, &self.config, arguments)
    }

    /// What the simulators saw.
    pub(super) fn sim_state_url(&self) -> String {
        format!("http://127.0.0.1:{}/_control/state", self.deepgram_port)
    }

    pub(super) fn how_to_call(&self) -> String {
        format!(
            "The stack stays up; its logs are in target/stack/demo ({}, {}, {}, ...).\n\
             More calls:  target/debug/loadtest call --scenario loadtest/scenarios/coverage.yaml [--calls 5] [--record target/report]\n\
             Commands:    target/debug/neurality --config target/stack/demo/neurality.yaml tenant list\n\
             Stop it:     make clean-stack",
            file_name(&self.gateway.log_file()),
            file_name(&self.worker.log_file()),
            file_name(&self.sim.log_file()),
        )
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn step(what: &str) {
    println!("starting {what} ...");
}

/// Schema, keys, clinics, and LiveKit's SIP side: what an operator does once.
fn prepare(program: &Path, config: &Path) -> anyhow::Result<()> {
    step("migrations, keys, two tenants, SIP trunk");
    let tenants = ["maple-dental.yaml", "harbor-family-clinic.yaml"].map(|file| {
        workspace_root()
            .join("loadtest/tenants")
            .join(file)
            .display()
            .to_string()
    });
    let run = |arguments: &[&str]| command::neurality(program, config, arguments).map(drop);
    run(&["keys", "generate"])?;
    run(&["migrate"])?;
    run(&["tenant", "apply", &tenants[0], &tenants[1]])?;
    run(&["livekit", "provision"])
}

fn start_sim(dir: &StackDir, ports: &Ports, config: &str) -> anyhow::Result<Service> {
    let address = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
    let port = ports.deepgram;
    let spec = ServiceSpec::new(
        "simulators",
        std::env::current_exe().context("find this program")?,
    )
    .args(["sim", "--config"])
    .args([workspace_root().join("loadtest/config").join(config)])
    .args([
        "--deepgram",
        &address(ports.deepgram),
        "--openai",
        &address(ports.openai),
    ])
    .stop(Signal::Terminate, STOP)
    .ready(SIM_START, move || answers(port, "/_control/state"));
    Ok(Service::start(dir, spec)?)
}

fn start_role(
    dir: &StackDir,
    program: &Path,
    config: &Path,
    role: &str,
    port: u16,
) -> anyhow::Result<Service> {
    let spec = ServiceSpec::new(role, program)
        .args(["--config".as_ref(), config.as_os_str(), role.as_ref()])
        .stop(Signal::Terminate, STOP)
        .ready(START, move || answers(port, "/readyz"));
    Ok(Service::start(dir, spec)?)
}

fn target(ports: &Ports, livekit: &LiveKit) -> anyhow::Result<DemoTarget> {
    Ok(DemoTarget {
        voice_url: Url::parse(&format!("http://127.0.0.1:{}/voice", ports.gateway))?,
        auth_token: format!("{:032x}", rand::random::<u128>()),
        livekit_url: livekit.ws_url(),
        livekit_api_key: livekit.api_key().to_owned(),
        livekit_api_secret: livekit.api_secret().to_owned(),
        sip_host: SIP_HOST.to_owned(),
    })
}

/// The product's configuration: real addresses and keys of this stack, and the simulators where the vendors would be.
fn configuration(
    ports: &Ports,
    target: &DemoTarget,
    database: &Database,
    redis: &Redis,
    dir: &StackDir,
) -> anyhow::Result<String> {
    let local = |scheme: &str, port: u16, path: &str| format!("{scheme}://127.0.0.1:{port}{path}");
    let config = json!({
        "gateway": {
            "listen": format!("127.0.0.1:{}", ports.gateway),
            "public_url": local("http", ports.gateway, ""),
        },
        "twilio": { "auth_tokens": [target.auth_token] },
        "livekit": {
            "url": target.livekit_url,
            "api_key": target.livekit_api_key,
            "api_secret": target.livekit_api_secret,
            "sip_host": target.sip_host,
            "sip_password": format!("{:032x}", rand::random::<u128>()),
        },
        "redis": { "urls": [redis.url()] },
        "postgres": { "url": database.app_url(), "owner_url": database.owner_url() },
        "security": { "key_file": dir.path().join("keys.json") },
        "worker": { "listen": format!("127.0.0.1:{}", ports.worker) },
        "providers": {
            "deepgram": { "base_url": local("ws", ports.deepgram, ""), "api_key": "sim-deepgram-key" },
            "openai": { "base_url": local("http", ports.openai, "/v1/"), "api_key": "sim-openai-key" },
            "onnxruntime": onnxruntime_library()?,
            "silero_model": silero_model()?,
        },
        "telemetry": { "log": "info,livekit=warn" },
    });
    Ok(serde_yaml_ng::to_string(&config)?)
}

/// Keys of a local stack are still not for other users of the machine.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let open = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}

/// Whether a GET on loopback is answered with 200.
pub(crate) fn answers(port: u16, path: &str) -> bool {
    get(port, path).is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

/// A GET on loopback: the whole answer with its head.
pub(crate) fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream =
        TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PROBE_DEADLINE)?;
    stream.set_read_timeout(Some(PROBE_DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
