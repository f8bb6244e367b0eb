//! The bounded queue between the code that makes sound and the peer connection that sends it.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

/// Without a queue size, so many blocks of 10 ms are kept before the oldest is dropped.
const UNPACED_BLOCKS: usize = 6;
/// A rest of less than a block is padded and sent after waiting for more this many times.
const PATIENCE: u8 = 3;
/// A queue that nobody drained for this long paces itself.
const ORPHANED: Duration = Duration::from_millis(100);
/// How often a waiting writer looks whether the queue is orphaned.
const ORPHAN_CHECK: Duration = Duration::from_millis(20);
/// One block.
const BLOCK: Duration = Duration::from_millis(10);

/// Interleaved samples waiting to be sent.
///
/// With a queue size, a writer waits while more than that is queued (up to twice the size is held).
/// Without one, it never waits, and the oldest sound is dropped and counted when it runs ahead of the
/// reader. Without a reader the queue drains at the pace of sound, so that a writer is never stuck.
#[derive(Debug)]
pub(crate) struct PcmQueue {
    state: Mutex<State>,
    room: Notify,
    block: usize,
    /// Samples above which writers wait; 0 for never.
    high: usize,
    dropped_blocks: AtomicU64,
}

#[derive(Debug)]
struct State {
    samples: VecDeque<i16>,
    /// Only the newest reader gets samples.
    reader: u64,
    short_takes: u8,
    drained_at: Option<Instant>,
    waiting: usize,
}

impl PcmQueue {
    /// `block` samples make 10 ms.
    pub(crate) fn new(block: usize, queue_size_ms: u32) -> Self {
        let high = block * queue_size_ms as usize / 10;
        let capacity = if high == 0 {
            UNPACED_BLOCKS * block
        } else {
            2 * high
        };
        Self {
            state: Mutex::new(State {
                samples: VecDeque::with_capacity(capacity),
                reader: 0,
                short_takes: 0,
                drained_at: None,
                waiting: 0,
            }),
            room: Notify::new(),
            block,
            high,
            dropped_blocks: AtomicU64::new(0),
        }
    }

    /// A block's length if writers must deliver whole blocks because nothing is paced here.
    pub(crate) fn unpaced_block(&self) -> Option<usize> {
        (self.high == 0).then_some(self.block)
    }

    /// Queues `pcm`, waiting for room as described above. If dropped while waiting, what was queued
    /// so far stays queued.
    pub(crate) async fn write(&self, pcm: &[i16]) {
        if self.high == 0 {
            self.write_unpaced(pcm);
            return;
        }
        for chunk in pcm.chunks(self.high) {
            self.wait_until_at_most(2 * self.high - chunk.len()).await;
            self.state.lock().samples.extend(chunk);
            self.wait_until_at_most(self.high).await;
        }
    }

    /// Forgets what is queued and frees waiting writers.
    pub(crate) fn clear(&self) {
        self.state.lock().samples.clear();
        self.room.notify_waiters();
    }

    /// Makes the caller the only reader; its number for [`take_10ms`](Self::take_10ms).
    pub(crate) fn new_reader(&self) -> u64 {
        let mut state = self.state.lock();
        state.reader += 1;
        state.reader
    }

    /// Moves 10 ms to `out`, replacing what it held. `false` if there is nothing to send, which is also
    /// what every reader but the newest gets.
    pub(crate) fn take_10ms(&self, reader: u64, out: &mut Vec<i16>) -> bool {
        out.clear();
        let mut state = self.state.lock();
        if state.reader != reader {
            return false;
        }
        state.drained_at = Some(Instant::now());
        let available = state.samples.len().min(self.block);
        if available < self.block && !state.gives_up_waiting(available) {
            return false;
        }
        state.short_takes = 0;
        out.extend(state.samples.drain(..available));
        out.resize(self.block, 0);
        let (wake, left) = (state.waiting > 0, state.samples.len());
        drop(state);
        if wake && left <= self.high {
            self.room.notify_waiters();
        }
        true
    }

    /// Blocks dropped because a writer without a queue ran ahead.
    pub(crate) fn dropped_blocks(&self) -> u64 {
        self.dropped_blocks.load(Ordering::Relaxed)
    }

    fn write_unpaced(&self, pcm: &[i16]) {
        let mut state = self.state.lock();
        state.samples.extend(pcm);
        while state.samples.len() > UNPACED_BLOCKS * self.block {
            let excess = self.block.min(state.samples.len());
            state.samples.drain(..excess);
            self.dropped_blocks.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn wait_until_at_most(&self, level: usize) {
        loop {
            // Registers before looking, so that no wake-up falls between.
            let _waiting = Waiting::new(self);
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.state.lock().samples.len() <= level {
                return;
            }
            // Either ending leads to another look; the time limit is for queues without a reader.
            let _ = tokio::time::timeout(ORPHAN_CHECK, notified).await;
            self.drain_if_orphaned();
        }
    }

    /// Stands in for a missing reader: drops as many blocks as time has passed.
    fn drain_if_orphaned(&self) {
        let mut state = self.state.lock();
        let now = Instant::now();
        let last = *state.drained_at.get_or_insert(now);
        let idle = now.saturating_duration_since(last);
        if idle < ORPHANED {
            return;
        }
        // Stays just under the limit, so that the next look drains again.
        let overdue = idle - (ORPHANED - ORPHAN_CHECK);
        let blocks = (overdue.as_millis() / BLOCK.as_millis()) as usize;
        let excess = (blocks * self.block).min(state.samples.len());
        state.samples.drain(..excess);
        state.drained_at = Some(last + BLOCK * blocks as u32);
    }
}

impl State {
    /// A rest shorter than a block waits a little for more, then goes out padded.
    fn gives_up_waiting(&mut self, available: usize) -> bool {
        if available == 0 {
            return false;
        }
        self.short_takes += 1;
        self.short_takes >= PATIENCE
    }
}

/// Counts a waiting writer, also if its future is dropped.
struct Waiting<'a>(&'a PcmQueue);

impl<'a> Waiting<'a> {
    fn new(queue: &'a PcmQueue) -> Self {
        queue.state.lock().waiting += 1;
        Self(queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}

#[cfg(test)]
#[path = "pcm_queue_tests.rs"]
mod tests;
