//! Where the time between the caller's last sound and the agent's first one goes. Pure.

use std::time::Duration;

use super::turn::UserTurn;
use crate::{
    domain::call_time::CallTime,
    telemetry::{labels::Stage, metrics::Metrics},
};

/// One turn's latency. Stages that did not happen are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnLatency {
    /// The turn.
    pub turn: u32,
    /// Last voiced frame, on the call's clock.
    pub speech_ended: CallTime,
    /// Last voiced frame to the end of the turn: the configured wait, or the recogniser if that took longer.
    pub endpointing: Duration,
    /// Last voiced frame to the final transcript.
    pub stt_final: Option<Duration>,
    /// Request to the model's first token.
    pub llm_ttft: Option<Duration>,
    /// First token to the first speakable sentence.
    pub first_sentence: Option<Duration>,
    /// Sentence given to the synthesiser to its first sound.
    pub tts_ttfb: Option<Duration>,
    /// End of the turn to the synthesiser's first sound.
    pub ttfb: Option<Duration>,
    /// Time in which tools ran before the first sound.
    pub tools: Duration,
    /// Last voiced frame to the first frame handed to the room.
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
    done: Vec<TurnLatency>,
}

#[derive(Clone, Copy, Debug)]
struct Committed {
    turn: u32,
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
    tools: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct VoiceMarks {
    spoken: Option<CallTime>,
    first_sound: Option<CallTime>,
}

impl LatencyMeter {
    /// A reply is generated from here on, speculative or not.
    pub(super) fn reply_started(&mut self) {
        self.reply = ReplyMarks::default();
    }

    pub(super) fn committed(&mut self, now: CallTime, turn: &UserTurn) {
        self.voice = VoiceMarks::default();
        self.turn = Some(Committed {
            turn: turn.index,
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

    pub(super) fn tools_ran(&mut self, took: Duration) {
        if self.reply.first_sentence.is_none() {
            self.reply.tools += took;
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

    /// The first frame of the answer goes to the room.
    pub(super) fn heard(&mut self, now: CallTime, metrics: &Metrics) {
        if let Some(turn) = self.turn.take() {
            let latency = self.finish(now, turn);
            record(&latency, metrics);
            self.done.push(latency);
        }
    }

    /// The turn gets no answer of its own.
    pub(super) fn superseded(&mut self) {
        self.turn = None;
    }

    pub(super) fn into_turns(self) -> Vec<TurnLatency> {
        self.done
    }

    fn finish(&self, now: CallTime, turn: Committed) -> TurnLatency {
        let (reply, voice) = (self.reply, self.voice);
        let due = turn
            .final_at
            .map_or(turn.endpoint_at, |t| t.max(turn.endpoint_at))
            .min(turn.at);
        let endpointing = due.since(turn.speech_ended);
        let total = now.since(turn.speech_ended);
        let tts_ttfb = between(voice.spoken, voice.first_sound);
        // A speculative request ran during the wait: only what is left of it after the end of the turn is the model's share.
        let model =
            between(reply.requested.map(|t| t.max(due)), reply.first_sentence).unwrap_or_default();
        let model = model.min(now.since(due)).saturating_sub(reply.tools);
        let vendors = endpointing + model + reply.tools + tts_ttfb.unwrap_or_default();
        TurnLatency {
            turn: turn.turn,
            speech_ended: turn.speech_ended,
            endpointing,
            stt_final: between(Some(turn.speech_ended), turn.final_at),
            llm_ttft: between(reply.requested, reply.first_token),
            first_sentence: between(reply.first_token, reply.first_sentence),
            tts_ttfb,
            ttfb: between(Some(turn.at), voice.first_sound),
            tools: reply.tools,
            total,
            own: total.saturating_sub(vendors),
        }
    }
}

fn between(from: Option<CallTime>, to: Option<CallTime>) -> Option<Duration> {
    Some(to?.since(from?))
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
        meter.heard(at(1855), &Metrics::new());
        let done = meter.into_turns()[0];
        let ms = |d: Duration| d.as_millis();
        assert_eq!(
            (done.turn, ms(done.endpointing), ms(done.total)),
            (3, 500, 855)
        );
        assert_eq!(done.stt_final.map(ms), Some(300));
        assert_eq!(done.llm_ttft.map(ms), Some(300));
        assert_eq!(done.first_sentence.map(ms), Some(90));
        assert_eq!(done.tts_ttfb.map(ms), Some(148));
        assert_eq!(done.ttfb.map(ms), Some(347));
        assert_eq!(ms(done.own), 7);
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
        meter.heard(at(2402), &Metrics::new());
        let done = meter.into_turns()[0];
        assert_eq!(done.endpointing, Duration::from_millis(1000));
        assert_eq!(done.own, Duration::from_millis(2));
    }

    #[test]
    fn a_superseded_turn_has_no_latency() {
        let mut meter = LatencyMeter::default();
        meter.committed(at(1500), &turn(1300));
        meter.superseded();
        meter.heard(at(1900), &Metrics::new());
        assert!(meter.into_turns().is_empty());
    }
}
