//! The whole product with its world on this machine: servers, simulators, gateways, workers, each a process.
//!
//! The demo, the benchmarks and the chaos runs stand on it. Starting blocks for some seconds: in async code use
//! `block_in_place`.

mod command;
mod config;
mod options;
mod process;
mod target;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Context;
use url::Url;

use self::config::{Common, configuration, write_private};
pub use self::{
    options::{ProductOptions, Vendors},
    process::{Process, Role, calls_at, get},
    target::{TargetFile, kept_target, speech_cache},
};
use crate::stack::{
    Database, FrontDoor, LiveKit, LiveKitOptions, Postgres, Redis, RedisCluster, Service, StackDir,
    StackError, free_tcp_port,
};

/// Where Twilio would find our SIP gateway: nobody resolves it here.
const SIP_HOST: &str = "sip.demo.invalid";

/// Everything that runs. Dropped in this order: the product before what it stands on.
pub struct Product {
    /// The workers' processes.
    pub workers: Vec<Process>,
    /// The gateways' processes.
    pub gateways: Vec<Process>,
    simulators: Option<Service>,
    _door: Option<FrontDoor>,
    /// LiveKit, with a Redis of its own.
    pub livekit: LiveKit,
    _livekit_redis: Redis,
    /// The product's Redis.
    pub redis: AnyRedis,
    postgres: Postgres,
    /// Where to call.
    pub target: TargetFile,
    /// The product's database.
    pub database: Database,
    program: PathBuf,
    config: PathBuf,
    deepgram: SocketAddr,
    dir: StackDir,
    started_workers: AtomicUsize,
}

/// Redis in either form.
pub enum AnyRedis {
    /// One server.
    Single(Redis),
    /// Three primaries with a replica each.
    Cluster(RedisCluster),
}

impl AnyRedis {
    fn urls(&self) -> Vec<String> {
        match self {
            Self::Single(redis) => vec![redis.url()],
            Self::Cluster(cluster) => cluster.urls(),
        }
    }

    /// Runs a command about `key`, on the server that holds it.
    ///
    /// # Errors
    /// As [`Redis::command`].
    pub fn about(&self, key: &str, command: &str) -> Result<String, StackError> {
        match self {
            Self::Single(redis) => redis.command(command),
            Self::Cluster(cluster) => cluster.primary_of(key)?.command(command),
        }
    }
}

impl Product {
    /// Brings it up. What an earlier run of this name left is ended first.
    ///
    /// # Errors
    /// Something is missing or does not start: the error says which and shows the end of its log.
    pub fn start(options: ProductOptions) -> anyhow::Result<Self> {
        let dir = StackDir::exclusive(&options.name, options.lifetime)?;
        step("simulators of Deepgram and OpenAI");
        let (simulators, deepgram, openai) = process::vendors(&dir, &options.vendors)?;
        step("Postgres");
        let postgres = Postgres::start(&dir)?;
        let database = postgres.create_database("neurality")?;
        step("Redis, and one of LiveKit's own");
        let redis = if options.redis_cluster {
            AnyRedis::Cluster(RedisCluster::start_replicated(&dir)?)
        } else {
            AnyRedis::Single(Redis::start(&dir)?)
        };
        let livekit_redis = Redis::start_named(&dir, "livekit-redis")?;
        let gateways: Vec<u16> = (0..options.gateways.max(1))
            .map(|_| free_tcp_port())
            .collect::<Result<_, _>>()?;
        let door = (gateways.len() > 1)
            .then(|| FrontDoor::open(gateways.iter().copied().map(local).collect()))
            .transpose()
            .context("open the front door")?;
        let public = door
            .as_ref()
            .map_or_else(|| local(gateways[0]), FrontDoor::address);
        step("LiveKit");
        let livekit = LiveKit::start(
            &dir,
            LiveKitOptions {
                redis: Some(livekit_redis.address()),
                webhook_urls: vec![format!("http://{public}/livekit/webhook")],
                ..LiveKitOptions::default()
            },
        )?;
        let target = target(public, &livekit)?;
        let config = dir.path().join("neurality.yaml");
        let common = Common {
            public_url: &format!("http://{public}"),
            target: &target,
            redis_urls: redis.urls(),
            is_cluster: options.redis_cluster,
            database: &database,
            key_file: &dir.path().join("keys.json"),
            deepgram,
            openai,
        };
        write_private(&config, &configuration(&common, &options.settings)?)?;
        write_private(
            &dir.path().join("target.json"),
            &serde_json::to_string_pretty(&target)?,
        )?;
        let mut product = Self {
            workers: Vec::new(),
            gateways: Vec::new(),
            simulators,
            _door: door,
            livekit,
            _livekit_redis: livekit_redis,
            redis,
            postgres,
            target,
            database,
            program: options.program,
            config,
            deepgram,
            dir,
            started_workers: AtomicUsize::new(0),
        };
        product.prepare(&options.tenants)?;
        step("gateways and workers");
        for (number, port) in (1..).zip(gateways) {
            let name = numbered("gateway", number, options.gateways);
            product
                .gateways
                .push(product.process(Role::Gateway, &name, port)?);
        }
        for _ in 0..options.workers {
            product.add_worker()?;
        }
        Ok(product)
    }

