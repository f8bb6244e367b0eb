//! Sentences that claim, and sentences that have the same words and do not.

use Kind::{Booked, Cancelled, Covered, Done, Moved, NotCovered};

use super::*;

const CLAIMS: &[(&str, Kind)] = &[
    ("You are booked for Tuesday.", Booked),
    ("You're booked for Tuesday at ten.", Booked),
    ("You’re all booked with Dr. Katz.", Booked),
    ("Great, you're booked!", Booked),
    ("You are now booked in for your cleaning.", Booked),
    ("Your appointment is booked.", Booked),
    (
        "Your appointment is confirmed for Monday at nine A M.",
        Booked,
    ),
    ("Your cleaning has been scheduled for Wednesday.", Booked),
    ("Your appointment has now been booked.", Booked),
    ("It's booked.", Booked),
    ("That's booked for you.", Booked),
    ("Okay, that has been booked under your name.", Booked),
    ("I booked you for Tuesday.", Booked),
    ("I've booked you in with Dr. Osei.", Booked),
    ("I have just booked your exam for Friday morning.", Booked),
    ("I went ahead and booked it.", Booked),
    ("I've gone ahead and scheduled your filling.", Booked),
    ("We have reserved that time for you.", Booked),
    ("That slot is reserved for you.", Booked),
    ("Tuesday at ten is booked for you.", Booked),
    ("I have you booked for Tuesday at ten.", Booked),
    ("I've got you down for Tuesday.", Booked),
    (
        "We have you scheduled with Nina Castellanos on Thursday.",
        Booked,
    ),
    ("I have Tuesday at ten reserved under your name.", Booked),
    ("I put you down for Thursday at two.", Booked),
    ("I've added you to the schedule.", Booked),
    ("You're on the calendar for Friday.", Booked),
    ("You're all set for Tuesday at ten thirty A M.", Booked),
    ("All set for Monday.", Booked),
    ("Booked!", Booked),
    ("All booked.", Booked),
    ("Booked for Tuesday at ten.", Booked),
    ("Appointment confirmed.", Booked),
    ("Confirmed for Monday at nine.", Booked),
    ("I can confirm that you are booked for Tuesday.", Booked),
    (
        "I'm happy to tell you that your visit is confirmed.",
        Booked,
    ),
    ("No problem, you're booked.", Booked),
    ("No problem you're booked.", Booked),
    ("You're booked for Tuesday, is there anything else?", Booked),
    ("Your appointment is set for Tuesday at three.", Booked),
    ("The appointment is yours.", Booked),
    ("I made your appointment for Tuesday.", Booked),
    ("I've made you an appointment with Dr. Katz.", Booked),
    ("I have set up an appointment for you.", Booked),
    ("I was able to book you for Tuesday at noon.", Booked),
    ("I managed to get you in on Monday.", Booked),
    ("Your booking was successful.", Booked),
    ("Your new appointment is Tuesday at ten.", Booked),
    ("Your confirmation code is K7 M2.", Booked),
    ("Your confirmation number is four seven one nine.", Booked),
    ("We'll see you on Tuesday at ten.", Booked),
    ("See you tomorrow!", Booked),
    ("We look forward to seeing you on Friday.", Booked),
    ("Consider it booked.", Booked),
    ("Yes, we booked that for you yesterday.", Booked),
    ("Your appointment's booked.", Booked),
    ("You've been scheduled for Monday.", Booked),
    ("Got you booked in for Tuesday!", Booked),
    ("I've locked in Tuesday at ten for you.", Booked),
    ("I've penciled you in for Friday.", Booked),
    ("You're good for Tuesday.", Booked),
    ("I've saved you a spot on Monday.", Booked),
    ("I got you an appointment with Dr. Katz.", Booked),
    ("Your booking is complete.", Booked),
    ("Your appointment with Dr. Osei is confirmed.", Booked),
    ("You're in for Tuesday at ten.", Booked),
    ("I have added your appointment to the calendar.", Booked),
    ("I've completed your booking.", Booked),
    ("You now have an appointment on Tuesday at ten.", Booked),
    ("Your son is booked for Tuesday.", Booked),
    ("I set you up with Dr. Katz on Tuesday.", Booked),
    ("Your slot is confirmed.", Booked),
    ("I locked that in for you.", Booked),
    ("Your code is K7 M2.", Booked),
    ("I've got that cancelled for you.", Cancelled),
    ("You're off the schedule.", Cancelled),
    ("I've released your slot.", Cancelled),
    ("I've bumped you to Friday.", Moved),
    ("You'd pay a twenty-five dollar copay.", Covered),
    ("I cancelled it.", Cancelled),
    ("You're no longer scheduled for Monday.", Cancelled),
    ("Your appointment is no longer on the calendar.", Cancelled),
    ("It's off the books.", Cancelled),
    ("Appointment cancelled.", Cancelled),
    ("Your appointment has moved to Thursday.", Moved),
    ("Your appointment's been moved.", Moved),
    ("That's included in your plan.", Covered),
    ("Your benefits include two cleanings.", Covered),
    ("You would have to pay out of pocket.", NotCovered),
    ("I've cancelled your appointment.", Cancelled),
    ("I have canceled your cleaning on Tuesday.", Cancelled),
    ("Your appointment has been cancelled.", Cancelled),
    ("Your appointment is now cancelled.", Cancelled),
    ("It is cancelled.", Cancelled),
    ("Okay, that's cancelled.", Cancelled),
    ("Cancelled.", Cancelled),
    ("We went ahead and canceled the booking.", Cancelled),
    ("I've taken you off the schedule.", Cancelled),
    ("I took it off the calendar.", Cancelled),
    ("Your cancellation is confirmed.", Cancelled),
    ("I was able to cancel that for you.", Cancelled),
    ("Your visit on Monday was called off.", Cancelled),
    ("I have removed your appointment.", Cancelled),
    ("Consider it cancelled.", Cancelled),
    ("The exam has been successfully cancelled.", Cancelled),
    (
        "Done, your appointment is cancelled, anything else?",
        Cancelled,
    ),
    ("I moved your appointment to Thursday.", Moved),
    ("I moved your", Moved),
    ("I've cancelled the", Cancelled),
    ("I've moved you to Thursday at nine.", Moved),
    ("I've rescheduled your cleaning.", Moved),
    ("Your appointment has been rescheduled to Friday.", Moved),
    ("Your appointment has been moved.", Moved),
    ("It's been moved to two P M.", Moved),
    ("I have changed your appointment to Monday.", Moved),
    ("We switched it to Wednesday.", Moved),
    ("Rescheduled for Friday.", Moved),
    ("Your visit was pushed to next week.", Moved),
    ("I was able to move your appointment.", Moved),
    ("I've updated your appointment to Thursday.", Moved),
    ("Your plan covers it.", Covered),
    ("Your plan covers cleanings.", Covered),
    ("Yes, Blue Cross PPO covers that.", Covered),
    ("The cleaning is covered.", Covered),
    ("Your cleaning is fully covered by your insurance.", Covered),
    ("You're covered.", Covered),
    ("That would be covered under your plan.", Covered),
    ("It will be covered at eighty percent.", Covered),
    ("Your insurance will pay for it.", Covered),
    ("Your copay is twenty-five dollars.", Covered),
    ("It is covered with a copay of ten dollars.", Covered),
    ("There is no copay.", Covered),
    ("You won't have to pay anything.", Covered),
    ("No, it's covered.", Covered),
    ("Your plan does not cover root canals.", NotCovered),
    ("That isn't covered by your plan.", NotCovered),
    ("Root canals are not covered.", NotCovered),
    ("I'm sorry, it's not covered.", NotCovered),
    ("Your insurance won't cover that.", NotCovered),
    ("Medicaid doesn't pay for it.", NotCovered),
    ("You're all set!", Done),
    ("It's done.", Done),
    ("Done!", Done),
    ("That's all taken care of.", Done),
    ("I have taken care of it.", Done),
    ("Everything is taken care of.", Done),
    ("Your request has been processed.", Done),
    ("It went through.", Done),
];

