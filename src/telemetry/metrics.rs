//! The catalogue: every metric once, with unit, help and closed labels. Names in dashboards and alerts are checked against it.

use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::{
    labels::{
        Admission, ArtifactWrite, CallResult, Claim, DropPoint, Label, Packet, ProviderKind,
        SessionWrite, SlotState, Stage,
    },
    pool::{PoolFigures, PoolMetrics},
    register::{counter, counters, gauge, gauges, histogram, histograms, register},
    vitals::VitalMetrics,
};
use crate::{
    domain::call::{Outcome, TransferResult},
    providers::Vendor,
    tools::outcome::ToolStatus,
};

/// Dense around the budgets of a turn: 0.9 s to the first byte, 1.1 s and 1.4 s on the phone leg.
const TURN_BUCKETS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.7, 2.0,
    2.5, 3.5, 5.0, 10.0,
];
/// For requests that we answer or send.
const REQUEST_BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 10.0,
];
/// For whole calls.
const CALL_BUCKETS: &[f64] = &[
    5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0,
];
/// For one inference of the voice-activity model.
const INFERENCE_BUCKETS: &[f64] = &[
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
];

/// All metrics of a process and the registry that `/metrics` encodes.
pub struct Metrics {
    registry: Registry,
    turn_latency: Histogram,
    turn_stage: HistogramVec,
    barge_in: Histogram,
    calls: IntCounterVec,
    calls_active: IntGauge,
    call_duration: Histogram,
    admissions: IntCounterVec,
    voice_request: Histogram,
    claims: IntCounterVec,
    transfers: IntCounterVec,
    slots: IntGaugeVec,
    registered: IntGauge,
    provider_calls: IntCounterVec,
    provider_latency: HistogramVec,
    breaker_open: IntGaugeVec,
    tool_calls: IntCounterVec,
    tool_duration: Histogram,
    packets: IntCounterVec,
    concealed_ms: IntCounter,
    dropped: IntCounterVec,
    session_writes: IntCounterVec,
    artifacts: IntCounterVec,
    artifacts_parked: IntGauge,
    vad_frames: IntCounter,
    vad_inference: Histogram,
    pool: PoolMetrics,
    vitals: VitalMetrics,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers every metric and sets every label to 0.
    ///
    /// # Panics
    /// If two entries of the catalogue share a name: a bug that every test of this type finds.
    #[must_use]
    pub fn new() -> Self {
        let r = Registry::new();
        Self {
            turn_latency: histogram(
                &r,
                "neurality_turn_latency_seconds",
                "End of the caller's speech to the agent's first frame.",
                TURN_BUCKETS,
            ),
            turn_stage: histograms::<Stage>(
                &r,
                "neurality_turn_stage_seconds",
                "Parts of a turn's latency.",
                TURN_BUCKETS,
            ),
            barge_in: histogram(
                &r,
                "neurality_barge_in_seconds",
                "Caller's speech over the agent to the agent's silence.",
                TURN_BUCKETS,
            ),
            calls: counters::<Outcome>(
                &r,
                "neurality_calls_total",
                "Calls that ended, by outcome; one that comes back from a person ends twice.",
            ),
            calls_active: gauge(&r, "neurality_calls_active", "Calls this pod serves."),
            call_duration: histogram(
                &r,
                "neurality_call_duration_seconds",
                "Answer to end.",
                CALL_BUCKETS,
            ),
            admissions: counters::<Admission>(
                &r,
                "neurality_admissions_total",
                "Calls that asked to be let in, by decision.",
            ),
            voice_request: histogram(
                &r,
                "neurality_voice_request_seconds",
                "Time to answer POST /voice.",
                REQUEST_BUCKETS,
            ),
            claims: counters::<Claim>(
                &r,
                "neurality_claims_total",
                "Claims of assigned calls, by result.",
            ),
            transfers: counters::<TransferResult>(
                &r,
                "neurality_transfers_total",
                "Transfers to a person, by what became of them.",
            ),
            slots: gauges::<SlotState>(
                &r,
                "neurality_worker_slots",
                "Slots of this pod, by state.",
            ),
            registered: gauge(
                &r,
                "neurality_worker_registered",
                "1 while the pod is registered with LiveKit, with one of its projects at least.",
            ),
            provider_calls: provider_counters(&r),
            provider_latency: provider_histograms(&r),
            breaker_open: gauges::<Vendor>(
                &r,
                "neurality_provider_breaker_open",
                "1 while a vendor is not asked.",
            ),
            tool_calls: counters::<ToolStatus>(
                &r,
                "neurality_tool_calls_total",
                "Tool calls, by status.",
            ),
            tool_duration: histogram(
                &r,
                "neurality_tool_duration_seconds",
                "Run time of a tool.",
                REQUEST_BUCKETS,
            ),
            packets: counters::<Packet>(
                &r,
                "neurality_media_packets_total",
                "Packets from the caller, by fate.",
            ),
            concealed_ms: counter(
                &r,
                "neurality_media_concealed_milliseconds_total",
                "Caller's sound that had to be invented.",
            ),
            dropped: counters::<DropPoint>(
                &r,
                "neurality_audio_dropped_frames_total",
                "Frames dropped at a full channel.",
            ),
            session_writes: counters::<SessionWrite>(
                &r,
                "neurality_session_writes_total",
                "Write-through of session state, by result.",
            ),
            artifacts: counters::<ArtifactWrite>(
                &r,
                "neurality_artifacts_total",
                "Call artifacts, by where they went.",
            ),
            artifacts_parked: gauge(
                &r,
                "neurality_artifacts_parked",
                "Sealed artifacts that wait in Redis for Postgres.",
            ),
            vad_frames: counter(
                &r,
                "neurality_vad_frames_total",
                "Windows scored by the voice-activity model.",
            ),
            vad_inference: histogram(
                &r,
                "neurality_vad_inference_seconds",
                "One batched inference.",
                INFERENCE_BUCKETS,
            ),
            pool: PoolMetrics::new(&r),
            vitals: VitalMetrics::new(&r),
            registry: r,
        }
    }

