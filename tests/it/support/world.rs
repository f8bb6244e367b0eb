//! The whole product as it runs: gateway and worker as processes, on real servers, with the simulators as vendors.

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use loadtest::{
    caller::{CallEvent, CallReport, Caller, LiveKitAccess, Scenario, Target},
    sim::{self, SimConfig, SimHandle, SimListeners},
    speech::Flite,
    stack::{Database, LiveKit, Service, ServiceSpec, StackDir, shared, workspace_root},
};
use neurality::{
    config::{RedisConfig, Secret},
    domain::ids::TenantId,
    storage::redis::Store,
};
use serde_json::Value;
use tokio::sync::{OnceCell, mpsc};

use super::environment::{AUTH_TOKEN, env_of, livekit_of};

/// What a world is made with.
pub(crate) struct WorldOptions {
    pub(crate) sim: SimConfig,
    pub(crate) env: Vec<(&'static str, String)>,
    /// A LiveKit of its own that posts webhooks to the gateway. The one that all worlds share posts none.
    pub(crate) with_livekit: bool,
}

impl Default for WorldOptions {
    fn default() -> Self {
        let mut sim = SimConfig::fast();
        sim.stt.max_streams = 100;
        sim.tts.max_streams = 100;
        sim.flite_cache = workspace_root().join("target/flite");
        Self {
            sim,
            env: Vec::new(),
            with_livekit: false,
        }
    }
}

/// A running product of its own.
pub(crate) struct World {
    pub(crate) sim: SimHandle,
    pub(crate) database: Database,
    pub(crate) gateway: Service,
    pub(crate) worker: Service,
    pub(crate) redis_url: String,
    env: Vec<(String, String)>,
    gateway_addr: SocketAddr,
    worker_addr: SocketAddr,
    livekit: Option<LiveKit>,
    pub(crate) caller: Caller,
    keys: tempfile::TempDir,
}

/// Times that a caller who was turned away calls again.
const REDIALS: u32 = 5;

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_neurality"))
}

/// A free port of the loopback interface.
pub(crate) fn free_port() -> SocketAddr {
    let port = loadtest::stack::free_tcp_port().expect("free port");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Whether `GET path` answers 200.
pub(crate) fn answers(addr: SocketAddr, path: &str) -> bool {
    use std::io::{Read, Write};
    let get = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&addr, Duration::from_millis(200))?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    get().is_ok_and(|answer| answer.ends_with("200"))
}

pub(crate) async fn dir() -> &'static StackDir {
    static DIR: OnceCell<StackDir> = OnceCell::const_new();
    DIR.get_or_init(|| async { StackDir::for_this_process("world").expect("folder") })
        .await
}

