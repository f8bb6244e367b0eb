//! 500 calls for 20 slots, with signalling only: real gateways, LiveKit and Redis, the workers' own registration, slots, claims and
//! leases. What is left out is sound: nobody joins a room, and an agent "talks" by raising its lease for a while. The run with media
//! is `loadtest chaos --only crowd`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use livekit_protocol::JobStatus;
use loadtest::{
    caller::{
        http_client,
        twilio::{CallStatus, DialOutcome, DialStatus, TwilioLeg},
        twiml::{Dial, DialTarget, Verb},
    },
    chaos::{
        crowd::{Place, most_at_once, overtaken},
        spread::Spread,
    },
    product::{AnyRedis, Product, ProductOptions, Vendors},
    stack::Lifetime,
};
use neurality::{
    config::{LiveKitConfig, RedisConfig, Secret},
    domain::{
        call::{CallPhase, NextStep},
        ids::{PodId, TenantId},
        job::JobMetadata,
        placement::ProjectName,
    },
    storage::redis::{Claim, Store},
    telemetry::metrics::Metrics,
    worker::{
        agent::{Agent, Shared},
        presence::Presence,
        registered::Registered,
        registration::{Assignment, JobReport},
        slots::Slots,
    },
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const CALLS: usize = 500;
const PODS: u32 = 4;
const SLOTS: u32 = 5;
/// Between two calls that come in.
const APART: Duration = Duration::from_millis(10);
/// How long a call may ring, s: some are served, the rest fall back.
const RING_S: u64 = 20;
const BEAT: Duration = Duration::from_millis(400);
/// An agent talks for so many beats.
const BEATS: u32 = 4;
const TENANT: &str = "0193a000-0000-7000-8000-000000000001";

#[expect(
    clippy::disallowed_methods,
    reason = "tests play the edge of the process"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// What the agents did, by call, and word to the callers whose call is over.
#[derive(Default)]
struct Talks {
    by_call: Mutex<HashMap<String, Talk>>,
    news: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Talk {
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
}

/// A worker without sound.
struct Pod {
    store: Store,
    id: PodId,
    talks: Arc<Talks>,
    tasks: TaskTracker,
}

impl Pod {
    fn start(
        product: &Product,
        store: &Store,
        talks: &Arc<Talks>,
        tasks: &TaskTracker,
        done: &CancellationToken,
    ) {
        let metrics = Arc::new(Metrics::new());
        let (slots, registered) = (Slots::new(SLOTS), Registered::new(Arc::clone(&metrics)));
        let (started, mut assigned) = mpsc::channel::<Assignment>(SLOTS as usize);
        let livekit = LiveKitConfig {
            url: product.livekit.ws_url().parse().expect("url"),
            api_key: product.livekit.api_key().to_owned(),
            api_secret: Secret::new(product.livekit.api_secret()),
            ..LiveKitConfig::default()
        };
        let pod = Arc::new(Self {
            store: store.clone(),
            id: PodId::new("pod"),
            talks: Arc::clone(talks),
            tasks: tasks.clone(),
        });
        let presence = Presence {
            store: store.clone(),
            pod: pod.id.clone(),
            agent_name: livekit.agent_name.clone(),
            slots: slots.clone(),
            registered: registered.clone(),
            metrics,
        };
        let shared = Shared {
            agent_name: livekit.agent_name.clone(),
            status_every: Duration::from_millis(2_500),
            slots,
            started,
            registered,
        };
        tasks.spawn(presence.keep(done.clone()));
        tasks.spawn(Agent::new(ProjectName::default(), livekit, shared).run(done.clone()));
        tasks.spawn(async move {
            while let Some(assignment) = assigned.recv().await {
                pod.tasks.spawn(Arc::clone(&pod).serve(assignment));
            }
        });
    }

    /// Claims, talks, ends, as `worker::call` does; whoever loses the claim leaves at once.
    async fn serve(self: Arc<Self>, assignment: Assignment) {
        let JobMetadata {
            tenant,
            call,
            epoch,
        } = assignment.metadata;
        let job = assignment.job.as_str();
        let claim = self
            .store
            .claim(tenant, call, epoch, &self.id, job, now())
            .await;
        if matches!(claim.expect("claim"), Claim::Won(_)) {
            let talk = Talk {
                from: now(),
                to: None,
            };
            let before = self.talks.by_call.lock().insert(call.to_string(), talk);
            assert!(before.is_none(), "{call} is served twice");
            let active = CallPhase::Active;
            self.store
                .set_phase(tenant, call, epoch, active, now())
                .await
                .expect("active");
            for _ in 0..BEATS {
                sleep(BEAT).await;
                self.store
                    .raise_lease(tenant, call, epoch)
                    .await
                    .expect("lease");
            }
            self.store
                .set_next_step(tenant, call, epoch, &NextStep::HangUp)
                .await
                .expect("next");
            let talk = Talk {
                to: Some(now()),
                ..talk
            };
            self.talks.by_call.lock().insert(call.to_string(), talk);
            let ended = CallPhase::Ended;
            self.store
                .set_phase(tenant, call, epoch, ended, now())
                .await
                .expect("ended");
            self.talks.news.notify_waiters();
        }
        let report = JobReport {
            job: assignment.job.clone(),
            status: JobStatus::JsSuccess,
            error: "",
        };
        // The link is gone once the test is over.
        let _ = assignment.link.outbox.send(report).await;
    }
}

/// Twilio's side of one call, from the webhook to what follows the leg.
async fn call(
    number: usize,
    product: Arc<Product>,
    http: reqwest::Client,
    store: Store,
    talks: Arc<Talks>,
) -> Place {
    let target = &product.target;
    let from = format!("+1415558{number:04}");
    let twilio = TwilioLeg::new(
        http,
        &target.auth_token,
        target.voice_url.clone(),
        &from,
        "+12125550100",
    );
    let came = now();
    let verbs = twilio.incoming().await.expect("an answer to POST /voice");
    let (action, id) = match &*verbs {
        [
            Verb::Dial(Dial {
                action: Some(action),
                target: Some(DialTarget::Sip(_)),
                ..
            }),
        ] => (action, call_id(action)),
        other => panic!("call {number} is not admitted: {other:?}"),
    };
    let talk = until_over(&id, &store, &talks).await;
    let left = talk.map_or_else(now, |talk| talk.from);
    let outcome = match talk {
        Some(_) => DialOutcome::completed(Duration::from_secs(2)),
        None => DialOutcome {
            status: DialStatus::NoAnswer,
            answered_for: None,
            is_bridged: false,
            sip_code: 487,
        },
    };
    let next = twilio
        .dial_done(action, &outcome, CallStatus::InProgress)
        .await
        .expect("what comes next");
    match (&*next, talk) {
        ([Verb::Hangup], Some(_)) => {}
        (
            [
                Verb::Dial(Dial {
                    target: Some(DialTarget::Number(_)),
                    ..
                }),
            ],
            None,
        ) => {}
        other => panic!("call {number}: {other:?}"),
    }
    Place {
        number,
        came,
        left,
        answered: talk.map(|talk| talk.from),
        over: talk.and_then(|talk| talk.to).unwrap_or(left),
    }
}

/// How it was served; `None` once it was given up.
async fn until_over(id: &str, store: &Store, talks: &Talks) -> Option<Talk> {
    let (tenant, call) = (
        TENANT.parse::<TenantId>().expect("id"),
        id.parse().expect("id"),
    );
    loop {
        // Registered before the look: a call that ends in between is not missed.
        let news = talks.news.notified();
        let talk = talks.by_call.lock().get(id).copied();
        if let Some(talk) = talk.filter(|talk| talk.to.is_some()) {
            return Some(talk);
        }
        let phase = store.phase(tenant, call).await.expect("phase");
        if talk.is_none() && phase == Some(CallPhase::Ended) {
            return talks.by_call.lock().get(id).copied();
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), news).await;
    }
}

fn call_id(action: &str) -> String {
    let base = url::Url::parse("http://gateway.invalid").expect("url");
    let url = base.join(action).expect("url");
    let call = url.query_pairs().find(|(key, _)| key == "call");
    call.expect("the action names the call").1.into_owned()
}

fn options() -> ProductOptions {
    // Without workers nobody asks the vendors.
    let nobody = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let vendors = Vendors::Running {
        deepgram: nobody,
        openai: nobody,
    };
    let base = ProductOptions::new(
        "chaos-signalling",
        Lifetime::Parent,
        super::program(),
        vendors,
    );
    ProductOptions {
        workers: 0,
        settings: json!({
            "gateway": { "ring_deadline_secs": RING_S, "dial_timeout_secs": RING_S + 5 },
        }),
        ..loadtest::chaos::pool(base).expect("a pool")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the machine for itself: a phase of its own in make test"]
async fn five_hundred_calls_share_twenty_slots_in_their_order() {
    let product = tokio::task::block_in_place(|| Product::start(options())).expect("a pool");
    let AnyRedis::Single(redis) = &product.redis else {
        panic!("a single Redis");
    };
    let config = RedisConfig {
        urls: vec![Secret::new(&redis.url())],
        // Other tests share the machine.
        timeout_ms: 5_000,
        ..RedisConfig::default()
    };
    let (store, talks) = (
        Store::open(&config).expect("store"),
        Arc::<Talks>::default(),
    );
    let (tasks, done) = (TaskTracker::new(), CancellationToken::new());
    for _ in 0..PODS {
        Pod::start(&product, &store, &talks, &tasks, &done);
    }
    let product = Arc::new(product);
    let http = http_client().expect("client");
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        calls.spawn(call(
            number,
            product.clone(),
            http.clone(),
            store.clone(),
            talks.clone(),
        ));
        sleep(APART).await;
    }
    let mut places = calls.join_all().await;
    places.sort_by_key(|place| place.came);
    let survey = store
        .survey(TENANT.parse().expect("id"))
        .await
        .expect("survey");
    assert!(survey.is_idle(), "{survey:?}");
    done.cancel();
    tasks.close();
    tasks.wait().await;
    judge(&places);
}

fn judge(places: &[Place]) {
    let slots = (PODS * SLOTS) as usize;
    let served = places
        .iter()
        .filter(|place| place.answered.is_some())
        .count();
    let waits = |answered: bool| {
        let chosen = places
            .iter()
            .filter(move |place| place.answered.is_some() == answered);
        Spread::of(chosen.map(|place| (place.left - place.came).num_milliseconds() as f64))
    };
    let most = most_at_once(places);
    let report = json!({
        "calls": CALLS, "slots": slots, "media": false, "served": served, "fell_back": CALLS - served,
        "most_at_once": most, "waited_ms": waits(true), "rang_out_ms": waits(false), "overtaken": overtaken(places),
    });
    println!("{report:#}");
    super::write("chaos-signalling", &report);
    assert_eq!(most, slots, "exactly the slots are used");
    assert_eq!(overtaken(places), [""; 0]);
    assert!(served > 2 * slots, "{served} served");
    // Who was not served rang to the deadline, and nobody rang much longer.
    let rang_out = waits(false);
    let ms = |secs: u64| secs as f64 * 1_000.0;
    assert!(
        rang_out.max.is_none_or(|max| max < ms(RING_S + 4)),
        "{rang_out:?}"
    );
}
