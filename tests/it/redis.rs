//! The Redis adapter against a real server and a real Cluster: the same suite on both.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use loadtest::stack::{Redis, shared};
use neurality::{
    config::{RedisConfig, Secret},
    domain::{
        call::{CallPhase, NextStep},
        ids::{CallId, Epoch, PodId, RoomName, TenantId, TwilioCallSid},
    },
    storage::redis::{Admission, Applicant, Claim, Limits, Refusal, Session, Store, WriteError},
};

/// One server or one cluster, with a back door for looking at keys.
struct Rig {
    store: Store,
    nodes: Vec<&'static Redis>,
}

impl Rig {
    fn single() -> Self {
        let redis = shared::redis();
        Self { store: open(&[redis.url()], false), nodes: vec![redis] }
    }

    fn cluster() -> Self {
        let cluster = shared::redis_cluster();
        Self { store: open(&cluster.urls(), true), nodes: cluster.nodes().iter().collect() }
    }

    /// Runs a command on the node that owns its key.
    fn raw(&self, command: &str) -> String {
        let answers: Vec<_> = self.nodes.iter().map(|node| node.command(command)).collect();
        answers.into_iter().find_map(Result::ok).unwrap_or_else(|| panic!("no node runs {command}"))
    }

    fn keys_of(&self, tenant: TenantId) -> Vec<String> {
        let list = |node: &&Redis| node.command(&format!("KEYS tenant:{{{tenant}}}:*")).expect("keys");
        self.nodes.iter().map(list).flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).filter(|k| !k.is_empty()).collect()
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
        let claim = self.store.claim(tenant, call, Epoch::FIRST, &PodId::new("pod"), "AJ_1").await.expect("claim");
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
    let config = RedisConfig { urls, cluster, timeout_ms: 5000, ..RedisConfig::default() };
    Store::open(&config).expect("open")
}

fn now() -> DateTime<Utc> {
    Utc::now()
}

fn sid() -> TwilioCallSid {
    format!("CA{}", CallId::generate().as_uuid().simple()).parse().expect("sid")
}

