//! Where the time between the caller's last sound and the agent's first one goes. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::{Span, field::Empty};

use super::turn::UserTurn;
use crate::{
    domain::call_time::CallTime,
    telemetry::{labels::Stage, metrics::Metrics},
};

/// One turn's latency. Stages that did not happen are absent. The stages from the caller's last sound to the agent's first that do not
/// overlap add up: `endpointing + model + tools + tts_ttfb + tts_silence + own = total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnLatency {
    /// The turn.
    pub turn: u32,
    /// End of the caller's last audible sound, on the call's clock.
    pub speech_ended: CallTime,
    /// Last sound to the end of the turn: the configured wait, or the recogniser if that took longer.
    pub endpointing: Duration,
    /// Last sound to the final transcript.
    pub stt_final: Option<Duration>,
    /// Request to the model's first token.
    pub llm_ttft: Option<Duration>,
    /// First token to the first speakable sentence.
    pub first_sentence: Option<Duration>,
    /// The model's share of the silence: what was left of its (perhaps speculative) work after the end of the turn, without tools.
    pub model: Duration,
    /// Time in which tools ran after the end of the turn and before there were words to say.
    pub tools: Duration,
    /// Sentence given to the synthesiser to its first byte.
    pub tts_ttfb: Option<Duration>,
    /// End of the turn to the synthesiser's first byte.
    pub ttfb: Option<Duration>,
    /// Silence with which the synthesiser's sound begins.
    pub tts_silence: Duration,
    /// Last audible sound of the caller to the first one of the agent.
    pub total: Duration,
    /// What we added: the total without the wait, the vendors and the tools.
    pub own: Duration,
}

/// Takes the marks of the turn that is being answered.
#[derive(Debug, Default)]
pub(super) struct LatencyMeter {
    turn: Option<Committed>,
    reply: ReplyMarks,
    voice: VoiceMarks,
    tools: ToolMarks,
    done: Vec<TurnLatency>,
}

#[derive(Debug)]
struct Committed {
    turn: u32,
    /// From the end of the caller's turn to the agent's first sound; a turn without an answer of its own ends where it is superseded.
    span: Span,
    speech_ended: CallTime,
    endpoint_at: CallTime,
    final_at: Option<CallTime>,
    at: CallTime,
}

#[derive(Clone, Copy, Debug, Default)]
struct ReplyMarks {
    requested: Option<CallTime>,
    first_token: Option<CallTime>,
    first_sentence: Option<CallTime>,
}

#[derive(Clone, Copy, Debug, Default)]
struct VoiceMarks {
    spoken: Option<CallTime>,
    first_sound: Option<CallTime>,
    started: Option<CallTime>,
}

/// When tools ran: stretches that do not overlap, whatever runs at the same time.
#[derive(Debug, Default)]
struct ToolMarks {
    since: Option<CallTime>,
    past: Vec<(CallTime, CallTime)>,
}

impl ToolMarks {
    fn within(&self, from: CallTime, to: CallTime) -> Duration {
        let running = self.since.map(|since| (since, to));
        let overlap = |(a, b): (CallTime, CallTime)| b.min(to).since(a.max(from));
        self.past.iter().copied().chain(running).map(overlap).sum()
    }
}

impl LatencyMeter {
    /// Goes on behind the turns that were answered on another pod.
    pub(super) fn resumed(done: Vec<TurnLatency>) -> Self {
        Self {
            done,
            ..Self::default()
        }
    }

    /// The turns answered so far.
    pub(super) fn done(&self) -> &[TurnLatency] {
        &self.done
    }

    /// A reply is generated from here on, speculative or not.
    pub(super) fn reply_started(&mut self) {
        self.reply = ReplyMarks::default();
        self.tools.past.clear();
    }

    pub(super) fn committed(&mut self, now: CallTime, turn: &UserTurn) {
        self.voice = VoiceMarks::default();
        self.turn = Some(Committed {
            turn: turn.index,
            span: turn_span(turn.index),
            speech_ended: turn.ended,
            endpoint_at: turn.endpoint_at,
            final_at: turn.final_at,
            at: now,
        });
    }

    pub(super) fn requested(&mut self, now: CallTime) {
        self.reply.requested.get_or_insert(now);
    }

    pub(super) fn token(&mut self, now: CallTime) {
        self.reply.first_token.get_or_insert(now);
    }

