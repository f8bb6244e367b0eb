//! The closed set of tools.

use std::time::Duration;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    book_appointment::BookArgs,
    cancel_appointment::CancelArgs,
    check_insurance_coverage::CoverageArgs,
    find_available_slots::SlotsArgs,
    hand_over::{self, EndArgs, TRANSFER, TransferArgs},
    list_my_appointments::ListArgs,
    reschedule_appointment::RescheduleArgs,
    update_phone_number::UpdatePhoneArgs,
};
use crate::domain::{conversation::ToolSpec, tenant::TenantProfile};

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    CheckInsuranceCoverage,
    FindAvailableSlots,
    BookAppointment,
    CancelAppointment,
    RescheduleAppointment,
    UpdatePhoneNumber,
    ListMyAppointments,
    TransferToHuman,
    EndCall,
}

impl Tool {
    pub(super) const ALL: [Self; 9] = [
        Self::CheckInsuranceCoverage,
        Self::FindAvailableSlots,
        Self::BookAppointment,
        Self::CancelAppointment,
        Self::RescheduleAppointment,
        Self::UpdatePhoneNumber,
        Self::ListMyAppointments,
        Self::TransferToHuman,
        Self::EndCall,
    ];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CheckInsuranceCoverage => "check_insurance_coverage",
            Self::FindAvailableSlots => "find_available_slots",
            Self::BookAppointment => "book_appointment",
            Self::CancelAppointment => "cancel_appointment",
            Self::RescheduleAppointment => "reschedule_appointment",
            Self::UpdatePhoneNumber => "update_phone_number",
            Self::ListMyAppointments => "list_my_appointments",
            Self::TransferToHuman => TRANSFER,
            Self::EndCall => "end_call",
        }
    }

    pub(super) const fn is_mutating(self) -> bool {
        matches!(
            self,
            Self::BookAppointment
                | Self::CancelAppointment
                | Self::RescheduleAppointment
                | Self::UpdatePhoneNumber
        )
    }

    /// Ends the conversation, so it comes after everything else that was asked for with it.
    pub(super) const fn is_closing(self) -> bool {
        matches!(self, Self::TransferToHuman | Self::EndCall)
    }

    /// Longer for what should not be left in doubt.
    pub(super) const fn deadline(self) -> Duration {
        match self {
            Self::TransferToHuman => hand_over::DEADLINE,
            _ if self.is_mutating() => Duration::from_secs(8),
            _ => Duration::from_secs(4),
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::CheckInsuranceCoverage => {
                "Look up whether the caller's insurance plan pays for a procedure, and the copay. If it cannot tell, say so; never guess."
            }
            Self::FindAvailableSlots => {
                "Find free appointment times; it answers with at most three. Offer only what it returns. If the caller asks for another time, day or practitioner, or for \
                 something later or earlier, call it again with that wish: other times may be free. Dates and times are in the clinic's time zone, at most 60 days ahead."
            }
            Self::BookAppointment => {
                "Book a slot returned by find_available_slots, after the caller has agreed to it and given full name and date of birth. Read the code out as in \
                 confirmation_code_spoken. To replace an appointment by one for the same procedure, use reschedule_appointment; called together with \
                 cancel_appointment, either both are done or neither."
            }
            Self::CancelAppointment => {
                "Cancel an appointment. One that was not booked in this call needs full name, date of birth and confirmation code: ask for all three."
            }
            Self::RescheduleAppointment => {
                "Move an appointment to a slot returned by find_available_slots. One that was not booked in this call needs full name, date of birth and confirmation code."
            }
            Self::UpdatePhoneNumber => {
                "Correct the phone number on file of a patient with an appointment. One that was not booked in this call needs full name, date of birth and confirmation code."
            }
            Self::ListMyAppointments => {
                "List the coming appointments of a patient. Give full name and date of birth; if it answers not_found, also a confirmation code."
            }
            Self::TransferToHuman => {
                "Connect the caller with the clinic's staff: when they ask for a person, in an emergency, or when you cannot help."
            }
            Self::EndCall => "Hang up after the goodbye, when the caller needs nothing more.",
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::CheckInsuranceCoverage => schema_of::<CoverageArgs>(),
            Self::FindAvailableSlots => schema_of::<SlotsArgs>(),
            Self::BookAppointment => schema_of::<BookArgs>(),
            Self::CancelAppointment => schema_of::<CancelArgs>(),
            Self::RescheduleAppointment => schema_of::<RescheduleArgs>(),
            Self::UpdatePhoneNumber => schema_of::<UpdatePhoneArgs>(),
            Self::ListMyAppointments => schema_of::<ListArgs>(),
            Self::TransferToHuman => schema_of::<TransferArgs>(),
            Self::EndCall => schema_of::<EndArgs>(),
        }
    }

    pub(super) fn spec(self, profile: &TenantProfile) -> ToolSpec {
        let mut parameters = self.schema();
        if let Some(code) = parameters.pointer_mut("/properties/procedure_code") {
            code["enum"] = json!(profile.procedures.keys().collect::<Vec<_>>());
        }
        ToolSpec {
            name: self.name(),
            description: self.description(),
            parameters,
        }
    }
}

/// Inlined and without the dialect's name: vendors take a subset of JSON schema.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{ids::TenantId, tenant::Procedure};

    fn profile() -> TenantProfile {
        let cleaning = Procedure {
            name: "cleaning".into(),
            minutes: 30,
        };
        TenantProfile {
            id: TenantId::generate(),
            name: "Clinic".into(),
            time_zone: chrono_tz::UTC,
            greeting: String::new(),
            instructions: String::new(),
            voice: None,
            fallback_number: None,
            transfer: None,
            region: None,
            livekit_project: None,
            max_concurrent_calls: 1,
            max_calls_per_minute: 1,
            procedures: BTreeMap::from([("D1110".to_owned(), cleaning)]),
            keyterms: Vec::new(),
        }
    }

    #[test]
    fn every_tool_has_a_closed_object_schema_and_is_found_by_its_name() {
        for tool in Tool::ALL {
            let spec = tool.spec(&profile());
            assert_eq!(Tool::by_name(spec.name), Some(tool));
            assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
            assert_eq!(
                spec.parameters["additionalProperties"], false,
                "{}",
                spec.name
            );
            assert!(
                spec.parameters.get("$defs").is_none() && spec.parameters.get("$schema").is_none()
            );
        }
    }

    #[test]
    fn required_fields_and_procedure_codes_stand_in_the_schema() {
        let coverage = Tool::CheckInsuranceCoverage.spec(&profile()).parameters;
        assert_eq!(
            coverage["required"],
            json!(["payer", "plan", "procedure_code"])
        );
        assert_eq!(
            coverage["properties"]["procedure_code"]["enum"],
            json!(["D1110"])
        );
        let book = Tool::BookAppointment.spec(&profile()).parameters;
        assert_eq!(
            book["required"],
            json!(["slot_id", "patient_name", "date_of_birth"])
        );
    }
}
