//! The CPU time that this process used, as a share of what it may use. Linux only; elsewhere nothing is known.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use tokio::time::Instant;

/// The kernel counts a process's time in hundredths of a second, whatever its own clock (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Compares two looks at the process's time.
#[derive(Debug)]
pub(super) struct CpuMeter {
    cores: f64,
    last: Option<(Instant, Duration)>,
}

impl CpuMeter {
    /// Reads once what the process may use: neither its quota nor its machine changes while it runs.
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            cores: usable_cores(cores, quota()),
            last: look(),
        }
    }

    /// The share since the last time it was asked for, 0 to 1.
    pub(super) fn share(&mut self) -> Option<f64> {
        let before = self.last.take();
        self.last = look();
        let ((then, used_then), (now, used_now)) = (before?, self.last?);
        let wall = now.duration_since(then).as_secs_f64();
        let used = used_now.saturating_sub(used_then).as_secs_f64();
        (wall > 0.0).then(|| (used / wall / self.cores).min(1.0))
    }
}

fn look() -> Option<(Instant, Duration)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    Some((Instant::now(), cpu_time(&stat)?))
}

/// User and system time of all threads: fields 14 and 15 of `/proc/self/stat`. The name before them may hold spaces and brackets.
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user + TICK * system)
}

/// A quota is exact where the runtime's count is whole cores of it, rounded down; but the process may also be pinned to fewer cores.
fn usable_cores(counted: usize, quota: Option<f64>) -> f64 {
    let counted = u32::try_from(counted).map_or(1.0, f64::from);
    match quota {
        Some(quota) if counted >= quota.floor().max(1.0) => quota.min(counted + 1.0),
        _ => counted,
    }
}

/// Cores that the process's cgroup (version 2), or one that it lies in, lets it use; `None` without a limit.
fn quota() -> Option<f64> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folders = folders(Path::new("/sys/fs/cgroup"), own);
    let limits = folders
        .iter()
        .filter_map(|folder| cpu_max(&fs::read_to_string(folder.join("cpu.max")).ok()?));
    limits.reduce(f64::min)
}

/// The cgroup's folder and those above it, up to the root. In a container's own namespace the path is `/`.
fn folders(root: &Path, cgroup: &str) -> Vec<PathBuf> {
    let own = root.join(cgroup.trim_start_matches('/'));
    own.ancestors()
        .take_while(|folder| folder.starts_with(root))
        .map(Path::to_owned)
        .collect()
}

/// `<quota> <period>` in microseconds, or `max <period>`.
fn cpu_max(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_time_is_found_behind_any_name() {
        let stat = "1 (a) b (c)) S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("1 (a) S 1 1"), None);
    }

    #[test]
    fn a_quota_is_read_as_cores() {
        assert_eq!(cpu_max("150000 100000\n"), Some(1.5));
        assert_eq!(cpu_max("max 100000\n"), None);
        assert_eq!(cpu_max(""), None);
        let all = folders(Path::new("/sys/fs/cgroup"), "/kube/pod");
        let names = [
            "/sys/fs/cgroup/kube/pod",
            "/sys/fs/cgroup/kube",
            "/sys/fs/cgroup",
        ];
        assert_eq!(all, names.map(PathBuf::from));
        assert_eq!(folders(Path::new("/sys/fs/cgroup"), "/").len(), 1);
    }

    #[test]
    fn the_smaller_of_quota_and_cores_counts() {
        let cases = [
            (8, None, 8.0),
            (2, Some(2.5), 2.5),
            (1, Some(0.5), 0.5),
            (1, Some(1.5), 1.5),
            (2, Some(6.0), 2.0),
        ];
        for (counted, quota, expected) in cases {
            let cores = usable_cores(counted, quota);
            assert!(
                (cores - expected).abs() < 1e-9,
                "{counted} {quota:?}: {cores}"
            );
        }
    }

    #[tokio::test]
    async fn a_process_that_works_uses_a_share_above_nothing() {
        let mut meter = CpuMeter::new();
        let begin = Instant::now();
        let mut sum = 0_u64;
        while begin.elapsed() < Duration::from_millis(300) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let share = meter.share().expect("linux tells");
        assert!(share > 0.01 && share <= 1.0, "{share}");
        assert!(sum != 1);
    }
}
