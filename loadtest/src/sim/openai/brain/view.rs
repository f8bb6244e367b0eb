//! A conversation as the policy sees it.

use chrono::{NaiveDate, NaiveDateTime, Timelike};
use serde_json::{Map, Value};

use super::{
    dates, facts,
    lines::text,
    words::{Words, ordinal, small},
};
use crate::sim::openai::request::{ChatRequest, Message, Role};

/// An appointment that was offered by a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) starts_at: Option<NaiveDateTime>,
    pub(super) spoken: String,
}

/// The latest slots, and in which message they came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    pub(super) at: usize,
    pub(super) slots: Vec<Slot>,
}

/// The latest booking of this call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Booking {
    pub(super) at: usize,
    pub(super) id: String,
    pub(super) code: String,
}

/// A tool's answer with the call that it answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolResult {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) struct View<'a> {
    request: &'a ChatRequest,
    pub(super) today: Option<NaiveDate>,
    /// Name and code, from the system prompt.
    pub(super) procedures: Vec<(String, String)>,
    payers: Vec<String>,
    /// What the caller said, with the index of the message.
    pub(super) user: Vec<(usize, Words)>,
    pub(super) results: Vec<ToolResult>,
    /// Everything since the agent last spoke.
    pub(super) now: Words,
    pub(super) now_text: String,
}

impl<'a> View<'a> {
    pub(super) fn new(request: &'a ChatRequest) -> Self {
        let of = |role: Role| {
            request
                .messages
                .iter()
                .enumerate()
                .filter(move |(_, m)| m.role == role)
        };
        let prompt: Vec<String> = of(Role::System)
            .chain(of(Role::Developer))
            .map(|(_, m)| m.text())
            .collect();
        let prompt = prompt.join("\n");
        let trailing = request
            .messages
            .iter()
            .rev()
            .take_while(|m| matches!(m.role, Role::User | Role::System | Role::Developer));
        let mut now: Vec<String> = trailing
            .filter(|m| m.role == Role::User)
            .map(Message::text)
            .collect();
        now.reverse();
        let now_text = now.join(" ");
        Self {
            request,
            today: prompt
                .split(|c: char| !c.is_ascii_digit() && c != '-')
                .find_map(|w| w.parse().ok()),
            procedures: procedures(&prompt),
            payers: listed_payers(&prompt),
            user: of(Role::User)
                .map(|(at, m)| (at, Words::new(&m.text())))
                .collect(),
            results: results(&request.messages),
            now: Words::new(&now_text),
            now_text,
        }
    }

    pub(super) fn has_tool(&self, name: &str) -> bool {
        let forbidden = self.request.tool_choice.as_ref().and_then(Value::as_str) == Some("none");
        !forbidden && self.request.tools.iter().any(|t| t.function.name == name)
    }

    pub(super) fn tool_takes(&self, name: &str, property: &str) -> bool {
        self.schema(name, "properties")
            .is_none_or(|p| p.get(property).is_some())
    }

    pub(super) fn tool_requires(&self, name: &str, property: &str) -> bool {
        self.schema(name, "required")
            .and_then(Value::as_array)
            .is_some_and(|r| r.iter().any(|v| v == property))
    }

    fn schema(&self, name: &str, part: &str) -> Option<&Value> {
        let tool = self
            .request
            .tools
            .iter()
            .find(|t| t.function.name == name)?;
        tool.function.parameters.as_ref()?.get(part)
    }

