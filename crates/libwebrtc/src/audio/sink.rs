//! The listener's end of a track: conversion to the format it asked for, and a bounded queue.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use parking_lot::{Mutex, MutexGuard};

use super::{AudioError, block_len, opus_rate_for, resample::Resampler};
use crate::audio_frame::AudioFrame;

/// Sample rate and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
}

impl Format {
    /// The format nearest to the wish that has whole 10 ms blocks.
    pub(crate) fn nearest(sample_rate: i32, channels: i32) -> Self {
        let rate = u32::try_from(sample_rate).unwrap_or(48_000);
        let sample_rate = if block_len(rate, 1).is_ok() {
            rate
        } else {
            opus_rate_for(rate)
        };
        Self {
            sample_rate,
            channels: u32::try_from(channels).unwrap_or(1).max(1),
        }
    }
}

/// Frames waiting for their listener. When full, the oldest is dropped and counted.
#[derive(Debug)]
pub(crate) struct FrameQueue {
    format: Format,
    /// `None`: unbounded, on the listener's own request.
    capacity: Option<usize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<AudioFrame<'static>>,
    /// Buffers that the listener gave back.
    spare: Vec<Vec<i16>>,
    closed: bool,
    dropped: u64,
    waker: Option<Waker>,
}

/// So many returned buffers are kept.
const MAX_SPARE: usize = 16;

impl FrameQueue {
    pub(crate) fn new(format: Format, capacity: Option<usize>) -> Self {
        Self {
            format,
            capacity,
            state: Mutex::new(State::default()),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// An empty buffer, one that was given back if there is any.
    fn buffer(&self) -> Vec<i16> {
        let mut buffer = self.state.lock().spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Takes back the samples of a frame that has been used.
    pub(crate) fn recycle(&self, frame: AudioFrame<'static>) {
        let mut state = self.state.lock();
        if let std::borrow::Cow::Owned(buffer) = frame.data
            && state.spare.len() < MAX_SPARE
        {
            state.spare.push(buffer);
        }
    }

    fn push(&self, data: Vec<i16>) {
        let Format {
            sample_rate,
            channels,
        } = self.format;
        let samples_per_channel = data.len() as u32 / channels;
        let frame = AudioFrame {
            data: data.into(),
            sample_rate,
            num_channels: channels,
            samples_per_channel,
        };
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        if self
            .capacity
            .is_some_and(|capacity| state.frames.len() >= capacity)
        {
            state.frames.pop_front();
            state.dropped += 1;
        }
        state.frames.push_back(frame);
        wake(state);
    }

    /// Ends the stream after what is queued (`drain`) or at once.
    pub(crate) fn close(&self, drain: bool) {
        let mut state = self.state.lock();
        state.closed = true;
        if !drain {
            state.frames.clear();
        }
        wake(state);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<AudioFrame<'static>>> {
        let mut state = self.state.lock();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Wakes the listener once the lock is free, as it may poll at once.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Brings 10 ms blocks from a track's format to a listener's.
#[derive(Debug)]
pub(crate) struct Adapter {
    from: Format,
    to: Format,
    resampler: Option<Resampler>,
    resampled: Vec<i16>,
}

impl Adapter {
    /// # Errors
    /// [`AudioError`] if `from` has no whole blocks or more than two channels.
    pub(crate) fn new(from: Format, to: Format) -> Result<Self, AudioError> {
        let resampler = (from.sample_rate != to.sample_rate)
            .then(|| Resampler::new(from.sample_rate, to.sample_rate, from.channels))
            .transpose()?;
        Ok(Self {
            from,
            to,
            resampler,
            resampled: Vec::new(),
        })
    }

    fn convert(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        let pcm = match &mut self.resampler {
            Some(resampler) => {
                self.resampled.clear();
                resampler.process(pcm, &mut self.resampled);
                &self.resampled
            }
            None => pcm,
        };
        match (self.from.channels, self.to.channels) {
            (from, to) if from == to => out.extend_from_slice(pcm),
            (2, 1) => out.extend(pcm.chunks_exact(2).map(|f| f[0].midpoint(f[1]))),
            (from, to) => {
                for frame in pcm.chunks_exact(from as usize) {
                    out.extend((0..to as usize).map(|n| frame[n % from as usize]));
                }
            }
        }
    }
}

/// A listener as its track knows it.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) queue: std::sync::Arc<FrameQueue>,
    adapter: Option<Adapter>,
}

impl Sink {
    pub(crate) fn new(queue: std::sync::Arc<FrameQueue>) -> Self {
        Self {
            queue,
            adapter: None,
        }
    }

    /// Hands the listener 10 ms of sound in the track's format.
    ///
    /// # Errors
    /// [`AudioError`] if that format cannot be converted.
    pub(crate) fn deliver(&mut self, from: Format, pcm: &[i16]) -> Result<(), AudioError> {
        let mut data = self.queue.buffer();
        let adapter = match &mut self.adapter {
            Some(adapter) if adapter.from == from => adapter,
            stale => stale.insert(Adapter::new(from, self.queue.format)?),
        };
        adapter.convert(pcm, &mut data);
        self.queue.push(data);
        Ok(())
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
