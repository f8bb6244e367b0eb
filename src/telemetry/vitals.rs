//! A pod's own condition: how late its timers and its frames are, how much CPU it uses. Its capacity follows from it (`worker::capacity`).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus::{Gauge, Histogram, IntCounterVec, Registry};

use super::{
    labels::{Label, Strain},
    register::{counters, histogram, register},
};

/// Lateness of a frame that counts: voice is sent 60 ms ahead, so a third of that is left before the caller hears a gap.
pub const LATE_FRAME: Duration = Duration::from_millis(40);

/// From a timer's own grain to a gap that everybody hears.
const LATENESS_BUCKETS: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0,
];

/// Frames that agents sent since they were last counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// All.
    pub sent: u64,
    /// Later than [`LATE_FRAME`].
    pub late: u64,
}

/// What one process measures of itself.
#[derive(Debug)]
pub struct VitalMetrics {
    loop_lag: Histogram,
    frame_lateness: Histogram,
    cpu: Gauge,
    strained: IntCounterVec,
    frames: AtomicU64,
    late_frames: AtomicU64,
}

impl VitalMetrics {
    pub(super) fn new(r: &Registry) -> Self {
        Self {
            loop_lag: histogram(
                r,
                "neurality_worker_loop_lag_seconds",
                "How late the runtime's timers fire.",
                LATENESS_BUCKETS,
            ),
            frame_lateness: histogram(
                r,
                "neurality_playout_lateness_seconds",
                "How late the agents' frames leave.",
                LATENESS_BUCKETS,
            ),
            cpu: register(
                r,
                Gauge::new(
                    "neurality_worker_cpu_ratio",
                    "Used share of the CPU time that the pod may use.",
                ),
            ),
            strained: counters::<Strain>(
                r,
                "neurality_worker_strained_periods_total",
                "Seconds in which a reading was over its limit, by the first that was.",
            ),
            frames: AtomicU64::new(0),
            late_frames: AtomicU64::new(0),
        }
    }

    /// A timer fired so late.
    pub fn loop_lag(&self, late: Duration) {
        self.loop_lag.observe(late.as_secs_f64());
    }

    /// An agent's frame left so late.
    pub fn frame_sent(&self, late: Duration) {
        self.frame_lateness.observe(late.as_secs_f64());
        self.frames.fetch_add(1, Ordering::Relaxed);
        if late > LATE_FRAME {
            self.late_frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the frames anew.
    pub fn take_frames(&self) -> Frames {
        let late = self.late_frames.swap(0, Ordering::Relaxed);
        let sent = self.frames.swap(0, Ordering::Relaxed);
        Frames { sent, late }
    }

    /// The share of its CPU time that the pod used, 0 to 1.
    pub fn cpu(&self, share: f64) {
        self.cpu.set(share);
    }

    /// A reading was over its limit.
    pub fn strained(&self, by: Strain) {
        self.strained.with_label_values(&[by.text()]).inc();
    }
}
