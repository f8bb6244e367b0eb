//! The one frame format between the room and the pipeline.

use std::time::Duration;

use crate::domain::call_time::CallTime;

/// Samples per second everywhere in the pipeline: Opus decodes straight to it, the recogniser and the VAD read it, and the
/// synthesiser is asked for it, so nothing is resampled on the way.
pub const SAMPLE_RATE: u32 = 16_000;

/// Packet time: how much sound one frame holds.
pub const PTIME: Duration = Duration::from_millis(20);

/// Samples in a frame.
pub const FRAME_SAMPLES: usize = 320;

/// Mono PCM at 16 kHz, one `ptime` of 20 ms: exactly 320 samples.
#[derive(Clone)]
pub struct AudioFrame {
    /// When its first sample arrived, on the call's clock.
    pub at: CallTime,
    /// The samples.
    pub samples: [i16; FRAME_SAMPLES],
}

impl AudioFrame {
    /// 20 ms of silence.
    #[must_use]
    pub const fn silence(at: CallTime) -> Self {
        Self {
            at,
            samples: [0; FRAME_SAMPLES],
        }
    }
}

impl std::fmt::Debug for AudioFrame {
    /// Sound is patient data: only the time is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioFrame")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
