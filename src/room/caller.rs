//! Who the caller is, and whether they hear us.

use std::{collections::HashMap, time::Duration};

use livekit::{
    participant::{DisconnectReason, ParticipantKind},
    prelude::{ParticipantIdentity, RemoteParticipant},
};
use tokio::time::Instant;

use super::RoomEvent;

/// livekit-sip's attribute with the state of the leg.
const CALL_STATUS: &str = "sip.callStatus";
/// A leg that vanished without a goodbye may come back for so long, from when we are connected ourselves. A LiveKit that was killed turns everybody away for
/// about 5 s, until it no longer believes in the node it was.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys of a phone.
const KEYS: &str = "0123456789*#ABCD";

/// The caller's state as the room shows it. Pure: fed by events and times, gives events.
#[derive(Debug, Default)]
pub(super) struct Caller {
    identity: Option<ParticipantIdentity>,
    active: bool,
    /// We are not connected ourselves: there is no saying who is there.
    is_reconnecting: bool,
    /// It vanished without a goodbye.
    is_away: bool,
    /// Until when it is waited for.
    awaited_until: Option<Instant>,
    /// It was on the line when it vanished, and has not been heard since.
    is_missed: bool,
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
        self.awaited_until = None;
        if std::mem::take(&mut self.is_away) {
            tracing::info!("the caller's leg is back");
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

    /// A participant is gone: it said goodbye, or it vanished and is waited for.
    pub(super) fn left(
        &mut self,
        identity: &ParticipantIdentity,
        reason: DisconnectReason,
        now: Instant,
    ) -> Option<RoomEvent> {
        if !self.is(identity) {
            return None;
        }
        if is_goodbye(reason) {
            return Some(RoomEvent::CallerLeft);
        }
        tracing::info!(?reason, "the caller's leg vanished");
        self.is_away = true;
        self.is_missed = self.active;
        self.awaited_until = (!self.is_reconnecting).then(|| now + PATIENCE);
        None
    }

    /// We are in the room, and the caller was on the line before us: unless they are there, the leg has vanished.
    pub(super) fn expected(&mut self, now: Instant) {
        if self.identity.is_none() {
            tracing::info!("the caller's leg is not there");
            self.is_away = true;
            self.awaited_until = Some(now + PATIENCE);
        }
    }

    /// A key of the caller's phone. What is no single key, and what others send, is none.
    pub(super) fn pressed(
        &self,
        from: Option<&ParticipantIdentity>,
        digit: &str,
    ) -> Option<RoomEvent> {
        let mut chars = digit.chars();
        let key = chars.next().filter(|key| KEYS.contains(*key))?;
        let is_callers = from.is_some_and(|from| self.is(from)) && chars.next().is_none();
        is_callers.then_some(RoomEvent::Dtmf(key))
    }

    /// We are not connected.
    pub(super) const fn reconnecting(&mut self) {
        self.is_reconnecting = true;
        self.awaited_until = None;
    }

    /// We are connected again.
    pub(super) fn reconnected(&mut self, now: Instant) {
        self.is_reconnecting = false;
        self.awaited_until = self.is_away.then(|| now + PATIENCE);
    }

    /// The sound of a participant begins.
    pub(super) fn heard(&mut self, identity: &ParticipantIdentity) -> Option<RoomEvent> {
        (self.is(identity) && std::mem::take(&mut self.is_missed)).then_some(RoomEvent::CallerBack)
    }

    /// When [`Caller::given_up`] is due.
    pub(super) const fn awaited_until(&self) -> Option<Instant> {
        self.awaited_until
    }

    /// The vanished leg did not come back.
    pub(super) fn given_up(&mut self) -> RoomEvent {
        self.awaited_until = None;
        RoomEvent::CallerLeft
    }

    /// Whether this is the caller.
    pub(super) fn is(&self, identity: &ParticipantIdentity) -> bool {
        self.identity.as_ref() == Some(identity)
    }
}

/// Whether the leg is over. What else ends a participant is a fault of the connection or of LiveKit, which its SIP service repairs by joining again.
const fn is_goodbye(reason: DisconnectReason) -> bool {
    matches!(
        reason,
        DisconnectReason::ClientInitiated
            | DisconnectReason::ParticipantRemoved
            | DisconnectReason::RoomDeleted
            | DisconnectReason::RoomClosed
            | DisconnectReason::UserUnavailable
            | DisconnectReason::UserRejected
            | DisconnectReason::SipTrunkFailure
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANG_UP: DisconnectReason = DisconnectReason::ClientInitiated;

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
        let now = Instant::now();
        assert_eq!(caller.left(&id, HANG_UP, now), Some(RoomEvent::CallerLeft));
        assert_eq!(caller.awaited_until(), None);
    }

    #[test]
    fn a_leg_that_vanished_is_waited_for() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        let now = Instant::now();
        let later = now + Duration::from_secs(7);
        caller.sip_joined(id.clone(), &status("active"));
        assert_eq!(caller.left(&id, DisconnectReason::SignalClose, now), None);
        assert_eq!(caller.awaited_until(), Some(now + PATIENCE));
        caller.reconnecting();
        assert_eq!(caller.awaited_until(), None);
        caller.reconnected(later);
        assert_eq!(caller.awaited_until(), Some(later + PATIENCE));
        let back = caller.sip_joined(id.clone(), &status("active"));
        assert_eq!(back, [RoomEvent::CallerJoined], "it was active before");
        assert_eq!(caller.awaited_until(), None);
        assert_eq!(caller.heard(&id), Some(RoomEvent::CallerBack));
        assert_eq!(caller.heard(&id), None);
        caller.reconnected(later);
        assert_eq!(caller.awaited_until(), None);
    }

