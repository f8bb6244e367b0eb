//! What the model answers.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use super::{
    Line, Role,
    arguments::{self, Call},
    machine,
    repertoire::{CLAIMS, FAREWELLS, HARMLESS},
    view::View,
};

/// One completion, before it is cut into a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    /// Why it ends, if not for the usual reason.
    pub(super) finish: Option<&'static str>,
}

impl Answer {
    fn says(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    fn calls(calls: Vec<Call>) -> Self {
        Self {
            calls,
            ..Self::default()
        }
    }
}

/// An answer in this conversation.
pub(super) fn answer(line: &Line, view: &View, rng: &mut StdRng) -> Answer {
    let role = &line.role;
    if !rng.random_bool(line.temper.hostility) {
        return honest(role, view, rng);
    }
    match pick(&line.temper.taste, rng) {
        0 => lie(rng),
        1 => Answer {
            text: if rng.random_bool(0.5) {
                lie(rng).text
            } else {
                String::new()
            },
            ..Answer::calls(several(role, view, rng))
        },
        2 => {
            let call = arguments::any(role, view, rng);
            let (sentence, _) = claim(rng);
            Answer::says(machine::words(&call, sentence, rng))
        }
        3 => Answer::says(machine::nothing(rng)),
        4 => endless(rng),
        5 => half(rng),
        6 => parrot(view, rng),
        7 => leave(role, view, rng),
        8 => twice(role, view, rng),
        _ => swap(role, view, rng),
    }
}

fn pick(weights: &[f64], rng: &mut StdRng) -> usize {
    let mut left = rng.random_range(0.0..weights.iter().sum());
    for (place, weight) in weights.iter().enumerate() {
        if left < *weight {
            return place;
        }
        left -= weight;
    }
    0
}

fn claim(rng: &mut StdRng) -> (&'static str, super::repertoire::Claim) {
    *CLAIMS.choose(rng).unwrap_or(&CLAIMS[0])
}

fn harmless(rng: &mut StdRng) -> &'static str {
    HARMLESS.choose(rng).copied().unwrap_or_default()
}

/// A claim between other sentences, true or not.
fn lie(rng: &mut StdRng) -> Answer {
    let (sentence, _) = claim(rng);
    Answer::says(match rng.random_range(0..5) {
        0 => sentence.to_owned(),
        1 => format!("Sure. {sentence}"),
        2 => format!("{} {sentence} {}", harmless(rng), harmless(rng)),
        3 => format!("{sentence} {}", claim(rng).0),
        _ => format!("{sentence}\n\n{}", harmless(rng)),
    })
}

fn several(role: &Role, view: &View, rng: &mut StdRng) -> Vec<Call> {
    let mut calls: Vec<Call> = (0..rng.random_range(1..4))
        .map(|_| arguments::any(role, view, rng))
        .collect();
    if rng.random_bool(0.3) {
        calls.push(calls[0].clone());
    }
    calls
}

fn endless(rng: &mut StdRng) -> Answer {
    let word = ["and", "well", "so", "booked"]
        .choose(rng)
        .copied()
        .unwrap_or("and");
    let times = rng.random_range(100..900);
    Answer {
        finish: Some("length"),
        ..Answer::says(format!(
            "{} {}",
            harmless(rng),
            format!("{word} ").repeat(times)
        ))
    }
}

/// Half a sentence, or half a call, with a reason for its end.
fn half(rng: &mut StdRng) -> Answer {
    let mut text = if rng.random_bool(0.5) {
        claim(rng).0
    } else {
        harmless(rng)
    }
    .to_owned();
    arguments::halve(&mut text);
    let before = if rng.random_bool(0.5) { "Sure. " } else { "" };
    let reasons = ["length", "content_filter", "stop", "", "safety"];
    Answer {
        finish: reasons.choose(rng).copied(),
        ..Answer::says(format!("{before}{text}"))
    }
}