    pub(super) fn sentence(&mut self, now: CallTime) {
        self.reply.first_sentence.get_or_insert(now);
    }

    /// Whether any tool runs from now on.
    pub(super) fn tools_run(&mut self, now: CallTime, any: bool) {
        match (self.tools.since, any) {
            (None, true) => self.tools.since = Some(now),
            (Some(since), false) => {
                self.tools.since = None;
                self.tools.past.push((since, now));
            }
            _ => {}
        }
    }

    pub(super) fn spoken(&mut self, now: CallTime) {
        if self.turn.is_some() {
            self.voice.spoken.get_or_insert(now);
        }
    }

    pub(super) fn sound(&mut self, now: CallTime) {
        if self.voice.spoken.is_some() {
            self.voice.first_sound.get_or_insert(now);
        }
    }

    /// The answer's first frame sounds at this time.
    pub(super) fn started(&mut self, at: CallTime) {
        if self.voice.first_sound.is_some() {
            self.voice.started.get_or_insert(at);
        }
    }

    /// The answer is audible from this time on.
    pub(super) fn audible(&mut self, at: CallTime, metrics: &Metrics) {
        if self.voice.started.is_some()
            && let Some(turn) = self.turn.take()
        {
            let latency = self.finish(at, &turn);
            record(&latency, metrics);
            turn.span.record("turn.total_ms", millis(latency.total));
            turn.span.record("turn.own_ms", millis(latency.own));
            self.done.push(latency);
        }
    }

    /// An utterance was played to its end: an answer that was not audible until then has no latency.
    pub(super) fn finished(&mut self) {
        if self.voice.started.is_some() {
            self.turn = None;
        }
    }

    /// The turn gets no answer of its own.
    pub(super) fn superseded(&mut self) {
        self.turn = None;
    }

    pub(super) fn into_turns(self) -> Vec<TurnLatency> {
        self.done
    }

    fn finish(&self, now: CallTime, turn: &Committed) -> TurnLatency {
        let (reply, voice) = (self.reply, self.voice);
        let due = turn
            .final_at
            .map_or(turn.endpoint_at, |t| t.max(turn.endpoint_at))
            .min(turn.at);
        // Where the model's first sentence comes after a filler or a canned line, that line ended the wait.
        let words_at = [reply.first_sentence, voice.spoken].into_iter().flatten();
        let words_at = words_at.min().unwrap_or(due).max(due);
        // A speculative request ran during the wait: only what is left of it after the end of the turn is the model's share.
        let asked_at = reply.requested.map_or(words_at, |t| t.max(due));
        let model = words_at.since(asked_at) - self.tools.within(asked_at, words_at);
        let tools = self.tools.within(due, words_at);
        let endpointing = due.since(turn.speech_ended);
        let tts_ttfb = between(voice.spoken, voice.first_sound);
        let tts_silence = between(voice.started, Some(now)).unwrap_or_default();
        let total = now.since(turn.speech_ended);
        let vendors = endpointing + model + tools + tts_ttfb.unwrap_or_default() + tts_silence;
        TurnLatency {
            turn: turn.turn,
            speech_ended: turn.speech_ended,
            endpointing,
            stt_final: between(Some(turn.speech_ended), turn.final_at),
            llm_ttft: between(reply.requested, reply.first_token),
            first_sentence: between(reply.first_token, reply.first_sentence),
            model,
            tools,
            tts_ttfb,
            ttfb: between(Some(turn.at), voice.first_sound),
            tts_silence,
            total,
            own: total.saturating_sub(vendors),
        }
    }
}

fn between(from: Option<CallTime>, to: Option<CallTime>) -> Option<Duration> {
    Some(to?.since(from?))
}

