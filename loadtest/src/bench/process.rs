//! CPU time and memory as the kernel counts them.

use std::{fs, time::Duration};

use anyhow::Context;
use serde::Serialize;

/// CPU time of the calling thread, from the scheduler's own nanosecond counter.
pub(super) struct ThreadClock(Duration);

impl ThreadClock {
    pub(super) fn start() -> Self {
        Self(thread_cpu())
    }

    pub(super) fn elapsed(&self) -> Duration {
        thread_cpu().saturating_sub(self.0)
    }
}

#[expect(
    unsafe_code,
    reason = "the kernel's clock of a thread has no safe interface in std"
)]
fn thread_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours, and the clock exists on every Linux.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    debug_assert_eq!(result, 0, "CLOCK_THREAD_CPUTIME_ID exists");
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// Memory of a process, MB (2^20 bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Memory {
    /// Resident.
    pub(super) rss_mb: f64,
    /// Resident, with shared pages counted by their share.
    pub(super) pss_mb: f64,
}

/// # Errors
/// The process is gone.
pub(super) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let text =
        fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("read smaps_rollup")?;
    let mb = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
            .unwrap_or_default()
            / 1_024.0
    };
    Ok(Memory {
        rss_mb: mb("Rss:"),
        pss_mb: mb("Pss:"),
    })
}

/// User and system time of a process with all its threads, those that ended included.
///
/// # Errors
/// The process is gone.
pub(super) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("read stat")?;
    // The program's name may hold blanks: count from the bracket behind it.
    let fields: Vec<&str> = text
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
            .context("read utime and stime")
    };
    // Linux counts in 1/100 s for user space, whatever its own clock does.
    Ok(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time_and_sleep_does_not() {
        let clock = ThreadClock::start();
        std::thread::sleep(Duration::from_millis(30));
        assert!(clock.elapsed() < Duration::from_millis(10));
        let before = cpu_time(std::process::id()).expect("this process");
        let mut sum = 0_u64;
        while clock.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let after = cpu_time(std::process::id()).expect("this process");
        assert!(after - before >= Duration::from_millis(30));
    }

    #[test]
    fn this_process_has_memory() {
        let memory = memory(std::process::id()).expect("this process");
        assert!(
            memory.rss_mb > 1.0 && memory.pss_mb <= memory.rss_mb,
            "{memory:?}"
        );
    }
}
