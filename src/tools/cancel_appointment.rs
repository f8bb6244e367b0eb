//! `cancel_appointment`, and whose booking it is.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::blank_as_none,
    catalogue::Tool,
    idempotency::settle,
    identity::Claim,
};
use crate::{
    domain::ids::BookingId,
    storage::postgres::{Cancelled, Mutation},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelArgs {
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
}

/// A cancellation about to be made.
pub(super) struct PreparedCancel {
    pub(super) mutation: Mutation,
    pub(super) booking: BookingId,
}

impl ToolSet {
    pub(super) async fn cancel_appointment(&self, args: CancelArgs) -> Answered {
        let PreparedCancel { mutation, booking } = self.prepare_cancel(args).await?;
        let tenant = self.profile().id;
        let cancelled = settle(|| self.db.cancel(tenant, &mutation, booking)).await?;
        self.cancelled(cancelled).await
    }

    pub(super) async fn prepare_cancel(&self, args: CancelArgs) -> Result<PreparedCancel, Refusal> {
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
            phone: args.phone.as_deref(),
        };
        let found = self.claimed(&claim).await?.ok_or_else(not_found)?;
        if found.booking.time.start <= self.now() {
            return Err(Refusal::Declined(json!({ "status": "too_late" })));
        }
        let booking = found.booking.id;
        let id = booking.as_uuid();
        let mutation = self.mutation(Tool::CancelAppointment, &[id.as_bytes()], found.mutations);
        Ok(PreparedCancel { mutation, booking })
    }

    /// What became of it, as the model reads it.
    pub(super) async fn cancelled(&self, outcome: Cancelled) -> Answered {
        match outcome {
            Cancelled::Done(booking) => self.confirm("cancelled", &booking).await,
            Cancelled::Before(booking) => {
                let answer = self.confirm("already_cancelled", &booking).await?;
                Ok(Answer::declined(answer.content))
            }
        }
    }
}

/// The same answer whether there is no such booking or it is somebody else's.
pub(super) fn not_found() -> Refusal {
    Refusal::Declined(json!({ "status": "not_found" }))
}
