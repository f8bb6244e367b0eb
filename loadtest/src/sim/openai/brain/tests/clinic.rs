//! A clinic that lives in the test: what it knows can be changed under the brain's feet.

use std::collections::VecDeque;

use rand::SeedableRng;
use serde_json::{Value, json};

use super::super::*;

const PROMPT: &str = "You are the receptionist of Maple Dental. Today is Tuesday 2026-11-24.\n\
    Procedures:\n- Dental cleaning: D1110\n- Dental exam: D0150\n- Filling: D2391\nRead times as given by the tools.";

/// A caller's side of one conversation, and the tools behind it.
pub(super) struct Clinic {
    pub(super) messages: Vec<Value>,
    pub(super) tools: Value,
    /// Answers per tool, in order; the last one stays.
    pub(super) answers: Vec<(&'static str, VecDeque<Value>)>,
    /// Every call that was made.
    pub(super) calls: Vec<(String, Value)>,
    rng: StdRng,
}

pub(super) fn tool(name: &str, properties: &[&str], required: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> = properties
        .iter()
        .map(|p| ((*p).to_owned(), json!({"type": "string"})))
        .collect();
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties, "required": required}}})
}

pub(super) fn slot(id: &str, provider: &str, at: &str, spoken: &str) -> Value {
    json!({"slot_id": id, "provider": provider, "starts_at_local": at, "spoken": spoken})
}

pub(super) fn tuesday() -> Value {
    json!({"slots": [
        slot("s-10", "Dr. Amara Osei", "2026-12-01T10:00", "Tuesday, December first at ten A M"),
        slot("s-1030", "Dr. Amara Osei", "2026-12-01T10:30", "Tuesday, December first at ten thirty A M"),
        slot("s-11", "Dr. Ben Katz", "2026-12-01T11:00", "Tuesday, December first at eleven A M"),
    ]})
}

impl Clinic {
    pub(super) fn new(answers: &[(&'static str, &[Value])]) -> Self {
        Self {
            messages: vec![
                json!({"role": "system", "content": PROMPT}),
                json!({"role": "assistant", "content": "Maple Dental, how can I help you?"}),
            ],
            tools: json!([
                tool(
                    "check_insurance_coverage",
                    &["payer", "plan", "procedure_code"],
                    &["payer", "plan", "procedure_code"]
                ),
                tool(
                    "find_available_slots",
                    &[
                        "procedure_code",
                        "provider",
                        "from_date",
                        "to_date",
                        "part_of_day"
                    ],
                    &["procedure_code"]
                ),
                tool(
                    "book_appointment",
                    &[
                        "slot_id",
                        "patient_name",
                        "date_of_birth",
                        "phone",
                        "reason"
                    ],
                    &["slot_id", "patient_name", "date_of_birth"]
                ),
                tool(
                    "cancel_appointment",
                    &["booking_id", "confirmation_code"],
                    &[]
                ),
                tool(
                    "reschedule_appointment",
                    &["booking_id", "slot_id"],
                    &["booking_id", "slot_id"]
                ),
                tool("transfer_to_human", &["reason"], &["reason"]),
                tool("end_call", &["reason"], &["reason"]),
            ]),
            answers: answers
                .iter()
                .map(|(name, values)| (*name, values.iter().cloned().collect()))
                .collect(),
            calls: Vec::new(),
            rng: StdRng::seed_from_u64(4),
        }
    }

    fn ask(&mut self) -> Answer {
        let body = json!({"model": "gpt-4o", "messages": self.messages, "tools": self.tools});
        answer(
            &ChatRequest::parse(&body).expect("the history is valid"),
            &mut self.rng,
        )
    }

    /// Says something and returns what is answered once all tools have run.
    pub(super) fn hear(&mut self, text: &str) -> String {
        self.messages.push(json!({"role": "user", "content": text}));
        for _ in 0..4 {
            let answer = self.ask();
            self.messages.push(answer.message());
            if answer.calls.is_empty() || answer.calls.iter().any(|c| c.name == "end_call") {
                for call in answer.calls {
                    self.messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": "{\"status\":\"accepted\"}"}));
                    self.calls.push((
                        call.name,
                        serde_json::from_str(&call.arguments).expect("valid arguments"),
                    ));
                }
                return answer.content.expect("something is said");
            }
            for call in answer.calls {
                let result = self.run(&call.name);
                self.calls.push((
                    call.name,
                    serde_json::from_str(&call.arguments).expect("valid arguments"),
                ));
                self.messages.push(
                    json!({"role": "tool", "tool_call_id": call.id, "content": result.to_string()}),
                );
            }
        }
        panic!("the brain calls tools without end: {:?}", self.calls)
    }

    fn run(&mut self, name: &str) -> Value {
        if name == "transfer_to_human" {
            return json!({"status": "transferring"});
        }
        let queue = self.answers.iter_mut().find(|(n, _)| *n == name);
        let queue = &mut queue.unwrap_or_else(|| panic!("{name} was not expected")).1;
        if queue.len() > 1 {
            queue.pop_front()
        } else {
            queue.front().cloned()
        }
        .expect("an answer")
    }

    pub(super) fn last_call(&self) -> (&str, &Value) {
        self.calls
            .last()
            .map(|(n, a)| (n.as_str(), a))
            .expect("a call was made")
    }
}

pub(super) fn covered(cents: i64) -> Value {
    json!({"status": "covered", "copay_cents": cents, "payer": "Blue Cross", "plan": "PPO"})
}

pub(super) fn booked() -> Value {
    json!({"status": "booked", "booking_id": "b-1", "confirmation_code": "K7M2", "spoken_time": "Tuesday, December first at ten A M"})
}
