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

/// Whose appointments the caller may know.
struct Proven {
    patient: PatientId,
    /// Only those that this call has made.
    made_in: Option<CallId>,
}

impl ToolSet {
    pub(super) async fn list_my_appointments(&self, args: ListArgs) -> Answered {
        let proven = self.proven_patient(&args).await?;
        let ahead = self
            .db
            .appointments_ahead(
                self.profile().id,
                proven.patient,
                self.now(),
                proven.made_in,
            )
            .await?;
        let told: Vec<Value> = ahead.iter().map(|one| self.tell(one)).collect();
        Ok(Answer::done(json!({ "appointments": told })))
    }

    /// Three facts (name, birth date, their own telephone), or what it takes to cancel a booking of theirs.
    async fn proven_patient(&self, args: &ListArgs) -> Result<Proven, Refusal> {
        if let Some(patient) = self.patient_on_the_phone(args).await? {
            return Ok(Proven {
                patient,
                made_in: None,
            });
        }
        if args.booking_id.is_none() && args.confirmation_code.is_none() {
            return Err(not_found());
        }
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
        };
        let booking = self.claimed(&claim).await?.ok_or_else(not_found)?.booking;
        // Who has booked in somebody's name knows that booking, and no other.
        let made_in = (booking.call == self.call).then_some(self.call);
        Ok(Proven {
            patient: booking.patient,
            made_in,
        })
    }

    async fn patient_on_the_phone(&self, args: &ListArgs) -> Result<Option<PatientId>, Refusal> {
        let (Some(name), Some(born), Some(caller)) =
            (&args.patient_name, &args.date_of_birth, &self.caller)
        else {
            return Ok(None);
        };
        let sealer = &self.clinic.sealer;
        let person = sealer.person_index(
            &arguments::patient_name(name)?,
            &arguments::date_of_birth(born, self.today())?,
        );
        let phone = sealer.phone_index(caller);
        let tenant = self.profile().id;
        Ok(self.db.patient_with_number(tenant, &person, &phone).await?)
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
