//! Silence while the network plays something to the caller: see [`crate::pipeline::cover`].

use super::Session;
use crate::{
    domain::call_time::CallTime,
    media::playout::UtteranceId,
    pipeline::{cover::Wish, lines, turn::Input},
};

impl Session {
    /// Is silent when the network wants that, and speaks again afterwards.
    pub(super) fn heed_cover(&mut self, now: CallTime) {
        let wanted = match self.cover.wish() {
            Wish::None => false,
            Wish::AfterTheWords => self.voice.is_covered() || self.voice.is_idle(),
            Wish::Now => true,
        };
        if wanted == self.voice.is_covered() {
            return;
        }
        if wanted {
            self.voice.cover(now);
        } else {
            self.voice.uncover();
        }
        self.cover.is_silent(wanted);
    }

    /// The ring tone bridges a wait as well as words do; the answer is under way all the same.
    pub(super) fn fill(&mut self, now: CallTime, utterance: UtteranceId, nth: u32) {
        if self.cover.wish() == Wish::None {
            self.say_canned(now, utterance, lines::filler(nth));
        } else {
            self.inputs.push_back(Input::ReplyProgress(utterance));
        }
    }
}
