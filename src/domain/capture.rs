//! What a call was about: intents and captured values, derived from what was said and what was done on its strength. Pure.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    call_time::CallTime,
    conversation::{Intent, Speaker, Utterance, Word},
    phi::Phi,
};

/// A tool call that was made and answered.
#[derive(Clone, Debug)]
pub struct ToolUse {
    /// The tool's name as the model wrote it.
    pub name: String,
    /// What was asked: the arguments' JSON, or the text itself where it is none.
    pub inputs: Phi<Value>,
    /// What was answered.
    pub outputs: Phi<Value>,
    /// How it went.
    pub status: UseStatus,
    /// When it began.
    pub started: CallTime,
    /// How long it ran.
    pub took: Duration,
    /// Turn that asked.
    pub turn: u32,
}

/// How a tool call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UseStatus {
    /// Done.
    Done,
    /// The world said no.
    Declined,
    /// Unknown tool or malformed arguments.
    Invalid,
    /// Storage failed or the deadline passed.
    Failed,
}

/// A kind of captured value; a closed set.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SlotName {
    /// The insurer.
    Payer,
    /// The plan.
    Plan,
    /// What is to be done, by its code.
    Procedure,
    /// The wanted practitioner.
    Provider,
    /// The time that was agreed, as spoken.
    AppointmentTime,
    /// The patient.
    PatientName,
    /// The patient's birth date.
    DateOfBirth,
    /// The patient's number.
    Phone,
    /// Why the patient comes.
    Reason,
    /// An earlier booking, as the caller named it.
    Booking,
}

/// Tool argument by which a value becomes known, and its kind.
const ARGUMENTS: [(&str, SlotName); 11] = [
    ("payer", SlotName::Payer),
    ("plan", SlotName::Plan),
    ("procedure_code", SlotName::Procedure),
    ("provider", SlotName::Provider),
    ("patient_name", SlotName::PatientName),
    ("date_of_birth", SlotName::DateOfBirth),
    ("phone", SlotName::Phone),
    ("new_phone", SlotName::Phone),
    ("reason", SlotName::Reason),
    ("booking_id", SlotName::Booking),
    ("confirmation_code", SlotName::Booking),
];

/// A value that the tools accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedSlot {
    /// Its kind.
    pub name: SlotName,
    /// The last value given.
    pub value: Phi<String>,
    /// Lowest confidence of the words it was heard in, times [`CORRECTION`] per correction; `None` if no heard words precede it.
    pub confidence: Option<f32>,
    /// How often the caller changed it.
    pub corrections: u32,
    /// Turn it came from.
    pub turn: u32,
}

/// What each correction leaves of a value's confidence: who was misunderstood once may be so again.
pub const CORRECTION: f32 = 0.8;

/// An intent and the first turn that showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectedIntent {
    /// What the caller wants.
    pub intent: Intent,
    /// Since when.
    pub turn: u32,
}

/// The intents, in order of their first turn. A search for free slots serves the booking or the move that follows it; without either it shows the wish to book.
#[must_use]
pub fn intents(tools: &[ToolUse]) -> Vec<DetectedIntent> {
    let moves = tools
        .iter()
        .any(|used| used.name == "reschedule_appointment");
    let books = tools.iter().any(|used| used.name == "book_appointment");
    let mut found: Vec<DetectedIntent> = Vec::new();
    for used in tools {
        let intent = match used.name.as_str() {
            "check_insurance_coverage" => Intent::CheckCoverage,
            "find_available_slots" if moves && !books => Intent::RescheduleAppointment,
            "find_available_slots" | "book_appointment" => Intent::BookAppointment,
            "cancel_appointment" => Intent::CancelAppointment,
            "reschedule_appointment" => Intent::RescheduleAppointment,
            "transfer_to_human" => Intent::SpeakToHuman,
            "end_call" => Intent::EndCall,
            _ => continue,
        };
        if found.iter().all(|known| known.intent != intent) {
            found.push(DetectedIntent {
                intent,
                turn: used.turn,
            });
        }
    }
    found
}

/// The values that validated tool calls rest on, each with its last value.
#[must_use]
pub fn slots(tools: &[ToolUse], utterances: &[Utterance]) -> Vec<CapturedSlot> {
    let mut known: BTreeMap<SlotName, CapturedSlot> = BTreeMap::new();
    for used in tools
        .iter()
        .filter(|used| matches!(used.status, UseStatus::Done | UseStatus::Declined))
    {
        for (name, value) in values(used) {
            let heard = heard_confidence(&value, used.started, utterances);
            let corrections = match known.get(&name) {
                Some(before) if same(before.value.expose(), &value) => continue,
                Some(before) => before.corrections + 1,
                None => 0,
            };
            let confidence =
                heard.map(|heard| (0..corrections).fold(heard, |left, _| left * CORRECTION));
            known.insert(
                name,
                CapturedSlot {
                    name,
                    value: Phi::new(value),
                    confidence,
                    corrections,
                    turn: used.turn,
                },
            );
        }
    }
    known.into_values().collect()
}

fn values(used: &ToolUse) -> Vec<(SlotName, String)> {
    let text = |object: &Value, key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    };
    // A reason is a patient's only when it comes with a booking; the other tools' reasons are the agent's.
    let wanted = |name: SlotName| name != SlotName::Reason || used.name == "book_appointment";
    let inputs = used.inputs.expose();
    let mut found: Vec<_> = ARGUMENTS
        .iter()
        .filter(|(_, name)| wanted(*name))
        .filter_map(|(key, name)| Some((*name, text(inputs, key)?)))
        .collect();
    if used.status == UseStatus::Done {
        found.extend(
            text(used.outputs.expose(), "spoken_time")
                .map(|time| (SlotName::AppointmentTime, time)),
        );
    }
    found
}

