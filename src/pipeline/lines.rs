//! What the agent says without being asked by the model: for each failure a line, because silence is a bug.

use super::turn::{EndReason, Line};
use crate::tools::outcome::CallEffect;

/// The text of a canned line; the greeting is the clinic's.
#[must_use]
pub fn text(line: Line, greeting: &str) -> String {
    match line {
        Line::Greeting => greeting.to_owned(),
        Line::Resumed => "Sorry, I lost you for a second.".into(),
        Line::Returned => "I am sorry, nobody could take your call just now. Is there anything else I can help you with?".into(),
        Line::DidNotCatch(0) => "Sorry, I did not catch that. Could you say it again?".into(),
        Line::DidNotCatch(_) => "I am sorry, I still could not understand you. Could you tell me in a few words, in English, what you need?".into(),
        Line::NotUnderstood => "I am sorry, I cannot understand you well. Let me connect you with someone who can help.".into(),
        Line::SameAgain => "I am sorry, I do not seem to be of much help with that. Let me connect you with someone who can help.".into(),
        Line::Recording => "I seem to be talking with a recording, so I will hang up now. Please call us again. Goodbye.".into(),
        Line::LineBroke => "Sorry, the line broke up for a moment.".into(),
        Line::SayAgain => "Sorry, let me say that again.".into(),
        Line::AreYouThere(0) => "Are you still there?".into(),
        Line::AreYouThere(_) => "Hello? I am still here if you need anything.".into(),
        Line::AwayGoodbye => "I cannot hear you, so I will hang up now. Please call us again. Goodbye.".into(),
        Line::HandOver => "I am sorry, I am having trouble right now. Let me connect you with someone who can help.".into(),
        Line::TimeUp => "I am sorry, we have reached the time limit of this call. Let me connect you with someone who can help.".into(),
    }
}

/// Bridges a wait; the first is short, later ones say that work goes on.
#[must_use]
pub const fn filler(nth: u32) -> &'static str {
    match nth {
        0 => "One moment, please.",
        1 => "I am still checking.",
        _ => "Thanks for your patience, just a little longer.",
    }
}

/// Said in place of a claim that no tool bears out, while the model is asked again.
pub(super) const LET_ME_CHECK: &str = "Let me check that.";

/// Said when a tool ends the call and the model found no words for it.
pub(super) const fn closing(effect: CallEffect) -> &'static str {
    match effect {
        CallEffect::TransferToHuman => "One moment, I will connect you with someone.",
        CallEffect::EndCall => "Thank you for calling. Goodbye.",
    }
}

/// What the machine is told when a tool ends the call.
pub(super) const fn reason(effect: CallEffect) -> EndReason {
    match effect {
        CallEffect::TransferToHuman => EndReason::Transfer,
        CallEffect::EndCall => EndReason::Goodbye,
    }
}
