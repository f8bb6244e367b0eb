//! A pod looks after itself: measures how late its timers and frames are and how much CPU it uses, and offers slots accordingly. The rule is in [`super::capacity`].

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    capacity::{Capacity, Limits, Reading},
    slots::Slots,
};
use crate::{
    config::WorkerConfig,
    telemetry::{metrics::Metrics, vitals::Frames},
};

mod cpu;

use cpu::CpuMeter;

/// Between two looks at how late a timer fires.
const SAMPLE: Duration = Duration::from_millis(100);
/// Looks per reading.
const SAMPLES: u32 = 10;

/// Moves the offer of `slots` with the pod's condition until `stop`.
pub async fn watch(
    slots: Slots,
    config: WorkerConfig,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let birth = Instant::now();
    let mut capacity = Capacity::new(slots.max(), config.min_calls, Limits::new(&config));
    let mut meter = CpuMeter::new();
    metrics.pool().slots_offered(capacity.offered());
    loop {
        let Some(loop_lag) = stop.run_until_cancelled(loop_lag(&metrics)).await else {
            return;
        };
        let reading = Reading {
            loop_lag,
            late_frames: share(metrics.vitals().take_frames()),
            cpu: meter.share(),
        };
        metrics.vitals().cpu(reading.cpu.unwrap_or_default());
        let strain = capacity.observe(birth.elapsed(), slots.used(), reading);
        if let Some(strain) = strain {
            metrics.vitals().strained(strain);
        }
        let before = slots.counts().offered;
        slots.offer(capacity.offered());
        metrics.pool().slots_offered(capacity.offered());
        if capacity.offered() < before {
            tracing::warn!(
                slots.offered = capacity.offered(),
                slots.used = slots.used(),
                ?strain,
                "short of cpu: the pod offers fewer slots"
            );
        }
    }
}

/// The second-latest of a reading's timers, which are set on a grid: one hiccup is no lag, but a stall makes all timers late that it covers.
async fn loop_lag(metrics: &Metrics) -> Duration {
    let begin = Instant::now();
    let mut latest = [Duration::ZERO; 2];
    for nth in 1..=SAMPLES {
        let due = begin + SAMPLE * nth;
        sleep_until(due).await;
        let late = due.elapsed();
        metrics.vitals().loop_lag(late);
        if late > latest[0] {
            latest = [late, latest[0]];
        } else {
            latest[1] = latest[1].max(late);
        }
    }
    latest[1]
}

fn share(frames: Frames) -> f64 {
    if frames.sent == 0 {
        return 0.0;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a second's frames are far below 2^52"
    )]
    let share = frames.late as f64 / frames.sent as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_late_timer_of_ten_is_no_lag_and_two_are() {
        let metrics = Arc::new(Metrics::new());
        assert!(loop_lag(&metrics).await <= Duration::from_millis(1));
        // Past the timer that is due, which then fires when its task gets its turn.
        let hiccups: [(&[u64], u128); 3] = [(&[95], 0), (&[95, 120], 75), (&[950], 0)];
        for (before, expected) in hiccups {
            let stalls = async {
                for ms in before {
                    tokio::time::sleep(Duration::from_millis(*ms)).await;
                    tokio::time::advance(Duration::from_millis(80)).await;
                }
            };
            let (lag, ()) = tokio::join!(loop_lag(&metrics), stalls);
            let lag = lag.as_millis();
            assert!(lag.abs_diff(expected) <= 10, "{lag} ms after {before:?}");
        }
        let stall = async {
            tokio::time::sleep(Duration::from_millis(350)).await;
            tokio::time::advance(Duration::from_millis(500)).await;
        };
        let (lag, ()) = tokio::join!(loop_lag(&metrics), stall);
        assert!(lag.as_millis().abs_diff(350) <= 10, "{lag:?} after a stall");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_blocked_runtime_costs_the_pod_its_offer_and_a_free_one_keeps_it() {
        let metrics = Arc::new(Metrics::new());
        let slots = Slots::new(100);
        let stop = CancellationToken::new();
        let config = WorkerConfig {
            // Only what the test itself does counts, whatever else the machine has to do.
            loop_lag_limit_ms: 250,
            cpu_limit_percent: 100,
            ..WorkerConfig::default()
        };
        let watched = watch(slots.clone(), config, Arc::clone(&metrics), stop.clone());
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(watched);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(slots.free(), 100);
        tasks.spawn(async {
            for _ in 0..12 {
                block(Duration::from_millis(500));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let mut changes = slots.changes();
        let cut = changes.wait_for(|counts| counts.offered < 100);
        let cut = tokio::time::timeout(Duration::from_secs(20), cut).await;
        assert_eq!(cut.expect("in time").expect("the slots live").offered, 4);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        let scrape = metrics.encode().expect("encode");
        assert!(scrape.contains("neurality_worker_slots_offered 4"));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the fault that is measured: a call that blocks the runtime"
    )]
    fn block(time: Duration) {
        std::thread::sleep(time);
    }

    #[test]
    fn without_calls_no_frame_is_late() {
        assert!(share(Frames::default()).abs() < f64::EPSILON);
        let frames = Frames { sent: 50, late: 1 };
        assert!((share(frames) - 0.02).abs() < f64::EPSILON);
    }
}
