//! The inference threads and the calls' handles.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::mpsc, time::Instant};

use super::{
    EVENT_CAPACITY, EventSender, VadError, VadEvent, WINDOW_SAMPLES,
    model::{Lane, Recurrent, Silero},
    segment::Segmenter,
    window::Window,
};
use crate::{
    domain::call_time::CallTime,
    media::frame::AudioFrame,
    telemetry::{labels::DropPoint, metrics::Metrics},
};

/// How long windows are collected for a batch once the first is there: at 100 calls it halves the cost of a window.
pub const LINGER: Duration = Duration::from_millis(4);
/// Below so many calls per thread nothing is gained by waiting.
const LINGER_FROM: usize = 8;
/// More lanes gain nothing.
const MAX_BATCH: usize = 32;
/// Windows that may wait for a thread (1 MB): 160 ms of 200 calls. When it is full the newest window is dropped and counted.
const QUEUE: usize = 1024;

/// What one call has at an inference thread.
struct Slot {
    memory: Mutex<Memory>,
    events: EventSender,
}

#[derive(Default)]
struct Memory {
    recurrent: Recurrent,
    segmenter: Segmenter,
    /// The batch that this slot is in, to have one window of it at a time.
    batch: u64,
}

struct Job {
    slot: Arc<Slot>,
    start: CallTime,
    samples: [i16; WINDOW_SAMPLES],
}

/// Counters since the start; all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VadStats {
    /// Windows scored.
    pub windows: u64,
    /// Inferences run.
    pub batches: u64,
    /// Time spent in them.
    pub busy: Duration,
    /// Windows dropped at a full queue.
    pub dropped: u64,
}

#[derive(Default)]
struct Counters {
    windows: AtomicU64,
    batches: AtomicU64,
    busy_ns: AtomicU64,
    dropped: AtomicU64,
}

/// Scores the sound of all calls. The threads end when the engine and all handles are gone.
pub struct VadEngine {
    workers: Vec<Worker>,
    next: AtomicUsize,
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
}

#[derive(Clone)]
struct Worker {
    queue: SyncSender<Job>,
    calls: Arc<AtomicUsize>,
}

impl VadEngine {
    /// Loads the model once per thread and starts the threads.
    ///
    /// # Errors
    /// The library or the model cannot be loaded, or a thread cannot be started.
    pub fn start(
        library: &Path,
        model: &Path,
        threads: usize,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, VadError> {
        let counters = Arc::new(Counters::default());
        let mut workers = Vec::new();
        for number in 0..threads.max(1) {
            let (queue, jobs) = sync_channel(QUEUE);
            let calls = Arc::new(AtomicUsize::new(0));
            let inference = Inference {
                model: Silero::load(library, model)?,
                jobs,
                calls: Arc::clone(&calls),
                late: VecDeque::new(),
                batch: Vec::with_capacity(MAX_BATCH),
                number: 0,
                scores: Vec::with_capacity(MAX_BATCH),
                counters: Arc::clone(&counters),
                metrics: Arc::clone(metrics),
            };
            thread::Builder::new()
                .name(format!("vad-{number}"))
                .spawn(move || inference.run())
                .map_err(VadError::Thread)?;
            workers.push(Worker { queue, calls });
        }
        Ok(Self {
            workers,
            next: AtomicUsize::new(0),
            counters,
            metrics: Arc::clone(metrics),
        })
    }

    /// A handle for a call.
    #[must_use]
    pub fn open(&self) -> VadHandle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let worker = self.workers[turn % self.workers.len()].clone();
        worker.calls.fetch_add(1, Ordering::Relaxed);
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let slot = Slot {
            memory: Mutex::default(),
            events,
        };
        let input = VadInput {
            window: Window::new(),
            slot: Arc::new(slot),
            worker,
            counters: Arc::clone(&self.counters),
            metrics: Arc::clone(&self.metrics),
        };
        VadHandle { input, events: out }
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> VadStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        VadStats {
            windows: read(&self.counters.windows),
            batches: read(&self.counters.batches),
            busy: Duration::from_nanos(read(&self.counters.busy_ns)),
            dropped: read(&self.counters.dropped),
        }
    }
}

/// One call's access to the engine.
pub struct VadHandle {
    input: VadInput,
    events: VadEvents,
}

/// What the engine notices in one call's sound. An error is its end; so is a closed channel, after the input was dropped.
pub type VadEvents = mpsc::Receiver<Result<VadEvent, VadError>>;

/// One call's way into the engine.
pub struct VadInput {
    window: Window,
    slot: Arc<Slot>,
    worker: Worker,
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
}

