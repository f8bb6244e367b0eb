//! What a request tells the model.

use serde_json::Value;

/// The conversation as it was sent.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Slot ids that tools returned, with how they are spoken.
    pub(super) slots: Vec<(String, String)>,
    /// Ids and codes of bookings that tools returned.
    pub(super) bookings: Vec<String>,
    /// The last tool answer, if it came after the caller's last words.
    pub(super) answer: Option<Value>,
    /// The caller's last words.
    pub(super) caller: String,
    /// Tools may be called.
    pub(super) may_call: bool,
    /// A booking was confirmed.
    pub(super) is_booked: bool,
}

impl View {
    pub(super) fn of(body: &Value) -> Self {
        let mut view = Self {
            may_call: body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty()),
            ..Self::default()
        };
        for message in body["messages"].as_array().into_iter().flatten() {
            let text = message["content"].as_str().unwrap_or_default();
            match message["role"].as_str() {
                Some("user") => {
                    text.clone_into(&mut view.caller);
                    view.answer = None;
                }
                Some("tool") => {
                    let answer: Value = serde_json::from_str(text).unwrap_or_default();
                    view.is_booked |= answer["status"] == "booked";
                    view.read(&answer);
                    view.answer = Some(answer);
                }
                _ => {}
            }
        }
        view
    }

    fn read(&mut self, part: &Value) {
        match part {
            Value::Array(parts) => parts.iter().for_each(|part| self.read(part)),
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
                if let Some(slot) = text("slot_id") {
                    let spoken = text("spoken").unwrap_or_default();
                    self.slots.push((slot, spoken));
                }
                self.bookings.extend(text("booking_id"));
                self.bookings.extend(text("confirmation_code"));
                fields.values().for_each(|part| self.read(part));
            }
            _ => {}
        }
    }
}

/// What OpenAI finds wrong with the history: names and ids of calls that it would refuse.
pub(super) fn fault(body: &Value) -> Option<String> {
    for (place, message) in body["messages"].as_array()?.iter().enumerate() {
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let name = call["function"]["name"].as_str().unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
                return Some(format!(
                    "messages.[{place}].tool_calls.function.name: string does not match pattern"
                ));
            }
            let id = call["id"].as_str().unwrap_or_default();
            if id.is_empty() || id.len() > 40 {
                return Some(format!("messages.[{place}].tool_calls.id: string too long"));
            }
        }
    }
    None
}
