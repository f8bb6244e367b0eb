//! Listening to a track.

/// Streams of decoded frames.
pub mod native {
    use std::{
        pin::Pin,
        sync::Arc,
        task::{Context, Poll},
    };

    use futures_util::Stream;

    use crate::{
        audio::sink::{Format, FrameQueue},
        audio_frame::AudioFrame,
        audio_track::RtcAudioTrack,
    };

    const DEFAULT_QUEUE_SIZE_FRAMES: usize = 10;

    /// How a [`NativeAudioStream`] queues.
    #[derive(Clone, Debug, Default)]
    pub struct NativeAudioStreamOptions {
        /// Frames of 10 ms kept for a slow reader, the oldest of which is dropped when one more comes.
        /// `None` is 10; `Some(0)` is no limit.
        pub queue_size_frames: Option<usize>,
    }

    /// The sound of a track in frames of 10 ms, at the rate and with the channels asked for.
    ///
    /// While the track is live a frame comes every 10 ms, silent ones included. The stream ends when
    /// it is closed and when the track ends. A track that nobody listens to is not decoded.
    #[derive(Debug)]
    pub struct NativeAudioStream {
        track: RtcAudioTrack,
        queue: Arc<FrameQueue>,
    }

    impl NativeAudioStream {
        /// Starts to listen. Any multiple of 100 Hz from 8000 on will do as a rate; others are raised to
        /// the next rate that Opus knows, and the frames say so. The Opus rates (8000, 12000, 16000,
        /// 24000, 48000) come out of the decoder without resampling.
        pub fn new(audio_track: RtcAudioTrack, sample_rate: i32, num_channels: i32) -> Self {
            let options = NativeAudioStreamOptions::default();
            Self::with_options(audio_track, sample_rate, num_channels, options)
        }

        /// Starts to listen with a queue of another size.
        pub fn with_options(
            audio_track: RtcAudioTrack,
            sample_rate: i32,
            num_channels: i32,
            options: NativeAudioStreamOptions,
        ) -> Self {
            let capacity = match options.queue_size_frames {
                None => Some(DEFAULT_QUEUE_SIZE_FRAMES),
                Some(0) => None,
                Some(frames) => Some(frames),
            };
            let format = Format::nearest(sample_rate, num_channels);
            let queue = Arc::new(FrameQueue::new(format, capacity));
            audio_track.add_sink(Arc::clone(&queue));
            Self {
                track: audio_track,
                queue,
            }
        }

        /// The track listened to.
        pub fn track(&self) -> RtcAudioTrack {
            self.track.clone()
        }

        /// Stops listening: the stream ends at once.
        pub fn close(&mut self) {
            self.track.remove_sink(&self.queue);
            self.queue.close(false);
        }

        /// Frames dropped so far because the reader was slow. An extension over the original crate.
        pub fn dropped_frames(&self) -> u64 {
            self.queue.dropped()
        }

        /// Gives back a frame whose samples are no longer needed, so that the next one needs no
        /// allocation. An extension over the original crate.
        pub fn recycle(&self, frame: AudioFrame<'static>) {
            self.queue.recycle(frame);
        }
    }

    impl Drop for NativeAudioStream {
        fn drop(&mut self) {
            self.close();
        }
    }

    impl Stream for NativeAudioStream {
        type Item = AudioFrame<'static>;

        fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.queue.poll(cx)
        }
    }
}