impl VadHandle {
    /// Takes the next 20 ms, as [`VadInput::push`].
    pub fn push(&mut self, frame: &AudioFrame) {
        self.input.push(frame);
    }

    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// [`VadError`]: this call's detection is over; open another handle, or go on without.
    pub async fn recv(&mut self) -> Result<VadEvent, VadError> {
        // The input holds a sender, so the channel does not close.
        self.events.recv().await.unwrap_or(Err(VadError::Stopped))
    }

    /// Both halves, for owners that push in one place and wait in another.
    #[must_use]
    pub fn split(self) -> (VadInput, VadEvents) {
        (self.input, self.events)
    }
}

impl VadInput {
    /// Takes the next 20 ms. Does not wait: at a full queue the window is dropped and counted.
    pub fn push(&mut self, frame: &AudioFrame) {
        let Some((start, samples)) = self.window.push(frame) else {
            return;
        };
        let job = Job {
            slot: Arc::clone(&self.slot),
            start,
            samples,
        };
        match self.worker.queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.counters.dropped.fetch_add(1, Ordering::Relaxed);
                self.metrics.dropped(DropPoint::Vad);
            }
            Err(TrySendError::Disconnected(_)) => self.slot.tell(Err(VadError::Stopped)),
        }
    }
}

impl Drop for VadInput {
    fn drop(&mut self) {
        self.worker.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Slot {
    /// Delivers to the call, which may be gone or asleep: neither may hold up the others.
    fn tell(&self, event: Result<VadEvent, VadError>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            tracing::warn!("a call does not read its voice activity");
        }
    }
}

/// One thread.
struct Inference {
    model: Silero,
    jobs: Receiver<Job>,
    calls: Arc<AtomicUsize>,
    /// Second windows of a call, for the next batch.
    late: VecDeque<Job>,
    batch: Vec<Job>,
    number: u64,
    scores: Vec<f32>,
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
}

impl Inference {
    fn run(mut self) {
        while self.collect() {
            let scored = catch_unwind(AssertUnwindSafe(|| self.score()));
            match scored {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.failed(&error),
                // Another call's sound will do; this batch is lost.
                Err(_) => self.failed(&"panic"),
            }
            self.batch.clear();
        }
    }

    /// Fills the batch; false when no more work can come.
    fn collect(&mut self) -> bool {
        self.number += 1;
        for _ in 0..self.late.len() {
            if let Some(job) = self.late.pop_front() {
                self.take(job);
            }
        }
        if self.batch.is_empty() {
            match self.jobs.recv() {
                Ok(job) => self.take(job),
                Err(_) => return false,
            }
            self.linger();
        }
        while self.batch.len() < MAX_BATCH {
            match self.jobs.try_recv() {
                Ok(job) => self.take(job),
                Err(_) => break,
            }
        }
        true
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of our own, on no runtime"
    )]
    fn linger(&self) {
        if self.calls.load(Ordering::Relaxed) >= LINGER_FROM {
            thread::sleep(LINGER);
        }
    }

    fn take(&mut self, job: Job) {
        let mut memory = job.slot.memory.lock();
        let taken = memory.batch == self.number || self.batch.len() == MAX_BATCH;
        if !taken {
            memory.batch = self.number;
        }
        drop(memory);
        if taken {
            self.late.push_back(job);
        } else {
            self.batch.push(job);
        }
    }

    fn score(&mut self) -> ort::Result<()> {
        let begun = Instant::now();
        let mut memories: Vec<_> = self
            .batch
            .iter()
            .map(|job| job.slot.memory.lock())
            .collect();
        let mut lanes: Vec<_> = memories
            .iter_mut()
            .zip(&self.batch)
            .map(|(memory, job)| Lane {
                memory: &mut memory.recurrent,
                window: &job.samples,
            })
            .collect();
        self.model.score(&mut lanes, &mut self.scores)?;
        let took = begun.elapsed();
        for ((memory, job), score) in memories.iter_mut().zip(&self.batch).zip(&self.scores) {
            if let Some(event) = memory.segmenter.push(job.start, *score) {
                job.slot.tell(Ok(event));
            }
        }
        self.count(took);
        Ok(())
    }

    fn count(&self, took: Duration) {
        let windows = self.batch.len();
        let busy = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counters
            .windows
            .fetch_add(windows as u64, Ordering::Relaxed);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.busy_ns.fetch_add(busy, Ordering::Relaxed);
        self.metrics.vad_inference(windows, took);
    }

    fn failed(&self, error: &dyn std::fmt::Display) {
        tracing::error!(%error, calls = self.batch.len(), "voice-activity inference failed");
        for job in &self.batch {
            job.slot.tell(Err(VadError::Inference));
        }
    }
}
