//! Whose appointment it is. What must be shown for what is decided in `docs/adr/0020-proof-of-identity.md`.

use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments,
    slot_id::OfferedSlot,
};
use crate::{
    domain::{caller::Attestation, e164::E164, phi::Phi},
    storage::postgres::{Claimant, Found, FoundBooking, Person},
};

/// Which booking, and what shows that it is the caller's.
pub(super) struct Claim<'a> {
    pub(super) booking_id: Option<&'a str>,
    pub(super) confirmation_code: Option<&'a str>,
    pub(super) patient_name: Option<&'a str>,
    pub(super) date_of_birth: Option<&'a str>,
    /// The number that the caller says is the patient's.
    pub(super) phone: Option<&'a str>,
}

const UNCLEAR: &str = "The code and the date of birth fit an appointment, but it was booked under a name that is written differently. Nothing was done, and you do not know the name: \
                       do not guess it. Ask the caller to spell the full name as it was given when booking, and for the phone number that was given then. Call this tool \
                       again with patient_name, date_of_birth, confirmation_code and phone. If it still does not fit, use transfer_to_human.";

const SIMILAR_NAME: &str = "This time is taken, perhaps by this very patient under another spelling of the name. Ask whether the patient has booked this time already, and under \
                            which exact name; let the caller spell it. If so, call this tool again with that name. If not, offer one of the alternatives.";

impl ToolSet {
    /// Where the caller can be reached, as far as the network tells. It proves nothing.
    pub(super) fn contact(&self) -> Option<&Phi<E164>> {
        let is_somebody_elses = self.attestation == Attestation::Failed;
        self.caller.as_ref().filter(|_| !is_somebody_elses)
    }

    /// The caller's number, if the network vouches for it.
    pub(super) fn verified_caller(&self) -> Option<&Phi<E164>> {
        let is_vouched_for = self.attestation == Attestation::Verified;
        self.caller.as_ref().filter(|_| is_vouched_for)
    }

    /// The booking that the caller names, if it is theirs.
    pub(super) async fn claimed(&self, claim: &Claim<'_>) -> Result<Option<FoundBooking>, Refusal> {
        let wanted = arguments::booking_ref(claim.booking_id, claim.confirmation_code)?;
        let sealer = &self.clinic.sealer;
        let stated = claim
            .phone
            .map(|text| arguments::phone(text, self.clinic.home()))
            .transpose()?;
        let who = Claimant {
            call: self.call,
            phone: self
                .verified_caller()
                .map(|caller| sealer.phone_index(caller)),
            stated_phone: stated.map(|number| sealer.phone_index(&number)),
            person: self.person(claim)?,
        };
        match self.db.find_booking(sealer, &wanted, &who).await? {
            Found::Theirs(found) => Ok(Some(found)),
            Found::Unclear => Err(Refusal::invalid("name_unclear", UNCLEAR)),
            Found::Nothing => Ok(None),
        }
    }

    pub(super) fn person(&self, claim: &Claim<'_>) -> Result<Option<Person>, Refusal> {
        match (claim.patient_name, claim.date_of_birth) {
            (Some(name), Some(born)) => Ok(Some(Person {
                name: arguments::patient_name(name)?,
                born: arguments::date_of_birth(born, self.today(), self.clinic.home())?,
            })),
            (None, None) => Ok(None),
            _ => Err(Refusal::arguments(
                "Give patient_name and date_of_birth together: ask the caller for the one that is missing.",
            )),
        }
    }

    /// The slot is taken by somebody of this birth date and a name like that.
    pub(super) async fn similar_name(&self, slot: &OfferedSlot) -> Answered {
        let mut answer = self.unavailable("name_unclear", slot).await?;
        answer.content["message"] = json!(SIMILAR_NAME);
        Ok(Answer::declined(answer.content))
    }
}
