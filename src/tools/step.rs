//! The calls that the model makes at once.
//!
//! What changes bookings runs one after the other, in the model's order, and stops at the first that is not done: what comes after it was meant for a world in
//! which it was. A cancellation and a booking are one move: both are done, or neither, and the hour that is given back can be taken. What ends the conversation
//! comes last, and hanging up is held back where something was refused: the caller must hear of it.

use std::collections::BTreeMap;

use tokio::time::{Instant, timeout};

use super::{
    ToolSet,
    answer::{Answer, Refusal},
    arguments,
    book_appointment::PreparedBooking,
    cancel_appointment::PreparedCancel,
    catalogue::Tool,
    idempotency::settle,
    outcome,
    outcome::{ToolOutcome, ToolStatus},
};
use crate::{
    domain::{call_time::CallTime, conversation::ToolRequest},
    storage::postgres::{Change, Changed, Together},
};

/// Told of what was held back.
const AFTER_REFUSAL: &str = "This was not done, because what you called before it in the same step was not done. Tell the caller what happened, and ask how to go on.";
/// Told of the other half of a move.
const OTHER_HALF: &str = "Nothing was changed: cancelling and booking in one step are done together or not at all, and the other one was not possible. Tell the caller, \
                          and ask how to go on.";

/// Calls that are run as one, by their places in the step.
#[derive(Debug, PartialEq, Eq)]
enum Unit {
    Alone(usize),
    Move(Vec<usize>),
}

/// Half of a move, ready to be made.
enum Half {
    Cancel(PreparedCancel),
    Book(Box<PreparedBooking>),
}

impl Half {
    fn change(&self) -> Change {
        match self {
            Self::Cancel(cancel) => Change::Cancel(cancel.mutation, cancel.booking),
            Self::Book(book) => Change::Book(book.mutation, Box::new(book.wanted.clone())),
        }
    }
}

impl ToolSet {
    /// Runs a step's calls and answers each, in the order of the requests.
    pub async fn run_step(
        &self,
        requests: Vec<ToolRequest>,
        turn: u32,
        at: CallTime,
    ) -> Vec<ToolOutcome> {
        let mut answered: BTreeMap<usize, ToolOutcome> = BTreeMap::new();
        let mut refused = false;
        for unit in units(&requests) {
            let done = match unit {
                _ if refused && is_held_back(&unit, &requests) => {
                    hold_back(&unit, &requests, turn, at)
                }
                Unit::Alone(place) => {
                    let request = requests[place].clone();
                    vec![(place, self.run(request, turn, at).await)]
                }
                Unit::Move(ref places) => self.run_move(places, &requests, turn, at).await,
            };
            refused |= done
                .iter()
                .any(|(_, outcome)| outcome.status != ToolStatus::Done);
            answered.extend(done);
        }
        answered.into_values().collect()
    }

    /// Answers each part of a move, within the deadline of one mutation.
    async fn run_move(
        &self,
        places: &[usize],
        requests: &[ToolRequest],
        turn: u32,
        at: CallTime,
    ) -> Vec<(usize, ToolOutcome)> {
        let started = Instant::now();
        let parts: Vec<&ToolRequest> = places.iter().map(|place| &requests[*place]).collect();
        let limit = Tool::BookAppointment.deadline();
        let answers = match timeout(limit, self.make_move(&parts, turn)).await {
            Ok(answers) => answers,
            Err(_) => parts.iter().map(|_| Answer::failed()).collect(),
        };
        let took = started.elapsed();
        let outcomes = parts.into_iter().zip(answers);
        let outcomes =
            outcomes.map(|(request, answer)| outcome(request.clone(), answer, took, turn, at));
        places.iter().copied().zip(outcomes).collect()
    }

    async fn make_move(&self, parts: &[&ToolRequest], turn: u32) -> Vec<Answer> {
        let mut halves = Vec::new();
        for (place, request) in parts.iter().enumerate() {
            match self.prepare_half(request, turn).await {
                Ok(half) => halves.push(half),
                Err(refusal) => {
                    return blame(place, parts.len(), self.refuse_of(request, refusal));
                }
            }
        }
        let changes: Vec<Change> = halves.iter().map(Half::change).collect();
        let sealer = &self.clinic.sealer;
        match settle(|| self.db.change_together(sealer, &changes)).await {
            Ok(Together::Done(changed)) => self.moved(parts, &halves, changed).await,
            Ok(Together::Refused(place, why)) => {
                let answer = match &halves[place] {
                    Half::Book(book) => self.booked(book, why).await,
                    Half::Cancel(_) => Ok(Answer::not_done(OTHER_HALF)),
                };
                let answer = answer.unwrap_or_else(|r| self.refuse_of(parts[place], r));
                blame(place, parts.len(), answer)
            }
            // Whether it was made is in doubt, for all parts alike.
            Err(error) => {
                let failed = self.refuse(Tool::BookAppointment, Refusal::Storage(error));
                blame_all(parts.len(), &failed)
            }
        }
    }

    async fn prepare_half(&self, request: &ToolRequest, turn: u32) -> Result<Half, Refusal> {
        let arguments = request.arguments.expose();
        Ok(
            if Tool::by_name(&request.name) == Some(Tool::CancelAppointment) {
                Half::Cancel(self.prepare_cancel(arguments::parse(arguments)?).await?)
            } else {
                let args = arguments::parse(arguments)?;
                Half::Book(Box::new(self.prepare_booking(args, turn).await?))
            },
        )
    }

