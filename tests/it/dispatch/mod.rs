//! Waiting calls on a real LiveKit and a real Redis.

mod agent;
mod guard;
mod limits;
mod refer;
mod regions;

use std::{sync::Arc, time::Duration};

use agent::{Agent, Offer};
use chrono::{DateTime, Utc};
use livekit_api::services::room::RoomClient;
use loadtest::stack::{LiveKit, LiveKitOptions, StackDir, shared};
use neurality::{
    config::{LiveKitConfig, PoolConfig, RedisConfig, Secret},
    dispatch::{Candidate, Decision, Dispatcher, Projects, Rooms, queue::RingPolicy},
    domain::{
        call::{CallPhase, NextStep, Route},
        ids::{CallId, Epoch, LegId, PodId, RoomName, TenantId},
        job::JobMetadata,
        placement::Placement,
        tenant::TenantProfile,
    },
    lifecycle::Lifecycle,
    storage::redis::{Claim, Refusal, Store, StoredOrigin, WriteError},
    telemetry::metrics::Metrics,
};
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(20);

struct Rig {
    dispatcher: Dispatcher,
    store: Store,
    rooms: RoomClient,
    livekit: LiveKitConfig,
    profile: TenantProfile,
    agent_name: String,
    lifecycle: Lifecycle,
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests play the edge of the process"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

impl Rig {
    fn new(livekit: &LiveKit, policy: RingPolicy) -> Self {
        let tenant = TenantId::generate();
        // Tests share a server: each has workers of its own name.
        let agent_name = format!("agent-{tenant}");
        let config = LiveKitConfig {
            url: livekit.ws_url().parse().expect("url"),
            api_key: livekit.api_key().to_owned(),
            api_secret: Secret::new(livekit.api_secret()),
            agent_name: agent_name.clone(),
            api_timeout_ms: 2000,
            ..LiveKitConfig::default()
        };
        // A keeper looks after every call that it finds.
        let urls = vec![Secret::new(&shared::redis().fresh_url())];
        let redis = RedisConfig {
            urls,
            timeout_ms: 5000,
            ..RedisConfig::default()
        };
        let store = Store::open(&redis).expect("store");
        let lifecycle = Lifecycle::new();
        let dispatcher = Dispatcher::new(
            store.clone(),
            Projects::new(&config, None),
            policy,
            PoolConfig::default(),
            Arc::new(Metrics::new()),
            lifecycle.clone(),
        );
        lifecycle.spawn(dispatcher.clone().keep());
        let rooms =
            RoomClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
        Self {
            dispatcher,
            store,
            rooms,
            livekit: config,
            profile: profile(tenant),
            agent_name,
            lifecycle,
        }
    }

    fn placement(&self) -> Placement {
        let placed = self.dispatcher.projects().place(&self.profile, None);
        placed.expect("the only project")
    }

    async fn admit(&self, leg: &LegId) -> (CallId, Decision) {
        let call = CallId::generate();
        let candidate = Candidate {
            tenant: &self.profile,
            call,
            placement: self.placement(),
            leg: leg.clone(),
            route: Route::Webhook,
            room: RoomName::generate(),
            caller: None,
            origin: StoredOrigin::default(),
            dialled: "+15550100".parse().expect("number"),
        };
        let decision = self
            .dispatcher
            .admit(candidate, now(), Instant::now() + SOON)
            .await;
        (call, decision.expect("redis runs"))
    }

    async fn admitted(&self) -> (CallId, RoomName) {
        match self.admit(&leg()).await {
            (call, Decision::Admitted { room }) => (call, room),
            (_, other) => panic!("{other:?}"),
        }
    }

    /// Rooms as a worker handles them.
    fn api_of_rooms(&self) -> Rooms {
        Rooms::new(&self.livekit)
    }

    async fn has_room(&self, room: &RoomName) -> bool {
        let names = vec![room.as_str().to_owned()];
        !self
            .rooms
            .list_rooms(names)
            .await
            .expect("list rooms")
            .is_empty()
    }

