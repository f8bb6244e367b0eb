//! Which sentences report that something was done: by the forms that reports have in English. Pure.
//!
//! A report is a participle ("booked") with a subject that can be booked and a form of "be", or with "I" or "we"; or one of a few set phrases. Wishes,
//! questions, conditions and denials have the same participles and are none.

use super::{
    Kind,
    clause::{Clause, has_any},
    phrases,
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
const FAMILY: [&str; 9] = [
    "son", "daughter", "husband", "wife", "mother", "father", "child", "mom", "dad",
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

const BOOKED: [&str; 5] = ["booked", "scheduled", "reserved", "confirmed", "secured"];
const CANCELLED: [&str; 7] = [
    "cancelled",
    "canceled",
    "removed",
    "deleted",
    "voided",
    "withdrawn",
    "released",
];
const MOVED: [&str; 7] = [
    "moved",
    "rescheduled",
    "changed",
    "switched",
    "shifted",
    "pushed",
    "bumped",
];

/// What kinds of reports the clause makes.
pub(super) fn reports(clause: &Clause) -> Vec<Kind> {
    if clause.is_open {
        return Vec::new();
    }
    let mut found = participles(clause);
    found.extend(phrases::reports(clause));
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
    // "I moved your": a sentence that breaks off before its object.
    let is_cut = after.len() == 1 && has_any(after, &["your", "the", "his", "her", "their"]);
    let means = is_cut
        || STAND_INS.contains(&first)
        || has_any(near, &APPOINTMENT)
        || first != "to" && has_any(&near[..near.len().min(2)], &TIMES);
    match (kind, clause.words[at].as_str()) {
        (Kind::Booked, "confirmed") => means && !clause.reads(at + 1, "that"),
        (Kind::Booked, _) => true,
        (Kind::Cancelled, "removed" | "deleted" | "released") => means,
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
        Kind::Booked if is_appointment || has_any(subject, &FAMILY) => true,
        Kind::Booked if is_time && has_any(subject, &["your"]) => !is_availability,
        Kind::Booked if matches!(last, "he" | "she" | "they") => clause.reads(at + 1, "for|in"),
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
    let is_got = before
        .last()
        .is_some_and(|w| STAND_INS.contains(&w.as_str()))
        && before.iter().nth_back(1).is_some_and(|w| w == "got");
    held && (kind == Kind::Booked || is_got)
        || clause.words[at.saturating_sub(1)] == "successfully"
        || clause.reads(at.saturating_sub(2), "all|now|officially you")
}
