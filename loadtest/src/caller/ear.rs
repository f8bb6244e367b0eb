//! What goes over the line, written down: what left, when it left; what came, when it came.

use std::sync::Arc;

use futures_util::StreamExt;
use livekit::webrtc::{audio_stream::native::NativeAudioStream, audio_track::RtcAudioTrack};
use tokio::time::Instant;

use super::{
    line::{Line, VoiceGate},
    measure::BufferDelay,
    mouth::TRACK_RATE,
    recording::{Placer, RATE},
};

/// The engine renews its figures every 100 ms.
const STATS_EVERY: u32 = 10;

/// A track, and who speaks on it.
#[derive(Debug)]
pub(super) struct Voice {
    pub(super) identity: String,
    pub(super) track: RtcAudioTrack,
}

/// Listens to an agent until the track ends. What comes before `open_at` is held back from the phone.
pub(super) async fn listen(voice: Voice, line: Arc<Line>, open_at: Instant) {
    let (Voice { identity, track }, ear) = (voice, line.new_ear());
    let mut stream = NativeAudioStream::new(track.clone(), RATE.cast_signed(), 1);
    let (mut placer, mut gate, mut blocks) = (Placer::default(), VoiceGate::default(), 0_u32);
    while let Some(block) = stream.next().await {
        let now = Instant::now();
        if now >= open_at {
            let at = placer.place(line.at(now), block.data.len());
            line.log.lock().recording.heard(&identity, at, &block.data);
            line.agent_is(ear, gate.push(now, &block.data));
            blocks += 1;
            if blocks % STATS_EVERY == 1 {
                let delay = track.concealment().delay;
                line.log.lock().buffer.push(BufferDelay {
                    at: line.at(now),
                    delay,
                });
            }
        }
        stream.recycle(block);
    }
    // A track that ends in mid-word is silent from here on.
    line.agent_is(ear, gate.stop());
}

/// Records the caller's own track: its listeners get each block when it leaves for the network.
pub(super) async fn record_own(track: RtcAudioTrack, line: Arc<Line>) {
    let mut stream = NativeAudioStream::new(track, TRACK_RATE.cast_signed(), 1);
    let mut placer = Placer::default();
    while let Some(block) = stream.next().await {
        let now = Instant::now();
        // Its band ends at 4 kHz: nothing folds back.
        let halved: Vec<i16> = block
            .data
            .chunks_exact(2)
            .map(|pair| pair[0].midpoint(pair[1]))
            .collect();
        let at = placer.place(line.at(now), halved.len());
        line.log.lock().recording.sent(at, &halved);
        stream.recycle(block);
    }
}
