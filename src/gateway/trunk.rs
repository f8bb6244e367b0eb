//! A call by an elastic SIP trunk: LiveKit has put it into a room before we hear of it.
//!
//! The rule that makes the room hides phone numbers: otherwise the patient's number would name the room and the participant, and stand in every log. A hidden number is told
//! by no attribute of LiveKit's, so the trunk copies the two SIP headers that carry the numbers ([`HEADERS`]). A call that is not let in is ended: nothing can be said to a caller
//! before an agent answers, so they hear what their carrier does with a busy line.

use super::{
    Gateway,
    admission::{Newcomer, Verdict},
    caller_id,
    sweep::AnyError,
    twilio::links::CallRef,
};
use crate::{
    dispatch::Rooms,
    domain::{
        call::{CallPhase, Route},
        caller::{Attestation, CallOrigin},
        e164::E164,
        ids::{LegId, RoomName},
        phone,
        placement::ProjectName,
    },
    storage::redis::StoreError,
};
use livekit_protocol::{ParticipantInfo, participant_info::Kind};

/// SIP headers that the elastic trunk copies into the caller's attributes, and the attributes' names.
pub const HEADERS: [(&str, &str); 2] = [("To", DIALLED), ("From", CALLER)];

const DIALLED: &str = "neurality.sipTo";
const CALLER: &str = "neurality.sipFrom";
const LEG: &str = "sip.callID";
/// The number at which the trunk took the call, if LiveKit does not hide it.
const TRUNK_NUMBER: &str = "sip.trunkPhoneNumber";

/// Lets the caller in who joined a room that belongs to no call yet, or ends the room. Told again, it changes nothing.
///
/// # Errors
/// [`StoreError`] if the room could not be noted as the call's.
pub(super) async fn arrived(
    gateway: &Gateway,
    project: &ProjectName,
    room: &RoomName,
    caller: &ParticipantInfo,
) -> Result<(), StoreError> {
    let turn_away = || gateway.dispatcher.turn_away(project.clone(), room.clone());
    let Some(newcomer) = newcomer(project, room, caller) else {
        // The other rule's calls carry none of the attributes: somebody dialled a name of ours.
        tracing::warn!("a caller came by no trunk of ours");
        turn_away();
        return Ok(());
    };
    let verdict = gateway.decide(newcomer).await;
    gateway.metrics.admission(verdict.label());
    match verdict {
        Verdict::Admitted(call, _) => bind(gateway, room, call).await,
        Verdict::Repeated(call, _, _) => {
            let phase = gateway.store.phase(call.tenant, call.call).await?;
            if matches!(phase, None | Some(CallPhase::Ended)) {
                turn_away();
                return Ok(());
            }
            bind(gateway, room, call).await
        }
        Verdict::UnknownNumber | Verdict::Limited(_) | Verdict::Unavailable(_) => {
            tracing::warn!(result = ?verdict.label(), "a call by a trunk is turned away");
            turn_away();
            Ok(())
        }
    }
}

async fn bind(gateway: &Gateway, room: &RoomName, call: CallRef) -> Result<(), StoreError> {
    gateway.store.bind_room(room, call.tenant, call.call).await
}

/// What a participant says of its call; `None` if it is not one by our elastic trunk.
fn newcomer(project: &ProjectName, room: &RoomName, caller: &ParticipantInfo) -> Option<Newcomer> {
    let attribute = |name| caller.attributes.get(name).map(String::as_str);
    Some(Newcomer {
        leg: LegId::Sip(attribute(LEG)?.parse().ok()?),
        route: Route::Trunk,
        room: room.clone(),
        arrived_in: Some(project.clone()),
        dialled: dialled(attribute(DIALLED)?, attribute(TRUNK_NUMBER), room),
        caller: attribute(CALLER).and_then(caller_id::number),
        origin: CallOrigin {
            attestation: attribute(CALLER).map(verstat).unwrap_or_default(),
            forwarded_from: None,
        },
    })
}

/// The number in the `To` header. A diverted call keeps there the number that was dialled first, and nobody may have it: then the number at which the trunk took
/// the call is the clinic's, as the attribute or, where that is hidden, the room's name tells it.
fn dialled(to: &str, trunk_number: Option<&str>, room: &RoomName) -> Vec<E164> {
    let room = room.as_str().strip_prefix(RoomName::TRUNK_PREFIX);
    let in_room = room.and_then(|rest| rest.split('_').find(|part| !part.is_empty()));
    let mut numbers: Vec<E164> = Vec::new();
    for text in [Some(to), trunk_number, in_room].into_iter().flatten() {
        let number = phone::from_network(text);
        numbers.extend(number.filter(|number| !numbers.contains(number)));
    }
    numbers
}

/// `;verstat=TN-Validation-Passed-A` of the address in a `From` header.
fn verstat(header: &str) -> Attestation {
    let mut parameters = header.split([';', '@', '>']);
    let value = parameters.find_map(|parameter| parameter.strip_prefix("verstat="));
    value.map(Attestation::from_verstat).unwrap_or_default()
}

/// Whether a participant is a phone.
pub(super) fn is_caller(participant: &ParticipantInfo) -> bool {
    participant.kind() == Kind::Sip
}