    /// Starts one more worker.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn add_worker(&mut self) -> anyhow::Result<()> {
        let worker = self.start_worker()?;
        self.workers.push(worker);
        Ok(())
    }

    /// Starts one more worker that is the caller's own.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn start_worker(&self) -> anyhow::Result<Process> {
        let number = self.started_workers.fetch_add(1, Ordering::Relaxed) + 1;
        let name = numbered("worker", number, usize::MAX);
        self.process(Role::Worker, &name, free_tcp_port()?)
    }

    /// Runs an operator's command of the product.
    ///
    /// # Errors
    /// It failed; the text is what it said.
    pub fn neurality(&self, arguments: &[&str]) -> anyhow::Result<String> {
        command::neurality(&self.program, &self.config, arguments)
    }

    /// Runs SQL as Postgres' superuser, who sees the rows of all tenants.
    ///
    /// # Errors
    /// As [`Postgres::psql`].
    pub fn sql(&self, sql: &str) -> Result<String, StackError> {
        self.postgres.psql(self.database.name(), sql)
    }

    /// What the simulators saw.
    #[must_use]
    pub fn sim_state_url(&self) -> String {
        format!("http://{}/_control/state", self.deepgram)
    }

    /// For whoever keeps it up.
    #[must_use]
    pub fn how_to_call(&self) -> String {
        let processes = self.gateways.iter().chain(&self.workers);
        let logs: Vec<String> = processes
            .map(|process| process.service.log_file())
            .chain(self.simulators.iter().map(Service::log_file))
            .map(|path| file_name(&path))
            .collect();
        format!(
            "The stack stays up; its logs are in target/stack/demo ({}, ...).\n\
             More calls:  target/debug/loadtest call --scenario loadtest/scenarios/coverage.yaml [--calls 5] [--record target/report]\n\
             Commands:    target/debug/neurality --config target/stack/demo/neurality.yaml tenant list\n\
             Stop it:     make clean-stack",
            logs.join(", ")
        )
    }

    fn process(&self, role: Role, name: &str, port: u16) -> anyhow::Result<Process> {
        Process::start(&self.dir, &self.program, &self.config, role, name, port)
    }

    /// Schema, keys, clinics, and LiveKit's SIP side: what an operator does once.
    fn prepare(&self, tenants: &[PathBuf]) -> anyhow::Result<()> {
        step("migrations, keys, tenants, SIP trunk");
        let tenants: Vec<String> = tenants
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let mut apply = vec!["tenant", "apply"];
        apply.extend(tenants.iter().map(String::as_str));
        self.neurality(&["keys", "generate"])?;
        self.neurality(&["migrate"])?;
        self.neurality(&apply)?;
        self.neurality(&["livekit", "provision"]).map(drop)
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// The name alone where there is but one.
fn numbered(name: &str, number: usize, of: usize) -> String {
    if of > 1 {
        format!("{name}-{number}")
    } else {
        name.to_owned()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn step(what: &str) {
    eprintln!("starting {what} ...");
}

fn target(public: SocketAddr, livekit: &LiveKit) -> anyhow::Result<TargetFile> {
    Ok(TargetFile {
        voice_url: Url::parse(&format!("http://{public}/voice"))?,
        auth_token: format!("{:032x}", rand::random::<u128>()),
        livekit_url: livekit.ws_url(),
        livekit_api_key: livekit.api_key().to_owned(),
        livekit_api_secret: livekit.api_secret().to_owned(),
        sip_host: SIP_HOST.to_owned(),
    })
}
