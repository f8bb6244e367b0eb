//! Calls go to the pods of their clinic's region, and to no others.

use std::time::Duration;

use loadtest::stack::shared;
use neurality::{domain::ids::PodId, storage::redis::PodReport};

use super::{Rig, SOON, agent::Agent, now, quick};

/// Time in which a call that may go to an agent does.
const WHILE: Duration = Duration::from_millis(1500);

impl Rig {
    async fn reports(&self, pod: &str, agent_name: &str, free: u32) {
        let report = PodReport {
            at: now(),
            agent_name: agent_name.to_owned(),
            projects: vec![self.placement().project],
            free,
            used: 0,
            draining: false,
        };
        let pod = PodId::named(pod.to_owned());
        self.store.report_pod(&pod, &report).await.expect("report");
    }
}

#[tokio::test]
async fn a_clinics_call_is_offered_to_the_pods_of_its_region() {
    let mut rig = Rig::new(shared::livekit(), quick(20_000));
    let (base, eu) = (rig.agent_name.clone(), format!("{}.eu", rig.agent_name));
    rig.profile.region = Some("eu".parse().expect("region"));
    let mut here = Agent::register(shared::livekit(), &eu).await;
    let mut elsewhere = Agent::register(shared::livekit(), &base).await;
    let (_, room) = rig.admitted().await;
    let offer = here.offer(SOON).await.expect("an offer");
    assert_eq!(offer.room, room.to_string());
    assert_eq!(elsewhere.offer(WHILE).await, None);
}

#[tokio::test]
async fn free_slots_of_one_region_are_none_of_another() {
    let mut rig = Rig::new(shared::livekit(), quick(20_000));
    let (base, eu) = (rig.agent_name.clone(), format!("{}.eu", rig.agent_name));
    rig.profile.region = Some("eu".parse().expect("region"));
    let mut agent = Agent::register(shared::livekit(), &eu).await;
    rig.reports("near", &eu, 0).await;
    rig.reports("far", &base, 9).await;
    rig.admitted().await;
    assert_eq!(agent.offer(WHILE).await, None, "its region is full");
    rig.reports("near", &eu, 1).await;
    assert!(agent.offer(SOON).await.is_some(), "it has got room");
}
