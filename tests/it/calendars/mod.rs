//! Generated clinics, and a caller who wants each of their free times in turn.
//!
//! What is free is found by walking over the clock, without the product's own arithmetic of days.

mod clinic;
mod postgres;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use neurality::domain::{
    appointment::{Calendar, SlotSearch, free_slots},
    offer::{Offer, Wanted, offer},
};

use self::clinic::{GeneratedClinic, Place};

const CLINICS: u64 = 200;
/// More than a caller can keep in mind.
const OFFER: usize = 3;
const MOST_TURNS: usize = 4;

/// What the caller says, as the model passes it on.
#[derive(Clone, Debug)]
struct Question {
    days: (NaiveDate, NaiveDate),
    around: Option<NaiveTime>,
    practitioner: Option<u16>,
    later_than: Option<DateTime<Utc>>,
}

/// What a caller who wants this time says, one sentence a turn: each says more than the one before.
fn sentences(clinic: &GeneratedClinic, wish: Place) -> Vec<Question> {
    let local = wish.start.with_timezone(&clinic.zone);
    let open = Question {
        days: clinic.days,
        around: None,
        practitioner: None,
        later_than: None,
    };
    let that_day = Question {
        days: (local.date_naive(), local.date_naive()),
        around: Some(local.time()),
        ..open.clone()
    };
    let with_whom = Question {
        practitioner: Some(wish.practitioner),
        ..that_day.clone()
    };
    let later = Question {
        around: None,
        later_than: Some(wish.start - TimeDelta::minutes(30)),
        ..with_whom.clone()
    };
    vec![open, that_day, with_whom, later]
}

/// The turn in which the time is offered. Whatever is offered on the way is free, told once, and few.
fn turns_to(
    wish: Place,
    free: &BTreeSet<Place>,
    answers: impl IntoIterator<Item = Vec<Place>>,
    context: &str,
) -> Option<usize> {
    for (turn, answer) in (1..).zip(answers) {
        let starts: BTreeSet<DateTime<Utc>> = answer.iter().map(|place| place.start).collect();
        assert!(
            answer.len() <= OFFER && starts.len() == answer.len(),
            "{answer:?} in {context}"
        );
        for place in &answer {
            assert!(free.contains(place), "{place:?} is not free in {context}");
        }
        if answer.contains(&wish) {
            return Some(turn);
        }
    }
    None
}

fn answer(clinic: &GeneratedClinic, calendars: &[Calendar], question: &Question) -> Vec<Place> {
    let search = SlotSearch {
        zone: clinic.zone,
        now: clinic.now,
        from: question.days.0,
        to: question.days.1,
        part: None,
        not_before: None,
        before: None,
        length: clinic.length,
    };
    let asked = |number: u16| question.practitioner.is_none_or(|only| only == number);
    let mut calendars = calendars.to_vec();
    calendars.retain(|calendar| asked(calendar.practitioner.number));
    let wanted = Wanted {
        around: question.around,
        later_than: question.later_than,
        earlier_than: None,
    };
    let Offer { slots, .. } = offer(clinic.zone, free_slots(&search, &calendars), &wanted, OFFER);
    slots
        .iter()
        .map(|slot| Place {
            start: slot.time.start,
            practitioner: slot.practitioner.number,
        })
        .collect()
}

/// B7.
#[test]
fn in_200_generated_calendars_each_free_time_is_reached_within_four_turns_and_nothing_else_is_offered()
 {
    let (mut times, mut at_once) = (0, 0);
    for seed in 0..CLINICS {
        let clinic = GeneratedClinic::new(seed);
        let (free, calendars) = (clinic.free(), clinic.calendars());
        for wish in &free {
            let questions = sentences(&clinic, *wish);
            let answers = questions.iter().map(|q| answer(&clinic, &calendars, q));
            let context = format!("clinic {seed}, {wish:?}");
            let turns = turns_to(*wish, &free, answers, &context);
            let turns = turns.unwrap_or_else(|| panic!("never reached: {context}"));
            assert!(turns <= MOST_TURNS);
            times += 1;
            at_once += usize::from(turns == 1);
        }
    }
    // The generator makes clinics that have something to offer, and more than an open question shows.
    assert!(times > 5_000, "{times} free times");
    assert!(at_once * 4 < times, "{at_once} of {times} at once");
}

/// B7, C55: walking through by "later" meets every time of a practitioner, also where an hour comes twice.
#[test]
fn a_caller_who_only_says_later_hears_every_time_of_a_practitioner_once() {
    for seed in 0..CLINICS {
        let clinic = GeneratedClinic::new(seed);
        let (free, calendars) = (clinic.free(), clinic.calendars());
        for practitioner in clinic.numbers() {
            let mut question = Question {
                days: clinic.days,
                around: None,
                practitioner: Some(practitioner),
                later_than: Some(clinic.now),
            };
            let mut heard = Vec::new();
            loop {
                let page = answer(&clinic, &calendars, &question);
                let Some(last) = page.last() else { break };
                question.later_than = Some(last.start);
                heard.extend(page);
            }
            let theirs = free.iter().filter(|p| p.practitioner == practitioner);
            let theirs: Vec<Place> = theirs.copied().collect();
            assert_eq!(heard, theirs, "clinic {seed}, practitioner {practitioner}");
        }
    }
}
