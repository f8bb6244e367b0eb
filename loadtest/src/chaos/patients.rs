//! The patients who call during a chaos run: each books, or only asks, and neither is thrown by a question asked twice.

use serde_json::json;

use crate::caller::{Reply, Scenario, ScenarioError};

const COVERAGE: &str = "Hi, does my Blue Cross P P O plan cover a dental cleaning?";
const GOODBYE: &str = "No that is all, thank you, goodbye.";
/// When they would like to come: callers at the same time want different times, so that none takes another's.
const DAYS: [&str; 4] = [
    "Yes please, something on Tuesday morning.",
    "I need a cleaning, preferably on Friday.",
    "Wednesday morning would be great.",
    "Do you have anything on Thursday afternoon?",
];
const CHOICES: [&str; 3] = [
    "The first one is fine.",
    "The second one, please.",
    "I will take the last one.",
];
const NAMES: [&str; 2] = [
    "My name is Maria Lopez, born March third nineteen eighty five.",
    "James Carter, born July nineteenth nineteen seventy two.",
];
/// Whoever hears one of these says their last line again.
const SAY_AGAIN: [&str; 5] = [
    "Sorry, I lost you for a second. Could you say that again?",
    "Sorry, I did not catch that. Could you say it again?",
    "Sorry, I lost you for a second.",
    "Sorry, the line broke up for a moment.",
    "Are you still there?",
];
const WHICH_TIME: &str = "Which of those times works best for you?";
const WHO: &str = "Great. May I have your full name and date of birth, please?";
const WHEN: &str = "Gladly. What day and time of day would suit you best?";
const WHAT: &str = "Of course. What is the appointment for?";

/// What a patient calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// An appointment.
    Book,
    /// One question.
    Ask,
}

/// The `number`th patient of a run.
///
/// # Errors
/// [`ScenarioError::Parse`] if this module writes no scenario.
pub fn patient(number: usize, errand: Errand) -> Result<Scenario, ScenarioError> {
    let pick = |from: &[&'static str], at: usize| from[at % from.len()];
    let day = pick(&DAYS, number);
    let choice = pick(&CHOICES, number / DAYS.len());
    let name = pick(&NAMES, number / 2);
    let steps = match errand {
        Errand::Book => vec![COVERAGE, day, choice, name, GOODBYE],
        Errand::Ask => vec![COVERAGE, GOODBYE],
    };
    let mut steps: Vec<_> = steps
        .into_iter()
        .map(|line| json!({ "say": line }))
        .collect();
    steps.push(json!("wait_hang_up"));
    let document = json!({
        "name": format!("patient {number}"),
        "from": format!("+1415557{:04}", number % 10_000),
        "to": "+12125550100",
        "agent_silence_ms": 1_200,
        "patience_ms": 9_000,
        "longest_secs": 180,
        "steps": steps,
        "replies": replies(day, choice, name),
        "expect": { "end": "agent_hung_up" },
    });
    Scenario::parse(&document.to_string())
}

fn replies(day: &str, choice: &str, name: &str) -> Vec<Reply> {
    let again = SAY_AGAIN.iter().map(|hears| (*hears, None));
    let asked = [
        (WHICH_TIME, choice),
        (WHO, name),
        (WHEN, day),
        (WHAT, DAYS[1]),
    ];
    again
        .chain(asked.map(|(hears, say)| (hears, Some(say.to_owned()))))
        .map(|(hears, say)| Reply {
            hears: hears.to_owned(),
            say,
        })
        .collect()
}

/// Whether this is the line after which a booking must exist, if the agent answered it.
#[must_use]
pub fn is_the_last_before_a_booking(line: &str) -> bool {
    NAMES.contains(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::hear::Corpus;

    #[test]
    fn patients_stay_in_the_corpus_and_neighbours_want_different_times() {
        let corpus = Corpus::bundled().expect("the corpus");
        let wishes: Vec<Vec<String>> = (0..12)
            .map(|number| {
                let scenario = patient(number, Errand::Book).expect("a scenario");
                for line in scenario.lines() {
                    assert!(corpus.utterances.iter().any(|u| u.say == line), "{line}");
                }
                let lines: Vec<String> = scenario.lines().map(str::to_owned).collect();
                lines[1..3].to_vec()
            })
            .collect();
        for (number, wish) in wishes.iter().enumerate() {
            assert!(!wishes[number + 1..].contains(wish), "{wish:?} twice");
        }
    }
}
