//! `book_appointment`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
    catalogue::Tool,
    idempotency::settle,
    slot_id::OfferedSlot,
};
use crate::{
    domain::{confirmation_code::spoken_code, phi::Phi, spoken::spoken_time},
    storage::postgres::{BookOutcome, Booking, BookingLimit, Mutation, NewBooking, PatientDetails},
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
    /// Leave out. Only after the answer has_appointment, and once the caller has said that they want another appointment besides: the value from that answer.
    #[serde(default, deserialize_with = "blank_as_none")]
    additional_confirmation: Option<String>,
}

/// A booking about to be made.
pub(super) struct PreparedBooking {
    slot: OfferedSlot,
    pub(super) mutation: Mutation,
    pub(super) wanted: NewBooking,
    turn: u32,
}

impl ToolSet {
    pub(super) async fn book_appointment(&self, args: BookArgs, turn: u32) -> Answered {
        let prepared = self.prepare_booking(args, turn).await?;
        let (sealer, mutation, wanted) =
            (&self.clinic.sealer, &prepared.mutation, &prepared.wanted);
        let outcome = settle(|| self.db.book(sealer, mutation, wanted)).await?;
        self.booked(&prepared, outcome).await
    }

    pub(super) async fn prepare_booking(
        &self,
        args: BookArgs,
        turn: u32,
    ) -> Result<PreparedBooking, Refusal> {
        let patient = self.patient(&args)?;
        let reason = args
            .reason
            .as_deref()
            .map(|reason| arguments::text("reason", reason))
            .transpose()?
            .map(Phi::new);
        let slot = self.offered_slot(&args.slot_id).await?;
        let sealer = &self.clinic.sealer;
        let person = sealer.person_index(&patient.name, &patient.born);
        let mutation = self.name_booking(&slot, &person).await?;
        // One that does not fit is none: the answer asks again.
        let additional = args
            .additional_confirmation
            .is_some_and(|text| self.is_confirmed(&text, &person, &slot.procedure, turn));
        let wanted = NewBooking {
            provider: slot.practitioner.id,
            procedure: slot.procedure.clone(),
            time: slot.time,
            patient,
            reason,
            made_at: self.now(),
            caller: self
                .caller
                .as_ref()
                .map(|caller| sealer.phone_index(caller)),
            additional,
        };
        Ok(PreparedBooking {
            slot,
            mutation,
            wanted,
            turn,
        })
    }

