//! `cancel_appointment`, and whose booking it is.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
    catalogue::Tool,
    idempotency::settle,
};
use crate::storage::postgres::{Cancelled, Claimant, FoundBooking};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelArgs {
    /// Id of the booking, from an earlier answer in this call.
    #[serde(default, deserialize_with = "blank_as_none")]
    booking_id: Option<String>,
    /// The four-character code that the caller noted down.
    #[serde(default, deserialize_with = "blank_as_none")]
    confirmation_code: Option<String>,
    /// The patient's first and last name, if they call from another number than they booked with.
    #[serde(default, deserialize_with = "blank_as_none")]
    patient_name: Option<String>,
    /// The patient's date of birth, YYYY-MM-DD, with the name.
    #[serde(default, deserialize_with = "blank_as_none")]
    date_of_birth: Option<String>,
}

/// Which booking, and what shows that it is the caller's.
pub(super) struct Claim<'a> {
    pub(super) booking_id: Option<&'a str>,
    pub(super) confirmation_code: Option<&'a str>,
    pub(super) patient_name: Option<&'a str>,
    pub(super) date_of_birth: Option<&'a str>,
}

impl ToolSet {
    pub(super) async fn cancel_appointment(&self, args: CancelArgs) -> Answered {
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
        };
        let Some(found) = self.claimed(&claim).await? else {
            return Ok(not_found());
        };
        if found.booking.time.start <= self.now() {
            return Ok(Answer::declined(json!({ "status": "too_late" })));
        }
        let id = found.booking.id;
        let mutation = self.mutation(
            Tool::CancelAppointment,
            &[id.as_uuid().as_bytes()],
            found.mutations,
        );
        let tenant = self.profile().id;
        Ok(
            match settle(|| self.db.cancel(tenant, &mutation, id)).await? {
                Cancelled::Done(booking) => Answer::done(self.confirm("cancelled", &booking)),
                Cancelled::Before(booking) => {
                    Answer::declined(self.confirm("already_cancelled", &booking))
                }
            },
        )
    }

    /// The booking that the caller names, if it is theirs.
    pub(super) async fn claimed(&self, claim: &Claim<'_>) -> Result<Option<FoundBooking>, Refusal> {
        let wanted = arguments::booking_ref(claim.booking_id, claim.confirmation_code)?;
        let sealer = &self.clinic.sealer;
        let person = match (claim.patient_name, claim.date_of_birth) {
            (Some(name), Some(born)) => Some(sealer.person_index(
                &arguments::patient_name(name)?,
                &arguments::date_of_birth(born, self.today())?,
            )),
            (None, None) => None,
            _ => {
                return Err(Refusal::arguments(
                    "Give patient_name and date_of_birth together.",
                ));
            }
        };
        let who = Claimant {
            call: self.call,
            phone: self
                .caller
                .as_ref()
                .map(|caller| sealer.phone_index(caller)),
            person,
        };
        Ok(self
            .db
            .find_booking(self.profile().id, &wanted, &who)
            .await?)
    }
}

/// The same answer whether there is no such booking or it is somebody else's.
pub(super) fn not_found() -> Answer {
    Answer::declined(json!({ "status": "not_found" }))
}