/// A child of the call's span.
fn turn_span(index: u32) -> Span {
    tracing::info_span!(
        "turn",
        turn.index = index,
        turn.total_ms = Empty,
        turn.own_ms = Empty
    )
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn record(latency: &TurnLatency, metrics: &Metrics) {
    metrics.turn_latency(latency.total);
    metrics.turn_stage(Stage::Endpointing, latency.endpointing);
    metrics.turn_stage(Stage::Own, latency.own);
    let stages = [
        (Stage::SttFinal, latency.stt_final),
        (Stage::LlmTtft, latency.llm_ttft),
        (Stage::FirstSentence, latency.first_sentence),
        (Stage::TtsTtfb, latency.tts_ttfb),
        (Stage::Ttfb, latency.ttfb),
    ];
    for (stage, took) in stages {
        if let Some(took) = took {
            metrics.turn_stage(stage, took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phi::Phi;

    fn at(ms: u64) -> CallTime {
        CallTime::from_millis(ms)
    }

    fn turn(final_at: u64) -> UserTurn {
        UserTurn {
            index: 3,
            text: Phi::default(),
            words: Vec::new(),
            started: at(0),
            ended: at(1000),
            final_at: Some(at(final_at)),
            endpoint_at: at(1500),
        }
    }

    #[test]
    fn the_stages_of_a_speculative_turn_overlap_and_our_share_is_the_rest() {
        let mut meter = LatencyMeter::default();
        meter.reply_started();
        meter.requested(at(1310));
        meter.token(at(1610));
        meter.committed(at(1503), &turn(1300));
        meter.sentence(at(1700));
        meter.spoken(at(1702));
        meter.sound(at(1850));
        meter.started(at(1855));
        meter.audible(at(1905), &Metrics::new());
        let done = meter.into_turns()[0];
        let ms = |d: Duration| d.as_millis();
        assert_eq!(
            (done.turn, ms(done.endpointing), ms(done.total)),
            (3, 500, 905)
        );
        assert_eq!(done.stt_final.map(ms), Some(300));
        assert_eq!(done.llm_ttft.map(ms), Some(300));
        assert_eq!(done.first_sentence.map(ms), Some(90));
        assert_eq!(done.tts_ttfb.map(ms), Some(148));
        assert_eq!(done.ttfb.map(ms), Some(347));
        assert_eq!(
            (ms(done.model), ms(done.tts_silence), ms(done.own)),
            (200, 50, 7)
        );
        assert_eq!(added_up(&done), done.total);
    }

    fn added_up(done: &TurnLatency) -> Duration {
        let tts = done.tts_ttfb.unwrap_or_default() + done.tts_silence;
        done.endpointing + done.model + done.tools + tts + done.own
    }

    #[test]
    fn tools_that_run_at_once_count_once_and_not_as_the_models_time() {
        let mut meter = LatencyMeter::default();
        meter.committed(at(1500), &turn(1300));
        meter.reply_started();
        meter.requested(at(1500));
        meter.tools_run(at(1800), true);
        meter.tools_run(at(1800), true);
        meter.tools_run(at(1900), true);
        meter.tools_run(at(2000), false);
        meter.token(at(2300));
        meter.sentence(at(2350));
        meter.spoken(at(2350));
        meter.sound(at(2450));
        meter.started(at(2460));
        meter.audible(at(2460), &Metrics::new());
        let done = meter.into_turns()[0];
        assert_eq!((done.model.as_millis(), done.tools.as_millis()), (650, 200));
        assert_eq!(done.own, Duration::from_millis(10));
        assert_eq!(added_up(&done), done.total);
    }

    #[test]
    fn a_filler_ends_the_wait_for_a_slow_model() {
        let mut meter = LatencyMeter::default();
        meter.committed(at(1500), &turn(1300));
        meter.reply_started();
        meter.requested(at(1500));
        meter.spoken(at(3000));
        meter.sound(at(3100));
        meter.started(at(3100));
        meter.sentence(at(3120));
        meter.audible(at(3130), &Metrics::new());
        let done = meter.into_turns()[0];
        assert_eq!((done.model.as_millis(), done.own.as_millis()), (1500, 0));
        assert_eq!(added_up(&done), done.total);
    }

    #[test]
    fn a_late_final_transcript_counts_as_the_wait() {
        let mut meter = LatencyMeter::default();
        meter.committed(at(2000), &turn(2000));
        meter.reply_started();
        meter.requested(at(2001));
        meter.token(at(2301));
        meter.sentence(at(2301));
        meter.spoken(at(2301));
        meter.sound(at(2401));
        meter.started(at(2402));
        meter.audible(at(2402), &Metrics::new());
        let done = meter.into_turns()[0];
        assert_eq!(done.endpointing, Duration::from_millis(1000));
        assert_eq!(done.own, Duration::from_millis(2));
    }

    #[test]
    fn a_superseded_turn_has_no_latency() {
        let mut meter = LatencyMeter::default();
        meter.committed(at(1500), &turn(1300));
        meter.superseded();
        meter.audible(at(1900), &Metrics::new());
        assert!(meter.into_turns().is_empty());
    }
}
