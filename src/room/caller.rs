//! Who the caller is, and whether they hear us.

use std::collections::HashMap;

use livekit::{
    participant::ParticipantKind,
    prelude::{ParticipantIdentity, RemoteParticipant},
};

use super::RoomEvent;

/// livekit-sip's attribute with the state of the leg.
const CALL_STATUS: &str = "sip.callStatus";

/// The caller's state as the room shows it. Pure: fed by events, gives events.
#[derive(Debug, Default)]
pub(super) struct Caller {
    identity: Option<ParticipantIdentity>,
    active: bool,
}

impl Caller {
    /// A participant is in the room.
    pub(super) fn joined(&mut self, participant: &RemoteParticipant) -> Vec<RoomEvent> {
        match participant.kind() {
            ParticipantKind::Sip => {
                self.sip_joined(participant.identity(), &participant.attributes())
            }
            ParticipantKind::Agent => {
                vec![RoomEvent::AgentJoined(participant.identity().to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn sip_joined(
        &mut self,
        identity: ParticipantIdentity,
        attributes: &HashMap<String, String>,
    ) -> Vec<RoomEvent> {
        match &self.identity {
            Some(known) if *known != identity => {
                return vec![RoomEvent::Intruder(identity.to_string())];
            }
            Some(_) => {}
            None => self.identity = Some(identity.clone()),
        }
        let mut events = vec![RoomEvent::CallerJoined];
        events.extend(self.attributes(&identity, attributes));
        events
    }

    /// Attributes of a participant changed.
    pub(super) fn attributes(
        &mut self,
        identity: &ParticipantIdentity,
        attributes: &HashMap<String, String>,
    ) -> Option<RoomEvent> {
        let status = attributes.get(CALL_STATUS)?;
        let now_active = self.is(identity) && status == "active" && !self.active;
        now_active.then(|| {
            self.active = true;
            RoomEvent::CallerActive
        })
    }

    /// A participant is gone.
    pub(super) fn left(&mut self, identity: &ParticipantIdentity) -> Option<RoomEvent> {
        self.is(identity).then_some(RoomEvent::CallerLeft)
    }

    /// Whether this is the caller.
    pub(super) fn is(&self, identity: &ParticipantIdentity) -> bool {
        self.identity.as_ref() == Some(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(value: &str) -> HashMap<String, String> {
        HashMap::from([(CALL_STATUS.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_caller_is_active_once() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        assert_eq!(
            caller.sip_joined(id.clone(), &status("ringing")),
            [RoomEvent::CallerJoined]
        );
        assert_eq!(
            caller.attributes(&id, &status("active")),
            Some(RoomEvent::CallerActive)
        );
        assert_eq!(caller.attributes(&id, &status("active")), None);
        assert_eq!(caller.left(&id), Some(RoomEvent::CallerLeft));
    }

    #[test]
    fn a_second_sip_participant_is_an_intruder_whose_state_counts_for_nothing() {
        let mut caller = Caller::default();
        caller.sip_joined(ParticipantIdentity("sip_1".into()), &status("ringing"));
        let other = ParticipantIdentity("sip_2".into());
        assert_eq!(
            caller.sip_joined(other.clone(), &status("active")),
            [RoomEvent::Intruder("sip_2".into())]
        );
        assert_eq!(caller.attributes(&other, &status("active")), None);
        assert_eq!(caller.left(&other), None);
    }
}