    async fn until_room(&self, room: &RoomName, exists: bool) {
        let deadline = Instant::now() + SOON;
        while self.has_room(room).await != exists {
            assert!(Instant::now() < deadline, "{room} exists: {}", !exists);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_phase(&self, call: CallId, phase: CallPhase) {
        let deadline = Instant::now() + SOON;
        loop {
            let now = self.store.phase(self.profile.id, call).await;
            let now = now.expect("phase").expect("record");
            if now == phase {
                return;
            }
            assert!(Instant::now() < deadline, "{now:?} instead of {phase:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn claim(&self, call: CallId, epoch: Epoch) -> Claim {
        let pod = PodId::new("pod");
        let claim = self
            .store
            .claim(self.profile.id, call, epoch, &pod, "AJ_1", now())
            .await;
        claim.expect("claim")
    }
}

fn leg() -> LegId {
    let sid = format!("CA{}", CallId::generate().as_uuid().simple());
    LegId::Twilio(sid.parse().expect("sid"))
}

fn profile(id: TenantId) -> TenantProfile {
    TenantProfile {
        id,
        name: "Clinic".into(),
        time_zone: chrono_tz::America::New_York,
        greeting: String::new(),
        instructions: String::new(),
        voice: None,
        fallback_number: None,
        transfer: None,
        region: None,
        livekit_project: None,
        max_concurrent_calls: 2,
        max_calls_per_minute: 100,
        procedures: std::collections::BTreeMap::default(),
        keyterms: Vec::new(),
    }
}

fn quick(deadline_ms: u64) -> RingPolicy {
    let deadline = Duration::from_millis(deadline_ms);
    RingPolicy {
        first_pause: Duration::from_millis(300),
        longest_pause: Duration::from_millis(600),
        fresh_room_pause: Duration::from_millis(100),
        ..RingPolicy::until(deadline, deadline)
    }
}

#[tokio::test]
async fn a_worker_that_registers_late_is_offered_the_waiting_call() {
    let rig = Rig::new(shared::livekit(), quick(20_000));
    let (call, room) = rig.admitted().await;
    rig.until_room(&room, true).await;
    let mut agent = Agent::register(shared::livekit(), &rig.agent_name).await;
    let offer = agent.offer(SOON).await;
    let metadata = Some(JobMetadata {
        tenant: rig.profile.id,
        call,
        epoch: Epoch::FIRST,
    });
    assert_eq!(
        offer,
        Some(Offer {
            room: room.to_string(),
            metadata
        })
    );
    let owner = rig.store.room_owner(&room).await.expect("owner");
    assert_eq!(owner, Some((rig.profile.id, call)));
    assert!(
        rig.store
            .busy_tenants()
            .await
            .expect("tenants")
            .contains(&rig.profile.id)
    );
}

#[tokio::test]
async fn a_call_that_nobody_takes_falls_back_and_its_room_is_closed() {
    let rig = Rig::new(shared::livekit(), quick(3000));
    let (call, room) = rig.admitted().await;
    rig.until_room(&room, true).await;
    rig.until_phase(call, CallPhase::Ended).await;
    rig.until_room(&room, false).await;
    let record = rig
        .store
        .load(rig.profile.id, call)
        .await
        .expect("load")
        .expect("record");
    assert_eq!(
        (record.phase, record.next),
        (CallPhase::Ended, Some(NextStep::Fallback))
    );
    assert_eq!(
        rig.store
            .slots_in_use(rig.profile.id, now())
            .await
            .expect("slots"),
        0
    );
}

#[tokio::test]
async fn a_claimed_call_is_left_alone_while_its_worker_lives() {
    let rig = Rig::new(shared::livekit(), quick(1200));
    let (call, room) = rig.admitted().await;
    rig.until_room(&room, true).await;
    assert!(matches!(rig.claim(call, Epoch::FIRST).await, Claim::Won(_)));
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        rig.store
            .raise_lease(rig.profile.id, call, Epoch::FIRST)
            .await
            .expect("lease");
    }
    assert!(rig.has_room(&room).await);
    rig.until_phase(call, CallPhase::Claimed).await;
}

#[tokio::test]
async fn a_call_whose_worker_shows_no_sign_of_life_is_offered_again() {
    let rig = Rig::new(shared::livekit(), quick(20_000));
    let (call, room) = rig.admitted().await;
    rig.until_room(&room, true).await;
    assert!(matches!(rig.claim(call, Epoch::FIRST).await, Claim::Won(_)));
    rig.until_phase(call, CallPhase::Waiting).await;
    let late = rig
        .store
        .raise_lease(rig.profile.id, call, Epoch::FIRST)
        .await;
    assert!(
        matches!(late, Err(WriteError::Fenced { current: Epoch(2) })),
        "{late:?}"
    );
    assert!(matches!(rig.claim(call, Epoch::FIRST).await, Claim::Lost));
    let active = rig.claim(call, Epoch(2)).await;
    assert!(matches!(active, Claim::Won(_)), "{active:?}");
    let phase = CallPhase::Active;
    rig.store
        .set_phase(rig.profile.id, call, Epoch(2), phase, now())
        .await
        .expect("active");
    rig.until_phase(call, CallPhase::Orphaned).await;
    let mut agent = Agent::register(shared::livekit(), &rig.agent_name).await;
    let offer = agent.offer(SOON).await.expect("an offer");
    let epoch = offer.metadata.map(|job| job.epoch);
    assert_eq!((offer.room, epoch), (room.to_string(), Some(Epoch(3))));
}

#[tokio::test]
async fn the_room_of_a_caller_who_hangs_up_while_it_rings_is_closed() {
    let rig = Rig::new(shared::livekit(), quick(20_000));
    let (call, room) = rig.admitted().await;
    rig.until_room(&room, true).await;
    let waited = rig.store.give_up(rig.profile.id, call, now()).await;
    assert!(waited.expect("give up"));
    rig.dispatcher.end_room_of(rig.profile.id, call);
    rig.until_room(&room, false).await;
}

#[tokio::test]
async fn a_repeated_webhook_rings_once_and_a_busy_tenant_is_refused() {
    let rig = Rig::new(shared::livekit(), quick(20_000));
    let leg = leg();
    let (call, first) = rig.admit(&leg).await;
    let Decision::Admitted { room } = first else {
        panic!("{first:?}")
    };
    let (_, again) = rig.admit(&leg).await;
    assert_eq!(again, Decision::Repeated { call, room });
    rig.admitted().await;
    let (_, third) = rig.admit(&self::leg()).await;
    assert_eq!(third, Decision::Refused(Refusal::Busy));
}

#[tokio::test]
async fn a_call_admitted_while_livekit_is_away_is_dispatched_when_it_is_back() {
    let dir = StackDir::for_this_process("dispatch-livekit").expect("dir");
    let livekit = LiveKit::start(&dir, LiveKitOptions::default()).expect("livekit");
    let rig = Rig::new(&livekit, quick(20_000));
    livekit.server().stop().expect("stop");
    let begin = Instant::now();
    let (call, room) = rig.admitted().await;
    assert!(
        begin.elapsed() < Duration::from_millis(1500),
        "admission does not wait for livekit"
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    livekit.server().start_again().expect("start");
    rig.until_room(&room, true).await;
    assert_eq!(
        rig.store.phase(rig.profile.id, call).await.expect("phase"),
        Some(CallPhase::Waiting)
    );
}

#[tokio::test]
async fn an_admission_whose_answer_was_lost_is_taken_back() {
    let dir = StackDir::for_this_process("dispatch-redis").expect("dir");
    let redis = loadtest::stack::Redis::start(&dir).expect("redis");
    let mut rig = Rig::new(shared::livekit(), quick(20_000));
    let urls = vec![Secret::new(&redis.url())];
    let store = Store::open(&RedisConfig {
        urls,
        timeout_ms: 2000,
        ..RedisConfig::default()
    })
    .expect("store");
    store.ping().await.expect("it runs");
    rig.store = store.clone();
    rig.dispatcher = Dispatcher::new(
        store,
        Projects::new(&LiveKitConfig::default(), None),
        quick(20_000),
        PoolConfig::default(),
        Arc::new(Metrics::new()),
        rig.lifecycle.clone(),
    );
    redis.server().freeze().expect("freeze");
    let candidate = Candidate {
        tenant: &rig.profile,
        placement: rig.placement(),
        call: CallId::generate(),
        leg: leg(),
        route: Route::Webhook,
        room: RoomName::generate(),
        caller: None,
        origin: StoredOrigin::default(),
        dialled: "+15550100".parse().expect("number"),
    };
    let decision = rig
        .dispatcher
        .admit(
            candidate,
            now(),
            Instant::now() + Duration::from_millis(300),
        )
        .await;
    assert!(decision.is_err());
    // The command lies in the frozen server's socket and runs now.
    redis.server().thaw().expect("thaw");
    let mut used = usize::MAX;
    for _ in 0..100 {
        let slots = rig.store.slots_in_use(rig.profile.id, now()).await;
        used = slots.expect("slots");
        if used == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(used, 0);
}
