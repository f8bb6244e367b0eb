//! How processes start before their servers, lose them, and stop.

use std::{net::SocketAddr, process::ExitStatus, time::Duration};

use loadtest::{
    caller::CallEvent,
    stack::{Service, ServiceSpec, Signal, shared},
};
use neurality::{
    config::{RedisConfig, Secret},
    lifecycle::HARD_STOP,
    storage::redis::{PodReport, Store},
};
use tokio::time::{Instant, sleep};

use crate::support::{
    door::Door,
    world::{World, WorldOptions, answers, dir, free_port, program},
};

const FALLBACK: &str = "+12125550190";

/// A process of the world's configuration with some of its settings changed, once it answers at all.
async fn start(world: &World, role: &'static str, settings: &[(&str, String)]) -> Process {
    let addr = free_port();
    let name = format!("{role}-{}", addr.port());
    let listen = format!("NEURALITY__{}__LISTEN", role.to_uppercase());
    let mut spec = ServiceSpec::new(name, program()).args([role]);
    for (key, value) in world.env() {
        spec = spec.env(key, value);
    }
    for (key, value) in settings {
        spec = spec.env(format!("NEURALITY__{key}"), value);
    }
    let spec = spec
        .env(listen, addr.to_string())
        .ready(Duration::from_secs(20), move || answers(addr, "/healthz"));
    let dir = dir().await;
    let started = tokio::task::block_in_place(|| Service::start(dir, spec));
    let service = started.unwrap_or_else(|error| panic!("{role} does not start: {error}"));
    Process { service, addr }
}

struct Process {
    service: Service,
    addr: SocketAddr,
}

impl Process {
    fn is_ready(&self) -> bool {
        tokio::task::block_in_place(|| answers(self.addr, "/readyz"))
    }

    async fn until_ready(&self, wanted: bool) {
        let deadline = Instant::now() + Duration::from_secs(15);
        while self.is_ready() != wanted {
            let log = || std::fs::read_to_string(self.service.log_file()).unwrap_or_default();
            assert!(Instant::now() < deadline, "ready: {}\n{}", !wanted, log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Away for a while, not ready and not dead; ready when the door opens, and the same process all the time.
    async fn comes_up_with(&self, door: &mut Door) {
        let pid = self.service.pid().expect("it runs");
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            assert!(!self.is_ready(), "ready without its server");
            sleep(Duration::from_millis(200)).await;
        }
        door.open().await;
        self.until_ready(true).await;
        assert_eq!(self.service.pid().expect("it runs"), pid);
    }

    fn exits_within(&self, limit: Duration) {
        self.service.signal(Signal::Terminate).expect("signal");
        let ended = tokio::task::block_in_place(|| self.service.wait(limit)).expect("wait");
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    }
}

fn store(world: &World) -> Store {
    let config = RedisConfig {
        urls: vec![Secret::new(&world.redis_url)],
        timeout_ms: 5000,
        ..RedisConfig::default()
    };
    Store::open(&config).expect("redis")
}

/// Without holding up what runs beside it.
async fn exit_of(service: &Service, limit: Duration) -> ExitStatus {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = service.wait(Duration::ZERO).expect("wait") {
            return status;
        }
        assert!(Instant::now() < deadline, "runs on after {limit:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The only pod's report, once it is so.
async fn pod_report(store: &Store, is_so: impl Fn(Option<&PodReport>) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let pods = store.pods().await.expect("pods");
        assert!(pods.len() <= 1, "{pods:?}");
        let report = pods.values().next();
        if is_so(report) {
            return;
        }
        assert!(Instant::now() < deadline, "{report:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_start_before_their_servers_and_are_ready_when_those_come() {
    let world = World::start(WorldOptions::default()).await;
    let database = world.database.app_url();
    let livekit = shared::livekit().ws_url();
    for (role, key, url) in [
        ("worker", "LIVEKIT__URL", livekit.as_str()),
        ("worker", "REDIS__URLS", &world.redis_url),
        ("worker", "POSTGRES__URL", database),
        ("gateway", "REDIS__URLS", &world.redis_url),
        ("gateway", "POSTGRES__URL", database),
    ] {
        let (mut door, url) = Door::to_url(url);
        let value = if key == "REDIS__URLS" {
            format!("[\"{url}\"]")
        } else {
            url
        };
        let process = start(&world, role, &[(key, value)]).await;
        process.comes_up_with(&mut door).await;
        door.close().await;
        process.until_ready(false).await;
        door.open().await;
        process.until_ready(true).await;
        process.exits_within(Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_never_had_its_servers_still_stops_when_it_is_told_to() {
    let world = World::start(WorldOptions::default()).await;
    let (_nobody, url) = Door::to_url(&shared::livekit().ws_url());
    let redis = format!("[\"{}\"]", url.replace("ws:", "redis:"));
    let away = [("LIVEKIT__URL", url), ("REDIS__URLS", redis)];
    for role in ["worker", "gateway"] {
        let process = start(&world, role, &away).await;
        process.exits_within(Duration::from_secs(5));
    }
}

const LONG_CALL: &str = r#"
name: over the pod's end
from: "+14155550411"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - wait_hang_up
expect: { end: person_dialled }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pod_is_full_at_the_first_signal_and_a_second_hands_its_callers_to_a_person() {
    let world = World::start(WorldOptions::default()).await;
    let store = store(&world);
    pod_report(&store, |pod| pod.is_some_and(|pod| pod.free == 20)).await;
    let [_, worker] = world.listeners();
    let (asks, mut asked) = tokio::sync::mpsc::channel(8);
    let call = world.watched(LONG_CALL, |_, event| {
        if matches!(event, CallEvent::Says(_)) {
            asks.try_send(()).expect("room");
        }
    });
    let stop = async {
        asked.recv().await.expect("the caller speaks");
        world.worker.signal(Signal::Terminate).expect("signal");
        pod_report(&store, |pod| {
            pod.is_some_and(|pod| pod.draining && pod.free == 0 && pod.used == 1)
        })
        .await;
        assert!(!answers(worker, "/readyz") && answers(worker, "/healthz"));
        let metrics = world.metrics().await;
        assert!(metrics.contains("neurality_worker_draining 1"));
        // It would go on for half an hour.
        sleep(Duration::from_secs(1)).await;
        world.worker.signal(Signal::Terminate).expect("signal");
        exit_of(&world.worker, HARD_STOP + Duration::from_secs(1)).await
    };
    let (report, status) = tokio::join!(call, stop);
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    assert_eq!(report.dialled.as_deref(), Some(FALLBACK));
    assert!(status.success(), "{status}\n{}", world.logs());
    pod_report(&store, |pod| pod.is_none()).await;
    assert_eq!(world.only_artifact().await["outcome"], "failed");
}
