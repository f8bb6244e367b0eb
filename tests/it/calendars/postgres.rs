//! A few of the generated clinics with everything real: their file applied, their bookings booked, their times asked for with the tool.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use neurality::{domain::ids::CallId, storage::postgres::admin::ClinicFile, tools::ToolSet};
use serde_json::{Value, json};

use super::{
    MOST_TURNS, Question,
    clinic::{GeneratedClinic, Place, name},
    sentences, turns_to,
};
use crate::support::{Rig, TestCall, now};

const SEEDS: [u64; 3] = [3, 17, 42];
/// Asked for one after the other; the rest of a clinic's times are like these.
const WISHES: usize = 25;

/// A clinic in the database, and the tools of a call to it.
async fn open(rig: &Rig, clinic: &GeneratedClinic, seed: u64) -> TestCall {
    let (id, number) = (
        format!("0193a000-0000-7000-8000-0000000001{seed:02}"),
        format!("+121255502{seed:02}"),
    );
    let file = ClinicFile::parse(&clinic.file(&id, &number)).expect("a clinic file");
    rig.admin.apply(&file, now()).await.expect("apply");
    let opened = rig.db.clinic(file.id).await.expect("load").expect("there");
    let present = clinic.now;
    let clock = Arc::new(move || present);
    let tools = ToolSet::new(rig.db.clone(), opened, CallId::generate(), None, clock);
    TestCall::with(tools)
}

async fn ask(call: &TestCall, question: &Question) -> Vec<(Place, String)> {
    let mut arguments = json!({
        "procedure_code": "P1", "from_date": question.days.0, "to_date": question.days.1,
    });
    if let Some(time) = question.around {
        arguments["around_time"] = json!(time.format("%H:%M").to_string());
    }
    if let Some(number) = question.practitioner {
        arguments["provider"] = json!(name(number));
    }
    // Turns with a cursor are asked without a database: a cursor is a slot that was offered.
    let found = call.ask("find_available_slots", arguments).await;
    let slots = found["slots"]
        .as_array()
        .unwrap_or_else(|| panic!("{found}"));
    slots.iter().map(|slot| place(call, slot)).collect()
}

fn place(call: &TestCall, slot: &Value) -> (Place, String) {
    let id = slot["slot_id"].as_str().expect("slot id").to_owned();
    let number = (1..=4).find(|number| slot["provider"] == name(*number));
    let start = call.start_of(&id);
    let place = Place {
        practitioner: number.expect("one of the practitioners"),
        start,
    };
    (place, id)
}

#[tokio::test]
async fn on_postgres_each_free_time_is_reached_and_can_be_booked_and_nothing_else_is_offered() {
    let rig = Rig::new().await;
    for seed in SEEDS {
        let mut clinic = GeneratedClinic::new(seed);
        for person in &mut clinic.people {
            person.booked.clear();
        }
        let call = open(&rig, &clinic, seed).await;
        let mut free = clinic.free();
        let wishes: Vec<Place> = free.iter().copied().collect();
        let step = wishes.len().div_ceil(WISHES).max(1);
        for (patient, wish) in wishes.into_iter().step_by(step).enumerate() {
            if !free.contains(&wish) {
                // Another wish was booked into it.
                continue;
            }
            let id = reach(&call, &clinic, &free, wish).await;
            let order = json!({
                "slot_id": id, "patient_name": format!("Pat {}", letters(patient)), "date_of_birth": "1984-03-09",
            });
            let booked = call.ask("book_appointment", order).await;
            assert_eq!(
                booked["status"], "booked",
                "{booked} for {wish:?} of {seed}"
            );
            let end = wish.start + clinic.length;
            free.retain(|other| {
                other.practitioner != wish.practitioner
                    || other.start >= end
                    || other.start + clinic.length <= wish.start
            });
        }
    }
}

/// Asks until the time is offered, and returns its slot.
async fn reach(
    call: &TestCall,
    clinic: &GeneratedClinic,
    free: &BTreeSet<Place>,
    wish: Place,
) -> String {
    let (mut answers, mut found) = (Vec::new(), None);
    for question in &sentences(clinic, wish)[..3] {
        let answer = ask(call, question).await;
        found = answer.iter().find(|(place, _)| *place == wish).cloned();
        answers.push(answer.into_iter().map(|(place, _)| place).collect());
        if found.is_some() {
            break;
        }
    }
    let turns = turns_to(wish, free, answers, &format!("{wish:?}"));
    assert!(turns.is_some_and(|turns| turns <= MOST_TURNS), "{wish:?}");
    found.expect("it was offered").1
}

/// A last name for each patient.
fn letters(number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("a letter"));
    format!("Q{}{}{}", letter(number / 26), letter(number), "er")
}

impl TestCall {
    /// When a slot begins: minutes since 1970 stand in its id.
    fn start_of(&self, id: &str) -> DateTime<Utc> {
        const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
        let digit = |c: char| ALPHABET.find(c).expect("of the alphabet") as u128;
        let bits = id.chars().fold(0, |bits, c| bits << 5 | digit(c));
        let minutes = u32::try_from((bits >> 72) & 0xffff_ffff).expect("32 bits");
        DateTime::from_timestamp(i64::from(minutes) * 60, 0).expect("a time")
    }
}