    /// The SDK resumes first, and only when that fails says that everybody is gone.
    #[test]
    fn a_leg_that_vanishes_while_we_are_away_is_waited_for_from_our_return() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        let now = Instant::now();
        caller.sip_joined(id.clone(), &status("active"));
        caller.reconnecting();
        assert_eq!(caller.left(&id, DisconnectReason::UnknownReason, now), None);
        assert_eq!(caller.awaited_until(), None);
        let later = now + Duration::from_secs(20);
        caller.reconnected(later);
        assert_eq!(caller.awaited_until(), Some(later + PATIENCE));
    }

    #[test]
    fn a_leg_that_stays_away_has_left_as_one_that_says_goodbye() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        let now = Instant::now();
        caller.sip_joined(id.clone(), &status("active"));
        caller.left(&id, DisconnectReason::UnknownReason, now);
        assert_eq!(caller.left(&id, HANG_UP, now), Some(RoomEvent::CallerLeft));
        assert_eq!(caller.given_up(), RoomEvent::CallerLeft);
        assert_eq!(caller.awaited_until(), None);
    }

    #[test]
    fn a_conversation_without_its_leg_is_waited_for_and_one_with_it_is_not() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        let now = Instant::now();
        caller.expected(now);
        assert_eq!(caller.awaited_until(), Some(now + PATIENCE));
        let back = caller.sip_joined(id.clone(), &status("active"));
        assert_eq!(back, [RoomEvent::CallerJoined, RoomEvent::CallerActive]);
        assert_eq!(caller.awaited_until(), None);
        caller.expected(now);
        assert_eq!(caller.awaited_until(), None, "it is there");
        let mut gone = Caller::default();
        gone.expected(now);
        assert_eq!(gone.given_up(), RoomEvent::CallerLeft);
    }

    #[test]
    fn keys_are_single_ones_of_the_callers_own_phone() {
        let (mut caller, id) = (Caller::default(), ParticipantIdentity("sip_1".into()));
        let other = ParticipantIdentity("agent-1".into());
        caller.sip_joined(id.clone(), &status("active"));
        for key in KEYS.chars() {
            let pressed = caller.pressed(Some(&id), &key.to_string());
            assert_eq!(pressed, Some(RoomEvent::Dtmf(key)));
        }
        for text in ["", "12", "1 2", "x", "a", "flash", "\u{661}"] {
            assert_eq!(caller.pressed(Some(&id), text), None, "{text}");
        }
        assert_eq!(caller.pressed(Some(&other), "1"), None);
        assert_eq!(caller.pressed(None, "1"), None);
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
        assert_eq!(caller.left(&other, HANG_UP, Instant::now()), None);
    }
}
