//! Reports without a participle of booking: set phrases, and what is said only of an appointment that stands. Pure.

use super::{
    Kind,
    clause::{Clause, has_any},
};

const DAYS: [&str; 9] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "then",
];
const CALENDAR: &str = "schedule|calendar|books";

/// Reports without such a participle: what they say, and the place of the word that says it.
const PHRASES: &[(Kind, &str)] = &[
    (Kind::Booked, "you are all set for|on|at|with"),
    (Kind::Booked, "you are set for|on|at|with|up"),
    (Kind::Booked, "all set for|on|at|with"),
    (Kind::Booked, "you are down for|on|at|with"),
    (Kind::Booked, "have|got you down for|on|at|with"),
    (Kind::Booked, "have|got you set for|on|at|with|up"),
    (Kind::Booked, "have|got you in for|on|at|with"),
    (Kind::Booked, "put you down for|on|at|with"),
    (
        Kind::Booked,
        "put|added you on|to|in|into the|our schedule|calendar|books",
    ),
    (
        Kind::Booked,
        "put it on|in the|our|your schedule|calendar|books",
    ),
    (Kind::Booked, "you are on the|our schedule|calendar|books"),
    (
        Kind::Booked,
        "appointment|booking|visit|it is on the|our|your schedule|calendar|books",
    ),
    (
        Kind::Booked,
        "appointment|booking|visit|reservation is set|made|complete|finalized|arranged|fixed|completed|settled",
    ),
    (
        Kind::Booked,
        "appointment|booking|visit|reservation is all set",
    ),
    (
        Kind::Booked,
        "appointment|booking|visit|reservation has been set|made|completed|finalized|arranged|created",
    ),
    (
        Kind::Booked,
        "appointment|booking|visit is now on|at|for|with|monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    ),
    (Kind::Booked, "new appointment|time|slot|booking is"),
    (Kind::Booked, "slot|spot|time|appointment|it|that is yours"),
    (Kind::Booked, "booking|reservation was|is successful"),
    (Kind::Booked, "booking|reservation went|has through|gone"),
    (Kind::Booked, "able|managed to book|schedule|reserve"),
    (Kind::Booked, "able|managed to get you in|booked|scheduled"),
    (Kind::Cancelled, "able|managed to cancel"),
    (
        Kind::Cancelled,
        "cancellation is|was confirmed|complete|completed|done|processed|successful",
    ),
    (
        Kind::Cancelled,
        "cancellation has been confirmed|completed|processed|made",
    ),
    (Kind::Cancelled, "cancellation went|confirmed|complete"),
    (
        Kind::Cancelled,
        "took it|you|that|your off|appointment|cleaning|visit",
    ),
    (Kind::Cancelled, "taken it|you|that off"),
    (Kind::Moved, "able|managed to move|reschedule|change|switch"),
    (Kind::Moved, "booking|reservation has been updated"),
    (Kind::Moved, "appointment|visit has been updated"),
    (
        Kind::Moved,
        "updated|changed your appointment|booking|visit",
    ),
    (Kind::Done, "you are all set"),
    (Kind::Done, "we are all set"),
    (Kind::Done, "you are good to go"),
    (
        Kind::Done,
        "it|that|this|everything is done|complete|completed|sorted|handled|finished|settled",
    ),
    (
        Kind::Done,
        "it|that|this|everything is all done|set|complete|sorted|handled",
    ),
    (Kind::Done, "it|that|this|everything is taken care of"),
    (Kind::Done, "it|that|this|everything is all taken care of"),
    (
        Kind::Done,
        "it|that|this has been done|completed|handled|processed",
    ),
    (Kind::Done, "it|that went through"),
    (
        Kind::Done,
        "have taken care of it|that|this|everything|your",
    ),
    (Kind::Done, "took care of it|that|this|everything|your"),
    (Kind::Done, "have done that|it|this|so"),
    (Kind::Done, "consider it|that done"),
    (
        Kind::Done,
        "request is|was complete|completed|processed|done",
    ),
    (Kind::Done, "request has been completed|processed|done"),
    (
        Kind::Booked,
        "locked|penciled|pencilled|slotted|squeezed in",
    ),
    (
        Kind::Booked,
        "penciled|pencilled|slotted|squeezed|fitted|signed you in|up",
    ),
    (
        Kind::Booked,
        "you|we are good for monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow",
    ),
    (
        Kind::Cancelled,
        "it|appointment|booking|visit is off the|our schedule|calendar|books",
    ),
    (
        Kind::Cancelled,
        "it|appointment|booking|visit is no longer on|booked|scheduled",
    ),
    (Kind::Cancelled, "you are no longer on|booked|scheduled"),
    (Kind::Cancelled, "you no longer have an appointment"),
    (
        Kind::Booked,
        "cleaning|exam|filling|consultation is on the|our|your schedule|calendar|books",
    ),
    (
        Kind::Booked,
        "you are in for|on monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow",
    ),
    (
        Kind::Booked,
        "added|put your|the|an appointment|booking|visit on|to|in|into",
    ),
    (
        Kind::Booked,
        "completed|finalized|confirmed your|the booking|appointment|reservation|visit",
    ),
    (Kind::Booked, "you now have an|your appointment|booking"),
    (Kind::Booked, "set you up for|with|on|at"),
    (
        Kind::Booked,
        "slot|spot|time|appointment|it|that is now|all yours",
    ),
    (
        Kind::Booked,
        "slot|spot|time is saved|held|secured|confirmed",
    ),
    (
        Kind::Booked,
        "locked|penciled|pencilled|slotted|squeezed it|that|this in",
    ),
    (Kind::Cancelled, "it|appointment|booking|visit is gone"),
    (
        Kind::Cancelled,
        "you are off the|our schedule|calendar|books",
    ),
    (Kind::Moved, "reschedule|move|change went through"),
];

/// What kinds of reports the clause makes by a set phrase.
pub(super) fn reports(clause: &Clause) -> Vec<Kind> {
    let said = |(kind, pattern): &(Kind, &str)| {
        let at = clause.find(pattern)?;
        let is_report = !clause.is_denied(at) && !clause.is_hedged(at);
        // "It is done in half an hour" is about something else.
        let end = at + pattern.split(' ').count();
        let is_whole = *kind != Kind::Done
            || end == clause.words.len()
            || clause.reads(end, "now|then|for|already");
        (is_report && is_whole).then_some(*kind)
    };
    let mut found: Vec<Kind> = PHRASES.iter().filter_map(said).collect();
    if matches!(
        clause.words.join(" ").as_str(),
        "done" | "all done" | "all set" | "and done"
    ) {
        found.push(Kind::Done);
    }
    found.extend((implied(clause) || makes(clause)).then_some(Kind::Booked));
    found
}

/// "I made you an appointment."
fn makes(clause: &Clause) -> bool {
    let verbs = [
        "made", "set", "created", "arranged", "secured", "saved", "grabbed", "got",
    ];
    let nouns = [
        "appointment",
        "booking",
        "reservation",
        "visit",
        "slot",
        "spot",
        "cleaning",
        "exam",
    ];
    let links = [
        "up", "you", "your", "the", "an", "a", "that", "him", "her", "new", "this",
    ];
    clause.words.iter().enumerate().any(|(at, word)| {
        let after: Vec<&str> = clause.words[at + 1..]
            .iter()
            .take(4)
            .map(String::as_str)
            .collect();
        let noun = after.iter().position(|w| !links.contains(w));
        let is_noun = noun.is_some_and(|place| nouns.contains(&after[place]));
        let is_offer = word == "got" && after.first() != Some(&"you");
        let subject = &clause.words[at.saturating_sub(4)..at];
        verbs.contains(&word.as_str())
            && is_noun
            && !is_offer
            && has_any(subject, &["i", "we"])
            && !clause.is_denied(at)
            && !clause.is_hedged(at)
    })
}

/// "See you Tuesday.", "Your confirmation code is ...": said only of what is booked.
fn implied(clause: &Clause) -> bool {
    let conditions = [
        "if", "unless", "when", "once", "can", "could", "would", "may", "might",
    ];
    let meets = ["see you", "seeing you"]
        .iter()
        .find_map(|p| clause.find(p));
    if let Some(at) = meets
        && !has_any(&clause.words, &conditions)
        && !clause.is_denied(at)
    {
        let after = clause.words.iter().skip(at + 2).take(3);
        return after.into_iter().any(|w| DAYS.contains(&w.as_str()));
    }
    has_code(clause)
        || clause
            .find(&format!("you|it on the {CALENDAR} for"))
            .is_some_and(|at| !clause.is_denied(at) && !clause.is_hedged(at))
}

/// "Your confirmation code is ..."
fn has_code(clause: &Clause) -> bool {
    let none = "needed|required|on|in|the|a|usually|not|wrong|invalid|incorrect|missing|made";
    [
        ("your|the confirmation code|number is", 4),
        ("your code is", 3),
    ]
    .iter()
    .any(|(pattern, length)| {
        let at = clause.find(pattern);
        at.is_some_and(|at| !clause.is_hedged(at) && !clause.reads(at + length, none))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phrase_says_that_something_was_not_done() {
        for (kind, pattern) in PHRASES {
            let first: Vec<&str> = pattern
                .split(' ')
                .filter_map(|c| c.split('|').next())
                .collect();
            let denied =
                super::super::clause::clauses(&format!("It is not so that {}", first.join(" ")));
            assert!(
                denied.iter().all(|c| reports(c).is_empty()),
                "{kind:?} {pattern}"
            );
        }
    }
}
