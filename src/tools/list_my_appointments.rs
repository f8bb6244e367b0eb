//! `list_my_appointments`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
    cancel_appointment::{Claim, not_found},
};
use crate::{
    domain::{
        ids::{CallId, PatientId},
        spoken::spoken_time,
    },
    storage::postgres::Appointment,
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
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
        };
        let booking = self.claimed(&claim).await?.ok_or_else(not_found)?.booking;
        Ok(Proven {
            patient: booking.patient,
            made_in: (booking.call == self.call).then_some(self.call),
            made_from: None,
        })
    }

    /// Without a code: name, birth date, and the telephone from which the appointment was made.
    async fn proven_by_phone(&self, args: &ListArgs) -> Result<Proven, Refusal> {
        let (Some(name), Some(born), Some(caller)) =
            (&args.patient_name, &args.date_of_birth, &self.caller)
        else {
            return Err(not_found());
        };
        let sealer = &self.clinic.sealer;
        let person = sealer.person_index(
            &arguments::patient_name(name)?,
            &arguments::date_of_birth(born, self.today())?,
        );
        let tenant = self.profile().id;
        let patient = self.db.patient_named(tenant, &person).await?;
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