    /// A turn's whole latency.
    pub fn turn_latency(&self, took: Duration) {
        self.turn_latency.observe(took.as_secs_f64());
    }

    /// A part of a turn's latency.
    pub fn turn_stage(&self, stage: Stage, took: Duration) {
        self.turn_stage
            .with_label_values(&[stage.text()])
            .observe(took.as_secs_f64());
    }

    /// The caller cut the agent off.
    pub fn barge_in(&self, took: Duration) {
        self.barge_in.observe(took.as_secs_f64());
    }

    /// A call began on this pod.
    pub fn call_started(&self) {
        self.calls_active.inc();
    }

    /// A call ended on this pod.
    pub fn call_ended(&self, outcome: Outcome, took: Duration) {
        self.calls_active.dec();
        self.calls.with_label_values(&[outcome.as_str()]).inc();
        self.call_duration.observe(took.as_secs_f64());
    }

    /// A call that asked to be let in was decided on.
    pub fn admission(&self, result: Admission) {
        self.admissions.with_label_values(&[result.text()]).inc();
    }

    /// What became of a transfer is known.
    pub fn transfer(&self, result: TransferResult) {
        self.transfers.with_label_values(&[result.text()]).inc();
    }

    /// A voice webhook was answered.
    pub fn voice_request(&self, took: Duration) {
        self.voice_request.observe(took.as_secs_f64());
    }

    /// A call left this pod and goes on elsewhere.
    pub fn call_left(&self) {
        self.calls_active.dec();
    }

    /// The pool's part of the catalogue.
    #[must_use]
    pub const fn pool(&self) -> &PoolMetrics {
        &self.pool
    }

    /// The pod's own condition.
    #[must_use]
    pub const fn vitals(&self) -> &VitalMetrics {
        &self.vitals
    }

    /// A claim's result.
    pub fn claim(&self, result: Claim) {
        self.claims.with_label_values(&[result.text()]).inc();
    }

    /// The pod's slots.
    pub fn slots(&self, free: u32, used: u32) {
        self.slots
            .with_label_values(&[SlotState::Free.text()])
            .set(free.into());
        self.slots
            .with_label_values(&[SlotState::Used.text()])
            .set(used.into());
    }

    /// Registered with LiveKit, or not.
    pub fn registered(&self, yes: bool) {
        self.registered.set(yes.into());
    }

    /// A provider call ended.
    pub fn provider_call(&self, kind: ProviderKind, vendor: Vendor, result: CallResult) {
        self.provider_calls
            .with_label_values(&[kind.text(), vendor.as_str(), result.text()])
            .inc();
    }

    /// A provider's own delay: handshake, first token, first byte, final transcript.
    pub fn provider_latency(&self, kind: ProviderKind, vendor: Vendor, took: Duration) {
        self.provider_latency
            .with_label_values(&[kind.text(), vendor.as_str()])
            .observe(took.as_secs_f64());
    }

