use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};

use super::*;
use crate::{
    audio_stream::native::{NativeAudioStream, NativeAudioStreamOptions},
    audio_track::RtcAudioTrack,
    media_stream_track::RtcTrackState,
};

fn track() -> RtcAudioTrack {
    RtcAudioTrack::remote("TR_test".to_owned())
}

fn next(stream: &mut NativeAudioStream) -> Option<Option<AudioFrame<'static>>> {
    stream.next().now_or_never()
}

#[test]
fn each_listener_gets_the_format_it_asked_for() {
    let track = track();
    let mut plain = NativeAudioStream::new(track.clone(), 16_000, 1);
    let mut stereo = NativeAudioStream::new(track.clone(), 44_100, 2);
    assert_eq!(
        track.wanted_format(),
        Some(Format {
            sample_rate: 48_000,
            channels: 2
        })
    );
    track.deliver(&[100; 160], 16_000, 1).expect("converts");
    let frame = next(&mut plain).flatten().expect("a frame is there");
    assert_eq!(
        (frame.sample_rate, frame.samples_per_channel),
        (16_000, 160)
    );
    assert!(frame.data.iter().all(|s| *s == 100));
    let frame = next(&mut stereo).flatten().expect("a frame is there");
    assert_eq!(
        (frame.sample_rate, frame.num_channels, frame.data.len()),
        (44_100, 2, 882)
    );
}

#[test]
fn stereo_is_mixed_down_for_a_mono_listener() {
    let track = track();
    let mut mono = NativeAudioStream::new(track.clone(), 48_000, 1);
    let pcm: Vec<i16> = [1_000, 3_000].repeat(480);
    track.deliver(&pcm, 48_000, 2).expect("converts");
    let frame = next(&mut mono).flatten().expect("a frame is there");
    assert!(frame.data.len() == 480 && frame.data.iter().all(|s| *s == 2_000));
}

#[test]
fn a_slow_listener_loses_the_oldest_frames_and_they_are_counted() {
    let track = track();
    let options = NativeAudioStreamOptions {
        queue_size_frames: Some(3),
    };
    let mut stream = NativeAudioStream::with_options(track.clone(), 16_000, 1, options);
    for n in 0..5 {
        track.deliver(&[n; 160], 16_000, 1).expect("converts");
    }
    assert_eq!(stream.dropped_frames(), 2);
    assert_eq!(next(&mut stream).flatten().map(|f| f.data[0]), Some(2));
}

#[test]
fn the_stream_ends_with_its_track_after_what_is_queued() {
    let track = track();
    let mut stream = NativeAudioStream::new(track.clone(), 16_000, 1);
    track.deliver(&[1; 160], 16_000, 1).expect("converts");
    track.end();
    assert_eq!(track.state(), RtcTrackState::Ended);
    assert!(matches!(next(&mut stream), Some(Some(_))));
    assert!(matches!(next(&mut stream), Some(None)));
    let mut late = NativeAudioStream::new(track, 16_000, 1);
    assert!(matches!(next(&mut late), Some(None)));
}

#[test]
fn a_closed_or_dropped_stream_no_longer_listens() {
    let track = track();
    let mut closed = NativeAudioStream::new(track.clone(), 16_000, 1);
    let dropped = NativeAudioStream::new(track.clone(), 16_000, 1);
    closed.close();
    drop(dropped);
    assert_eq!(track.wanted_format(), None);
    assert!(matches!(next(&mut closed), Some(None)));
}

#[test]
fn a_frame_given_back_is_used_again() {
    let track = track();
    let mut stream = NativeAudioStream::new(track.clone(), 16_000, 1);
    track.deliver(&[1; 160], 16_000, 1).expect("converts");
    let frame = next(&mut stream).flatten().expect("a frame is there");
    let address = frame.data.as_ptr();
    stream.recycle(frame);
    track.deliver(&[2; 160], 16_000, 1).expect("converts");
    assert_eq!(
        next(&mut stream).flatten().map(|f| f.data.as_ptr()),
        Some(address)
    );
}

#[tokio::test]
async fn a_waiting_listener_is_woken() {
    let track = track();
    let mut stream = NativeAudioStream::new(track.clone(), 16_000, 1);
    let listener = tokio::spawn(async move { stream.next().await.map(|f| f.data[0]) });
    tokio::task::yield_now().await;
    track.deliver(&[9; 160], 16_000, 1).expect("converts");
    assert_eq!(listener.await.expect("no panic"), Some(9));
}

#[test]
fn odd_wishes_are_brought_to_a_format_that_exists() {
    assert_eq!(
        Format::nearest(22_050, 0),
        Format {
            sample_rate: 24_000,
            channels: 1
        }
    );
    assert_eq!(
        Format::nearest(-1, 2),
        Format {
            sample_rate: 48_000,
            channels: 2
        }
    );
    let queue = Arc::new(FrameQueue::new(Format::nearest(32_000, 1), None));
    assert_eq!(queue.format().sample_rate, 32_000);
}
