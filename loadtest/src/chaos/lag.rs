//! The control: how late this very machine wakes a task that only sleeps. What the callers hear is never better than that.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::spread::Spread;

/// Between two measurements.
const EVERY: Duration = Duration::from_millis(20);

/// Measures until it is dropped.
#[derive(Debug)]
pub struct LagControl {
    samples: Arc<Mutex<Vec<(DateTime<Utc>, f64)>>>,
    task: JoinHandle<()>,
}

impl LagControl {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let out = Arc::clone(&samples);
        let task = tokio::spawn(async move {
            loop {
                let due = Instant::now() + EVERY;
                sleep_until(due).await;
                let late = due.elapsed().as_secs_f64() * 1_000.0;
                out.lock().push((Utc::now(), late));
            }
        });
        Self { samples, task }
    }

    /// How late it was between two times, ms.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Spread {
        let samples = self.samples.lock();
        let within = samples.iter().filter(|(at, _)| (from..=to).contains(at));
        Spread::of(within.map(|(_, late)| *late))
    }
}

impl Drop for LagControl {
    fn drop(&mut self) {
        self.task.abort();
    }
}
