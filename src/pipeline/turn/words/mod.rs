//! What can be told from words alone. Pure, without time.

mod address;
mod dates;
mod dictation;
mod farewell;
mod forms;
mod pieces;
mod question;
mod recording;
mod run;

pub(super) use self::{
    dictation::pause_after,
    farewell::{is_farewell, is_hello, is_plea},
    forms::{bare_words, is_continuer, norm_words},
    question::{Question, is_asking},
    recording::{is_recording, is_repeated},
};
pub use self::{forms::is_backchannel, forms::is_unfinished};

/// How long a speaker may be silent after these words before their turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pause {
    /// The words are complete.
    Plain,
    /// A sentence that goes on.
    Unfinished,
    /// A number, a name or an address that is told in groups, and may be complete.
    Dictating,
    /// One that cannot be complete.
    Incomplete,
}

#[cfg(test)]
mod tests;
