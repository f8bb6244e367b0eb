//! The Redis adapter against a real server and a real Cluster: the same suite on both.

mod admission;
mod calls;
mod keys;
mod leases;
mod limits;
mod placement;
mod transfers;

use std::time::Duration;

use chrono::{DateTime, Utc};
use loadtest::stack::{Redis, shared};
use neurality::{
    config::{RedisConfig, Secret},
    domain::{
        call::Route,
        caller::Attestation,
        ids::{CallId, Epoch, LegId, PodId, RoomName, TenantId},
        placement::Placement,
    },
    storage::redis::{Admission, Applicant, Claim, Limits, Store, StoredOrigin},
};

/// One server or one cluster, with a back door for looking at keys.
pub(crate) struct Rig {
    pub(crate) store: Store,
    nodes: Vec<&'static Redis>,
}

impl Rig {
    pub(crate) fn single() -> Self {
        let redis = shared::redis();
        Self {
            store: open(&[redis.url()], false),
            nodes: vec![redis],
        }
    }

    pub(crate) fn cluster() -> Self {
        let cluster = shared::redis_cluster();
        Self {
            store: open(&cluster.urls(), true),
            nodes: cluster.nodes().iter().collect(),
        }
    }

    /// Runs a command on the node that owns its key.
    fn raw(&self, command: &str) -> String {
        let answers: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.command(command))
            .collect();
        answers
            .into_iter()
            .find_map(Result::ok)
            .unwrap_or_else(|| panic!("no node runs {command}"))
    }

    fn keys_of(&self, tenant: TenantId) -> Vec<String> {
        let list = |node: &&Redis| {
            node.command(&format!("KEYS tenant:{{{tenant}}}:*"))
                .expect("keys")
        };
        self.nodes
            .iter()
            .map(list)
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter(|k| !k.is_empty())
            .collect()
    }

    /// What a dispatcher does that takes a call over.
    fn bump_epoch(&self, tenant: TenantId, call: CallId) {
        self.raw(&format!("HINCRBY tenant:{{{tenant}}}:call:{call} epoch 1"));
    }

    async fn admitted(&self, tenant: TenantId) -> Applicant {
        let applicant = applicant(tenant);
        let decision = self.store.admit(&applicant, now()).await.expect("admit");
        assert_eq!(decision, Admission::Admitted);
        applicant
    }

    async fn claimed(&self, tenant: TenantId) -> CallId {
        let call = self.admitted(tenant).await.call;
        let claim = self
            .store
            .claim(
                tenant,
                call,
                Epoch::FIRST,
                &PodId::new("pod"),
                "AJ_1",
                now(),
            )
            .await
            .expect("claim");
        assert!(matches!(claim, Claim::Won(_)));
        call
    }

    async fn slots(&self, tenant: TenantId) -> usize {
        self.store.slots_in_use(tenant, now()).await.expect("slots")
    }
}

fn open(urls: &[String], cluster: bool) -> Store {
    let urls = urls.iter().map(|url| Secret::new(url)).collect();
    // The machine runs other tests too: this suite is not about speed.
    let config = RedisConfig {
        urls,
        cluster,
        timeout_ms: 5000,
        ..RedisConfig::default()
    };
    Store::open(&config).expect("open")
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests play the edge of the process"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

fn leg() -> LegId {
    let sid = format!("CA{}", CallId::generate().as_uuid().simple());
    LegId::Twilio(sid.parse().expect("sid"))
}

pub(crate) fn applicant(tenant: TenantId) -> Applicant {
    Applicant {
        tenant,
        leg: leg(),
        route: Route::Webhook,
        placement: Placement {
            project: "maple".parse().expect("project"),
            agent_name: "neurality.eu".into(),
        },
        call: CallId::generate(),
        room: RoomName::generate(),
        caller: Some(vec![0, 255, 10, 13]),
        origin: StoredOrigin {
            attestation: Attestation::Verified,
            forwarded_from: Some(vec![13, 0, 254, 10]),
        },
        dialled: "+15550100".parse().expect("number"),
        limits: Limits {
            concurrent: 3,
            per_minute: 60,
        },
    }
}

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod single {
            $(#[tokio::test] async fn $test() { super::$test(super::Rig::single()).await; })+
        }
        mod cluster {
            $(#[tokio::test] async fn $test() { super::$test(super::Rig::cluster()).await; })+
        }
    };
}

pub(crate) use on_both;

#[tokio::test]
async fn a_frozen_or_absent_redis_is_an_error_within_the_deadline() {
    let dir = loadtest::stack::StackDir::for_this_process("frozen-redis").expect("dir");
    let redis = Redis::start(&dir).expect("redis");
    let urls = vec![Secret::new(&redis.url())];
    let store = Store::open(&RedisConfig {
        urls,
        timeout_ms: 300,
        ..RedisConfig::default()
    })
    .expect("open");
    store.ping().await.expect("it runs");
    redis.server().freeze().expect("freeze");
    let begin = tokio::time::Instant::now();
    assert!(store.ping().await.is_err());
    assert!(begin.elapsed() < Duration::from_secs(4));
    redis.server().thaw().expect("thaw");
    store.ping().await.expect("it is back");
    redis.server().stop().expect("stop");
    assert!(store.ping().await.is_err());
    redis.server().start_again().expect("start");
    store.ping().await.expect("a new connection is made");
}