    /// What the agent said last.
    pub(super) fn last_line(&self) -> String {
        let spoken = self
            .request
            .messages
            .iter()
            .rev()
            .filter(|m| m.role == Role::Assistant)
            .map(Message::text);
        spoken
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    /// The newest mention of something by the caller.
    pub(super) fn newest<T>(&self, read: impl Fn(&Words) -> Option<T>) -> Option<T> {
        self.user.iter().rev().find_map(|(_, words)| read(words))
    }

    pub(super) fn payer(&self) -> Option<String> {
        self.newest(|w| facts::payer(w, &self.payers))
    }

    pub(super) fn names_payer_now(&self) -> bool {
        facts::payer(&self.now, &self.payers).is_some()
    }

    /// The plan belongs to the payer: a plan said before another payer was named does not count.
    pub(super) fn plan(&self) -> Option<String> {
        for (_, words) in self.user.iter().rev() {
            if let Some(plan) = facts::plan(words) {
                return Some(plan);
            }
            if facts::payer(words, &self.payers).is_some() {
                return None;
            }
        }
        None
    }

    /// Name and code of what the caller wants done.
    pub(super) fn procedure(&self) -> Option<&(String, String)> {
        let index = self.newest(|w| facts::procedure(w, &self.procedures))?;
        self.procedures.get(index)
    }

    pub(super) fn procedure_name(&self, code: &str) -> String {
        let found = self.procedures.iter().find(|(_, c)| c == code);
        found.map_or_else(
            || "that".to_owned(),
            |(name, _)| format!("a {}", name.to_lowercase()),
        )
    }

    /// Slots that may still be chosen: nothing was booked since.
    pub(super) fn offer(&self) -> Option<Offer> {
        let offered = self.results.iter().rev().find_map(|r| {
            Some(Offer {
                at: r.at,
                slots: slots(&r.value)?,
            })
        })?;
        let booked_since = self.booking().is_some_and(|b| b.at > offered.at);
        (!offered.slots.is_empty() && !booked_since).then_some(offered)
    }

    pub(super) fn booking(&self) -> Option<Booking> {
        let newest = self.results.iter().rev().find(|r| {
            let mutation = [
                "book_appointment",
                "reschedule_appointment",
                "cancel_appointment",
            ]
            .contains(&r.name.as_str());
            mutation
                && [
                    "booked",
                    "already_booked",
                    "rescheduled",
                    "cancelled",
                    "canceled",
                ]
                .contains(&text(&r.value, "status"))
        })?;
        if newest.name == "cancel_appointment" {
            return None;
        }
        let code = text(&newest.value, "confirmation_code").to_owned();
        let id = match text(&newest.value, "booking_id") {
            "" => text(&Value::Object(newest.arguments.clone()), "booking_id").to_owned(),
            id => id.to_owned(),
        };
        Some(Booking {
            at: newest.at,
            id,
            code,
        })
    }

    /// The slot that the caller chose from an offer.
    pub(super) fn chosen(&self, offer: &Offer) -> Option<Slot> {
        let since = self.user.iter().rev().filter(|(at, _)| *at > offer.at);
        since
            .into_iter()
            .find_map(|(_, words)| choice(words, &offer.slots))
    }

    /// Arguments of the newest search for slots.
    pub(super) fn last_search(&self) -> Option<&Map<String, Value>> {
        self.results
            .iter()
            .rev()
            .find(|r| r.name == "find_available_slots")
            .map(|r| &r.arguments)
    }

    /// Results that came after the caller last spoke.
    pub(super) fn fresh_results(&self) -> &[ToolResult] {
        let last_user = self.user.last().map_or(0, |(at, _)| *at);
        let from = self.results.partition_point(|r| r.at < last_user);
        &self.results[from..]
    }
}

fn results(messages: &[Message]) -> Vec<ToolResult> {
    let calls: Vec<_> = messages.iter().flat_map(Message::calls).collect();
    let answered = messages
        .iter()
        .enumerate()
        .filter(|(_, m)| m.role == Role::Tool);
    answered
        .filter_map(|(at, message)| {
            let call = calls
                .iter()
                .find(|c| Some(c.id.as_str()) == message.tool_call_id.as_deref())?;
            let arguments = serde_json::from_str(&call.function.arguments).unwrap_or_default();
            let value = serde_json::from_str(&message.text()).unwrap_or(Value::Null);
            Some(ToolResult {
                at,
                name: call.function.name.clone(),
                arguments,
                value,
            })
        })
        .collect()
}

pub(super) fn slots(value: &Value) -> Option<Vec<Slot>> {
    let list = value
        .get("slots")
        .or_else(|| value.get("alternatives"))?
        .as_array()?;
    let slot = |v: &Value| Slot {
        id: text(v, "slot_id").to_owned(),
        provider: text(v, "provider").replace("Dr. ", "Doctor "),
        starts_at: parse_time(text(v, "starts_at_local")),
        spoken: text(v, "spoken").to_owned(),
    };
    Some(list.iter().map(slot).filter(|s| !s.id.is_empty()).collect())
}

fn parse_time(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(text.get(..19).unwrap_or(text), f).ok())
}

