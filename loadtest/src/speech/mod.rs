//! Real speech and the telephone's treatment of it: synthesis by Debian's `flite`, G.711, resampling, WAV files, energy.
//!
//! Everything here is mono, 16 bit. Nothing panics on input; what can fail returns a [`SpeechError`].

pub mod energy;
pub mod flite;
pub mod g711;
pub mod resample;
pub mod wav;

use std::{path::PathBuf, time::Duration};

pub use flite::{Flite, Voice};

/// Mono linear PCM with its sample rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// Samples, full scale ±32767.
    pub samples: Vec<i16>,
    /// Samples per second, never 0.
    pub rate: u32,
}

impl Pcm {
    /// Playing time.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }

    /// The same sound at another rate.
    #[must_use]
    pub fn resampled(&self, rate: u32) -> Self {
        Self {
            samples: resample::convert(&self.samples, self.rate, rate),
            rate,
        }
    }

    /// What the far end of a telephone line hears: 8 kHz, once through G.711 µ-law.
    #[must_use]
    pub fn telephone(&self) -> Self {
        let samples = self.resampled(8_000).samples;
        Self {
            samples: samples
                .iter()
                .map(|&s| g711::mulaw_decode(g711::mulaw_encode(s)))
                .collect(),
            rate: 8_000,
        }
    }
}

/// Why speech could not be made or stored.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The synthesiser is not installed.
    #[error("flite is not installed: run make setup")]
    MissingFlite,
    /// The synthesiser ran and failed, or took longer than its deadline.
    #[error("flite failed: {0}")]
    Synthesis(String),
    /// A file could not be read or written.
    #[error("speech file {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Not a RIFF file with 16-bit mono PCM.
    #[error("not a 16-bit mono WAV file: {0}")]
    Wav(&'static str),
}

impl SpeechError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
