//! Slot ids and confirmations: stateless, signed, short enough for a model to copy.
//!
//! 24 characters of base 32 (Crockford): number of the practitioner (2 bytes), start in minutes since 1970 (4), tag (9). The tag is a MAC under the tenant's key
//! over call, procedure and the rest: an id that was not offered in this call is refused. The procedure is not written: it is the one for which the tag fits.
//!
//! A confirmation is made of the turn in which the caller was to be asked (4 bytes) and a tag (6) over call, patient and procedure: it counts from the next turn on,
//! when the caller has answered.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ToolSet, answer::Refusal};
use crate::domain::{
    appointment::{FreeSlot, Interval, Practitioner},
    tenant::Procedure,
};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PAYLOAD: usize = 6;
const LENGTH: usize = 15;
const CONFIRMATION: usize = 10;
const TURN: usize = 4;

/// A slot that was offered in this call.
#[derive(Debug)]
pub(super) struct OfferedSlot {
    pub(super) practitioner: Practitioner,
    pub(super) procedure: String,
    pub(super) time: Interval,
}

impl ToolSet {
    /// The id under which a slot is offered.
    pub(super) fn sign_slot(&self, slot: &FreeSlot, procedure: &str) -> String {
        let minutes = u32::try_from(slot.time.start.timestamp() / 60).unwrap_or(0);
        let mut bytes = [0; LENGTH];
        bytes[..2].copy_from_slice(&slot.practitioner.number.to_be_bytes());
        bytes[2..PAYLOAD].copy_from_slice(&minutes.to_be_bytes());
        let tag = self.slot_tag(&bytes[..PAYLOAD], procedure);
        bytes[PAYLOAD..].copy_from_slice(&tag);
        encode(&bytes)
    }

    /// What was offered under this id.
    pub(super) async fn offered_slot(&self, id: &str) -> Result<OfferedSlot, Refusal> {
        let unknown = || {
            Refusal::invalid(
                "unknown_slot",
                "slot_id must be copied from an answer of find_available_slots in this call.",
            )
        };
        let bytes = decode(id).ok_or_else(unknown)?;
        let (code, procedure) = self.signed_procedure(&bytes).ok_or_else(unknown)?;
        let number = u16::from_be_bytes([bytes[0], bytes[1]]);
        let start = start(&bytes).ok_or_else(unknown)?;
        if start <= self.now() {
            return Err(Refusal::invalid(
                "expired_slot",
                "This time has passed: find other slots.",
            ));
        }
        let practitioner = self
            .db
            .practitioner(self.profile().id, number)
            .await?
            .ok_or_else(unknown)?;
        let time = Interval {
            start,
            end: start + TimeDelta::minutes(procedure.minutes.into()),
        };
        Ok(OfferedSlot {
            practitioner,
            procedure: code.to_owned(),
            time,
        })
    }

    /// When a slot begins that was offered in this call, also if that is past.
    pub(super) fn offered_start(&self, id: &str) -> Option<DateTime<Utc>> {
        let bytes = decode(id)?;
        self.signed_procedure(&bytes)?;
        start(&bytes)
    }

    /// What a second booking of the same procedure takes, once the caller was asked in this turn.
    pub(super) fn sign_confirmation(&self, person: &[u8], procedure: &str, turn: u32) -> String {
        let mut bytes = [0; CONFIRMATION];
        bytes[..TURN].copy_from_slice(&turn.to_be_bytes());
        let tag = self.confirmation_tag(person, procedure, turn);
        bytes[TURN..].copy_from_slice(&tag);
        encode(&bytes)
    }

    /// Whether the caller has had a turn to answer since they were to be asked.
    pub(super) fn is_confirmed(
        &self,
        confirmation: &str,
        person: &[u8],
        procedure: &str,
        turn: u32,
    ) -> bool {
        let Some(bytes) = decode::<CONFIRMATION>(confirmation) else {
            return false;
        };
        let asked = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let tag = self.confirmation_tag(person, procedure, asked);
        let fits: bool = subtle::ConstantTimeEq::ct_eq(&bytes[TURN..], &tag[..]).into();
        fits && asked < turn
    }

    fn confirmation_tag(
        &self,
        person: &[u8],
        procedure: &str,
        turn: u32,
    ) -> [u8; CONFIRMATION - TURN] {
        let call = self.call.as_uuid();
        let full = self.clinic.sealer.token_tag(&[
            b"second booking",
            call.as_bytes(),
            procedure.as_bytes(),
            person,
            &turn.to_be_bytes(),
        ]);
        let mut tag = [0; CONFIRMATION - TURN];
        tag.copy_from_slice(&full[..CONFIRMATION - TURN]);
        tag
    }

    fn signed_procedure(&self, bytes: &[u8; LENGTH]) -> Option<(&str, &Procedure)> {
        let (payload, tag) = bytes.split_at(PAYLOAD);
        let mut procedures = self.profile().procedures.iter();
        let (code, procedure) = procedures.find(|(code, _)| {
            subtle::ConstantTimeEq::ct_eq(tag, &self.slot_tag(payload, code)).into()
        })?;
        Some((code, procedure))
    }

    fn slot_tag(&self, payload: &[u8], procedure: &str) -> [u8; LENGTH - PAYLOAD] {
        let call = self.call.as_uuid();
        let full = self.clinic.sealer.token_tag(&[
            b"slot",
            call.as_bytes(),
            procedure.as_bytes(),
            payload,
        ]);
        let mut tag = [0; LENGTH - PAYLOAD];
        tag.copy_from_slice(&full[..LENGTH - PAYLOAD]);
        tag
    }
}

fn start(bytes: &[u8; LENGTH]) -> Option<DateTime<Utc>> {
    let minutes = u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
    DateTime::from_timestamp(i64::from(minutes) * 60, 0)
}

/// Five bytes make eight characters.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    for five in bytes.chunks(5) {
        let group = five
            .iter()
            .fold(0_u64, |group, byte| group << 8 | u64::from(*byte));
        for index in (0..8).rev() {
            text.push(char::from(ALPHABET[(group >> (5 * index)) as usize & 31]));
        }
    }
    text
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lower = text.trim().to_ascii_lowercase();
    let digits: Vec<u64> = lower
        .bytes()
        .map(|c| Some(ALPHABET.iter().position(|known| *known == c)? as u64))
        .collect::<Option<_>>()?;
    if digits.len() != N * 8 / 5 {
        return None;
    }
    let mut bytes = [0; N];
    for (five, eight) in bytes.chunks_mut(5).zip(digits.chunks(8)) {
        let group = eight.iter().fold(0_u64, |group, digit| group << 5 | digit);
        five.copy_from_slice(&group.to_be_bytes()[3..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_own_parser_in_any_case() {
        let bytes = [0, 1, 255, 128, 7, 9, 200, 31, 32, 33, 64, 99, 254, 1, 0];
        let text = encode(&bytes);
        assert_eq!(text.len(), 24);
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&format!(" {} ", text.to_uppercase())), Some(bytes));
    }

    #[test]
    fn other_text_is_no_id() {
        for text in [
            "",
            "tuesday-10am",
            "0123456789abcdefghjkmnp",
            "0123456789abcdefghjkmnpqr",
            "0123456789abcdefghjkmnpu",
        ] {
            assert_eq!(decode::<LENGTH>(text), None, "{text}");
        }
    }
}
