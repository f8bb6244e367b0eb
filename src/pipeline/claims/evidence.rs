//! What the tools of a call have done and said, and whether a claim follows from it. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Claim, Kind};
use crate::tools::outcome::{ToolStatus, ToolTrace};

/// A booking as the tools' answers left it.
#[derive(Debug, Default)]
struct Known {
    is_cancelled: bool,
    was_moved: bool,
    /// `Tuesday, December first at ten thirty A M`, lower case; empty if no answer named it.
    spoken: String,
}

/// What a call's tools have shown.
#[derive(Debug, Default)]
struct Evidence {
    bookings: BTreeMap<String, Known>,
    is_covered: bool,
    is_not_covered: bool,
    /// A tool did something, or said something about coverage.
    is_anything_done: bool,
}

/// Whether every claim follows from what the call's tools have answered, in the order in which they ended.
pub(in crate::pipeline) fn borne_out(claim: &Claim, traces: &[ToolTrace]) -> bool {
    let mut evidence = Evidence::default();
    for trace in traces {
        evidence.read(trace.outcome.status, trace.outcome.content.expose());
    }
    evidence.bears(claim)
}

impl Evidence {
    fn read(&mut self, status: ToolStatus, content: &Value) {
        if matches!(status, ToolStatus::Invalid | ToolStatus::Failed) {
            return;
        }
        match content.get("status").and_then(Value::as_str) {
            Some("covered") => self.is_covered = true,
            Some("not_covered") => self.is_not_covered = true,
            _ => {}
        }
        self.is_anything_done |= status == ToolStatus::Done && content.get("slots").is_none();
        self.read_bookings(content);
    }

    /// A booking is whatever part of an answer has an id or a code of one.
    fn read_bookings(&mut self, part: &Value) {
        match part {
            Value::Array(parts) => parts.iter().for_each(|part| self.read_bookings(part)),
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str);
                if let Some(id) = text("booking_id").or_else(|| text("confirmation_code")) {
                    let known = self.bookings.entry(id.to_owned()).or_default();
                    known.read(text("status").unwrap_or_default());
                    if let Some(spoken) = text("spoken_time").or_else(|| text("spoken")) {
                        known.spoken = spoken.to_lowercase();
                    }
                }
                fields.values().for_each(|part| self.read_bookings(part));
            }
            _ => {}
        }
    }

    fn bears(&self, claim: &Claim) -> bool {
        let any = |fits: fn(&Known) -> bool| {
            self.bookings
                .values()
                .any(|known| fits(known) && known.is_on(&claim.days))
        };
        match claim.kind {
            Kind::Booked => any(|known| !known.is_cancelled),
            // Whoever moves an appointment gives its old time back.
            Kind::Cancelled => any(|known| known.is_cancelled) || self.was_any_moved(),
            Kind::Moved => any(|known| known.was_moved) || self.was_any_replaced(claim),
            Kind::Covered => self.is_covered,
            Kind::NotCovered => self.is_not_covered,
            Kind::Done => self.is_anything_done,
        }
    }

    fn was_any_moved(&self) -> bool {
        self.bookings.values().any(|known| known.was_moved)
    }

    /// One was cancelled and another stands: the caller calls that moving.
    fn was_any_replaced(&self, claim: &Claim) -> bool {
        let mut all = self.bookings.values();
        let stands = |known: &Known| !known.is_cancelled && known.is_on(&claim.days);
        self.bookings.values().any(|known| known.is_cancelled) && all.any(stands)
    }
}

impl Known {
    fn read(&mut self, status: &str) {
        match status {
            "cancelled" | "already_cancelled" => self.is_cancelled = true,
            "rescheduled" | "moved" => (self.is_cancelled, self.was_moved) = (false, true),
            _ => self.is_cancelled = false,
        }
    }

    /// Whether it is on one of these days; on any, if none is named.
    fn is_on(&self, days: &[String]) -> bool {
        let named = |day: &String| self.spoken.contains(day.as_str());
        days.is_empty() || self.spoken.is_empty() || days.iter().any(named)
    }
}