    /// What became of it, as the model reads it.
    pub(super) async fn booked(
        &self,
        prepared: &PreparedBooking,
        outcome: BookOutcome,
    ) -> Answered {
        match outcome {
            BookOutcome::Booked(booking) => self.confirm("booked", &booking).await,
            // A repeat within the call reads as the first time did; in another call the patient should know that nothing new happened.
            BookOutcome::Already(booking) if booking.call == self.call => {
                self.confirm("booked", &booking).await
            }
            BookOutcome::Already(booking) => {
                let mut answer = self.confirm("already_booked", &booking).await?;
                withhold_code(&mut answer);
                Ok(answer)
            }
            BookOutcome::SlotTaken => self.unavailable("slot_taken", &prepared.slot).await,
            BookOutcome::SimilarName => self.similar_name(&prepared.slot).await,
            BookOutcome::NotOffered => self.unavailable("not_available", &prepared.slot).await,
            BookOutcome::PatientBusy(there) => Ok(self.patient_busy(&there)),
            BookOutcome::HasSame(there) => Ok(self.has_appointment(prepared, &there)),
            BookOutcome::TooMany(limit) => Ok(too_many(limit)),
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

    async fn name_booking(&self, slot: &OfferedSlot, person: &[u8]) -> Result<Mutation, Refusal> {
        let provider = slot.practitioner.id;
        let committed = self
            .db
            .mutations_of_slot(self.profile().id, self.call, provider, slot.time.start)
            .await?;
        let (provider, start) = (
            provider.as_uuid(),
            slot.time.start.timestamp().to_be_bytes(),
        );
        let about: [&[u8]; 4] = [
            provider.as_bytes(),
            &start,
            slot.procedure.as_bytes(),
            person,
        ];
        Ok(self.mutation(Tool::BookAppointment, &about, committed))
    }

    /// A booking as the model reads it. It is read back first: what is claimed is what is stored.
    pub(super) async fn confirm(&self, status: &str, booking: &Booking) -> Answered {
        let stored = self.db.booking(self.profile().id, booking.id).await?;
        if stored.as_ref() != Some(booking) {
            return Err(Refusal::Declined(json!({
                "status": "changed_meanwhile",
                "message": "Somebody else has changed this appointment at the same time. Claim nothing; look with list_my_appointments or ask the caller.",
            })));
        }
        Ok(Answer::done(json!({
            "status": status,
            "booking_id": booking.id,
            "confirmation_code": booking.confirmation_code,
            "confirmation_code_spoken": spoken_code(&booking.confirmation_code),
            "spoken_time": spoken_time(booking.time.start, self.profile().time_zone),
        })))
    }

    /// The slot went between offer and booking: to somebody else, or because the practitioner is away then.
    pub(super) async fn unavailable(&self, status: &str, slot: &OfferedSlot) -> Answered {
        let day = slot
            .time
            .start
            .with_timezone(&self.profile().time_zone)
            .date_naive();
        let alternatives = self.alternatives(&slot.procedure, day).await?;
        Ok(Answer::declined(
            json!({ "status": status, "alternatives": alternatives }),
        ))
    }

    /// The patient would have to be at two places at once.
    pub(super) fn patient_busy(&self, there: &Booking) -> Answer {
        let mut content = json!({
            "status": "patient_busy",
            "message": "Nothing was changed: the patient has another appointment that overlaps this time. Offer another time, or to move or cancel that one.",
        });
        self.name_appointment(&mut content, there);
        Answer::declined(content)
    }

    fn has_appointment(&self, prepared: &PreparedBooking, there: &Booking) -> Answer {
        let patient = &prepared.wanted.patient;
        let person = self
            .clinic
            .sealer
            .person_index(&patient.name, &patient.born);
        let confirmation = self.sign_confirmation(&person, &prepared.slot.procedure, prepared.turn);
        let mut content = json!({
            "status": "has_appointment",
            "message": "Nothing was booked: the patient already has an appointment for this procedure, or one that was booked in this call. Ask whether they want to keep it, to move it \
                        (reschedule_appointment), or to have another one besides. Only if they then say that they want another one besides, call this tool again with \
                        additional_confirmation.",
            "additional_confirmation": confirmation,
        });
        self.name_appointment(&mut content, there);
        Answer::declined(content)
    }

    /// Details only of what this call has booked itself: name and birth date alone show nobody a patient's appointments.
    fn name_appointment(&self, content: &mut serde_json::Value, there: &Booking) {
        if there.call == self.call {
            content["appointment"] = json!({
                "booking_id": there.id,
                "spoken_time": spoken_time(there.time.start, self.profile().time_zone),
            });
        }
    }
}

/// Who knows a patient's name, birth date and hour has not shown that they are that patient: the code would let them.
fn withhold_code(answer: &mut Answer) {
    if let Some(fields) = answer.content.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("confirmation_code"));
    }
}

fn too_many(limit: BookingLimit) -> Answer {
    let what = match limit {
        BookingLimit::PerCall => {
            "No more appointments can be booked in this call. Say so, and offer to transfer the caller for more."
        }
        BookingLimit::PerCaller => {
            "No more appointments can be booked from this telephone number while so many lie ahead. Say so, and offer to transfer the caller."
        }
        BookingLimit::PerPatient => {
            "No more appointments can be booked for this patient while so many lie ahead. Offer to move or cancel one, or to transfer the caller."
        }
    };
    Answer::declined(json!({
        "status": "too_many_bookings", "limit": limit.as_str(), "message": format!("Nothing was booked. {what}"),
    }))
}