/// By place in the list, by time, by day, by provider. A birth date is none of these.
pub(super) fn choice(words: &Words, slots: &[Slot]) -> Option<Slot> {
    if words.has_any(&[
        "born",
        "birth",
        "phone",
        "none",
        "neither",
        "different",
        "instead",
    ]) || dates::full_date(words).is_some()
    {
        return None;
    }
    if let Some(slot) = by_place(words, slots) {
        return Some(slot.clone());
    }
    let only = |matches: Vec<&Slot>| {
        if let [one] = matches[..] {
            Some(one.clone())
        } else {
            None
        }
    };
    let day = dates::weekday(words);
    let time = dates::time(words);
    let fits = |slot: &&Slot| {
        slot.starts_at.is_some_and(|at| {
            let (_, hour) = at.hour12();
            day.is_none_or(|d| chrono::Datelike::weekday(&at) == d)
                && time.is_none_or(|t| t == (hour, at.minute()))
        })
    };
    if day.is_some() || time.is_some() {
        return only(slots.iter().filter(fits).collect());
    }
    let named = |slot: &&Slot| {
        Words::new(&slot.provider)
            .0
            .last()
            .is_some_and(|name| words.has(name))
    };
    if let Some(slot) = only(slots.iter().filter(named).collect()) {
        return Some(slot);
    }
    let agrees = words.has_any(&[
        "yes", "works", "good", "fine", "perfect", "okay", "sure", "great",
    ]);
    if slots.len() == 1 && agrees {
        slots.first().cloned()
    } else {
        None
    }
}

fn by_place<'s>(words: &Words, slots: &'s [Slot]) -> Option<&'s Slot> {
    if words.has_any(&["last", "latest"]) {
        return slots.last();
    }
    if words.has_any(&["earliest", "soonest"]) {
        return slots.first();
    }
    let ordinal = words.0.iter().find_map(|w| {
        ordinal(w).or_else(|| {
            ["1st", "2nd", "3rd"]
                .iter()
                .position(|o| o == w)
                .map(|n| n as u32 + 1)
        })
    });
    let numbered = ["number", "option"].iter().find_map(|p| {
        small(words.get(words.find(p)? + 1)?)
            .or_else(|| words.get(words.find(p)? + 1)?.parse().ok())
    });
    let place = ordinal.or(numbered)?;
    slots.get((place as usize).checked_sub(1)?)
}

/// Names next to codes such as `D1110` or `99213`, one per line or list item.
fn procedures(prompt: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for item in prompt.split(['\n', ';', ',', '|']) {
        let words: Vec<&str> = item
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|w| !w.is_empty())
            .collect();
        let Some(at) = words.iter().position(|w| is_code(w)) else {
            continue;
        };
        let filler = [
            "procedure",
            "procedures",
            "code",
            "codes",
            "is",
            "are",
            "and",
            "the",
            "services",
            "we",
            "offer",
            "minutes",
            "min",
            "name",
        ];
        let name = words.iter().filter(|w| {
            !is_code(w)
                && !filler.contains(&w.to_lowercase().as_str())
                && !w.chars().all(|c| c.is_ascii_digit())
        });
        let name = name.copied().collect::<Vec<_>>().join(" ");
        if !name.is_empty() && !out.iter().any(|(_, code)| code == words[at]) {
            out.push((name, words[at].to_owned()));
        }
    }
    out
}

fn is_code(word: &str) -> bool {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    word.len() == 5
        && (digits(word)
            || word.starts_with(|c: char| c.is_ascii_uppercase()) && digits(&word[1..]))
}

/// Names in a line of the prompt that speaks of payers: "Insurance payers: A, B, C".
fn listed_payers(prompt: &str) -> Vec<String> {
    let line = prompt
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(head, _)| Words::new(head).has_any(&["payers", "payer", "insurers", "insurances"]));
    let names = line
        .map(|(_, tail)| tail)
        .unwrap_or_default()
        .split([',', ';']);
    names
        .map(|n| n.trim().trim_end_matches('.').to_owned())
        .filter(|n| !n.is_empty() && n.len() < 40)
        .collect()
}