impl World {
    pub(crate) async fn start(options: WorldOptions) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let flite = Arc::new(Flite::new(&options.sim.flite_cache).expect("flite"));
        let listeners = SimListeners::loopback().await.expect("ports");
        let sim = sim::serve(options.sim, listeners)
            .await
            .expect("simulators");
        let database = super::migrated().await;
        let keys = tempfile::tempdir().expect("temp dir");
        let (gateway_addr, worker_addr) = (free_port(), free_port());
        let redis_url = shared::redis().fresh_url();
        let dir = dir().await;
        let own = options.with_livekit;
        let livekit = own.then(|| livekit_of(dir, number, gateway_addr));
        let mut env = env_of(
            number,
            livekit.as_ref().unwrap_or_else(|| shared::livekit()),
            &sim,
            &database,
            &redis_url,
            gateway_addr,
            worker_addr,
        );
        env.push((
            "NEURALITY__SECURITY__KEY_FILE".into(),
            keys.path().join("master.keys").display().to_string(),
        ));
        env.extend(options.env.into_iter().map(|(k, v)| (k.to_owned(), v)));
        operate(&env, &["keys", "generate"]).await;
        operate(
            &env,
            &[
                "tenant",
                "apply",
                "loadtest/tenants/maple-dental.yaml",
                "loadtest/tenants/harbor-family-clinic.yaml",
            ],
        )
        .await;
        let gateway = start(
            dir,
            format!("gateway-{number}"),
            "gateway",
            &env,
            gateway_addr,
        );
        let worker = start(dir, format!("worker-{number}"), "worker", &env, worker_addr);
        let (gateway, worker) = tokio::join!(gateway, worker);
        let caller = Caller::new(flite).expect("caller");
        Self {
            sim,
            database,
            gateway,
            worker,
            redis_url,
            env,
            gateway_addr,
            worker_addr,
            livekit,
            caller,
            keys,
        }
    }

    /// One more pod.
    pub(crate) async fn another_worker(&self, name: &str) -> Service {
        self.another_pod(name).await.0
    }

    /// One more pod, and where it listens.
    pub(crate) async fn another_pod(&self, name: &str) -> (Service, SocketAddr) {
        let addr = free_port();
        let mut env = self.env.clone();
        env.push(("NEURALITY__WORKER__LISTEN".into(), addr.to_string()));
        let name = format!("worker-{name}-{}", self.worker_addr.port());
        (start(dir().await, name, "worker", &env, addr).await, addr)
    }

    /// Calls that the pod at this address serves.
    pub(crate) async fn calls_at(&self, pod: SocketAddr) -> u32 {
        let client = super::http(Duration::from_secs(10))
            .build()
            .expect("client");
        let scrape = client.get(format!("http://{pod}/metrics")).send();
        let text = scrape.await.expect("scrape").text().await.expect("text");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("neurality_calls_active "));
        line.and_then(|count| count.parse().ok())
            .unwrap_or_default()
    }

    /// Places a call from the text of its scenario.
    pub(crate) async fn call_yaml(&self, yaml: &str) -> CallReport {
        self.watched(yaml, |_, _| ()).await
    }

    /// Places a call and meets what happens in it as it happens.
    pub(crate) async fn watched(
        &self,
        yaml: &str,
        on: impl FnMut(&Self, &CallEvent),
    ) -> CallReport {
        let scenario = Scenario::parse(yaml).expect("scenario");
        self.place(&scenario, on).await
    }

    /// A caller who is turned away at the door, because a busy machine looked the number up too late, calls again as they are
    /// asked to. Nothing is left of such a call.
    async fn place(
        &self,
        scenario: &Scenario,
        mut on: impl FnMut(&Self, &CallEvent),
    ) -> CallReport {
        let mut report = self.dial(scenario, &mut on).await;
        for _ in 0..REDIALS {
            if report.leg.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            report = self.dial(scenario, &mut on).await;
        }
        report
    }

    async fn dial(
        &self,
        scenario: &Scenario,
        on: &mut impl FnMut(&Self, &CallEvent),
    ) -> CallReport {
        let target = self.target();
        let (events, mut seen) = mpsc::channel(64);
        let call = self.caller.place_watched(scenario, &target, Some(events));
        let watch = async {
            while let Some(event) = seen.recv().await {
                on(self, &event);
            }
        };
        let (report, ()) = tokio::join!(call, watch);
        report.expect("a call by the rules")
    }

    /// Brings a clinic to what this file says; calls that begin from now on find it so.
    pub(crate) async fn apply(&self, yaml: &str) {
        let file = self.keys.path().join("clinic.yaml");
        std::fs::write(&file, yaml).expect("write");
        let file = file.display().to_string();
        operate(&self.env, &["tenant", "apply", &file]).await;
    }

    pub(crate) fn target(&self) -> Target {
        let livekit = self.livekit.as_ref();
        let livekit = livekit.unwrap_or_else(|| shared::livekit());
        Target {
            voice_url: format!("http://{}/voice", self.gateway_addr)
                .parse()
                .expect("url"),
            auth_token: AUTH_TOKEN.into(),
            livekit: LiveKitAccess {
                url: livekit.ws_url(),
                api_key: livekit.api_key().into(),
                api_secret: livekit.api_secret().into(),
                sip_host: Some("sip.test".into()),
            },
        }
    }

    /// Runs SQL as the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        shared::postgres()
            .psql(self.database.name(), sql)
            .expect("psql")
    }

    /// The artifact of the only call, once it is written.
    pub(crate) async fn only_artifact(&self) -> Value {
        let mut artifacts = self.artifacts(1).await;
        artifacts.remove(0)
    }

    /// All artifacts, in order of admission, once there are so many.
    pub(crate) async fn artifacts(&self, count: usize) -> Vec<Value> {
        let mut ids = Vec::new();
        for _ in 0..400 {
            let rows = self.sql("SELECT call_id FROM call_artifacts ORDER BY started_at");
            ids = rows
                .lines()
                .map(str::to_owned)
                .filter(|l| !l.is_empty())
                .collect();
            if ids.len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(ids.len(), count, "artifacts; {}", self.logs());
        let mut artifacts = Vec::new();
        for id in ids {
            let json = operate(&self.env, &["audit", "export", "--call", &id]).await;
            artifacts.push(serde_json::from_str(&json).expect("JSON artifact"));
        }
        artifacts
    }

    /// Proves both clinics' chains of artifacts.
    pub(crate) async fn verify_audit(&self) {
        operate(&self.env, &["audit", "verify"]).await;
    }

    /// Holds up whoever books, until it is dropped.
    pub(crate) fn hold_bookings(&self) -> HeldBookings {
        let name = self.database.name().to_owned();
        let sql = "BEGIN; LOCK TABLE bookings IN SHARE MODE; SELECT pg_sleep(30)";
        let session = name.clone();
        // Its session is cut at the end, which psql calls a failure.
        std::thread::spawn(move || shared::postgres().psql(&session, sql).is_ok());
        HeldBookings { database: name }
    }

    /// The only call from this number.
    pub(crate) fn of_caller<'a>(artifacts: &'a [Value], from: &str) -> &'a Value {
        let mut own = artifacts.iter().filter(|a| a["caller"] == from);
        let artifact = own
            .next()
            .unwrap_or_else(|| panic!("no artifact of {from} in {artifacts:#?}"));
        assert!(own.next().is_none(), "two artifacts of {from}");
        artifact
    }

    /// Calls of a clinic that hold a slot right now, once there are no more than `limit`; at the latest after 40 s.
    #[expect(
        clippy::disallowed_methods,
        reason = "slots expire by the clock of the product, which runs as processes of its own"
    )]
    pub(crate) async fn slots_in_use(&self, tenant: &str, limit: usize) -> usize {
        let tenant: TenantId = tenant.parse().expect("tenant id");
        let store = self.store();
        let mut used = 0;
        for _ in 0..400 {
            used = store
                .slots_in_use(tenant, chrono::Utc::now())
                .await
                .expect("slots");
            if used <= limit {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        used
    }

    /// Calls of a clinic that hold a slot right now.
    #[expect(
        clippy::disallowed_methods,
        reason = "slots expire by the clock of the product, which runs as processes of its own"
    )]
    pub(crate) async fn slots_right_now(&self, tenant: &str) -> usize {
        let tenant: TenantId = tenant.parse().expect("tenant id");
        let store = self.store();
        let slots = store.slots_in_use(tenant, chrono::Utc::now()).await;
        slots.expect("slots")
    }

    /// Slots that the pods say are taken.
    pub(crate) async fn pod_slots_used(&self) -> usize {
        let pods = self.store().pods().await.expect("pods");
        pods.values().map(|pod| pod.used as usize).sum()
    }

    fn store(&self) -> Store {
        let config = RedisConfig {
            urls: vec![Secret::new(&self.redis_url)],
            ..RedisConfig::default()
        };
        Store::open(&config).expect("redis")
    }

    /// What a process logged.
    pub(crate) fn log_of(service: &Service) -> String {
        std::fs::read_to_string(service.log_file()).unwrap_or_default()
    }

    /// What both processes logged, for failures.
    pub(crate) fn logs(&self) -> String {
        let read = Self::log_of;
        format!(
            "gateway:\n{}\nworker:\n{}",
            read(&self.gateway),
            read(&self.worker)
        )
    }

    /// The environment of its processes.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Where gateway and worker listen.
    pub(crate) fn listeners(&self) -> [SocketAddr; 2] {
        [self.gateway_addr, self.worker_addr]
    }

    /// The text of `/metrics` of gateway and worker.
    pub(crate) async fn metrics(&self) -> String {
        let client = super::http(Duration::from_secs(10))
            .build()
            .expect("client");
        let mut all = String::new();
        for addr in [self.gateway_addr, self.worker_addr] {
            let scrape = client.get(format!("http://{addr}/metrics")).send();
            all += &scrape.await.expect("scrape").text().await.expect("text");
        }
        all
    }
}

