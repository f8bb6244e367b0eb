//! Which sentences report that something was done: by the forms that reports have in English. Pure.
//!
//! A report is a participle ("booked") with a subject that can be booked and a form of "be", or with "I" or "we"; or one of a few set phrases. Wishes,
//! questions, conditions and denials have the same participles and are none.

use super::{
    Kind,
    clause::{Clause, has_any},
};

const APPOINTMENT: [&str; 17] = [
    "appointment",
    "appointments",
    "booking",
    "visit",
    "cleaning",
    "exam",
    "examination",
    "checkup",
    "check-up",
    "filling",
    "consultation",
    "consult",
    "canal",
    "reservation",
    "session",
    "procedure",
    "physical",
];
/// What may stand for the appointment.
const STAND_INS: [&str; 8] = [
    "you",
    "it",
    "that",
    "this",
    "everything",
    "both",
    "him",
    "her",
];
/// Times, of which "is booked" says that they are not free.
const TIMES: [&str; 21] = [
    "slot",
    "spot",
    "time",
    "hour",
    "day",
    "week",
    "morning",
    "afternoon",
    "evening",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "one",
    "opening",
    "o'clock",
    "calendar",
];
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
/// Between a verb and its participle.
const ADVERBS: [&str; 15] = [
    "now",
    "all",
    "already",
    "just",
    "officially",
    "successfully",
    "also",
    "both",
    "definitely",
    "indeed",
    "been",
    "then",
    "therefore",
    "safely",
    "hereby",
];
const BE: [&str; 5] = ["is", "are", "was", "were", "am"];
const PLURALS: [&str; 6] = [
    "appointments",
    "patients",
    "visits",
    "slots",
    "times",
    "days",
];
const CALENDAR: &str = "schedule|calendar|books";

const BOOKED: [&str; 5] = ["booked", "scheduled", "reserved", "confirmed", "secured"];
const CANCELLED: [&str; 6] = [
    "cancelled",
    "canceled",
    "removed",
    "deleted",
    "voided",
    "withdrawn",
];
const MOVED: [&str; 6] = [
    "moved",
    "rescheduled",
    "changed",
    "switched",
    "shifted",
    "pushed",
];

/// What kinds of reports the clause makes.
pub(super) fn reports(clause: &Clause) -> Vec<Kind> {
    if clause.is_open {
        return Vec::new();
    }
    let mut found = participles(clause);
    found.extend(phrases(clause));
    found
}

fn participles(clause: &Clause) -> Vec<Kind> {
    let mut found = Vec::new();
    let mut was_report = false;
    for (at, word) in clause.words.iter().enumerate() {
        let kind = match word.as_str() {
            word if BOOKED.contains(&word) => Kind::Booked,
            word if CANCELLED.contains(&word) => Kind::Cancelled,
            "off" if clause.reads(at.saturating_sub(1), "called off") => Kind::Cancelled,
            word if MOVED.contains(&word) => Kind::Moved,
            _ => continue,
        };
        let at = if word == "off" { at - 1 } else { at };
        let follows = was_report && at > 0 && clause.reads(at - 1, "and|then");
        was_report = follows || is_report(clause, at, kind);
        if was_report {
            found.push(kind);
        }
    }
    found
}

/// Whether the participle here reports a deed.
fn is_report(clause: &Clause, at: usize, kind: Kind) -> bool {
    if clause.is_denied(at) || clause.is_hedged(at) || clause.reads(at + 1, &PLURALS.join("|")) {
        return false;
    }
    let mut head = at;
    while head > 0 && ADVERBS.contains(&clause.words[head - 1].as_str()) {
        head -= 1;
    }
    let between = &clause.words[head..at];
    let Some(verb) = head.checked_sub(1).map(|at| clause.words[at].as_str()) else {
        return is_bare(clause, at, kind);
    };
    let is_been = has_any(between, &["been"]);
    match verb {
        "i" | "we" => has_object(clause, at, kind),
        "have" | "has" | "had" if !is_been => {
            let subject = &clause.words[..head - 1];
            let is_it = subject.last().is_some_and(|w| w == "it") || has_any(subject, &APPOINTMENT);
            let moves_itself = kind == Kind::Moved && is_it && !is_ours(clause, head - 1);
            moves_itself || is_ours(clause, head - 1) && has_object(clause, at, kind)
        }
        "have" | "has" | "had" => suffers(clause, head - 1, at, kind),
        verb if BE.contains(&verb) => suffers(clause, head - 1, at, kind),
        verb if APPOINTMENT.contains(&verb) && head <= 2 => !clause.reads(at + 1, "within|less|by"),
        _ => is_held(clause, at, kind),
    }
}