const NO_CLAIMS: &[&str] = &[
    "Shall I book it?",
    "Would you like me to book Tuesday at ten?",
    "Would you like me to book Tuesday at ten, or Wednesday?",
    "Should I go ahead and cancel it?",
    "Do you want it cancelled?",
    "Is your appointment booked?",
    "Which day is it booked, Tuesday or Wednesday?",
    "Was it booked under your name?",
    "Have you booked with us before?",
    "So you want Tuesday at ten booked?",
    "You'd like it moved to Thursday, right?",
    "I can book that for you.",
    "I can have you booked in a minute.",
    "I will book it now.",
    "I'm booking it now.",
    "Let me book that for you.",
    "Let me get you booked.",
    "Let me see whether it is booked.",
    "One moment while I cancel that.",
    "I'll cancel it once you confirm.",
    "If that works, you'll be booked for Tuesday.",
    "If you agree, it is booked.",
    "Once it is booked, you will get a code.",
    "As soon as your appointment is booked I will tell you the code.",
    "When your appointment is confirmed you can bring your card.",
    "After I have booked it, I will read you the code.",
    "Your appointment has not been booked yet.",
    "It hasn't been booked.",
    "Nothing is booked yet.",
    "I have not cancelled anything.",
    "I could not cancel your appointment.",
    "I was not able to book that time.",
    "I was unable to move it.",
    "I'm sorry, the booking did not go through.",
    "Your appointment isn't confirmed yet.",
    "No appointment was booked.",
    "I haven't moved your appointment.",
    "You don't have anything scheduled.",
    "I have nothing booked for you.",
    "That time is already booked.",
    "That slot is booked.",
    "Tuesday at ten is already booked, I'm sorry.",
    "Tuesday is fully booked.",
    "We are fully booked on Monday.",
    "Dr. Katz is booked on Monday.",
    "It is already booked, so let me look for another time.",
    "Dr. Osei is booked up this week.",
    "Dr. Katz is scheduled to be in on Monday.",
    "You have an appointment on Tuesday at ten.",
    "Your appointment is on Tuesday at ten.",
    "I have Tuesday at ten and Wednesday at two.",
    "I have an opening on Monday at nine.",
    "Dr. Katz can see you Tuesday at ten.",
    "Nina could see you on Friday if that suits you.",
    "We can see you on Monday.",
    "Please cancel at least a day before.",
    "Appointments cancelled within a day are charged.",
    "Cancelled appointments can be booked anew.",
    "A cancelled appointment can't be restored.",
    "There was a cancellation on Monday.",
    "Our cancellation policy has changed.",
    "Somebody cancelled, so Monday at nine is free.",
    "The office has moved to Maple Street.",
    "We have moved to a new building.",
    "We moved to Maple Street.",
    "Our hours have changed.",
    "I've changed your phone number.",
    "Has your phone number changed?",
    "I can move it to Thursday if you like.",
    "Would you like it moved?",
    "I would have to move your appointment.",
    "Your appointment can be moved until the day before.",
    "What is your confirmation code?",
    "Your confirmation code is the four-character code that we gave you.",
    "Your confirmation code is needed to cancel.",
    "Do you have your confirmation code?",
    "Let me check whether your plan covers it.",
    "I'll check if that is covered.",
    "Does your plan cover cleanings?",
    "Is it covered by Blue Cross?",
    "I can't tell whether it's covered.",
    "I'm not sure that it is covered.",
    "I do not know what your plan covers.",
    "It may be covered.",
    "Most plans cover two cleanings a year.",
    "Your plan might cover part of it.",
    "The staff will check what your insurance pays.",
    "Have we covered everything?",
    "I think we've covered everything.",
    "Dr. Katz covers for Dr. Osei on Fridays.",
    "There is covered parking behind the house.",
    "Keep the wound covered.",
    "I've got you covered.",
    "Which insurance do you have?",
    "Is there a copay?",
    "Could you tell me who your insurance company is?",
    "How may I help you?",
    "Are you all set?",
    "Is it done?",
    "When you are done, press pound.",
    "Is there anything else I can help you with?",
    "Thank you for calling. Goodbye.",
    "See you soon.",
    "Let me connect you with someone who can help.",
    "I put you on hold for a moment.",
    "Sorry, I did not catch that.",
    "May I have your date of birth to get you booked in?",
    "To book it I need your first and last name.",
    "You can also be booked with Nina.",
    "I have your name as Maria Lopez.",
    "I have your name down as Maria Lopez.",
    "I made a note of that.",
    "Before it is booked I need your birth date.",
    "Do you want me to confirm it?",
    "That one was just booked by someone else.",
    "Somebody else has just booked that time.",
    "I was not able to find a booked appointment.",
    "A cleaning has to be booked separately.",
    "Thirty minutes are scheduled for a cleaning.",
    "Your records have been moved to our new system.",
    "I'd be happy to get you scheduled.",
    "You asked me to cancel your appointment.",
    "It takes about an hour and then you're done.",
    "It's done in about half an hour.",
    "We have a few times reserved for emergencies.",
    "I see you have changed your address.",
    "I've confirmed your insurance with the office.",
    "Dr. Osei has cancelled her hours on Friday.",
    "I got your appointment request.",
    "I've found a slot on Monday at nine.",
    "I found you two times on Tuesday.",
    "I have set a reminder.",
    "You are on the waiting list.",
    "Okay, you want to move it to Thursday.",
    "So that is Tuesday at ten with Dr. Katz, correct?",
    "The exam includes an X-ray.",
    "Do you pay out of pocket?",
    "I want to be sure that it's booked correctly, so what is your name?",
    "You said that you booked it on Monday.",
    "The appointment that you booked is with Dr. Katz.",
];