fn applicant(tenant: TenantId) -> Applicant {
    Applicant {
        tenant,
        sid: sid(),
        call: CallId::generate(),
        room: RoomName::generate(),
        caller: Some(vec![0, 255, 10, 13]),
        dialled: "+15550100".parse().expect("number"),
        limits: Limits { concurrent: 3, per_minute: 60 },
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

on_both! {
    a_repeated_webhook_is_the_same_call,
    a_burst_of_one_webhook_admits_one_call,
    the_rate_limit_allows_a_minutes_calls_at_once_and_then_one_per_interval,
    the_concurrent_limit_counts_live_slots_only,
    a_record_comes_back_as_it_was_admitted,
    of_many_claims_one_wins,
    a_claim_of_an_older_epoch_or_an_unknown_call_is_lost,
    an_older_epoch_is_fenced_out_of_every_write,
    an_ended_call_stays_ended,
    the_session_of_the_newest_epoch_stays,
    a_slot_is_freed_exactly_once,
    an_expired_slot_of_a_live_call_is_taken_again,
    a_call_is_given_up_only_while_it_waits,
    a_live_call_is_written_back_after_redis_lost_it,
    a_parked_artifact_waits_until_it_is_dropped,
    a_remembered_result_is_recalled_by_its_own_tenant,
    a_room_leads_to_its_call,
    the_waiting_index_is_derived_and_repairable,
    every_key_expires_but_parked_artifacts,
}

async fn a_repeated_webhook_is_the_same_call(rig: Rig) {
    let tenant = TenantId::generate();
    let first = rig.admitted(tenant).await;
    let again = Applicant { sid: first.sid.clone(), ..applicant(tenant) };
    let decision = rig.store.admit(&again, now()).await.expect("admit");
    assert_eq!(decision, Admission::Repeated { call: first.call, room: first.room });
    assert_eq!(rig.slots(tenant).await, 1);
    assert!(rig.store.load(tenant, again.call).await.expect("load").is_none());
}

async fn a_burst_of_one_webhook_admits_one_call(rig: Rig) {
    let (tenant, sid) = (TenantId::generate(), sid());
    let admit = |_| {
        let (store, applicant) = (rig.store.clone(), Applicant { sid: sid.clone(), ..applicant(tenant) });
        tokio::spawn(async move { store.admit(&applicant, now()).await })
    };
    let tasks: Vec<_> = (0..10).map(admit).collect();
    let mut admitted = 0;
    for task in tasks {
        let decision = task.await.expect("task").expect("admit");
        admitted += usize::from(decision == Admission::Admitted);
    }
    assert_eq!((admitted, rig.slots(tenant).await), (1, 1));
}

async fn the_rate_limit_allows_a_minutes_calls_at_once_and_then_one_per_interval(rig: Rig) {
    let (tenant, start) = (TenantId::generate(), now());
    let limits = Limits { concurrent: 100, per_minute: 7 };
    let at = |seconds| start + TimeDelta::milliseconds(seconds);
    for _ in 0..7 {
        let decision = rig.store.admit(&Applicant { limits, ..applicant(tenant) }, start).await.expect("admit");
        assert_eq!(decision, Admission::Admitted);
    }
    let decide = async |when| rig.store.admit(&Applicant { limits, ..applicant(tenant) }, when).await.expect("admit");
    assert_eq!(decide(at(1000)).await, Admission::Refused(Refusal::RateLimited));
    assert_eq!(decide(at(8600)).await, Admission::Admitted);
    assert_eq!(decide(at(8600)).await, Admission::Refused(Refusal::RateLimited));
    assert_eq!(rig.slots(tenant).await, 8, "a refusal takes no slot");
}

async fn the_concurrent_limit_counts_live_slots_only(rig: Rig) {
    let (tenant, start) = (TenantId::generate(), now());
    for _ in 0..3 {
        rig.admitted(tenant).await;
    }
    let refused = rig.store.admit(&applicant(tenant), start).await.expect("admit");
    assert_eq!(refused, Admission::Refused(Refusal::Busy));
    let later = start + TimeDelta::seconds(61);
    assert_eq!(rig.store.admit(&applicant(tenant), later).await.expect("admit"), Admission::Admitted);
}

async fn a_record_comes_back_as_it_was_admitted(rig: Rig) {
    let tenant = TenantId::generate();
    let applicant = Applicant { caller: None, ..applicant(tenant) };
    let at = DateTime::from_timestamp_millis(1_763_955_264_123).expect("time");
    rig.store.admit(&applicant, at).await.expect("admit");
    let record = rig.store.load(tenant, applicant.call).await.expect("load").expect("there");
    assert_eq!((record.tenant, record.call, &record.room), (tenant, applicant.call, &applicant.room));
    assert_eq!((record.caller, record.dialled, record.admitted_at), (None, applicant.dialled, at));
    assert_eq!((record.epoch, record.phase, record.next), (Epoch::FIRST, CallPhase::Waiting, None));
    let known = rig.admitted(tenant).await;
    let record = rig.store.load(tenant, known.call).await.expect("load").expect("there");
    assert_eq!(record.caller, known.caller, "sealed bytes are binary");
}

async fn of_many_claims_one_wins(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    let claim = |n: u32| {
        let (store, pod) = (rig.store.clone(), PodId::new("pod"));
        tokio::spawn(async move {
            let job = format!("AJ_{n}");
            (pod.clone(), job.clone(), store.claim(tenant, call, Epoch::FIRST, &pod, &job).await)
        })
    };
    let tasks: Vec<_> = (0..10).map(claim).collect();
    let mut winners = Vec::new();
    for task in tasks {
        let (pod, job, claim) = task.await.expect("task");
        match claim.expect("claim") {
            Claim::Won(record) => winners.push((pod, job, record)),
            Claim::Lost => {}
            Claim::Unknown => panic!("the call is admitted"),
        }
    }
    let [(pod, job, record)] = winners.as_slice() else { panic!("{} winners", winners.len()) };
    assert_eq!((record.call, record.phase), (call, CallPhase::Claimed));
    let again = rig.store.claim(tenant, call, Epoch::FIRST, pod, job).await.expect("claim");
    assert!(matches!(again, Claim::Won(_)), "the winner may ask again");
    let other_job = rig.store.claim(tenant, call, Epoch::FIRST, pod, "AJ_other").await.expect("claim");
    assert!(matches!(other_job, Claim::Lost), "two jobs on one pod are two agents");
}

async fn a_claim_of_an_older_epoch_or_an_unknown_call_is_lost(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    rig.bump_epoch(tenant, call);
    let pod = PodId::new("pod");
    let old = rig.store.claim(tenant, call, Epoch::FIRST, &pod, "AJ_1").await.expect("claim");
    assert!(matches!(old, Claim::Lost));
    let unknown = rig.store.claim(tenant, CallId::generate(), Epoch::FIRST, &pod, "AJ_1").await.expect("claim");
    assert!(matches!(unknown, Claim::Unknown));
    let foreign = rig.store.claim(TenantId::generate(), call, Epoch::FIRST, &pod, "AJ_1").await.expect("claim");
    assert!(matches!(foreign, Claim::Unknown), "a call belongs to its tenant");
    let current = rig.store.claim(tenant, call, Epoch(2), &pod, "AJ_2").await.expect("claim");
    assert!(matches!(current, Claim::Won(_)));
}

async fn an_older_epoch_is_fenced_out_of_every_write(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.bump_epoch(tenant, call);
    let (store, old) = (&rig.store, Epoch::FIRST);
    let fenced = |result: Result<(), WriteError>| matches!(result, Err(WriteError::Fenced { current: Epoch(2) }));
    assert!(fenced(store.set_phase(tenant, call, old, CallPhase::Active, now()).await));
    assert!(fenced(store.set_next_step(tenant, call, old, &NextStep::HangUp).await));
    assert!(fenced(store.save_session(tenant, call, old, b"old").await));
    assert!(fenced(store.raise_lease(tenant, call, old).await.map(drop)));
    let record = store.load(tenant, call).await.expect("load").expect("there");
    assert_eq!((record.phase, record.next), (CallPhase::Claimed, None));
    assert_eq!(store.load_session(tenant, call).await.expect("load"), None);
    let lives = [store.raise_lease(tenant, call, Epoch(2)).await, store.raise_lease(tenant, call, Epoch(2)).await];
    assert!(matches!(lives, [Ok(1), Ok(2)]));
    let unknown = store.set_phase(tenant, CallId::generate(), old, CallPhase::Active, now()).await;
    assert!(matches!(unknown, Err(WriteError::Unknown)));
}

async fn an_ended_call_stays_ended(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let to = "+15550111".parse().expect("number");
    rig.store.set_next_step(tenant, call, Epoch::FIRST, &NextStep::Transfer { to }).await.expect("next");
    for phase in [CallPhase::Active, CallPhase::Ended, CallPhase::Active] {
        rig.store.set_phase(tenant, call, Epoch::FIRST, phase, now()).await.expect("phase");
    }
    let record = rig.store.load(tenant, call).await.expect("load").expect("there");
    assert_eq!(record.phase, CallPhase::Ended);
    assert!(matches!(record.next, Some(NextStep::Transfer { .. })));
    assert_eq!(rig.slots(tenant).await, 0);
}

async fn the_session_of_the_newest_epoch_stays(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.store.save_session(tenant, call, Epoch::FIRST, b"\x00one").await.expect("save");
    rig.store.save_session(tenant, call, Epoch::FIRST, b"two").await.expect("save");
    let expected = Session { epoch: Epoch::FIRST, state: b"two".to_vec() };
    assert_eq!(rig.store.load_session(tenant, call).await.expect("load"), Some(expected));
    // Redis lost the record, but not the newer session.
    rig.store.save_session(tenant, call, Epoch(2), b"three").await.expect("save");
    rig.raw(&format!("DEL tenant:{{{tenant}}}:call:{call}"));
    let old = rig.store.save_session(tenant, call, Epoch::FIRST, b"old").await;
    assert!(matches!(old, Err(WriteError::Fenced { current: Epoch(2) })));
    rig.store.save_session(tenant, call, Epoch(2), b"four").await.expect("a live call goes on without its record");
}

async fn a_slot_is_freed_exactly_once(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.claimed(tenant).await;
    let release = |_| {
        let store = rig.store.clone();
        tokio::spawn(async move { store.release(tenant, call).await })
    };
    let tasks: Vec<_> = (0..10).map(release).collect();
    let mut freed = 0;
    for task in tasks {
        freed += usize::from(task.await.expect("task").expect("release"));
    }
    assert_eq!((freed, rig.slots(tenant).await), (1, 1));
    assert!(!rig.store.renew_slot(tenant, call, now()).await.expect("renew"), "an ended call takes no slot");
    assert!(!rig.store.release(tenant, CallId::generate()).await.expect("an unknown call is harmless"));
    assert_eq!(rig.store.phase(tenant, call).await.expect("phase"), Some(CallPhase::Ended));
}

async fn an_expired_slot_of_a_live_call_is_taken_again(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let later = now() + TimeDelta::seconds(90);
    assert_eq!(rig.store.slots_in_use(tenant, later).await.expect("slots"), 0);
    assert!(rig.store.renew_slot(tenant, call, later).await.expect("renew"));
    assert_eq!(rig.store.slots_in_use(tenant, later).await.expect("slots"), 1);
}

async fn a_call_is_given_up_only_while_it_waits(rig: Rig) {
    let tenant = TenantId::generate();
    let claimed = rig.claimed(tenant).await;
    assert!(!rig.store.give_up(tenant, claimed).await.expect("give up"));
    let waiting = rig.admitted(tenant).await.call;
    assert!(rig.store.give_up(tenant, waiting).await.expect("give up"));
    assert!(!rig.store.give_up(tenant, waiting).await.expect("once is enough"));
    let record = rig.store.load(tenant, waiting).await.expect("load").expect("there");
    assert_eq!((record.phase, record.next), (CallPhase::Ended, Some(NextStep::Fallback)));
    let late = rig.store.claim(tenant, waiting, Epoch::FIRST, &PodId::new("pod"), "AJ_1").await.expect("claim");
    assert!(matches!(late, Claim::Lost));
    assert_eq!(rig.slots(tenant).await, 1);
}

async fn a_live_call_is_written_back_after_redis_lost_it(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let mut record = rig.store.load(tenant, call).await.expect("load").expect("there");
    record.next = Some(NextStep::HangUp);
    assert!(!rig.store.restore(&record, now()).await.expect("restore"), "a record is left alone");
    for key in rig.keys_of(tenant) {
        rig.raw(&format!("DEL {key}"));
    }
    assert!(rig.store.restore(&record, now()).await.expect("restore"));
    let restored = rig.store.load(tenant, call).await.expect("load").expect("there");
    assert_eq!((restored.caller, restored.epoch, restored.phase), (record.caller, record.epoch, CallPhase::Claimed));
    assert_eq!((restored.admitted_at, restored.next, rig.slots(tenant).await), (record.admitted_at, record.next, 1));
}

async fn a_parked_artifact_waits_until_it_is_dropped(rig: Rig) {
    let (tenant, call) = (TenantId::generate(), CallId::generate());
    rig.store.park_artifact(tenant, call, b"\x00first").await.expect("park");
    rig.store.park_artifact(tenant, call, b"second").await.expect("park");
    assert!(rig.store.tenants_with_artifacts().await.expect("tenants").contains(&tenant));
    assert_eq!(rig.store.parked_artifacts(tenant).await.expect("calls"), [call]);
    let parked = rig.store.parked_artifact(tenant, call).await.expect("artifact");
    assert_eq!(parked.as_deref(), Some(b"\x00first".as_slice()));
    rig.store.unpark_artifact(tenant, call).await.expect("unpark");
    rig.store.unpark_artifact(tenant, call).await.expect("twice is harmless");
    assert!(!rig.store.tenants_with_artifacts().await.expect("tenants").contains(&tenant));
    assert_eq!(rig.store.parked_artifact(tenant, call).await.expect("artifact"), None);
}

async fn a_remembered_result_is_recalled_by_its_own_tenant(rig: Rig) {
    let tenant = TenantId::generate();
    assert_eq!(rig.store.recall(tenant, "key").await.expect("recall"), None);
    rig.store.remember(tenant, "key", b"\xffdone", Duration::from_secs(60)).await.expect("remember");
    assert_eq!(rig.store.recall(tenant, "key").await.expect("recall").as_deref(), Some(b"\xffdone".as_slice()));
    assert_eq!(rig.store.recall(TenantId::generate(), "key").await.expect("recall"), None);
}

async fn a_room_leads_to_its_call(rig: Rig) {
    let (tenant, call, room) = (TenantId::generate(), CallId::generate(), RoomName::generate());
    assert_eq!(rig.store.room_owner(&room).await.expect("owner"), None);
    rig.store.bind_room(&room, tenant, call).await.expect("bind");
    assert_eq!(rig.store.room_owner(&room).await.expect("owner"), Some((tenant, call)));
}

async fn the_waiting_index_is_derived_and_repairable(rig: Rig) {
    let (tenant, minute) = (TenantId::generate(), Duration::from_secs(60));
    let call = rig.admitted(tenant).await.call;
    rig.store.repair_waiting(&[tenant, TenantId::generate()], now()).await.expect("repair");
    let waiting = rig.store.waiting(now(), minute).await.expect("waiting");
    assert!(waiting.calls >= 1 && waiting.oldest.is_some_and(|at| at <= now()));
    assert!(rig.store.tenants_waiting().await.expect("tenants").contains(&tenant));
    rig.store.claim(tenant, call, Epoch::FIRST, &PodId::new("pod"), "AJ_1").await.expect("claim");
    rig.store.waiting(now(), minute).await.expect("waiting");
    assert!(!rig.store.tenants_waiting().await.expect("tenants").contains(&tenant), "the claim emptied its queue");
}

async fn every_key_expires_but_parked_artifacts(rig: Rig) {
    let tenant = TenantId::generate();
    rig.admitted(tenant).await;
    let call = rig.claimed(tenant).await;
    rig.store.save_session(tenant, call, Epoch::FIRST, b"state").await.expect("save");
    rig.store.raise_lease(tenant, call, Epoch::FIRST).await.expect("lease");
    rig.store.remember(tenant, "key", b"done", Duration::from_secs(60)).await.expect("remember");
    rig.store.park_artifact(tenant, call, b"artifact").await.expect("park");
    let keys = rig.keys_of(tenant);
    assert_eq!(keys.len(), 11, "{keys:?}");
    for key in keys {
        let ttl: i64 = rig.raw(&format!("PTTL {key}")).parse().expect("a number");
        assert_eq!(ttl == -1, key.ends_with(":artifacts"), "{key} has ttl {ttl}");
    }
}

#[tokio::test]
async fn a_frozen_or_absent_redis_is_an_error_within_the_deadline() {
    let dir = loadtest::stack::StackDir::for_this_process("frozen-redis").expect("dir");
    let redis = Redis::start(&dir).expect("redis");
    let urls = vec![Secret::new(&redis.url())];
    let store = Store::open(&RedisConfig { urls, timeout_ms: 300, ..RedisConfig::default() }).expect("open");
    store.ping().await.expect("it runs");
    redis.server().freeze().expect("freeze");
    let begin = tokio::time::Instant::now();
    assert!(store.ping().await.is_err());
    assert!(begin.elapsed() < Duration::from_millis(900));
    redis.server().thaw().expect("thaw");
    store.ping().await.expect("it is back");
    redis.server().stop().expect("stop");
    assert!(store.ping().await.is_err());
    redis.server().start_again().expect("start");
    store.ping().await.expect("a new connection is made");
}