/// "Booked for Tuesday.", "All booked."
fn is_bare(clause: &Clause, at: usize, kind: Kind) -> bool {
    let is_verb = clause.reads(at + 1, "by|with|at") && kind != Kind::Booked;
    let is_vague = clause.reads(
        at,
        "changed|removed|deleted|switched|shifted|pushed|secured",
    );
    !is_verb && !is_vague
}

/// Whether "have" belongs to "I" or "we".
fn is_ours(clause: &Clause, have: usize) -> bool {
    clause.words[..have]
        .iter()
        .rev()
        .take(3)
        .any(|w| w == "i" || w == "we")
}

/// "I have booked ...": what is done to something else than an appointment is none of ours.
fn has_object(clause: &Clause, at: usize, kind: Kind) -> bool {
    let after = &clause.words[at + 1..];
    let near = &after[..after.len().min(4)];
    let first = after.first().map_or("", String::as_str);
    let means = STAND_INS.contains(&first)
        || has_any(near, &APPOINTMENT)
        || first != "to" && has_any(&near[..near.len().min(2)], &TIMES);
    match (kind, clause.words[at].as_str()) {
        (Kind::Booked, "confirmed") => means && !clause.reads(at + 1, "that"),
        (Kind::Booked, _) => true,
        (Kind::Cancelled, "removed" | "deleted") => means,
        (Kind::Cancelled, _) => true,
        _ => means,
    }
}

/// "Your appointment is booked", "it has been cancelled": by what it happened to.
fn suffers(clause: &Clause, verb: usize, at: usize, kind: Kind) -> bool {
    let from = verb.saturating_sub(6);
    let subject = &clause.words[from..verb];
    let last = subject.last().map_or("", String::as_str);
    let is_appointment = has_any(subject, &APPOINTMENT) && !has_any(subject, &["cancellation"]);
    let for_the_caller = clause.reads(at + 1, "for you") || clause.reads(at + 1, "under your");
    let is_availability = clause.words[verb..at].iter().any(|w| w == "already")
        || clause.reads(at + 1, "up|solid|out|through");
    let is_time = has_any(subject, &TIMES) && !is_appointment;
    match kind {
        Kind::Booked if for_the_caller => true,
        Kind::Booked if last == "you" => !clause.reads(at + 1, "up|solid"),
        Kind::Booked if is_appointment => true,
        Kind::Booked => STAND_INS.contains(&last) && !is_availability && !is_time,
        _ if last == "hours" || has_any(subject, &["policy", "number", "address"]) => false,
        Kind::Cancelled => is_appointment || is_time || STAND_INS.contains(&last),
        _ => is_appointment || STAND_INS.contains(&last) || last == "time",
    }
}

/// "I have you booked", "we have Tuesday at ten reserved", "consider it cancelled".
fn is_held(clause: &Clause, at: usize, kind: Kind) -> bool {
    let before = &clause.words[at.saturating_sub(8)..at];
    if clause.reads(at.saturating_sub(2), "consider it|that") {
        return true;
    }
    let have = before.iter().rposition(|w| w == "have" || w == "got");
    let held = have.is_some_and(|have| {
        let (owner, what) = (&before[..have], &before[have + 1..]);
        let is_ours = owner.is_empty() && before[have] == "got" || has_any(owner, &["i", "we"]);
        let is_theirs =
            has_any(what, &STAND_INS) || has_any(what, &APPOINTMENT) || has_any(what, &DAYS);
        is_ours && is_theirs && !has_any(before, &["to"])
    });
    held && kind == Kind::Booked
        || clause.words[at.saturating_sub(1)] == "successfully"
        || clause.reads(at.saturating_sub(2), "all|now|officially you")
}

/// Reports without such a participle: what they say, and the place of the word that says it.
const PHRASES: [(Kind, &str); 54] = [
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
    (Kind::Booked, "appointment|booking|visit is now"),
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
];

fn phrases(clause: &Clause) -> Vec<Kind> {
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
    let code = clause.find("your|the confirmation code|number is");
    code.is_some_and(|at| {
        let no_code =
            "needed|required|on|in|the|a|usually|not|wrong|invalid|incorrect|missing|made";
        !clause.is_hedged(at) && !clause.reads(at + 4, no_code)
    }) || clause
        .find(&format!("you|it on the {CALENDAR} for"))
        .is_some_and(|at| !clause.is_denied(at) && !clause.is_hedged(at))
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
