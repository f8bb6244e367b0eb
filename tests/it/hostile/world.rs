//! A clinic with patients of its own, in which conversations are held side by side.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use loadtest::sim::hostile::HostileVendors;
use neurality::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    call::{self, Conversation},
    cast::{self, VICTIMS},
    judge,
    ledger::Ledger,
    report::{HostileReport, Panics},
};
use crate::support::{Rig, TestCall};

/// Conversations at once: most of their time they wait.
const AT_ONCE: usize = 32;
/// Conversations in one clinic: more would fill its calendar.
const IN_A_CLINIC: u64 = 100;

/// Somebody whose appointment is nobody's business.
pub(super) struct Victim {
    pub(super) name: String,
    pub(super) booking: String,
    pub(super) code: String,
    /// Texts that show that something of them came up.
    pub(super) marks: Vec<String>,
}

/// See the module.
pub(super) struct World {
    pub(super) rig: Rig,
    pub(super) vendors: HostileVendors,
    pub(super) metrics: Arc<Metrics>,
    pub(super) victims: Vec<Victim>,
    pub(super) foreign_slots: Vec<String>,
}

/// Holds the conversations of these seeds, and judges them.
pub(super) async fn hold_all(seeds: Range<u64>) -> HostileReport {
    let begun = Instant::now();
    let panics = Panics::counted();
    let mut report = HostileReport::default();
    let mut first = seeds.start;
    while first < seeds.end {
        let last = (first + IN_A_CLINIC).min(seeds.end);
        let world = World::new().await;
        let held: Vec<Conversation> = stream::iter(first..last)
            .map(|seed| call::hold(&world, seed))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let ledger = Ledger::read(&world);
        for conversation in &held {
            report.add(conversation, judge::judge(conversation, &ledger));
        }
        report.tally(&ledger);
        first = last;
    }
    report.finish(panics.seen(), begun.elapsed());
    report
}

impl World {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let mut world = Self {
            rig,
            vendors: HostileVendors::start().await.expect("a port"),
            metrics: Arc::new(Metrics::new()),
            victims: Vec::new(),
            foreign_slots: Vec::new(),
        };
        world.foreign_slots = world.slots_of_others().await;
        for (number, name) in (0..).zip(VICTIMS) {
            let victim = world.victim(name, number).await;
            world.victims.push(victim);
        }
        world
    }

    /// Slot ids of another clinic, and of another call.
    async fn slots_of_others(&self) -> Vec<String> {
        let family = TestCall::new(&self.rig, self.rig.family.clone(), &cast::phone(90_001));
        let find = json!({ "procedure_code": "99213" });
        let found = family.ask("find_available_slots", find).await;
        let mut slots = ids(&found, "slot_id");
        slots.extend(self.rig.call(&cast::phone(90_002)).slots().await);
        slots
    }

    async fn victim(&self, name: &str, number: u64) -> Victim {
        let (phone, born) = (
            cast::phone(80_000 + number),
            cast::born(70_000 + number).to_string(),
        );
        let patient = (name.to_owned(), born.clone());
        let booked = self.booked(&phone, &patient, number).await;
        let text = |field: &str| {
            booked[field]
                .as_str()
                .expect("a booking's field")
                .to_owned()
        };
        let (booking, code) = (text("booking_id"), text("confirmation_code"));
        // As in a tool's answer, and as in a request that holds that answer as a text.
        let quoted = [format!(":\"{code}\""), format!(":\\\"{code}\\\"")];
        let marks = [name.to_owned(), born, phone, booking.clone()];
        Victim {
            name: name.to_owned(),
            booking,
            code,
            marks: marks.into_iter().chain(quoted).collect(),
        }
    }

    /// The code and the id of an appointment that the patient made in an earlier call.
    pub(super) async fn book_before(
        &self,
        phone: &str,
        patient: &(String, String),
        seed: u64,
    ) -> Vec<String> {
        let booked = self.booked(phone, patient, seed).await;
        let text = |field: &str| booked[field].as_str().map(str::to_owned);
        text("confirmation_code")
            .into_iter()
            .chain(text("booking_id"))
            .collect()
    }

    async fn booked(&self, phone: &str, (name, born): &(String, String), number: u64) -> Value {
        // Others may take the time meanwhile, and a full machine may be late.
        let mut last = Value::Null;
        for _ in 0..50 {
            let call = self.rig.call(phone);
            let days = ["2026-12-07", "2026-12-14", "2026-12-21", "2027-01-04"];
            let from = days[usize::try_from(number % 4).expect("small")];
            let find = json!({ "procedure_code": "D1110", "from_date": from });
            last = call.ask("find_available_slots", find).await;
            let slots = ids(&last, "slot_id");
            let Some(slot) = slots.first() else {
                sleep(Duration::from_millis(200)).await;
                continue;
            };
            let order = json!({ "slot_id": slot, "patient_name": name, "date_of_birth": born });
            let answer = call.ask("book_appointment", order).await;
            if answer["status"] == "booked" {
                return answer;
            }
            last = answer;
        }
        panic!("no time is free for {number}: {last}");
    }
}

/// All texts under this name in an answer.
pub(super) fn ids(part: &Value, name: &str) -> Vec<String> {
    match part {
        Value::Array(parts) => parts.iter().flat_map(|part| ids(part, name)).collect(),
        Value::Object(fields) => {
            let own = fields.get(name).and_then(Value::as_str).map(str::to_owned);
            let inner = fields.values().flat_map(|part| ids(part, name));
            own.into_iter().chain(inner).collect()
        }
        _ => Vec::new(),
    }
}

/// Counts by name.
pub(super) type Counts = BTreeMap<String, usize>;
