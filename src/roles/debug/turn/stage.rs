//! Plays a timeline: the caller does what it says, the agent what the turn machine orders, in steps of a millisecond.

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;

use super::timeline::{Breaks, Reply, Timeline};
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::playout::UtteranceId,
    pipeline::{
        lines,
        turn::{Input, Output, TurnConfig, TurnMachine},
    },
};

/// The voice detector reports so late that a voice began, and that it ended.
const DETECTED: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(200));

/// A canned line sounds so long after it was ordered.
const SYNTHESIS: Duration = Duration::from_millis(200);

/// Speaking rate of the agent.
const PER_CHARACTER: Duration = Duration::from_millis(65);

/// As the worker's configuration has them by default.
const RING_LIMIT: Duration = Duration::from_secs(30);
const CALL_LIMIT: Duration = Duration::from_secs(1800);

/// A decision, or something that the caller hears.
#[derive(Debug, Default, Serialize)]
pub(super) struct Event {
    at_ms: u64,
    output: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    utterance: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speculative: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    barge_in: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Sound without a break.
#[derive(Debug)]
struct Piece {
    ready: CallTime,
    left: Duration,
}

/// What the agent says or is about to say.
#[derive(Debug)]
struct Utterance {
    id: UtteranceId,
    pieces: VecDeque<Piece>,
    /// No more comes.
    is_closed: bool,
    sounds: bool,
}

/// A reply that is being thought about: when its text is there.
#[derive(Debug)]
struct Thought {
    id: UtteranceId,
    at: CallTime,
    reply: Reply,
}

/// See the module.
pub(super) struct Stage {
    timeline: Timeline,
    turn: TurnMachine,
    now: CallTime,
    /// What the caller and the recogniser do, in order.
    script: VecDeque<(CallTime, Input)>,
    replies: VecDeque<Reply>,
    thought: Option<Thought>,
    /// Tools that begin or end: progress of a reply, and the last one's end is the end of its text.
    tools: Vec<(CallTime, UtteranceId, bool)>,
    playout: VecDeque<Utterance>,
    is_paused: bool,
    seen: Vec<Event>,
}

impl Stage {
    pub(super) fn new(timeline: Timeline) -> Self {
        let config = TurnConfig::new(&timeline.pipeline, RING_LIMIT, CALL_LIMIT);
        let mut turn = TurnMachine::new(CallTime::ZERO, config, timeline.opening.into(), 0);
        if let Some(text) = &timeline.remembers {
            turn.remember(&Phi::new(text.clone()));
        }
        Self {
            turn,
            script: script(&timeline),
            replies: timeline.agent.iter().cloned().collect(),
            timeline,
            now: CallTime::ZERO,
            thought: None,
            tools: Vec::new(),
            playout: VecDeque::new(),
            is_paused: false,
            seen: Vec::new(),
        }
    }

    /// To the end of the call or of the timeline; what was seen.
    pub(super) fn play(mut self) -> Vec<Event> {
        let end = self.timeline.end();
        while self.now <= end && !self.turn.is_ended() {
            self.step();
            self.now = self.now + Duration::from_millis(1);
        }
        self.seen
    }

    fn step(&mut self) {
        while let Some((_, input)) = self.script.pop_front_if(|(at, _)| *at <= self.now) {
            self.feed(input);
        }
        if let Some(thought) = self.thought.take_if(|t| t.at <= self.now) {
            self.answer(thought);
        }
        while let Some(place) = self.tools.iter().position(|(at, ..)| *at <= self.now) {
            let (_, id, is_last) = self.tools.remove(place);
            self.feed(Input::ReplyProgress(id));
            if is_last {
                self.feed(Input::ReplyFinished(id));
            }
        }
        self.sound();
        if self.turn.deadline().is_some_and(|due| due <= self.now) {
            self.feed(Input::Timeout);
        }
    }

    fn feed(&mut self, input: Input) {
        self.turn.handle_input(self.now, input);
        while let Some(output) = self.turn.poll_output() {
            self.obey(output);
        }
    }

    fn note(&mut self, output: &'static str, rest: Event) {
        self.seen.push(Event {
            at_ms: self.now.as_millis(),
            output,
            ..rest
        });
    }

