//! The phone line of one call: its clock, its recording, and whether the agent speaks right now.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    measure::{BufferDelay, Spoken, VOICE_DBFS, mean_square, power},
    recording::Recording,
    report::{CallEvent, Repeat},
};

/// Voice of so many blocks in a row is no click.
const STARTS_AFTER: u32 = 3;
/// Silence of so many blocks in a row is no breath.
const STOPS_AFTER: u32 = 30;
/// The length of a block.
const BLOCK: Duration = Duration::from_millis(10);

/// Shared by all parts of one call.
#[derive(Debug)]
pub(super) struct Line {
    /// Zero of the recording.
    pub(super) origin: Instant,
    /// What the call left so far.
    pub(super) log: Mutex<Log>,
    agent: watch::Sender<AgentVoice>,
    /// By ear: more than one while an agent takes over from another.
    voices: Mutex<Vec<AgentVoice>>,
    events: Option<mpsc::Sender<CallEvent>>,
}

/// What the call left so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) recording: Recording,
    pub(super) buffer: Vec<BufferDelay>,
    pub(super) spoken: Vec<Spoken>,
    /// The step that the caller is at.
    pub(super) step: usize,
    pub(super) repeats: Vec<Repeat>,
}

/// The agent's voice as the caller hears it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AgentVoice {
    /// Start of the voice that lasts; none in silence longer than a breath.
    pub(super) since: Option<Instant>,
    /// The last voiced block.
    pub(super) last: Option<Instant>,
}

impl Line {
    pub(super) fn new(origin: Instant, events: Option<mpsc::Sender<CallEvent>>) -> Arc<Self> {
        let (agent, _) = watch::channel(AgentVoice::default());
        Arc::new(Self {
            origin,
            log: Mutex::default(),
            agent,
            voices: Mutex::default(),
            events,
        })
    }

    /// A number for one more track that is listened to.
    pub(super) fn new_ear(&self) -> usize {
        let mut voices = self.voices.lock();
        voices.push(AgentVoice::default());
        voices.len() - 1
    }

    /// Time on the recording.
    pub(super) fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }

    /// For whoever waits for the agent to speak or to be silent.
    pub(super) fn agent(&self) -> watch::Receiver<AgentVoice> {
        self.agent.subscribe()
    }

    /// Tells the observer, if there is one and it keeps up.
    pub(super) fn tell(&self, event: CallEvent) {
        if let Some(events) = &self.events
            && events.try_send(event).is_err()
        {
            tracing::debug!("the call's observer is slow or gone");
        }
    }

    /// Notes the agent's voice at an ear. Waiters are woken when it starts and when it stops, at whatever ear.
    pub(super) fn agent_is(&self, ear: usize, voice: AgentVoice) {
        let mut voices = self.voices.lock();
        voices[ear] = voice;
        let voice = AgentVoice {
            since: voices.iter().filter_map(|v| v.since).min(),
            last: voices.iter().filter_map(|v| v.last).max(),
        };
        let started = self.agent.send_if_modified(|now| {
            let changed = now.since.is_some() != voice.since.is_some();
            *now = voice;
            changed
        });
        if started && voice.since.is_some() {
            self.tell(CallEvent::AgentSpeaks);
        }
    }
}

/// Tells voice from clicks and breaths, block by block. Pure.
#[derive(Debug, Default)]
pub(super) struct VoiceGate {
    voice: AgentVoice,
    loud: u32,
    quiet: u32,
}

impl VoiceGate {
    /// The voice after a block of 10 ms that was complete at `end`.
    pub(super) fn push(&mut self, end: Instant, block: &[i16]) -> AgentVoice {
        if mean_square(block) > power(VOICE_DBFS) {
            (self.loud, self.quiet) = (self.loud + 1, 0);
        } else {
            (self.loud, self.quiet) = (0, self.quiet + 1);
        }
        if self.loud >= STARTS_AFTER {
            self.voice.last = Some(end);
            self.voice.since.get_or_insert(end - BLOCK * STARTS_AFTER);
        }
        if self.quiet >= STOPS_AFTER {
            self.voice.since = None;
        }
        self.voice
    }

    /// The voice after the last block there is.
    pub(super) fn stop(mut self) -> AgentVoice {
        self.voice.since = None;
        self.voice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_agent_does_not_silence_another() {
        let now = Instant::now();
        let line = Line::new(now, None);
        let (one, two) = (line.new_ear(), line.new_ear());
        let speaks = AgentVoice {
            since: Some(now),
            last: Some(now),
        };
        line.agent_is(one, speaks);
        line.agent_is(two, AgentVoice::default());
        assert_eq!(line.agent().borrow().since, Some(now));
        line.agent_is(
            one,
            AgentVoice {
                since: None,
                ..speaks
            },
        );
        let voice = *line.agent().borrow();
        assert_eq!((voice.since, voice.last), (None, Some(now)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_voice_starts_after_a_click_and_stops_after_a_breath() {
        let (start, mut gate) = (Instant::now(), VoiceGate::default());
        let mut feed = |blocks: std::ops::Range<u32>, level: i16| {
            blocks
                .map(|n| gate.push(start + BLOCK * n, &[level; 80]))
                .last()
                .unwrap_or_default()
        };
        assert!(feed(1..3, 3_000).since.is_none(), "a click");
        assert!(feed(3..50, 5).last.is_none());
        let voice = feed(50..60, 3_000);
        assert_eq!(voice.since, Some(start + BLOCK * 49));
        assert_eq!(feed(60..80, 5).since, voice.since, "a breath");
        let silent = feed(80..100, 5);
        assert_eq!(
            (silent.since, silent.last),
            (None, Some(start + BLOCK * 59))
        );
    }
}
