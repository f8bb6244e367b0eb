//! `book_appointment`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
    catalogue::Tool,
    idempotency::settle,
    slot_id::OfferedSlot,
};
use crate::{
    domain::{phi::Phi, spoken::spoken_time},
    storage::postgres::{BookOutcome, Booking, Mutation, NewBooking, PatientDetails},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BookArgs {
    /// The agreed slot, copied from find_available_slots.
    slot_id: String,
    /// The patient's full name, as the caller said it; never made up.
    patient_name: String,
    /// The patient's date of birth, YYYY-MM-DD, as the caller said it; never made up.
    date_of_birth: String,
    /// Number to reach the patient, if it is not the one they call from; of another country with + and the country code.
    #[serde(default, deserialize_with = "blank_as_none")]
    phone: Option<String>,
    /// Why the patient comes, in a few words.
    #[serde(default, deserialize_with = "blank_as_none")]
    reason: Option<String>,
}

impl ToolSet {
    pub(super) async fn book_appointment(&self, args: BookArgs) -> Answered {
        let patient = self.patient(&args)?;
        let reason = args
            .reason
            .as_deref()
            .map(|reason| arguments::text("reason", reason))
            .transpose()?
            .map(Phi::new);
        let slot = self.offered_slot(&args.slot_id).await?;
        let mutation = self.name_booking(&slot, &patient).await?;
        let wanted = NewBooking {
            provider: slot.practitioner.id,
            procedure: slot.procedure.clone(),
            time: slot.time,
            patient,
            reason,
        };
        match settle(|| self.db.book(&self.clinic.sealer, &mutation, &wanted)).await? {
            BookOutcome::Booked(booking) => Ok(Answer::done(self.confirm("booked", &booking))),
            // A repeat within the call reads as the first time did; in another call the patient should know that nothing new happened.
            BookOutcome::Already(booking) if booking.call == self.call => {
                Ok(Answer::done(self.confirm("booked", &booking)))
            }
            BookOutcome::Already(booking) => {
                Ok(Answer::done(self.confirm("already_booked", &booking)))
            }
            BookOutcome::SlotTaken => self.slot_taken(&slot).await,
            BookOutcome::SimilarName => self.similar_name(&slot).await,
        }
    }

    fn patient(&self, args: &BookArgs) -> Result<PatientDetails, Refusal> {
        let phone = args
            .phone
            .as_deref()
            .map(|text| arguments::phone(text, self.clinic.home()))
            .transpose()?;
        Ok(PatientDetails {
            name: arguments::patient_name(&args.patient_name)?,
            born: arguments::date_of_birth(&args.date_of_birth, self.today(), self.clinic.home())?,
            phone: phone.or_else(|| self.contact().cloned()),
        })
    }

    async fn name_booking(
        &self,
        slot: &OfferedSlot,
        patient: &PatientDetails,
    ) -> Result<Mutation, Refusal> {
        let provider = slot.practitioner.id;
        let committed = self
            .db
            .mutations_of_slot(self.profile().id, self.call, provider, slot.time.start)
            .await?;
        let person = self
            .clinic
            .sealer
            .person_index(&patient.name, &patient.born);
        let (provider, start) = (
            provider.as_uuid(),
            slot.time.start.timestamp().to_be_bytes(),
        );
        let about: [&[u8]; 4] = [
            provider.as_bytes(),
            &start,
            slot.procedure.as_bytes(),
            &person,
        ];
        Ok(self.mutation(Tool::BookAppointment, &about, committed))
    }

    /// A booking as the model reads it.
    pub(super) fn confirm(&self, status: &str, booking: &Booking) -> Value {
        json!({
            "status": status,
            "booking_id": booking.id,
            "confirmation_code": booking.confirmation_code,
            "spoken_time": spoken_time(booking.time.start, self.profile().time_zone),
        })
    }

    /// The slot went to somebody else between offer and booking.
    pub(super) async fn slot_taken(&self, slot: &OfferedSlot) -> Answered {
        let day = slot
            .time
            .start
            .with_timezone(&self.profile().time_zone)
            .date_naive();
        let alternatives = self.alternatives(&slot.procedure, day).await?;
        Ok(Answer::declined(
            json!({ "status": "slot_taken", "alternatives": alternatives }),
        ))
    }
}