    fn obey(&mut self, output: Output) {
        let of = |id: UtteranceId| Event {
            utterance: Some(id.0),
            ..Event::default()
        };
        match output {
            Output::Finalize => self.note("finalize", Event::default()),
            Output::CommitUserTurn(turn) => self.note(
                "commit_turn",
                Event {
                    text: Some(turn.text.expose().clone()),
                    turn: Some(turn.index),
                    started_ms: Some(turn.started.as_millis()),
                    ended_ms: Some(turn.ended.as_millis()),
                    ..Event::default()
                },
            ),
            Output::StartReply { utterance, draft } => {
                let speculative = Some(draft.is_some());
                self.note(
                    "start_reply",
                    Event {
                        speculative,
                        ..of(utterance)
                    },
                );
                if draft.is_none() {
                    self.think(utterance);
                }
            }
            Output::ReleaseReply(id) => {
                self.note("release_reply", of(id));
                self.think(id);
            }
            Output::CancelReply(id) => {
                self.note("cancel_reply", of(id));
                self.cancel(id);
            }
            Output::Say(id, line) => {
                let text = lines::text(line, &self.timeline.greeting);
                let line = Some(line.as_str());
                self.note(
                    "say",
                    Event {
                        line,
                        text: Some(text.clone()),
                        ..of(id)
                    },
                );
                self.say(id, &text);
            }
            Output::Filler { utterance, nth } => {
                let text = Some(lines::filler(nth).to_owned());
                self.note(
                    "filler",
                    Event {
                        text,
                        ..of(utterance)
                    },
                );
                self.fill(utterance, lines::filler(nth));
            }
            Output::PausePlayout => {
                self.is_paused = true;
                self.note("pause", Event::default());
            }
            Output::ResumePlayout => {
                self.is_paused = false;
                self.note("resume", Event::default());
            }
            Output::StopPlayout { barge_in } => {
                self.is_paused = false;
                self.playout.clear();
                self.note(
                    "stop",
                    Event {
                        barge_in: Some(barge_in),
                        ..Event::default()
                    },
                );
            }
            Output::End(why) => self.note(
                "end",
                Event {
                    reason: Some(why.as_str()),
                    ..Event::default()
                },
            ),
        }
    }

    /// The reply is wanted: its text comes when the timeline says.
    fn think(&mut self, id: UtteranceId) {
        let reply = self.replies.pop_front().unwrap_or_default();
        let earliest = reply
            .from
            .map_or(self.now + reply.after.0, |from| from.point());
        self.thought = Some(Thought {
            id,
            at: earliest.max(self.now),
            reply,
        });
    }

    fn cancel(&mut self, id: UtteranceId) {
        self.thought.take_if(|t| t.id == id);
        self.tools.retain(|(_, of, _)| *of != id);
        if let Some(spoken) = self.playout.iter_mut().find(|u| u.id == id) {
            spoken.is_closed = true;
        }
    }

    /// The reply's text is there.
    fn answer(&mut self, thought: Thought) {
        let Thought { id, reply, .. } = thought;
        let utterance = id;
        if let Some(after @ (Breaks::Unbegun | Breaks::Unheard)) = reply.breaks {
            return self.feed(Input::ReplyFailed {
                utterance,
                after: after.into(),
            });
        }
        let text = Phi::new(reply.text.clone());
        self.feed(Input::AgentSays { utterance, text });
        self.feed(Input::ReplyProgress(id));
        let pieces = self.pieces(&reply);
        let spoken = self.utterance(id);
        spoken.pieces.extend(pieces);
        spoken.is_closed = true;
        if let Some(why) = reply.then {
            self.feed(Input::Closing(why.into()));
        }
        if let Some(after) = reply.breaks {
            return self.feed(Input::ReplyFailed {
                utterance,
                after: after.into(),
            });
        }
        if reply.tools.is_empty() {
            return self.feed(Input::ReplyFinished(id));
        }
        let last = reply.tools.iter().map(|span| span.1).max();
        for span in &reply.tools {
            self.tools.push((span.0.point(), id, false));
            self.tools.push((span.1.point(), id, Some(span.1) == last));
        }
        self.tools.sort_by_key(|(at, ..)| *at);
    }

