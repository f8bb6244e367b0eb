//! The pool's part of the catalogue: what dispatchers and workers do with calls, and what the pool holds.
//!
//! The figures of the whole pool are read from Redis for each scrape. While Redis is away they are absent, not old: an autoscaler must not take a guess for a zero. Every
//! gateway shows the same ones, so they are joined by `max`, never by `sum`.

use std::time::Duration;

use prometheus::{Encoder, Gauge, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder};

use super::{
    labels::{Attempt, HandOver, Label, PodState, PoolCall, Resumption, SlotState, TakenFrom},
    register::{counter, counters, gauge, gauges, register},
};

/// Counters and gauges of one process.
#[derive(Debug)]
pub struct PoolMetrics {
    offers: IntCounterVec,
    taken: IntCounterVec,
    given_up: IntCounter,
    resumptions: IntCounterVec,
    hand_overs: IntCounterVec,
    draining: IntGauge,
    unreplicated: IntGauge,
    slots_offered: IntGauge,
}

impl PoolMetrics {
    pub(super) fn new(r: &Registry) -> Self {
        Self {
            offers: counters::<Attempt>(
                r,
                "neurality_dispatch_offers_total",
                "Calls offered to the pods, by whether it was the first offer.",
            ),
            taken: counters::<TakenFrom>(
                r,
                "neurality_calls_taken_total",
                "Calls taken from workers without signs of life, by what they were in.",
            ),
            given_up: counter(
                r,
                "neurality_calls_given_up_total",
                "Calls that no worker took in time: they got the fallback.",
            ),
            resumptions: counters::<Resumption>(
                r,
                "neurality_resumptions_total",
                "Conversations that this pod went on with.",
            ),
            hand_overs: counters::<HandOver>(
                r,
                "neurality_hand_overs_total",
                "Conversations that this pod tried to give to another.",
            ),
            draining: gauge(
                r,
                "neurality_worker_draining",
                "1 while the pod gives its calls away and takes none.",
            ),
            unreplicated: gauge(
                r,
                "neurality_calls_unreplicated",
                "Calls on this pod whose last state is not in Redis.",
            ),
            slots_offered: gauge(
                r,
                "neurality_worker_slots_offered",
                "Slots that the pod offers: fewer than it has while it is short of CPU.",
            ),
        }
    }

    /// A call was offered.
    pub fn offered(&self, attempt: Attempt) {
        self.offers.with_label_values(&[attempt.text()]).inc();
    }

    /// A call was taken from a worker.
    pub fn taken(&self, from: TakenFrom) {
        self.taken.with_label_values(&[from.text()]).inc();
    }

    /// A call got the fallback because nobody took it.
    pub fn given_up(&self) {
        self.given_up.inc();
    }

    /// A conversation goes on here.
    pub fn resumed(&self, kind: Resumption) {
        self.resumptions.with_label_values(&[kind.text()]).inc();
    }

    /// A hand-over ended.
    pub fn handed_over(&self, result: HandOver) {
        self.hand_overs.with_label_values(&[result.text()]).inc();
    }

    /// The pod drains, or not.
    pub fn draining(&self, yes: bool) {
        self.draining.set(yes.into());
    }

    /// A call's state stopped being in Redis, or is there again.
    pub fn unreplicated(&self, yes: bool) {
        self.unreplicated.add(if yes { 1 } else { -1 });
    }

    /// Slots that are offered.
    pub fn slots_offered(&self, slots: u32) {
        self.slots_offered.set(slots.into());
    }
}

/// What the pool holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolFigures {
    /// Calls that ring.
    pub waiting: usize,
    /// Conversations without an agent.
    pub orphaned: usize,
    /// Calls whose worker asks for an heir.
    pub heirless: usize,
    /// Calls that a worker serves.
    pub served: usize,
    /// How long the oldest call has been ringing.
    pub oldest_wait: Duration,
    /// Pods that report, draining ones included.
    pub pods: usize,
    /// Pods that will go away.
    pub draining: usize,
    /// Calls that the pods would take.
    pub free: usize,
    /// Calls that they serve.
    pub used: usize,
}

impl PoolFigures {
    /// Calls that need a slot, whether they have one or not.
    #[must_use]
    pub const fn demand(&self) -> usize {
        self.waiting + self.orphaned + self.served
    }

    /// The Prometheus text form.
    ///
    /// # Errors
    /// The encoder refused a metric.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        let r = Registry::new();
        self.register(&r);
        let mut text = Vec::new();
        TextEncoder::new().encode(&r.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn register(&self, r: &Registry) {
        gauge(
            r,
            "neurality_queue_waiting_calls",
            "Admitted calls that no worker has claimed.",
        )
        .set(count(self.waiting));
        register(
            r,
            Gauge::new(
                "neurality_queue_oldest_wait_seconds",
                "How long the oldest call in the queue has been ringing.",
            ),
        )
        .set(self.oldest_wait.as_secs_f64());
        gauge(
            r,
            "neurality_pool_demand_calls",
            "Calls that need a slot: ringing, orphaned and served.",
        )
        .set(count(self.demand()));
        let calls =
            gauges::<PoolCall>(r, "neurality_pool_calls", "Calls of all tenants, by state.");
        let slots = gauges::<SlotState>(r, "neurality_pool_slots", "Slots of all pods, by state.");
        let pods = gauges::<PodState>(r, "neurality_pool_pods", "Pods that report, by state.");
        let set = |metric: &prometheus::IntGaugeVec, label: &str, value: usize| {
            metric.with_label_values(&[label]).set(count(value));
        };
        set(&calls, PoolCall::Ringing.text(), self.waiting);
        set(&calls, PoolCall::Orphaned.text(), self.orphaned);
        set(&calls, PoolCall::Served.text(), self.served);
        set(&calls, PoolCall::Heirless.text(), self.heirless);
        set(&slots, SlotState::Free.text(), self.free);
        set(&slots, SlotState::Used.text(), self.used);
        set(&pods, PodState::Ready.text(), self.pods - self.draining);
        set(&pods, PodState::Draining.text(), self.draining);
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
