//! What goes into the turn machine and what comes out.

use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    media::playout::UtteranceId,
    providers::stt::Transcript,
};

/// Something happened. All times are on the call's clock.
#[derive(Clone, Debug)]
pub enum Input {
    /// The caller is on the line.
    CallerActive,
    /// The caller's leg had vanished and is back: for a moment neither heard the other.
    CallerBack,
    /// The caller hung up.
    CallerLeft,
    /// The call goes on elsewhere, or is lost: fall silent at once.
    Lost(EndReason),
    /// Voice activity began; `at` is its first voiced frame.
    SpeechStarted {
        /// First voiced frame.
        at: CallTime,
    },
    /// Voice activity ended; `at` is the end of the last audible sound.
    SpeechEnded {
        /// End of the last sound.
        at: CallTime,
    },
    /// The recogniser understood something.
    Transcript(Transcript),
    /// The recogniser sees a long gap after a word.
    UtteranceEnd {
        /// End of that word, if the recogniser tells it.
        last_word_end: Option<CallTime>,
    },
    /// The recogniser is gone; it is being opened again.
    SttLost,
    /// The recogniser is back and hears what it missed.
    SttRestored,
    /// The recogniser cannot be opened again.
    SttDead,
    /// The synthesiser cannot be opened again: nothing more can be said.
    VoiceDead,
    /// This text of the utterance is on its way to the playout.
    AgentSays {
        /// Which.
        utterance: UtteranceId,
        /// A sentence or more, as written.
        text: Phi<String>,
    },
    /// The caller hears this utterance, from now on or again.
    PlayoutStarted(UtteranceId),
    /// All sound so far was played; more may come.
    PlayoutDry(UtteranceId),
    /// The utterance was played to its end.
    PlayoutFinished(UtteranceId),
    /// The reply made progress: text came, a tool began or ended.
    ReplyProgress(UtteranceId),
    /// All text of the reply is on its way to the playout.
    ReplyFinished(UtteranceId),
    /// The reply broke off or has no text.
    ReplyFailed {
        /// Which.
        utterance: UtteranceId,
        /// How far it had come.
        after: BrokeOff,
    },
    /// A tool ends the call: after this reply's words, which can no longer be interrupted.
    Closing(EndReason),
    /// The caller pressed a key.
    Dtmf(char),
    /// The pod stops: say so and end.
    Stop,
    /// [`super::TurnMachine::deadline`] passed.
    Timeout,
}

/// Something is to be done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Ask the recogniser for its final transcript.
    Finalize,
    /// The caller's turn is over: record it.
    CommitUserTurn(UserTurn),
    /// Generate a reply. With a draft it is speculative: nothing is spoken and no mutating tool runs before [`Output::ReleaseReply`].
    StartReply {
        /// Its utterance.
        utterance: UtteranceId,
        /// The caller's words so far, if their turn is not committed yet.
        draft: Option<Phi<String>>,
    },
    /// The speculative reply is the answer to the turn just committed.
    ReleaseReply(UtteranceId),
    /// Give the reply up; running mutating tools go on.
    CancelReply(UtteranceId),
    /// Say a canned line as its own utterance.
    Say(UtteranceId, Line),
    /// Bridge a wait inside the reply's utterance.
    Filler {
        /// The reply.
        utterance: UtteranceId,
        /// How many came before it.
        nth: u32,
    },
    /// Go silent at once, but keep what is left: it is not yet clear whether the caller means to interrupt.
    PausePlayout,
    /// It was nothing.
    ResumePlayout,
    /// Forget what is left to say.
    StopPlayout {
        /// The caller cut off what was being heard.
        barge_in: bool,
    },
    /// The call is over.
    End(EndReason),
}

/// How far a reply had come that broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokeOff {
    /// No vendor would begin it: all of them were asked.
    Unbegun,
    /// A vendor began it, and the caller heard nothing of it.
    Unheard,
    /// Part of it was given to the playout.
    Spoken,
}

/// A committed contribution of the caller.
#[derive(Clone, Debug)]
pub struct UserTurn {
    /// Its place among the caller's turns, from 0.
    pub index: u32,
    /// What was understood.
    pub text: Phi<String>,
    /// With times and confidences; empty for keys pressed.
    pub words: Vec<Word>,
    /// First voiced frame.
    pub started: CallTime,
    /// End of the last audible sound.
    pub ended: CallTime,
    /// When the last final transcript came, if one did.
    pub final_at: Option<CallTime>,
    /// The endpointing wait that applied to it.
    pub endpoint_at: CallTime,
}

/// A canned line; its text is in `pipeline/lines.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// First words of the call.
    Greeting,
    /// First words after another pod took the call over.
    Resumed,
    /// After a person did not take the call.
    Returned,
    /// The caller spoke, but no word was understood; how often this was said before.
    DidNotCatch(u32),
    /// The caller spoke several times, and no word was understood: a person takes over.
    NotUnderstood,
    /// Somebody says the same again and again: a person takes over.
    SameAgain,
    /// A recording speaks.
    Recording,
    /// The recogniser broke while the caller spoke.
    LineBroke,
    /// The model broke off in its answer: it starts again.
    SayAgain,
    /// Nobody says anything; how often this was asked before.
    AreYouThere(u32),
    /// Nobody said anything for too long.
    AwayGoodbye,
    /// We cannot go on; a person or the fallback takes over.
    HandOver,
    /// The call is too long.
    TimeUp,
}

impl Line {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Resumed => "resumed",
            Self::Returned => "returned",
            Self::DidNotCatch(_) => "did_not_catch",
            Self::NotUnderstood => "not_understood",
            Self::SameAgain => "same_again",
            Self::Recording => "recording",
            Self::LineBroke => "line_broke",
            Self::SayAgain => "say_again",
            Self::AreYouThere(_) => "are_you_there",
            Self::AwayGoodbye => "away_goodbye",
            Self::HandOver => "hand_over",
            Self::TimeUp => "time_up",
        }
    }
}

/// How the agent begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// With the clinic's greeting.
    Greeting,
    /// The caller was in conversation with an agent that is gone: an apology, then on from where they were.
    Apology,
    /// A person did not take the caller: a word about that, and a question.
    Return,
    /// The caller was given over between two turns: silence, and ears.
    Quiet,
}

/// Why the machine ended the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The agent said goodbye.
    Goodbye,
    /// The caller is handed to a person.
    Transfer,
    /// The caller hung up.
    CallerLeft,
    /// The caller never came on the line.
    NeverCame,
    /// The caller fell silent.
    CallerAway,
    /// The call reached its longest duration.
    TooLong,
    /// A vendor failed for good, and the caller was told.
    Failed,
    /// Nothing can be said any more: the gateway must speak.
    VoiceDead,
    /// The pod stops.
    Stopped,
    /// The room is gone without our doing: the call may go on elsewhere.
    RoomLost,
    /// A newer epoch owns the call.
    Fenced,
    /// Another pod goes on with the call.
    HandedOver,
}

impl EndReason {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Transfer => "transfer",
            Self::CallerLeft => "caller_left",
            Self::NeverCame => "never_came",
            Self::CallerAway => "caller_away",
            Self::TooLong => "too_long",
            Self::Failed => "failed",
            Self::VoiceDead => "voice_dead",
            Self::Stopped => "stopped",
            Self::RoomLost => "room_lost",
            Self::Fenced => "fenced",
            Self::HandedOver => "handed_over",
        }
    }
}