    /// The reply's sound: without the spans in which tools run.
    fn pieces(&self, reply: &Reply) -> Vec<Piece> {
        let length = length(&reply.text);
        let end = reply.to.map_or(self.now + length, |to| to.point());
        let mut from = self.now;
        let mut pieces = Vec::new();
        for span in &reply.tools {
            pieces.push(Piece {
                ready: from,
                left: span.0.point().since(from),
            });
            from = span.1.point().max(from);
        }
        let left = end.since(from).max(Duration::from_millis(1));
        pieces.push(Piece { ready: from, left });
        pieces.retain(|piece| !piece.left.is_zero());
        pieces
    }

    fn say(&mut self, id: UtteranceId, text: &str) {
        let piece = Piece {
            ready: self.now + SYNTHESIS,
            left: length(text),
        };
        let spoken = self.utterance(id);
        spoken.pieces.push_back(piece);
        spoken.is_closed = true;
        // Within an output; the machine takes it with what comes next.
        let text = Phi::new(text.to_owned());
        self.script.push_front((
            self.now,
            Input::AgentSays {
                utterance: id,
                text,
            },
        ));
    }

    fn fill(&mut self, id: UtteranceId, text: &str) {
        let piece = Piece {
            ready: self.now + SYNTHESIS,
            left: length(text),
        };
        self.utterance(id).pieces.push_front(piece);
        let text = Phi::new(text.to_owned());
        self.script.push_front((
            self.now,
            Input::AgentSays {
                utterance: id,
                text,
            },
        ));
    }

    fn utterance(&mut self, id: UtteranceId) -> &mut Utterance {
        let place = self.playout.iter().position(|u| u.id == id);
        let place = place.unwrap_or_else(|| {
            self.playout.push_back(Utterance {
                id,
                pieces: VecDeque::new(),
                is_closed: false,
                sounds: false,
            });
            self.playout.len() - 1
        });
        &mut self.playout[place]
    }

    /// A millisecond of the utterance that is first in line.
    fn sound(&mut self) {
        let (now, is_paused) = (self.now, self.is_paused);
        let Some(front) = self.playout.front_mut() else {
            return;
        };
        let id = front.id;
        let of = Event {
            utterance: Some(id.0),
            ..Event::default()
        };
        match front.pieces.front_mut() {
            _ if is_paused => {}
            Some(piece) if piece.ready <= now => {
                piece.left = piece.left.saturating_sub(Duration::from_millis(1));
                let is_over = piece.left.is_zero();
                if is_over {
                    front.pieces.pop_front();
                }
                if !std::mem::replace(&mut front.sounds, true) {
                    self.note("sounds", of);
                    self.feed(Input::PlayoutStarted(id));
                }
            }
            None if front.is_closed => {
                self.playout.pop_front();
                self.note("finished", of);
                self.feed(Input::PlayoutFinished(id));
            }
            Some(_) | None => {
                if std::mem::take(&mut front.sounds) {
                    self.note("dry", of);
                    self.feed(Input::PlayoutDry(id));
                }
            }
        }
    }
}

fn length(text: &str) -> Duration {
    PER_CHARACTER * u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// The caller's and the recogniser's part. At the same time: first the voice, then words, then the rest.
fn script(timeline: &Timeline) -> VecDeque<(CallTime, Input)> {
    let mut script = vec![(timeline.answered.point(), Input::CallerActive)];
    for span in &timeline.voice {
        let (from, to) = (span.0.point(), span.1.point());
        script.push((from + DETECTED.0, Input::SpeechStarted { at: from }));
        script.push((to + DETECTED.1, Input::SpeechEnded { at: to }));
    }
    for heard in &timeline.transcripts {
        let transcript = timeline.transcript(heard);
        script.push((heard.at.point(), Input::Transcript(transcript)));
    }
    for gap in &timeline.utterance_ends {
        let last_word_end = gap.last_word_end.map(|end| end.point());
        script.push((gap.at.point(), Input::UtteranceEnd { last_word_end }));
    }
    for key in &timeline.keys {
        script.push((key.at.point(), Input::Dtmf(key.key)));
    }
    for span in &timeline.recogniser_lost {
        script.push((span.0.point(), Input::SttLost));
        script.push((span.1.point(), Input::SttRestored));
    }
    if let Some(at) = timeline.hangs_up {
        script.push((at.point(), Input::CallerLeft));
    }
    script.sort_by_key(|(at, _)| *at);
    script.into()
}