/// See [`World::hold_bookings`].
pub(crate) struct HeldBookings {
    database: String,
}

impl Drop for HeldBookings {
    fn drop(&mut self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'BEGIN; LOCK TABLE bookings%'";
        shared::postgres()
            .psql(&self.database, sql)
            .expect("let go of the bookings");
    }
}

/// Beside the others: a start blocks its thread, and the simulators must go on.
async fn start(
    dir: &'static StackDir,
    name: String,
    role: &'static str,
    env: &[(String, String)],
    addr: SocketAddr,
) -> Service {
    let mut spec = ServiceSpec::new(name, program()).args([role]);
    for (key, value) in env {
        spec = spec.env(key, value);
    }
    let spec = spec.ready(Duration::from_secs(60), move || answers(addr, "/readyz"));
    let started = tokio::task::spawn_blocking(move || Service::start(dir, spec))
        .await
        .expect("the start ends");
    started.unwrap_or_else(|error| panic!("{role} does not start: {error}"))
}

/// Runs an operator command and returns its output.
async fn operate(env: &[(String, String)], args: &[&str]) -> String {
    let output = tokio::process::Command::new(program())
        .args(args)
        .envs(env.iter().map(|(k, v)| (k, v)))
        .current_dir(workspace_root())
        .output()
        .await
        .expect("run neurality");
    assert!(
        output.status.success(),
        "neurality {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
