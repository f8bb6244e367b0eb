//! What the agent claims, and whether the call's tools bear it out.
//!
//! A model may say that something is booked, cancelled, moved or covered although no tool did or said so. The prompt forbids it, and models do it all the same. So
//! each sentence is read before it is spoken: a claim that no tool's answer in this call bears out is withheld. Sentences that claim nothing pass
//! unread. Pure.

mod clause;
mod coverage;
mod evidence;
mod grammar;
mod phrases;

use self::clause::clauses;
pub(super) use self::evidence::borne_out;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An appointment stands.
    Booked,
    /// An appointment was called off.
    Cancelled,
    /// An appointment has another time.
    Moved,
    /// An insurance pays.
    Covered,
    /// An insurance does not pay.
    NotCovered,
    /// What was asked for is done, whatever it was.
    Done,
}

/// A claim of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// What is claimed.
    pub(super) kind: Kind,
    /// The days of the week that are named with it, lower case; not more than one needs to fit.
    pub(super) days: Vec<String>,
}

const WEEK: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl Claim {
    /// The claims of a sentence as it is written.
    pub(super) fn all_of(sentence: &str) -> Vec<Self> {
        let mut claims: Vec<Self> = Vec::new();
        for clause in clauses(sentence) {
            let named = |word: &&String| WEEK.contains(&word.as_str());
            let days: Vec<String> = clause.words.iter().filter(named).cloned().collect();
            let kinds = grammar::reports(&clause)
                .into_iter()
                .chain(coverage::report(&clause));
            for kind in kinds {
                if claims.iter().all(|claim| claim.kind != kind) {
                    let days = days.clone();
                    claims.push(Self { kind, days });
                }
            }
        }
        claims
    }
}

impl Kind {
    /// The label.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::Moved => "moved",
            Self::Covered => "covered",
            Self::NotCovered => "not_covered",
            Self::Done => "done",
        }
    }

    /// What the model is told when its claim was withheld and it is asked again.
    pub(super) const fn correction(self) -> &'static str {
        match self {
            Self::Booked => {
                "You were about to tell the caller that an appointment is booked. No tool booked it in this call, or not at that time, so the caller has not heard it. \
                 Book it with book_appointment if the caller agreed and you know what it needs; otherwise say what you still need. Claim nothing that no tool has done."
            }
            Self::Cancelled => {
                "You were about to tell the caller that an appointment is cancelled. No tool cancelled it in this call, so the caller has not heard it. \
                 Use cancel_appointment, or say that it is not cancelled. Claim nothing that no tool has done."
            }
            Self::Moved => {
                "You were about to tell the caller that an appointment was moved. No tool moved it in this call, so the caller has not heard it. \
                 Use reschedule_appointment, or say that it is not moved. Claim nothing that no tool has done."
            }
            Self::Covered | Self::NotCovered => {
                "You were about to tell the caller what their insurance pays. No tool said so in this call, so the caller has not heard it. \
                 Use check_insurance_coverage, or say that you cannot tell. Claim nothing that no tool has said."
            }
            Self::Done => {
                "You were about to tell the caller that it is done. No tool has done anything in this call, so the caller has not heard it. \
                 Use the tool that does it, or say what you still need. Claim nothing that no tool has done."
            }
        }
    }
}

#[cfg(test)]
mod tests;