/// Lets the caller in who is in a room of which LiveKit's webhook did not tell.
///
/// # Errors
/// LiveKit or Redis did not answer; the next look finds them.
pub(super) async fn find(
    gateway: &Gateway,
    project: &ProjectName,
    rooms: &Rooms,
    room: &RoomName,
) -> Result<(), AnyError> {
    let participants = rooms.participants(room).await?;
    if let Some(caller) = participants.iter().find(|someone| is_caller(someone)) {
        tracing::warn!("nobody told of a caller");
        arrived(gateway, project, room, caller).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn caller(attributes: &[(&str, &str)]) -> ParticipantInfo {
        let attributes: HashMap<String, String> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        ParticipantInfo {
            kind: Kind::Sip as i32,
            attributes,
            ..ParticipantInfo::default()
        }
    }

    fn room() -> RoomName {
        "neurality-trunk_+12125550100_4fRz8KqLmN2p"
            .parse()
            .expect("room")
    }

    // C09: such calls were turned away.
    #[test]
    fn the_dialled_number_is_read_in_every_form_that_carriers_write() {
        let plain: RoomName = "neurality-trunk_1_4fRz8KqLmN2p".parse().expect("room");
        for header in [
            "<sip:+12125550100@sip.example;transport=tls>;tag=1",
            "\"sip:+1999@x\" <sips:+12125550100@sip.example>",
            "sip:+12125550100@sip.example;tag=1",
            "<tel:+12125550100>",
            "<sip:+12125550100>",
            "<sip:12125550100@sip.example>",
            "<sip:2125550100;user=phone@sip.example>",
            "<SIP:+12125550100@sip.example;user=phone>",
            "tel:+1-212-555-0100",
            "+12125550100",
        ] {
            let numbers = dialled(header, None, &plain);
            let texts: Vec<&str> = numbers.iter().map(E164::as_str).collect();
            assert_eq!(texts, ["+12125550100"], "{header}");
        }
        for header in ["", "<>", "<sip:reception@sip.example>", "<mailto:a@b>"] {
            assert!(dialled(header, None, &plain).is_empty(), "{header}");
        }
    }

    #[test]
    fn a_diverted_call_is_known_by_the_number_at_which_the_trunk_took_it() {
        let texts = |to: &str, at: Option<&str>, room: &RoomName| -> Vec<String> {
            let numbers = dialled(to, at, room);
            numbers
                .iter()
                .map(|number| number.as_str().to_owned())
                .collect()
        };
        let plain: RoomName = "neurality-trunk_1_4fRz8KqLmN2p".parse().expect("room");
        let old = "<sip:+12125550999@sip.example>";
        assert_eq!(
            texts(old, Some("12125550100"), &plain),
            ["+12125550999", "+12125550100"]
        );
        assert_eq!(texts(old, None, &room()), ["+12125550999", "+12125550100"]);
        assert_eq!(
            texts("<sip:reception@x>", Some("+12125550100"), &room()),
            ["+12125550100"]
        );
    }

    #[test]
    fn what_a_carrier_signs_of_the_caller_is_read() {
        for (from, expected) in [
            (
                "<sip:+14155550137;verstat=TN-Validation-Passed-A@carrier.example>;tag=1",
                Attestation::Verified,
            ),
            (
                "<sip:+14155550137@carrier.example;verstat=TN-Validation-Failed>;tag=1",
                Attestation::Failed,
            ),
            ("<sip:+14155550137@carrier.example>", Attestation::Unknown),
        ] {
            assert_eq!(verstat(from), expected, "{from}");
        }
    }

    #[test]
    fn a_caller_by_the_trunk_names_leg_clinic_and_perhaps_itself() {
        let named = [
            (LEG, "SCL_4fRz8KqLmN2p"),
            (DIALLED, "<sip:+12125550100@sip.example>"),
            (CALLER, "<sip:+14155550137@carrier.example>;tag=1"),
        ];
        let known = newcomer(&ProjectName::default(), &room(), &caller(&named)).expect("a call");
        assert_eq!(known.leg.as_str(), "SCL_4fRz8KqLmN2p");
        assert_eq!(known.dialled[0].as_str(), "+12125550100");
        assert_eq!(known.dialled.len(), 1);
        let number = known.caller.expect("told");
        assert_eq!(number.expose().as_str(), "+14155550137");

        let mut withheld = named;
        for from in ["<sip:anonymous@anonymous.invalid>", "<sip:+266696687@x>"] {
            withheld[2].1 = from;
            let call =
                newcomer(&ProjectName::default(), &room(), &caller(&withheld)).expect("a call");
            assert!(call.caller.is_none(), "{from}");
        }
        let mut odd = named;
        odd[1].1 = "<sip:reception@sip.example>";
        let call = newcomer(&ProjectName::default(), &room(), &caller(&odd)).expect("a call");
        let taken_at = call.dialled.first().map(E164::as_str);
        assert_eq!(taken_at, Some("+12125550100"), "the room's name tells it");
    }

    #[test]
    fn a_caller_by_another_rule_is_none_of_the_trunks() {
        let webhook = [
            (LEG, "SCL_4fRz8KqLmN2p"),
            ("sip.trunkPhoneNumber", "+12125550100"),
        ];
        assert!(newcomer(&ProjectName::default(), &room(), &caller(&webhook)).is_none());
        let nameless = [(DIALLED, "<sip:+12125550100@sip.example>")];
        assert!(newcomer(&ProjectName::default(), &room(), &caller(&nameless)).is_none());
    }
}