/// Lowest word confidence over the span in which the value was said last; where the words differ from the value (a date, a code), over the
/// caller's last contribution before the tool ran.
fn heard_confidence(value: &str, before: CallTime, utterances: &[Utterance]) -> Option<f32> {
    let mut heard = utterances.iter().rev().filter(|said| {
        said.speaker == Speaker::Caller && said.started <= before && !said.words.is_empty()
    });
    let last = heard.clone().next()?;
    let wanted: Vec<String> = value
        .split_whitespace()
        .map(plain)
        .filter(|word| !word.is_empty())
        .collect();
    let span = heard
        .find_map(|said| find_span(&said.words, &wanted))
        .unwrap_or(&last.words);
    span.iter().map(|word| word.confidence).reduce(f32::min)
}

fn find_span<'a>(words: &'a [Word], wanted: &[String]) -> Option<&'a [Word]> {
    if wanted.is_empty() {
        return None;
    }
    words.windows(wanted.len()).rev().find(|window| {
        window
            .iter()
            .zip(wanted)
            .all(|(word, wanted)| plain(word.text.expose()) == *wanted)
    })
}

fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn used(turn: u32, name: &str, inputs: Value, outputs: Value, status: UseStatus) -> ToolUse {
        ToolUse {
            name: name.into(),
            inputs: Phi::new(inputs),
            outputs: Phi::new(outputs),
            status,
            started: CallTime::from_millis(u64::from(turn) * 10_000),
            took: Duration::from_millis(5),
            turn,
        }
    }

    fn said(index: u32, words: &[(&str, f32)]) -> Utterance {
        let at = CallTime::from_millis(u64::from(index) * 10_000 - 5000);
        Utterance {
            index,
            speaker: Speaker::Caller,
            text: Phi::new(
                words
                    .iter()
                    .map(|(text, _)| *text)
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            started: at,
            ended: at,
            interrupted: false,
            words: words
                .iter()
                .map(|(text, confidence)| Word {
                    text: Phi::new((*text).into()),
                    start: at,
                    end: at,
                    confidence: *confidence,
                })
                .collect(),
        }
    }

    #[test]
    fn intents_come_from_the_tools_with_their_first_turn() {
        let call = |turn, name| used(turn, name, json!({}), json!({}), UseStatus::Done);
        let trace = [
            call(1, "check_insurance_coverage"),
            call(2, "find_available_slots"),
            call(3, "book_appointment"),
            call(4, "end_call"),
        ];
        let found: Vec<_> = intents(&trace)
            .iter()
            .map(|found| (found.intent, found.turn))
            .collect();
        assert_eq!(
            found,
            [
                (Intent::CheckCoverage, 1),
                (Intent::BookAppointment, 2),
                (Intent::EndCall, 4)
            ]
        );
        let trace = [
            call(1, "find_available_slots"),
            call(2, "reschedule_appointment"),
            call(2, "no_such_tool"),
        ];
        let found: Vec<_> = intents(&trace)
            .iter()
            .map(|found| (found.intent, found.turn))
            .collect();
        assert_eq!(found, [(Intent::RescheduleAppointment, 1)]);
    }

    #[test]
    fn confidence_is_the_lowest_over_the_words_of_the_value() {
        let said = [said(
            1,
            &[
                ("I'm", 0.5),
                ("Maria", 0.97),
                ("Lopez.", 0.81),
                ("hello", 0.4),
            ],
        )];
        let trace = [used(
            1,
            "book_appointment",
            json!({"patient_name": "Maria Lopez", "date_of_birth": "1980-04-12"}),
            json!({}),
            UseStatus::Done,
        )];
        let found = slots(&trace, &said);
        let by = |name| {
            found
                .iter()
                .find(|slot| slot.name == name)
                .and_then(|slot| slot.confidence)
        };
        assert_eq!(by(SlotName::PatientName), Some(0.81));
        assert_eq!(
            by(SlotName::DateOfBirth),
            Some(0.4),
            "a date is not found word by word: the whole contribution counts"
        );
    }

    #[test]
    fn a_correction_lowers_confidence_and_a_repetition_does_not() {
        let said = [
            said(1, &[("Aetna", 0.9)]),
            said(2, &[("no", 0.99), ("Cigna", 1.0)]),
        ];
        let check = |turn, payer| {
            used(
                turn,
                "check_insurance_coverage",
                json!({"payer": payer}),
                json!({}),
                UseStatus::Declined,
            )
        };
        let found = slots(
            &[check(1, "Aetna"), check(1, "AETNA"), check(2, "Cigna")],
            &said,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (
                found[0].value.expose().as_str(),
                found[0].corrections,
                found[0].turn
            ),
            ("Cigna", 1, 2)
        );
        assert_eq!(found[0].confidence, Some(CORRECTION));
    }

    #[test]
    fn refused_arguments_are_not_captured_and_the_agreed_time_is() {
        let invalid = used(
            1,
            "book_appointment",
            json!({"patient_name": "?"}),
            json!({"error": {}}),
            UseStatus::Invalid,
        );
        let booked = used(
            2,
            "book_appointment",
            json!({"reason": "pain"}),
            json!({"spoken_time": "Tuesday"}),
            UseStatus::Done,
        );
        let ended = used(
            3,
            "end_call",
            json!({"reason": "done"}),
            json!({}),
            UseStatus::Done,
        );
        let found = slots(&[invalid, booked, ended], &[]);
        let values: Vec<_> = found
            .iter()
            .map(|slot| (slot.name, slot.value.expose().as_str(), slot.confidence))
            .collect();
        assert_eq!(
            values,
            [
                (SlotName::AppointmentTime, "Tuesday", None),
                (SlotName::Reason, "pain", None)
            ]
        );
    }
}