    async fn moved(
        &self,
        parts: &[&ToolRequest],
        halves: &[Half],
        changed: Vec<Changed>,
    ) -> Vec<Answer> {
        let mut answers = Vec::new();
        for ((request, half), changed) in parts.iter().zip(halves).zip(changed) {
            let answer = match (half, changed) {
                (_, Changed::Cancelled(cancelled)) => self.cancelled(cancelled).await,
                (Half::Book(book), Changed::Booked(booked)) => self.booked(book, booked).await,
                (Half::Cancel(_), Changed::Booked(_)) => Ok(Answer::failed()),
            };
            answers.push(answer.unwrap_or_else(|r| self.refuse_of(request, r)));
        }
        answers
    }

    fn refuse_of(&self, request: &ToolRequest, refusal: Refusal) -> Answer {
        let tool = Tool::by_name(&request.name).unwrap_or(Tool::BookAppointment);
        self.refuse(tool, refusal)
    }
}

/// What is run as one, in the order in which it is run.
fn units(requests: &[ToolRequest]) -> Vec<Unit> {
    let tools: Vec<Option<Tool>> = requests
        .iter()
        .map(|request| Tool::by_name(&request.name))
        .collect();
    let places = |wanted: &dyn Fn(Tool) -> bool| -> Vec<usize> {
        let is_wanted = |place: &usize| tools[*place].is_some_and(wanted);
        (0..tools.len()).filter(is_wanted).collect()
    };
    let has = |tool: Tool| tools.contains(&Some(tool));
    let is_move = has(Tool::CancelAppointment) && has(Tool::BookAppointment);
    let halves = if is_move {
        places(&|tool| matches!(tool, Tool::CancelAppointment | Tool::BookAppointment))
    } else {
        Vec::new()
    };
    let closing = places(&Tool::is_closing);
    let first_half = halves.first().copied();
    let mut units = Vec::new();
    for place in 0..requests.len() {
        if Some(place) == first_half {
            units.push(Unit::Move(halves.clone()));
        } else if !halves.contains(&place) && !closing.contains(&place) {
            units.push(Unit::Alone(place));
        }
    }
    units.extend(closing.into_iter().map(Unit::Alone));
    units
}

/// After a refusal: other changes of bookings, and hanging up. A person is called all the same.
fn is_held_back(unit: &Unit, requests: &[ToolRequest]) -> bool {
    match unit {
        Unit::Move(_) => true,
        Unit::Alone(place) => Tool::by_name(&requests[*place].name)
            .is_some_and(|tool| tool.is_mutating() || tool == Tool::EndCall),
    }
}

fn hold_back(
    unit: &Unit,
    requests: &[ToolRequest],
    turn: u32,
    at: CallTime,
) -> Vec<(usize, ToolOutcome)> {
    let places = match unit {
        Unit::Alone(place) => vec![*place],
        Unit::Move(places) => places.clone(),
    };
    let held = |place: usize| {
        let answer = Answer::not_done(AFTER_REFUSAL);
        let request = requests[place].clone();
        let none = std::time::Duration::ZERO;
        (place, outcome(request, answer, none, turn, at))
    };
    places.into_iter().map(held).collect()
}

/// One part could not be made, so none was.
fn blame(place: usize, parts: usize, answer: Answer) -> Vec<Answer> {
    let mut answers: Vec<Answer> = (1..parts).map(|_| Answer::not_done(OTHER_HALF)).collect();
    answers.insert(place, answer);
    answers
}

fn blame_all(parts: usize, answer: &Answer) -> Vec<Answer> {
    let copy = |_| Answer {
        content: answer.content.clone(),
        status: answer.status,
        effect: answer.effect,
    };
    (0..parts).map(copy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{conversation::ToolCallId, phi::Phi};

    fn requests(names: &[&str]) -> Vec<ToolRequest> {
        let request = |name: &&str| ToolRequest {
            id: ToolCallId((*name).to_owned()),
            name: (*name).to_owned(),
            arguments: Phi::new("{}".to_owned()),
        };
        names.iter().map(request).collect()
    }

    #[test]
    fn a_step_runs_in_its_order_and_what_ends_the_call_comes_last() {
        let step = requests(&["end_call", "reschedule_appointment", "book_appointment"]);
        let alone = [1, 2, 0].map(Unit::Alone);
        assert_eq!(units(&step), alone);
    }

    #[test]
    fn cancellations_and_bookings_are_one_move_wherever_they_stand() {
        let step = requests(&[
            "book_appointment",
            "nonsense",
            "cancel_appointment",
            "book_appointment",
        ]);
        assert_eq!(units(&step), [Unit::Move(vec![0, 2, 3]), Unit::Alone(1)]);
        let bookings = requests(&["book_appointment", "book_appointment"]);
        assert_eq!(units(&bookings), [0, 1].map(Unit::Alone));
    }

    #[test]
    fn after_a_refusal_nothing_is_booked_or_hung_up_but_a_person_is_called() {
        let step = requests(&[
            "book_appointment",
            "end_call",
            "transfer_to_human",
            "nonsense",
        ]);
        let held = |place| is_held_back(&Unit::Alone(place), &step);
        assert_eq!([0, 1, 2, 3].map(held), [true, true, false, false]);
    }
}
