//! `cancel_appointment`, and whose booking it is.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered},
    arguments::blank_as_none,
    catalogue::Tool,
    idempotency::settle,
    identity::Claim,
};
use crate::storage::postgres::Cancelled;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelArgs {
    /// Id of the booking, from an earlier answer in this call.
    #[serde(default, deserialize_with = "blank_as_none")]
    booking_id: Option<String>,
    /// The four-character code that the caller noted down.
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
}

impl ToolSet {
    pub(super) async fn cancel_appointment(&self, args: CancelArgs) -> Answered {
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
            phone: args.phone.as_deref(),
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
}

/// The same answer whether there is no such booking or it is somebody else's.
pub(super) fn not_found() -> Answer {
    Answer::declined(json!({ "status": "not_found" }))
}
