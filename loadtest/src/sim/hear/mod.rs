//! Hearing: which utterance of a known corpus was spoken, from the audio alone.
//!
//! At start-up every utterance is synthesised and sent through a telephone line; its mel-cepstra are the templates.
//! Incoming speech is cut at silences ([`segment`]), turned into the same features ([`features`]) and aligned with all
//! templates by dynamic time warping ([`align`]); what fits none well enough is not recognised ([`recogniser`]).

pub mod align;
pub mod corpus;
pub mod features;
pub mod recogniser;
pub mod segment;
#[cfg(test)]
mod tests;

pub use corpus::{Corpus, Utterance};
pub use recogniser::{Heard, HeardWord, Recogniser};

/// Rate at which everything is heard.
pub const RATE: u32 = 8_000;

/// Samples from one feature frame to the next: 16 ms.
pub const HOP: usize = 128;

/// Time of a frame's start, in seconds, from a frame index.
#[must_use]
pub fn frame_seconds(frame: usize) -> f64 {
    frame as f64 * HOP as f64 / f64::from(RATE)
}

/// The number of frames nearest to a time in milliseconds.
#[must_use]
pub fn frames_in(milliseconds: u64) -> usize {
    (milliseconds as usize * RATE as usize / 1_000 + HOP / 2) / HOP
}
