//! Encoding and decoding as a call does it, on one thread, without a network.

use std::{hint::black_box, time::Duration};

use anyhow::Context;
use livekit::webrtc::bench_support::{
    AudioReceiver, AudioSender, ReceiverConfig, Repair, SenderConfig,
};
use serde::Serialize;

use super::{alloc::allocations, process::ThreadClock};
use crate::speech::Pcm;

/// The pipeline's rate: the decoder gives it directly, so nothing is resampled.
const RATE: u32 = 16_000;
const BLOCK: usize = 160;
/// Buffers grow first.
const WARM_UP: usize = 100;

/// What a step costs per frame of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Cost {
    /// CPU time, µs: the mean over all frames.
    pub(super) cpu_us: f64,
    /// Heap allocations.
    pub(super) allocations: f64,
}

/// Adds up a step's cost.
#[derive(Default)]
struct Meter {
    busy: Duration,
    allocations: u64,
    frames: u64,
}

impl Meter {
    fn run<T>(&mut self, counts: bool, step: impl FnOnce() -> T) -> T {
        let (clock, before) = (ThreadClock::start(), allocations());
        let result = step();
        if counts {
            self.allocations += allocations() - before;
            self.busy += clock.elapsed();
            self.frames += 1;
        }
        result
    }

    fn cost(&self) -> Cost {
        let frames = self.frames.max(1) as f64;
        Cost {
            cpu_us: self.busy.as_secs_f64() * 1e6 / frames,
            allocations: self.allocations as f64 / frames,
        }
    }
}

/// Encodes speech and decodes it again: (encode, decode).
///
/// # Errors
/// libopus refused.
pub(super) fn measure(speech: &Pcm) -> anyhow::Result<(Cost, Cost)> {
    let mut sender = AudioSender::new(SenderConfig::speech(RATE, 1)).context("make an encoder")?;
    let config = ReceiverConfig {
        sample_rate: RATE,
        channels: 1,
        repair: Repair::Full,
    };
    let mut receiver = AudioReceiver::new(config).context("make a decoder")?;
    let (mut encode, mut decode) = (Meter::default(), Meter::default());
    let (mut packet, mut out) = (Vec::with_capacity(1_500), vec![0; BLOCK]);
    let frames = speech.samples.chunks_exact(2 * BLOCK).enumerate();
    for (number, frame) in frames {
        let counts = number >= WARM_UP;
        encode.run(counts, || {
            frame
                .chunks_exact(BLOCK)
                .try_for_each(|block| sender.push_10ms(black_box(block), &mut packet).map(drop))
        })?;
        let now = Duration::from_millis(20 * number as u64);
        decode.run(counts, || {
            receiver.push_rtp(now, number as u64, 960 * number as u64, &packet);
            for half in [now, now + Duration::from_millis(10)] {
                receiver.pull_10ms(half, &mut out);
                black_box(&out);
            }
        });
    }
    Ok((encode.cost(), decode.cost()))
}
