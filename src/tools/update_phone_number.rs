//! `update_phone_number`: a patient's number, corrected by somebody who shows who they are.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered},
    arguments::{self, blank_as_none},
    cancel_appointment::not_found,
    catalogue::Tool,
    idempotency::settle,
    identity::Claim,
};
use crate::storage::postgres::PhoneCorrection;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatePhoneArgs {
    /// The right number; of another country with + and the country code.
    new_phone: String,
    /// Id of an appointment of the patient's, from an earlier answer in this call.
    #[serde(default, deserialize_with = "blank_as_none")]
    booking_id: Option<String>,
    /// Or its code, that the caller noted down.
    #[serde(default, deserialize_with = "blank_as_none")]
    confirmation_code: Option<String>,
    /// The patient's full name, unless this call booked the appointment.
    #[serde(default, deserialize_with = "blank_as_none")]
    patient_name: Option<String>,
    /// The patient's date of birth, YYYY-MM-DD, with the name.
    #[serde(default, deserialize_with = "blank_as_none")]
    date_of_birth: Option<String>,
}

const NOT_PROVEN: &str = "Nothing was changed: this patient was known before this call. Ask for full name, date of birth and the confirmation code of an earlier \
                          appointment, and call this tool again with them; or use transfer_to_human.";

impl ToolSet {
    pub(super) async fn update_phone_number(&self, args: UpdatePhoneArgs) -> Answered {
        let phone = arguments::phone(&args.new_phone, self.clinic.home())?;
        let claim = Claim {
            booking_id: args.booking_id.as_deref(),
            confirmation_code: args.confirmation_code.as_deref(),
            patient_name: args.patient_name.as_deref(),
            date_of_birth: args.date_of_birth.as_deref(),
            phone: None,
        };
        let found = self.claimed(&claim).await?.ok_or_else(not_found)?;
        let sealer = &self.clinic.sealer;
        let patient = found.booking.patient;
        let committed = self.db.corrections(sealer, self.call, patient).await?;
        let (patient, index) = (patient.as_uuid(), sealer.phone_index(&phone));
        let mutation = self.mutation(
            Tool::UpdatePhoneNumber,
            &[patient.as_bytes(), &index],
            committed,
        );
        let proven = (found.booking.id, found.proof);
        let corrected = settle(|| self.db.correct_phone(sealer, &mutation, proven, &phone)).await?;
        Ok(match corrected {
            PhoneCorrection::Done => Answer::done(json!({ "status": "phone_updated" })),
            PhoneCorrection::NotProven => {
                Answer::declined(json!({ "status": "identity_not_shown", "message": NOT_PROVEN }))
            }
        })
    }
}