/// What it was sent, said aloud.
fn parrot(view: &View, rng: &mut StdRng) -> Answer {
    let answer = view
        .answer
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    Answer::says(match rng.random_range(0..3) {
        0 => format!("It says: {answer}"),
        1 => format!(
            "I see {}.",
            view.slots.last().map_or("nothing", |(_, spoken)| spoken)
        ),
        _ => format!("You said: {}", view.caller),
    })
}

/// Ends the call, and goes on.
fn leave(role: &Role, view: &View, rng: &mut StdRng) -> Answer {
    let tool = if rng.random_bool(0.7) {
        "end_call"
    } else {
        "transfer_to_human"
    };
    let mut calls = vec![Call::new(tool, &serde_json::json!({ "reason": "done" }))];
    if rng.random_bool(0.4) {
        calls.push(arguments::any(role, view, rng));
    }
    let words = [FAREWELLS[0], FAREWELLS[1], "", claim(rng).0, "Well"];
    Answer {
        text: words.choose(rng).copied().unwrap_or_default().to_owned(),
        ..Answer::calls(calls)
    }
}

/// Two times for one person in one step, or one time twice.
fn twice(role: &Role, view: &View, rng: &mut StdRng) -> Answer {
    let patient = (role.patient.0.as_str(), role.patient.1.as_str());
    let slots: Vec<&str> = view
        .slots
        .iter()
        .rev()
        .map(|(slot, _)| slot.as_str())
        .collect();
    let [first, .., last] = slots.as_slice() else {
        return Answer::calls(vec![arguments::find(role, rng)]);
    };
    let second = if rng.random_bool(0.7) { last } else { first };
    Answer::calls(vec![
        arguments::book(role, first, patient),
        arguments::book(role, second, patient),
    ])
}

/// Cancels and books in one step, or moves, what may be anybody's.
fn swap(role: &Role, view: &View, rng: &mut StdRng) -> Answer {
    let patient = (role.patient.0.as_str(), role.patient.1.as_str());
    let known: Vec<&String> = view.bookings.iter().chain(&role.bookings).collect();
    let (Some(booking), Some((slot, _))) = (known.choose(rng), view.slots.choose(rng)) else {
        return Answer::calls(vec![arguments::find(role, rng)]);
    };
    let person = rng.random_bool(0.5).then_some(patient);
    Answer::calls(match rng.random_range(0..4) {
        0 => vec![arguments::reschedule(booking, slot, person)],
        1 => vec![
            arguments::book(role, slot, patient),
            arguments::cancel(booking, person),
        ],
        _ => vec![
            arguments::cancel(booking, person),
            arguments::book(role, slot, patient),
        ],
    })
}

/// What a good model would do.
fn honest(role: &Role, view: &View, rng: &mut StdRng) -> Answer {
    if let Some(answer) = &view.answer {
        return Answer::says(match answer["status"].as_str() {
            Some("booked") => "You are booked. Is there anything else I can do for you?",
            Some("cancelled") => "I've cancelled your appointment.",
            Some("rescheduled" | "moved") => "I moved your appointment.",
            Some("covered") => "Your plan covers it.",
            Some("not_covered") => "Your plan does not cover it.",
            _ if answer["slots"].is_array() => "I have a few times on that day. Shall I book it?",
            _ => harmless(rng),
        });
    }
    let patient = (role.patient.0.as_str(), role.patient.1.as_str());
    match (view.may_call, view.slots.last()) {
        (true, None) if role.wants_booking => Answer::calls(vec![arguments::find(role, rng)]),
        (true, Some((slot, _))) if role.wants_booking && !view.is_booked => {
            Answer::calls(vec![arguments::book(role, slot, patient)])
        }
        (true, _) if rng.random_bool(0.25) => Answer {
            text: FAREWELLS
                .choose(rng)
                .copied()
                .unwrap_or_default()
                .to_owned(),
            ..Answer::calls(vec![Call::new(
                "end_call",
                &serde_json::json!({ "reason": "done" }),
            )])
        },
        (true, _) if !role.wants_booking && !role.bookings.is_empty() && rng.random_bool(0.4) => {
            let own = &role.bookings[0];
            Answer::calls(vec![arguments::cancel(own, Some(patient))])
        }
        _ => Answer::says(harmless(rng)),
    }
}
