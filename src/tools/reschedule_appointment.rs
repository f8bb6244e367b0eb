//! `reschedule_appointment`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::blank_as_none,
    cancel_appointment::not_found,
    catalogue::Tool,
    idempotency::settle,
    identity::Claim,
};
use crate::storage::postgres::{BookingStatus, Moved};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RescheduleArgs {
    /// Id of the booking, from an earlier answer in this call.
    #[serde(default, deserialize_with = "blank_as_none")]
    booking_id: Option<String>,
    /// The code of letters and digits that the caller noted down.
    #[serde(default, deserialize_with = "blank_as_none")]
    confirmation_code: Option<String>,
    /// The patient's full name, unless this call booked it.
    #[serde(default, deserialize_with = "blank_as_none")]
    patient_name: Option<String>,
    /// The patient's date of birth, YYYY-MM-DD, with the name.
    #[serde(default, deserialize_with = "blank_as_none")]
    date_of_birth: Option<String>,
    /// The phone number that was given when booking, only if a tool asked for it.
    #[serde(default, deserialize_with = "blank_as_none")]
    phone: Option<String>,
    /// The agreed new slot, copied from find_available_slots.
    slot_id: String,
}

impl ToolSet {
    pub(super) async fn reschedule_appointment(&self, args: RescheduleArgs) -> Answered {
        let slot = self.offered_slot(&args.slot_id).await?;
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
            phone: args.phone.as_deref(),
        };
        let found = self.claimed(&claim).await?.ok_or_else(not_found)?;
        let booking = found.booking;
        if booking.status == BookingStatus::Cancelled {
            return Ok(Answer::declined(json!({ "status": "already_cancelled" })));
        }
        if booking.time.start <= self.now() {
            return Ok(Answer::declined(json!({ "status": "too_late" })));
        }
        if booking.procedure != slot.procedure {
            let message = format!(
                "This slot is for another procedure: find slots with procedure_code {}.",
                booking.procedure
            );
            return Err(Refusal::invalid("wrong_procedure", message));
        }
        let to = (slot.practitioner.id, slot.time);
        let (id, provider, start) = (
            booking.id.as_uuid(),
            to.0.as_uuid(),
            to.1.start.timestamp().to_be_bytes(),
        );
        let about: [&[u8]; 3] = [id.as_bytes(), provider.as_bytes(), &start];
        let mutation = self.mutation(Tool::RescheduleAppointment, &about, found.mutations);
        let tenant = self.profile().id;
        match settle(|| self.db.reschedule(tenant, &mutation, booking.id, to)).await? {
            Moved::Done(moved) => self.confirm("rescheduled", &moved).await,
            Moved::SlotTaken => self.unavailable("slot_taken", &slot).await,
            Moved::NotOffered => self.unavailable("not_available", &slot).await,
            Moved::PatientBusy(there) => Ok(self.patient_busy(&there)),
            Moved::Cancelled => Ok(Answer::declined(json!({ "status": "already_cancelled" }))),
        }
    }
}
