//! `list_my_appointments`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::blank_as_none,
    cancel_appointment::not_found,
    identity::Claim,
};
use crate::{
    domain::{
        ids::{CallId, PatientId},
        spoken::spoken_time,
    },
    storage::postgres::{Appointment, Proof},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArgs {
    /// Id of a booking, from an earlier answer in this call.
    #[serde(default, deserialize_with = "blank_as_none")]
    booking_id: Option<String>,
    /// The code of letters and digits that the caller noted down.
    #[serde(default, deserialize_with = "blank_as_none")]
    confirmation_code: Option<String>,
    /// The patient's first and last name.
    #[serde(default, deserialize_with = "blank_as_none")]
    patient_name: Option<String>,
    /// The patient's date of birth, YYYY-MM-DD, with the name.
    #[serde(default, deserialize_with = "blank_as_none")]
    date_of_birth: Option<String>,
    /// The phone number that was given when booking, only if a tool asked for it.
    #[serde(default, deserialize_with = "blank_as_none")]
    phone: Option<String>,
}

impl ListArgs {
    fn claim(&self) -> Claim<'_> {
        Claim {
            booking_id: self.booking_id.as_deref(),
            confirmation_code: self.confirmation_code.as_deref(),
            patient_name: self.patient_name.as_deref(),
            date_of_birth: self.date_of_birth.as_deref(),
            phone: self.phone.as_deref(),
        }
    }
}

/// Which appointments the caller may know.
struct Proven {
    patient: PatientId,
    /// Only those that this call has made.
    made_in: Option<CallId>,
    /// Only those that were made from this number.
    made_from: Option<[u8; 32]>,
}

impl ToolSet {
    pub(super) async fn list_my_appointments(&self, args: ListArgs) -> Answered {
        let proven = if args.booking_id.is_some() || args.confirmation_code.is_some() {
            self.proven_by_booking(&args).await?
        } else {
            self.proven_by_phone(&args).await?
        };
        let ahead = self
            .db
            .appointments_ahead(
                self.profile().id,
                proven.patient,
                self.now(),
                proven.made_in,
                proven.made_from.as_ref(),
            )
            .await?;
        // Whether there is such a patient at all is nothing to be known by a name and a birth date.
        if ahead.is_empty() && proven.made_from.is_some() {
            return Err(not_found());
        }
        let told: Vec<Value> = ahead.iter().map(|one| self.tell(one)).collect();
        Ok(Answer::done(json!({ "appointments": told })))
    }

    /// What it takes to cancel a booking shows all of its patient's. Who has booked in somebody's name knows what they booked, and no more.
    async fn proven_by_booking(&self, args: &ListArgs) -> Result<Proven, Refusal> {
        let found = self.claimed(&args.claim()).await?.ok_or_else(not_found)?;
        Ok(Proven {
            patient: found.booking.patient,
            made_in: (found.proof == Proof::OwnCall).then_some(self.call),
            made_from: None,
        })
    }

    /// Without a code: name, birth date, and the telephone from which the appointment was made, if the network vouches for its number.
    async fn proven_by_phone(&self, args: &ListArgs) -> Result<Proven, Refusal> {
        let person = self.person(&args.claim())?;
        let (Some(person), Some(caller)) = (person, self.verified_caller()) else {
            return Err(not_found());
        };
        let sealer = &self.clinic.sealer;
        let patient = self.db.patient_named(sealer, &person).await?;
        Ok(Proven {
            patient: patient.ok_or_else(not_found)?,
            made_in: None,
            made_from: Some(sealer.phone_index(caller)),
        })
    }

    fn tell(&self, one: &Appointment) -> Value {
        let procedure = self.profile().procedures.get(&one.procedure);
        json!({
            "booking_id": one.booking,
            "procedure": procedure.map_or(one.procedure.as_str(), |procedure| procedure.name.as_str()),
            "provider": one.practitioner,
            "spoken_time": spoken_time(one.starts_at, self.profile().time_zone),
        })
    }
}
