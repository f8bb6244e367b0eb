//! The LiveKit projects of this deployment, and where a call goes among them (docs/adr/0014-regions-and-projects.md).

use std::{collections::BTreeMap, sync::Arc};

use super::rooms::Rooms;
use crate::{
    config::LiveKitConfig,
    domain::{
        placement::{Placement, ProjectName, Region, agent_name},
        tenant::TenantProfile,
    },
};

/// A project that the configuration does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no livekit project `{0}`")]
pub struct UnknownProject(pub ProjectName);

/// A call that cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The clinic names a project that this deployment does not have. Another clinic's would be the wrong one.
    #[error("place the call")]
    Unknown(#[from] UnknownProject),
    /// It came by a room of a project that is not the clinic's: whoever has that project's keys could listen to the clinic's patients.
    #[error("the call came by livekit project `{0}`, which is not its clinic's")]
    Foreign(ProjectName),
}

/// A client of each project's server API. A cheap clone.
#[derive(Clone, Debug)]
pub struct Projects {
    rooms: Arc<BTreeMap<ProjectName, Rooms>>,
    agent_name: Arc<str>,
    home: Option<Region>,
}

impl Projects {
    /// The configured projects, seen from a region.
    #[must_use]
    pub fn new(livekit: &LiveKitConfig, home: Option<Region>) -> Self {
        let rooms = livekit
            .all_projects()
            .into_iter()
            .map(|(name, config)| (name, Rooms::new(&config)));
        Self {
            rooms: Arc::new(rooms.collect()),
            agent_name: livekit.agent_name.as_str().into(),
            home,
        }
    }

    /// A project's rooms.
    ///
    /// # Errors
    /// [`UnknownProject`].
    pub fn of(&self, project: &ProjectName) -> Result<&Rooms, UnknownProject> {
        self.rooms
            .get(project)
            .ok_or_else(|| UnknownProject(project.clone()))
    }

    /// Where a new call of this clinic goes. `arrived_in`: the project that has put it into a room already.
    ///
    /// # Errors
    /// [`PlaceError`]: the call gets the fallback.
    pub fn place(
        &self,
        tenant: &TenantProfile,
        arrived_in: Option<&ProjectName>,
    ) -> Result<Placement, PlaceError> {
        let placement = place(&self.agent_name, self.home.as_ref(), tenant, arrived_in)?;
        self.of(&placement.project)?;
        Ok(placement)
    }

    /// Where a call goes whose record says nothing of it: it was written by a version that knew one project and no regions.
    #[must_use]
    pub fn usual(&self) -> Placement {
        Placement {
            project: ProjectName::default(),
            agent_name: agent_name(&self.agent_name, self.home.as_ref()),
        }
    }
}

/// The rule: the clinic's project, else the pool's own; the pods of the clinic's region, else of the region `home`.
fn place(
    base: &str,
    home: Option<&Region>,
    tenant: &TenantProfile,
    arrived_in: Option<&ProjectName>,
) -> Result<Placement, PlaceError> {
    let project = tenant.livekit_project.clone().unwrap_or_default();
    if let Some(other) = arrived_in.filter(|arrived_in| **arrived_in != project) {
        return Err(PlaceError::Foreign(other.clone()));
    }
    Ok(Placement {
        project,
        agent_name: agent_name(base, tenant.region.as_ref().or(home)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TenantId;

    fn clinic(region: Option<&str>, project: Option<&str>) -> TenantProfile {
        TenantProfile {
            id: TenantId::generate(),
            name: String::new(),
            time_zone: chrono_tz::UTC,
            greeting: String::new(),
            instructions: String::new(),
            voice: None,
            fallback_number: None,
            transfer: None,
            region: region.map(|name| name.parse().expect("region")),
            livekit_project: project.map(name),
            max_concurrent_calls: 1,
            max_calls_per_minute: 1,
            procedures: BTreeMap::new(),
            keyterms: Vec::new(),
        }
    }

    fn name(text: &str) -> ProjectName {
        text.parse().expect("project")
    }

    fn placed(home: Option<&str>, tenant: &TenantProfile) -> (String, String) {
        let home = home.map(|region| region.parse().expect("region"));
        let placed = place("agents", home.as_ref(), tenant, None).expect("placed");
        (placed.project.into(), placed.agent_name)
    }

    #[test]
    fn each_clinic_has_its_project_and_its_regions_pods() {
        let cases = [
            (None, None, None, ("default", "agents")),
            (None, Some("eu"), None, ("default", "agents.eu")),
            (Some("us"), None, None, ("default", "agents.us")),
            (Some("us"), Some("eu"), None, ("default", "agents.eu")),
            (None, None, Some("maple"), ("maple", "agents")),
            (
                Some("us"),
                Some("eu"),
                Some("maple"),
                ("maple", "agents.eu"),
            ),
        ];
        for (home, region, project, (in_project, by)) in cases {
            let placed = placed(home, &clinic(region, project));
            assert_eq!(
                placed,
                (in_project.into(), by.into()),
                "{home:?} {region:?} {project:?}"
            );
        }
    }

    #[test]
    fn a_call_that_is_in_a_room_belongs_to_that_projects_clinics() {
        let own = ProjectName::default();
        let maple = name("maple");
        for (clinics, arrived_in, is_placed) in [
            (None, &own, true),
            (Some("maple"), &maple, true),
            (None, &maple, false),
            (Some("maple"), &own, false),
        ] {
            let placed = place("n", None, &clinic(None, clinics), Some(arrived_in));
            match placed {
                Ok(placement) => assert!(is_placed && placement.project == *arrived_in),
                Err(error) => assert_eq!(
                    (is_placed, error),
                    (false, PlaceError::Foreign(arrived_in.clone()))
                ),
            }
        }
    }

    #[tokio::test]
    async fn a_clinic_of_an_unknown_project_goes_nowhere() {
        let projects = Projects::new(&LiveKitConfig::default(), None);
        let error = projects.place(&clinic(None, Some("cedar")), None);
        let unknown = UnknownProject(name("cedar"));
        assert_eq!(error, Err(PlaceError::Unknown(unknown)));
        let own = projects.place(&clinic(None, None), None);
        assert_eq!(own, Ok(projects.usual()));
    }
}
