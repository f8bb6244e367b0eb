//! What holds for every call, whatever the caller, the vendors and the playout do.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Op {
    Speak,
    Hush,
    Words(bool),
    Text(usize, bool),
    Says(usize),
    Gap(u64),
    Backchannel,
    EmptyFinal,
    SttLost,
    SttRestored,
    Sentence,
    FinishReply,
    FailReply,
    Key,
    Goodbye,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Speak),
        6 => Just(Op::Hush),
        6 => any::<bool>().prop_map(Op::Words),
        6 => (0..TEXTS.len(), any::<bool>()).prop_map(|(nth, is_final)| Op::Text(nth, is_final)),
        4 => (0..TEXTS.len()).prop_map(Op::Says),
        2 => (0_u64..6000).prop_map(Op::Gap),
        2 => Just(Op::Backchannel),
        2 => Just(Op::EmptyFinal),
        1 => Just(Op::SttLost),
        1 => Just(Op::SttRestored),
        8 => Just(Op::Sentence),
        5 => Just(Op::FinishReply),
        1 => Just(Op::FailReply),
        1 => Just(Op::Key),
        1 => Just(Op::Goodbye),
    ]
}

/// What either side may say: groups of digits and letters, questions, hesitations, leave, echoes, recordings.
const TEXTS: [&str; 16] = [
    "My number is 212.",
    "555 0123.",
    "J-O-H-N.",
    "john dot smith at.",
    "What is your phone number?",
    "Shall I book it?",
    "I have Tuesday at ten or Wednesday at noon.",
    "Tuesday at ten",
    "Mm-hmm.",
    "Uh-uh.",
    "ummm",
    "Hello?",
    "Wait, one more question.",
    "Okay, thank you, bye.",
    "Please hold, your call is important to us.",
    "yeah",
];

/// A voice that brings no word for so long may be a noise.
const NOISE: Duration = Duration::from_secs(4);

struct Spoken {
    id: UtteranceId,
    left: u64,
    closed: bool,
    sounding: bool,
}

