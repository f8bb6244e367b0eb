//! What the caller sends: speech as a phone line carries it, and the line's own noise between.

use std::sync::Arc;

use livekit::webrtc::{audio_frame::AudioFrame, audio_source::native::NativeAudioSource};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::speech::Pcm;

/// Samples per second of the track: the phone's band is half of it, as with livekit-sip.
pub(super) const TRACK_RATE: u32 = 16_000;
/// Samples in a frame of 20 ms.
const FRAME: usize = 320;
/// Peak of the line's noise: about -70 dBFS.
const NOISE_PEAK: i16 = 16;

/// Speaks on a track. Clones speak one after the other.
#[derive(Clone, Debug)]
pub(super) struct Mouth {
    lines: mpsc::Sender<Speech>,
}

#[derive(Debug)]
struct Speech {
    samples: Arc<Vec<i16>>,
    done: oneshot::Sender<(Instant, Instant)>,
}

/// Speech as the far end of a phone line hears it, ready for the track.
pub(super) fn through_the_phone(speech: &Pcm) -> Arc<Vec<i16>> {
    Arc::new(speech.telephone().resampled(TRACK_RATE).samples)
}

impl Mouth {
    /// A mouth, and the task that moves it; the task never ends by itself.
    pub(super) fn new(source: NativeAudioSource) -> (Self, impl Future<Output = ()> + Send) {
        let (lines, inbox) = mpsc::channel(1);
        (Self { lines }, run(source, inbox))
    }

    /// Says something; returns when its first frame was handed to the line and when its last one. None if the line is gone.
    pub(super) async fn say(&self, samples: Arc<Vec<i16>>) -> Option<(Instant, Instant)> {
        let (done, spoken) = oneshot::channel();
        self.lines.send(Speech { samples, done }).await.ok()?;
        spoken.await.ok()
    }
}

async fn run(source: NativeAudioSource, mut inbox: mpsc::Receiver<Speech>) {
    let noise = line_noise();
    let mut noise = noise.iter().copied().cycle();
    loop {
        let Ok(speech) = inbox.try_recv() else {
            let frame: Vec<i16> = noise.by_ref().take(FRAME).collect();
            if !send(&source, &frame).await {
                return;
            }
            continue;
        };
        let from = Instant::now();
        for piece in speech.samples.chunks(FRAME) {
            let frame: Vec<i16> = piece
                .iter()
                .copied()
                .chain(noise.by_ref())
                .take(FRAME)
                .collect();
            if !send(&source, &frame).await {
                return;
            }
        }
        if speech.done.send((from, Instant::now())).is_err() {
            tracing::debug!("nobody waited for the end of a sentence");
        }
    }
}

/// Waits while the track's queue is full: the engine's clock sets the pace.
async fn send(source: &NativeAudioSource, samples: &[i16]) -> bool {
    let frame = AudioFrame {
        data: samples.into(),
        sample_rate: TRACK_RATE,
        num_channels: 1,
        samples_per_channel: samples.len() as u32,
    };
    source.capture_frame(&frame).await.is_ok()
}

/// One second of what a silent line sounds like.
fn line_noise() -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(1);
    let samples = (0..8_000)
        .map(|_| random.random_range(-NOISE_PEAK..=NOISE_PEAK))
        .collect();
    Pcm {
        samples,
        rate: 8_000,
    }
    .telephone()
    .resampled(TRACK_RATE)
    .samples
}
