use std::net::SocketAddr;

use serde::Deserialize;

use super::ConfigError;

/// The pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Where `/healthz`, `/readyz` and `/metrics` listen.
    pub listen: SocketAddr,
    /// Calls this pod takes at a time.
    pub max_calls: u32,
    /// Percent of `max_calls` that one LiveKit project may hold by jobs that were offered and are not assigned (each for 12 s at most), where the pod serves several
    /// projects; always at least one slot. With one project there is nobody to starve, and no such limit.
    pub unassigned_limit_percent: u8,
    /// Longest call, seconds.
    pub max_call_secs: u64,
    /// Seconds that running calls get after SIGTERM.
    pub drain_deadline_secs: u64,
    /// Milliseconds between status reports to LiveKit.
    pub status_interval_ms: u64,
    /// Threads that run voice-activity inference.
    pub vad_threads: usize,
    /// Calls that the pod offers to take even while it is short of CPU: with so few the load is hardly its own. With `max_calls` it always offers all.
    pub min_calls: u32,
    /// Milliseconds by which the runtime's timers may fire late before the pod offers fewer slots. Voice is sent 60 ms ahead.
    pub loop_lag_limit_ms: u64,
    /// Percent of the agents' frames that may leave late (by 40 ms of those 60) before the pod offers fewer slots; 100: any.
    pub late_frames_limit_percent: u8,
    /// Percent of the CPU time it may use (its cgroup's quota, else the machine's cores) above which the pod offers fewer slots; 100: never.
    pub cpu_limit_percent: u8,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            max_calls: 200,
            unassigned_limit_percent: 25,
            max_call_secs: 1800,
            drain_deadline_secs: 1860,
            status_interval_ms: 2500,
            vad_threads: 1,
            min_calls: 4,
            loop_lag_limit_ms: 40,
            late_frames_limit_percent: 2,
            cpu_limit_percent: 85,
        }
    }
}

impl WorkerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.max_calls == 0 {
            return Err(ConfigError::invalid(
                "worker.max_calls",
                "must be at least 1",
            ));
        }
        if self.vad_threads == 0 {
            return Err(ConfigError::invalid(
                "worker.vad_threads",
                "must be at least 1",
            ));
        }
        if self.loop_lag_limit_ms == 0 {
            return Err(ConfigError::invalid(
                "worker.loop_lag_limit_ms",
                "must be at least 1",
            ));
        }
        let is_percent = |value: u8| (1..=100).contains(&value);
        if !is_percent(self.unassigned_limit_percent) {
            return Err(ConfigError::invalid(
                "worker.unassigned_limit_percent",
                "must be between 1 and 100",
            ));
        }
        if !is_percent(self.late_frames_limit_percent) || !is_percent(self.cpu_limit_percent) {
            return Err(ConfigError::invalid(
                "worker.cpu_limit_percent",
                "must, like worker.late_frames_limit_percent, be between 1 and 100",
            ));
        }
        if self.drain_deadline_secs < self.max_call_secs {
            return Err(ConfigError::invalid(
                "worker.drain_deadline_secs",
                "must be at least worker.max_call_secs",
            ));
        }
        Ok(())
    }

    /// Slots that each of so many LiveKit projects may hold by jobs that are not assigned.
    #[must_use]
    pub fn most_promised(&self, projects: usize) -> usize {
        let max = self.max_calls as usize;
        if projects < 2 {
            return max;
        }
        (max * usize::from(self.unassigned_limit_percent) / 100).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_are_several_projects_each_may_hold_a_share_by_mere_promises() {
        let config = |max_calls, percent| WorkerConfig {
            max_calls,
            unassigned_limit_percent: percent,
            ..WorkerConfig::default()
        };
        assert_eq!(config(200, 25).most_promised(1), 200);
        assert_eq!(config(200, 25).most_promised(3), 50);
        assert_eq!(config(2, 25).most_promised(2), 1, "never none");
        assert!(config(2, 0).validate().is_err() && config(2, 101).validate().is_err());
    }
}