    /// A vendor's breaker opened or closed.
    pub fn breaker_open(&self, vendor: Vendor, open: bool) {
        self.breaker_open
            .with_label_values(&[vendor.as_str()])
            .set(open.into());
    }

    /// A tool ran.
    pub fn tool_call(&self, status: ToolStatus, took: Duration) {
        self.tool_calls.with_label_values(&[status.as_str()]).inc();
        self.tool_duration.observe(took.as_secs_f64());
    }

    /// Packets since the last report.
    pub fn packets(&self, fate: Packet, count: u64) {
        self.packets.with_label_values(&[fate.text()]).inc_by(count);
    }

    /// Concealed sound since the last report.
    pub fn concealed(&self, sound: Duration) {
        self.concealed_ms
            .inc_by(sound.as_millis().try_into().unwrap_or(u64::MAX));
    }

    /// A frame fell at a full channel.
    pub fn dropped(&self, at: DropPoint) {
        self.dropped.with_label_values(&[at.text()]).inc();
    }

    /// A session write ended.
    pub fn session_write(&self, result: SessionWrite) {
        self.session_writes
            .with_label_values(&[result.text()])
            .inc();
    }

    /// An artifact was written.
    pub fn artifact(&self, result: ArtifactWrite) {
        self.artifacts.with_label_values(&[result.text()]).inc();
    }

    /// Artifacts that wait in Redis.
    pub fn artifacts_parked(&self, count: usize) {
        self.artifacts_parked
            .set(count.try_into().unwrap_or(i64::MAX));
    }

    /// One batched inference.
    pub fn vad_inference(&self, windows: usize, took: Duration) {
        self.vad_frames.inc_by(windows as u64);
        self.vad_inference.observe(took.as_secs_f64());
    }

    /// The Prometheus text form.
    ///
    /// # Errors
    /// The encoder refused a metric.
    pub fn encode(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// As [`Metrics::encode`], with what the pool holds right now in front.
    ///
    /// # Errors
    /// The encoder refused a metric.
    pub fn encode_with_pool(&self, figures: &PoolFigures) -> Result<String, prometheus::Error> {
        Ok(figures.encode()? + &self.encode()?)
    }

    /// Names in the catalogue.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.registry
            .gather()
            .iter()
            .map(|family| family.name().to_owned())
            .collect()
    }
}

/// The pairs of work and vendor that exist.
const PROVIDERS: [(ProviderKind, Vendor); 4] = [
    (ProviderKind::Stt, Vendor::Deepgram),
    (ProviderKind::Tts, Vendor::Deepgram),
    (ProviderKind::Llm, Vendor::OpenAi),
    (ProviderKind::Llm, Vendor::Azure),
];

fn provider_counters(r: &Registry) -> IntCounterVec {
    let opts = Opts::new(
        "neurality_provider_calls_total",
        "Provider calls, by result.",
    );
    let metric = register(
        r,
        IntCounterVec::new(opts, &[ProviderKind::NAME, Vendor::NAME, CallResult::NAME]),
    );
    for (kind, vendor) in PROVIDERS {
        for result in CallResult::all() {
            drop(metric.with_label_values(&[kind.text(), vendor.text(), result.text()]));
        }
    }
    metric
}

fn provider_histograms(r: &Registry) -> HistogramVec {
    let opts = HistogramOpts::new(
        "neurality_provider_latency_seconds",
        "A provider's own delay.",
    )
    .buckets(REQUEST_BUCKETS.to_vec());
    let metric = register(
        r,
        HistogramVec::new(opts, &[ProviderKind::NAME, Vendor::NAME]),
    );
    PROVIDERS
        .iter()
        .for_each(|(k, v)| drop(metric.with_label_values(&[k.text(), v.text()])));
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_exists_before_the_first_event() {
        let text = Metrics::new().encode().expect("encode");
        for line in [
            r#"neurality_calls_total{outcome="failed"} 0"#,
            r#"neurality_provider_calls_total{kind="llm",result="rate_limited",vendor="azure"} 0"#,
            r#"neurality_turn_stage_seconds_count{stage="own"} 0"#,
        ] {
            assert!(text.contains(line), "{line} is missing");
        }
    }

    #[test]
    fn names_carry_the_prefix_and_a_unit_or_total() {
        for name in Metrics::new().names() {
            assert!(name.starts_with("neurality_"), "{name}");
        }
    }
}
