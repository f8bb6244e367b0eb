use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use super::*;
use crate::{
    RtcErrorType,
    audio::{inbound::InboundAudio, outbound::OutboundAudio},
    audio_frame::AudioFrame,
    audio_source::AudioSourceOptions,
    audio_stream::native::NativeAudioStream,
};

fn source(queue_size_ms: u32) -> NativeAudioSource {
    NativeAudioSource::new(AudioSourceOptions::default(), 16_000, 1, queue_size_ms)
}

/// 100 ms of a hum.
fn hum() -> AudioFrame<'static> {
    let mut frame = AudioFrame::new(16_000, 1, 1_600);
    for (n, sample) in frame.data.to_mut().iter_mut().enumerate() {
        *sample = ((n as f32 * 0.08).sin() * 8_000.0) as i16;
    }
    frame
}

/// Runs 10 ms of both directions, with a network that takes no time; the packets handed over.
fn tick(out: &mut OutboundAudio, inbound: &mut InboundAudio, nth: u64) -> u64 {
    let now = Duration::from_millis(nth * 10);
    let mut packet = Vec::new();
    let sent = out.tick_10ms(&mut packet).expect("encodes");
    if sent.is_some() {
        inbound.push_rtp(now, nth / 2, nth / 2 * 960, &packet);
    }
    inbound.tick_10ms(now).expect("decodes");
    u64::from(sent.is_some())
}

#[tokio::test]
async fn what_is_captured_is_heard_on_the_other_side() {
    let source = source(200);
    let mut out =
        OutboundAudio::new(RtcAudioTrack::local("a".into(), source.clone())).expect("valid");
    let remote = RtcAudioTrack::remote("b".into());
    let mut stream = NativeAudioStream::new(remote.clone(), 48_000, 1);
    let mut inbound = InboundAudio::new(remote.clone());
    source.capture_frame(&hum()).await.expect("captured");
    let (mut sent, mut loud) = (0, 0);
    for nth in 0..60 {
        sent += tick(&mut out, &mut inbound, nth);
        let frame = stream
            .next()
            .now_or_never()
            .flatten()
            .expect("a frame for each tick");
        assert_eq!((frame.sample_rate, frame.data.len()), (48_000, 480));
        loud += usize::from(frame.data.iter().any(|s| s.unsigned_abs() > 4_000));
    }
    assert_eq!(sent, 30, "packets flow in silence too");
    assert!(
        (9..=12).contains(&loud),
        "100 ms were captured, {loud}0 ms heard"
    );
    assert_eq!(remote.concealment().packets_received, 30);
}

#[tokio::test]
async fn a_disabled_track_sends_silence_and_its_source_goes_on() {
    let source = source(200);
    let track = RtcAudioTrack::local("a".into(), source.clone());
    let mut out = OutboundAudio::new(track.clone()).expect("valid");
    assert!(track.set_enabled(false) && !track.set_enabled(false));
    source.capture_frame(&hum()).await.expect("captured");
    let mut packet = Vec::new();
    for _ in 0..40 {
        let sent = out.tick_10ms(&mut packet).expect("encodes");
        assert!(packet.len() < 40, "{sent:?}: {} bytes", packet.len());
    }
    track.set_enabled(true);
    assert!(
        matches!(out.tick_10ms(&mut packet), Ok(None)),
        "the hum has passed"
    );
}

#[tokio::test]
async fn frames_that_do_not_fit_the_source_are_refused() {
    let wrong_rate = AudioFrame::new(48_000, 1, 480);
    let error = source(100)
        .capture_frame(&wrong_rate)
        .await
        .expect_err("another rate");
    assert_eq!(error.error_type, RtcErrorType::InvalidState);
    source(0)
        .capture_frame(&hum())
        .await
        .expect_err("100 ms into a source without a queue");
    let odd = NativeAudioSource::new(AudioSourceOptions::default(), 22_050, 1, 100);
    odd.capture_frame(&AudioFrame::new(22_050, 1, 220))
        .await
        .expect_err("no 10 ms blocks");
}

#[test]
fn a_track_that_nobody_listens_to_is_not_decoded() {
    let remote = RtcAudioTrack::remote("b".into());
    let mut inbound = InboundAudio::new(remote.clone());
    for nth in 0..50 {
        inbound.push_rtp(Duration::from_millis(nth * 10), nth, nth * 480, &[0; 20]);
        inbound
            .tick_10ms(Duration::from_millis(nth * 10))
            .expect("nothing to do");
    }
    assert_eq!(remote.concealment().packets_received, 0);
}
