//! What the pods have free, for each placement of calls. Pure: their reports and the time are inputs.
//!
//! A pod that is registered with several projects serves calls of several placements from the same slots, so what one is offered is gone for the others.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::queue::Room;
use crate::{
    domain::{
        ids::PodId,
        placement::{Placement, ProjectName},
    },
    storage::redis::PodReport,
};

/// A pod that has not reported for so long is not counted on.
pub const POD_SILENCE: Duration = Duration::from_secs(5);

/// The pods that report, and what they have free.
#[derive(Debug, Default)]
pub struct Supply {
    pods: HashMap<PodId, Pod>,
}

#[derive(Debug)]
struct Pod {
    agent_name: String,
    projects: Vec<ProjectName>,
    free: u32,
    /// As it reported, before offers were deducted.
    reported: u32,
    has_more: bool,
}

impl Pod {
    fn serves(&self, placement: &Placement) -> bool {
        self.agent_name == placement.agent_name && self.projects.contains(&placement.project)
    }
}

impl Supply {
    /// Takes the pods' last reports.
    pub fn update(
        &mut self,
        reports: impl IntoIterator<Item = (PodId, PodReport)>,
        now: DateTime<Utc>,
    ) {
        let before = std::mem::take(&mut self.pods);
        for (pod, report) in reports {
            if is_silent(&report, now) {
                continue;
            }
            let had = before.get(&pod).map_or(0, |pod| pod.reported);
            let pod_now = Pod {
                agent_name: report.agent_name,
                projects: report.projects,
                free: report.free,
                reported: report.free,
                has_more: report.free > had,
            };
            self.pods.insert(pod, pod_now);
        }
    }

    /// The room for calls of a placement.
    #[must_use]
    pub fn room(&self, placement: &Placement) -> Room {
        let pods = || self.pods.values().filter(|pod| pod.serves(placement));
        Room {
            free: pods().next().map(|_| pods().map(|pod| pod.free).sum()),
            is_fresh: pods().any(|pod| pod.has_more),
        }
    }

    /// So many calls of a placement are being offered: taken first from the pods that serve the fewest projects.
    pub fn take(&mut self, placement: &Placement, mut offers: u32) {
        let mut by_use: BTreeMap<usize, Vec<&mut Pod>> = BTreeMap::new();
        for pod in self.pods.values_mut().filter(|pod| pod.serves(placement)) {
            by_use.entry(pod.projects.len()).or_default().push(pod);
        }
        for pod in by_use.into_values().flatten() {
            let taken = pod.free.min(offers);
            pod.free -= taken;
            offers -= taken;
        }
    }
}

/// Whether a report is too old to be counted on.
#[must_use]
pub fn is_silent(report: &PodReport, now: DateTime<Utc>) -> bool {
    (now - report.at).to_std().unwrap_or_default() >= POD_SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + ms).expect("a time")
    }

    fn in_project(name: &str, agent_name: &str) -> Placement {
        Placement {
            project: name.parse().expect("project"),
            agent_name: agent_name.to_owned(),
        }
    }

    fn pod(name: &str, agent_name: &str, projects: &[&str], free: u32) -> (PodId, PodReport) {
        let report = PodReport {
            at: at(0),
            agent_name: agent_name.to_owned(),
            projects: projects
                .iter()
                .map(|name| name.parse().expect("project"))
                .collect(),
            free,
            used: 0,
            draining: false,
        };
        (PodId::named(name.into()), report)
    }

    fn supply(pods: Vec<(PodId, PodReport)>) -> Supply {
        let mut supply = Supply::default();
        supply.update(pods, at(10));
        supply
    }

    fn free(supply: &Supply, project: &str, agent_name: &str) -> Option<u32> {
        supply.room(&in_project(project, agent_name)).free
    }

    #[test]
    fn pods_count_for_their_region_and_their_projects_only() {
        let supply = supply(vec![
            pod("a", "n.eu", &["default", "maple"], 3),
            pod("b", "n.eu", &["default"], 4),
            pod("c", "n.us", &["default"], 5),
        ]);
        assert_eq!(free(&supply, "default", "n.eu"), Some(7));
        assert_eq!(free(&supply, "maple", "n.eu"), Some(3));
        assert_eq!(free(&supply, "default", "n.us"), Some(5));
        assert_eq!(
            free(&supply, "maple", "n.us"),
            None,
            "nobody has said anything"
        );
    }

    #[test]
    fn a_slot_that_one_placement_is_offered_is_gone_for_the_others() {
        let mut supply = supply(vec![
            pod("a", "n", &["default", "maple"], 3),
            pod("b", "n", &["default"], 4),
        ]);
        supply.take(&in_project("default", "n"), 5);
        assert_eq!(
            free(&supply, "maple", "n"),
            Some(2),
            "the other pod's went first"
        );
        supply.take(&in_project("maple", "n"), 9);
        assert_eq!(free(&supply, "default", "n"), Some(0));
    }

    #[test]
    fn a_pod_that_has_got_room_is_fresh_once_and_a_silent_one_is_not_counted_on() {
        let here = in_project("default", "n");
        let mut supply = supply(vec![pod("a", "n", &["default"], 2)]);
        assert!(supply.room(&here).is_fresh, "it came");
        supply.take(&here, 2);
        supply.update([pod("a", "n", &["default"], 2)], at(20));
        assert!(!supply.room(&here).is_fresh, "it has what it had");
        supply.update([pod("a", "n", &["default"], 3)], at(30));
        assert!(supply.room(&here).is_fresh);
        supply.update([pod("a", "n", &["default"], 3)], at(6000));
        assert_eq!(
            supply.room(&here),
            Room {
                free: None,
                is_fresh: false
            }
        );
    }
}
