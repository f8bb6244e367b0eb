//! What becomes of a reply that claims what no tool bears out: the model is asked again, a few times, then a person takes over.

use super::{Session, obey::CANNED};
use crate::{
    domain::call_time::CallTime,
    pipeline::{lines, reply::Step, speech::Sentence},
};

impl Session {
    /// Looks whether the model has to be asked again for the step that it has just written, and sees to it. Calls of that step have gone their way: then the next step
    /// comes by itself.
    pub(super) fn corrects(&mut self, now: CallTime) -> bool {
        let Some(reply) = &mut self.reply else {
            return false;
        };
        if !reply.is_released() || reply.has_unspoken() || !reply.is_untrue() {
            return false;
        }
        let utterance = reply.utterance;
        // Last words are not asked for twice: the call says goodbye by itself.
        if let Some(effect) = reply.effect {
            reply.untrue.settle();
            reply.spoken = true;
            if let Some(sentence) = Sentence::new(lines::closing(effect)) {
                self.say_sentence(now, utterance, CANNED, sentence);
            }
            return false;
        }
        if reply.untrue.is_hopeless() {
            reply.step = Step::Broken;
            return true;
        }
        reply.step = Step::Blocked;
        if reply.untrue.correct()
            && let Some(sentence) = Sentence::new(lines::LET_ME_CHECK)
        {
            reply.spoken = true;
            self.say_sentence(now, utterance, CANNED, sentence);
            self.voice.flush(now);
        }
        true
    }
}