/// A caller, a model and a synthesiser that do as the outputs say.
struct World {
    turn: TurnMachine,
    now: u64,
    queue: VecDeque<Spoken>,
    paused: bool,
    speech: Option<u64>,
    reply: Option<(UtteranceId, bool)>,
    unanswered: Option<UtteranceId>,
    words: u64,
    /// When a word was understood last.
    word_at: u64,
    /// The machine takes the voice, which had brought no word for long, for a noise.
    is_over_noise: bool,
    ended: bool,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            turn: TurnMachine::new(at(0), config(), Opening::Greeting, 0),
            now: 0,
            queue: VecDeque::new(),
            paused: false,
            speech: None,
            reply: None,
            unanswered: None,
            words: 0,
            word_at: 0,
            is_over_noise: false,
            ended: false,
        };
        world.feed(Input::CallerActive);
        world
    }

    fn feed(&mut self, input: Input) {
        self.turn.handle_input(at(self.now), input);
        while let Some(output) = self.turn.poll_output() {
            self.obey(output);
        }
        assert!(
            self.turn.deadline().is_none_or(|due| due > at(self.now)),
            "a deadline lies in the past"
        );
        self.check_overlap();
    }

    fn obey(&mut self, output: Output) {
        assert!(!self.ended, "nothing comes after the end");
        match output {
            Output::CommitUserTurn(turn) => {
                assert!(!turn.text.expose().is_empty());
                assert_eq!(
                    self.unanswered, None,
                    "the last turn was neither answered nor superseded"
                );
            }
            Output::StartReply { utterance, draft } => {
                assert!(self.reply.is_none(), "one reply at a time");
                self.reply = Some((utterance, draft.is_none()));
                self.unanswered = draft.is_none().then_some(utterance);
            }
            Output::ReleaseReply(utterance) => {
                let reply = self.reply.as_mut().expect("a reply to release");
                assert_eq!((reply.0, reply.1), (utterance, false));
                reply.1 = true;
                self.unanswered = Some(utterance);
            }
            Output::CancelReply(utterance) => {
                self.reply.take_if(|r| r.0 == utterance);
                self.unanswered.take_if(|u| *u == utterance);
                if let Some(spoken) = self.queue.iter_mut().find(|s| s.id == utterance) {
                    spoken.closed = true;
                }
            }
            Output::Say(id, _) => self.queue.push_back(Spoken {
                id,
                left: 800,
                closed: true,
                sounding: false,
            }),
            Output::Filler { utterance, .. } => self.sound(utterance, 300),
            Output::PausePlayout => self.paused = true,
            Output::ResumePlayout => self.paused = false,
            Output::StopPlayout { .. } => {
                self.paused = false;
                self.queue.clear();
            }
            Output::End(_) => self.ended = true,
            Output::Finalize => {}
        }
    }

    fn sound(&mut self, id: UtteranceId, ms: u64) {
        match self.queue.iter_mut().find(|s| s.id == id) {
            Some(spoken) => spoken.left += ms,
            None => self.queue.push_back(Spoken {
                id,
                left: ms,
                closed: false,
                sounding: false,
            }),
        }
    }

    fn check_overlap(&mut self) {
        let Some(since) = self.speech.filter(|_| !self.ended) else {
            return;
        };
        let overlap = at(self.now).since(at(since));
        if self.turn.caller.speech.is_none() && !self.is_over_noise {
            let wordless = at(self.now).since(at(since.max(self.word_at)));
            assert!(wordless >= NOISE, "a voice that brought words is no noise");
            self.is_over_noise = true;
        }
        let sounding = !self.paused && self.queue.front().is_some_and(|s| s.sounding);
        let may_overlap = self.is_over_noise || self.turn.is_closing();
        assert!(
            !sounding || may_overlap || overlap < config().barge_in,
            "the agent spoke over the caller for {overlap:?}"
        );
    }

    /// Lets the playout and the timers run up to `to`.
    fn advance(&mut self, to: u64) {
        while self.now < to && !self.ended {
            let due = self.turn.deadline().map_or(u64::MAX, CallTime::as_millis);
            let playing = !self.paused && self.queue.front().is_some_and(|s| s.left > 0);
            if playing && self.queue.front().is_some_and(|s| !s.sounding) {
                let id = self.queue[0].id;
                self.queue[0].sounding = true;
                self.feed(Input::PlayoutStarted(id));
                continue;
            }
            let runs_out = if playing {
                self.now + self.queue[0].left
            } else {
                u64::MAX
            };
            let next = to.min(due.max(self.now + 1)).min(runs_out);
            if playing {
                self.queue[0].left -= next - self.now;
            }
            self.now = next;
            self.report_end();
            self.feed(Input::Timeout);
        }
    }

    fn report_end(&mut self) {
        let Some(front) = self.queue.front_mut().filter(|s| s.left == 0) else {
            return;
        };
        let id = front.id;
        if front.closed {
            self.queue.pop_front();
            self.unanswered.take_if(|u| *u == id);
            self.feed(Input::PlayoutFinished(id));
        } else if std::mem::take(&mut front.sounding) {
            self.feed(Input::PlayoutDry(id));
        }
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Speak if self.speech.is_none() => {
                self.speech = Some(self.now);
                self.feed(Input::SpeechStarted { at: at(self.now) });
            }
            Op::Hush => self.hush(),
            Op::Words(is_final) => self.hear("on tuesday", is_final),
            Op::Text(nth, is_final) => self.hear(TEXTS[nth], is_final),
            Op::Says(nth) => self.says(nth),
            Op::Gap(back) => self.feed(Input::UtteranceEnd {
                last_word_end: Some(at(self.now.saturating_sub(back))),
            }),
            Op::Backchannel => self.hear("uh huh", true),
            Op::EmptyFinal => self.hear("", true),
            Op::SttLost => self.feed(Input::SttLost),
            Op::SttRestored => self.feed(Input::SttRestored),
            Op::Sentence => {
                if let Some((id, true)) = self.reply {
                    self.sound(id, 900);
                    self.feed(Input::ReplyProgress(id));
                }
            }
            Op::FinishReply => self.finish_reply(),
            Op::FailReply => self.fail_reply(),
            Op::Key => self.feed(Input::Dtmf('5')),
            Op::Goodbye if self.reply.is_some_and(|r| r.1) => {
                self.feed(Input::Closing(EndReason::Goodbye))
            }
            Op::Speak | Op::Goodbye => {}
        }
    }

    /// Text of what sounds, or will sound next.
    fn says(&mut self, nth: usize) {
        if let Some(id) = self.queue.front().map(|spoken| spoken.id) {
            self.feed(Input::AgentSays {
                utterance: id,
                text: Phi::new(TEXTS[nth].to_owned()),
            });
        }
    }

    fn hush(&mut self) {
        self.is_over_noise = false;
        if self.speech.take().is_some() {
            self.feed(Input::SpeechEnded { at: at(self.now) });
        }
    }

    fn hear(&mut self, text: &str, is_final: bool) {
        self.words = self.words.max(self.now) + 200;
        if !text.is_empty() {
            self.word_at = self.now;
        }
        self.feed(Input::Transcript(heard(text, self.words, is_final)));
    }

    fn finish_reply(&mut self) {
        let Some((id, true)) = self.reply else { return };
        if let Some(spoken) = self.queue.iter_mut().find(|s| s.id == id) {
            spoken.closed = true;
            self.reply = None;
            self.feed(Input::ReplyFinished(id));
        } else {
            self.fail_reply();
        }
    }

    fn fail_reply(&mut self) {
        let Some((id, _)) = self.reply.take() else {
            return;
        };
        let spoken = self.queue.iter_mut().find(|s| s.id == id);
        let after = match spoken {
            Some(spoken) => {
                spoken.closed = true;
                BrokeOff::Spoken
            }
            None if self.now.is_multiple_of(2) => BrokeOff::Unheard,
            None => BrokeOff::Unbegun,
        };
        self.unanswered.take_if(|u| *u == id);
        self.feed(Input::ReplyFailed {
            utterance: id,
            after,
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_never_speaks_over_the_caller_answers_every_turn_and_ends(ops in prop::collection::vec((1_u64..900, op()), 0..80)) {
        let mut world = World::new();
        for (wait, op) in ops {
            let to = world.now + wait;
            world.advance(to);
            if world.ended {
                return Ok(());
            }
            world.act(op);
        }
        world.hush();
        let limit = world.now + config().call_limit.as_millis() as u64 + 60_000;
        world.advance(limit);
        prop_assert!(world.ended, "the call never ends: {:?}", world.turn);
    }

    #[test]
    fn every_turn_ends_within_the_longest_wait(texts in prop::collection::vec(0..TEXTS.len(), 1..5), asked in 0..TEXTS.len()) {
        let mut call = Driver::asked(TEXTS[asked]);
        let mut from = 6000;
        let mut seen = 0;
        for nth in texts {
            call.speak(from, from + 800, TEXTS[nth]);
            seen += call.commits(from + 1200).len();
            from += 1200;
        }
        let spoken = from - 400;
        let longest = config().max_delay.as_millis() as u64;
        let end = call.commits(spoken + longest);
        prop_assert!(call.turn.is_ended() || call.turn.is_closing() || seen + end.len() > 0);
        for (when, text) in end {
            prop_assert!(when <= spoken + longest, "{when}: {text}");
        }
    }

    #[test]
    fn the_wait_after_a_text_is_one_of_four(text in "[a-zA-Z0-9 .,?@'-]{0,40}") {
        // Neither a panic nor a pause that depends on what stands before.
        let pause = words::pause_after(&text, None);
        prop_assert_eq!(pause, words::pause_after(&text, None));
        let patience = config().patience(pause);
        prop_assert!((config().min_delay..=config().max_delay).contains(&patience));
    }

    #[test]
    fn sentences_about_words_do_not_panic(text in ".{0,60}") {
        let _ = is_unfinished(&text);
        let _ = is_backchannel(&text);
    }
}