#[test]
fn a_sentence_that_reports_a_deed_is_a_claim() {
    assert!(CLAIMS.len() >= 100);
    let wrong: Vec<String> = CLAIMS
        .iter()
        .filter(|(text, kind)| Claim::all_of(text).iter().all(|claim| claim.kind != *kind))
        .map(|(text, kind)| format!("{text} is {:?}, not {kind:?}", Claim::all_of(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_question_an_offer_a_condition_or_a_denial_is_no_claim() {
    assert!(NO_CLAIMS.len() >= 100);
    let wrong: Vec<String> = NO_CLAIMS
        .iter()
        .filter(|text| !Claim::all_of(text).is_empty())
        .map(|text| format!("{text} is {:?}", Claim::all_of(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sentence_may_claim_two_things_and_name_days() {
    let claims = Claim::all_of("I've cancelled Monday and booked Tuesday at ten.");
    let kinds: Vec<Kind> = claims.iter().map(|claim| claim.kind).collect();
    assert_eq!(kinds, [Cancelled, Booked]);
    assert_eq!(
        Claim::all_of("You're booked for Tuesday.")[0].days,
        ["tuesday"]
    );
}

mod evidence {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::*;
    use crate::{
        domain::{
            call_time::CallTime,
            conversation::{ToolCallId, ToolRequest},
            phi::Phi,
        },
        tools::outcome::{ToolOutcome, ToolStatus, ToolTrace},
    };

    fn trace(status: ToolStatus, content: Value) -> ToolTrace {
        let id = ToolCallId("call_1".into());
        ToolTrace {
            request: ToolRequest {
                id: id.clone(),
                name: "tool".into(),
                arguments: Phi::default(),
            },
            outcome: ToolOutcome {
                id,
                content: Phi::new(content),
                status,
                effect: None,
                took: Duration::ZERO,
            },
            started: CallTime::ZERO,
            turn: 0,
        }
    }

    fn booking(status: &str, id: &str, spoken: &str) -> ToolTrace {
        let content = json!({ "status": status, "booking_id": id, "confirmation_code": "K7M2", "spoken_time": spoken });
        trace(ToolStatus::Done, content)
    }

    /// Whether all that the sentence claims follows from the answers.
    fn may_be_said(sentence: &str, traces: &[ToolTrace]) -> bool {
        let claims = Claim::all_of(sentence);
        assert!(!claims.is_empty(), "{sentence} claims nothing");
        claims.iter().all(|claim| borne_out(claim, traces))
    }

    const TUESDAY: &str = "Tuesday, December first at ten thirty A M";

    #[test]
    fn without_a_tool_nothing_is_booked_cancelled_moved_covered_or_done() {
        for sentence in [
            "You're booked.",
            "I cancelled it.",
            "I moved your appointment.",
            "Your plan covers it.",
            "Your plan doesn't cover it.",
            "It's done.",
        ] {
            assert!(!may_be_said(sentence, &[]), "{sentence}");
        }
    }

    #[test]
    fn a_booking_bears_out_its_own_day_and_no_other() {
        let booked = [booking("booked", "a", TUESDAY)];
        assert!(may_be_said("You're booked.", &booked));
        assert!(may_be_said("You're booked for Tuesday.", &booked));
        assert!(!may_be_said("You're booked for Wednesday.", &booked));
        assert!(!may_be_said("I've cancelled it.", &booked));
        assert!(may_be_said("It's done.", &booked));
    }

    #[test]
    fn what_was_cancelled_afterwards_is_not_booked_any_more() {
        let gone = [
            booking("booked", "a", TUESDAY),
            booking("cancelled", "a", TUESDAY),
        ];
        assert!(!may_be_said("You're booked for Tuesday.", &gone));
        assert!(may_be_said(
            "I've cancelled your Tuesday appointment.",
            &gone
        ));
        let again = [&gone[..], &[booking("booked", "b", TUESDAY)]].concat();
        assert!(may_be_said("You're booked for Tuesday.", &again));
        assert!(may_be_said("I moved it to Tuesday.", &again));
    }

    #[test]
    fn a_move_bears_out_the_new_time_and_that_the_old_one_is_gone() {
        let moved = [booking("rescheduled", "a", TUESDAY)];
        assert!(may_be_said("I've moved you to Tuesday.", &moved));
        assert!(may_be_said("You're booked for Tuesday.", &moved));
        assert!(may_be_said("I cancelled your old appointment.", &moved));
        assert!(!may_be_said("I've moved you to Friday.", &moved));
    }

    #[test]
    fn appointments_that_a_tool_listed_stand() {
        let listed = [trace(
            ToolStatus::Done,
            json!({ "appointments": [{ "booking_id": "a", "spoken_time": TUESDAY }] }),
        )];
        assert!(may_be_said("You're booked for Tuesday.", &listed));
        assert!(!may_be_said("I've cancelled it.", &listed));
    }

    #[test]
    fn coverage_is_what_the_tool_said_last_of_some_plan() {
        let covered = [trace(ToolStatus::Done, json!({ "status": "covered" }))];
        assert!(may_be_said("Your plan covers it.", &covered));
        assert!(!may_be_said("It's not covered.", &covered));
        let not = [trace(
            ToolStatus::Declined,
            json!({ "status": "not_covered" }),
        )];
        assert!(!may_be_said("Your plan covers it.", &not));
        assert!(may_be_said("It's not covered.", &not));
        let unknown = [trace(
            ToolStatus::Declined,
            json!({ "status": "unknown_plan" }),
        )];
        assert!(!may_be_said("It's not covered.", &unknown));
    }

    #[test]
    fn a_tool_that_failed_or_found_free_times_bears_out_nothing() {
        let failed = trace(
            ToolStatus::Failed,
            json!({ "status": "booked", "booking_id": "a" }),
        );
        let slots = trace(
            ToolStatus::Done,
            json!({ "slots": [{ "slot_id": "x", "spoken": TUESDAY }] }),
        );
        let taken = trace(
            ToolStatus::Declined,
            json!({ "status": "slot_taken", "alternatives": [] }),
        );
        let traces = [failed, slots, taken];
        assert!(!may_be_said("You're booked for Tuesday.", &traces));
        assert!(!may_be_said("It's done.", &traces));
    }
}
