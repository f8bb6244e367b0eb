//! Conversations with a clinic.

mod clinic;

use std::collections::VecDeque;

use serde_json::json;

use self::clinic::{Clinic, booked, covered, slot, tool, tuesday};
use super::*;

#[test]
fn the_demo_call_checks_coverage_books_and_says_goodbye() {
    let mut clinic = Clinic::new(&[
        ("check_insurance_coverage", &[covered(2_500)]),
        ("find_available_slots", &[tuesday()]),
        ("book_appointment", &[booked()]),
    ]);
    let line = clinic.hear("Hi, does my Blue Cross PPO plan cover a dental cleaning?");
    assert_eq!(
        clinic.last_call(),
        (
            "check_insurance_coverage",
            &json!({"payer": "Blue Cross", "plan": "PPO", "procedure_code": "D1110"})
        )
    );
    assert_eq!(
        line,
        "Yes, Blue Cross PPO covers a dental cleaning, and your copay is 25 dollars. Would you like me to book an appointment?"
    );
    let line = clinic.hear("Yes please, something on Tuesday morning.");
    let search = json!({"procedure_code": "D1110", "from_date": "2026-12-01", "to_date": "2026-12-01", "part_of_day": "morning"});
    assert_eq!(clinic.last_call(), ("find_available_slots", &search));
    assert!(
        line.contains("ten thirty A M with Doctor Amara Osei")
            && line.contains("eleven A M with Doctor Ben Katz"),
        "{line}"
    );
    // The caller interrupts: the agent's line is cut to what was heard.
    clinic.messages.last_mut().expect("a line")["content"] =
        json!("I have Tuesday, December first at ten A M with");
    assert_eq!(clinic.hear("The first one is fine."), lines::ASK_IDENTITY);
    let line = clinic.hear("My name is Maria Lopez, born March third nineteen eighty five.");
    let booking = json!({"slot_id": "s-10", "patient_name": "Maria Lopez", "date_of_birth": "1985-03-03", "reason": "Dental cleaning"});
    assert_eq!(clinic.last_call(), ("book_appointment", &booking));
    assert!(
        line.contains("booked for Tuesday, December first at ten A M") && line.contains("K 7 M 2"),
        "{line}"
    );
    assert_eq!(
        clinic.hear("No that is all, thank you, goodbye."),
        lines::GOODBYE
    );
    assert_eq!(clinic.last_call().0, "end_call");
}

#[test]
fn a_changed_database_changes_what_is_said_and_booked() {
    let other = json!({"slots": [slot("s-77", "Dr. Ines Roy", "2026-12-01T09:15", "Tuesday, December first at nine fifteen A M")]});
    let mut clinic = Clinic::new(&[
        (
            "check_insurance_coverage",
            &[json!({"status": "not_covered", "payer": "Blue Cross", "plan": "PPO"})],
        ),
        ("find_available_slots", &[other]),
        (
            "book_appointment",
            &[
                json!({"status": "booked", "booking_id": "b-2", "confirmation_code": "ZZ9", "spoken_time": "Tuesday at nine fifteen"}),
            ],
        ),
    ]);
    let line = clinic.hear("hi does my blue cross ppo plan cover a dental cleaning");
    assert!(line.contains("does not cover a dental cleaning"), "{line}");
    assert!(
        clinic
            .hear("Yes please, something on Tuesday morning.")
            .contains("nine fifteen A M with Doctor Ines Roy")
    );
    clinic.hear("The first one is fine.");
    assert!(
        clinic
            .hear("My name is Maria Lopez, born March third nineteen eighty five.")
            .contains("Z Z 9")
    );
    assert_eq!(clinic.last_call().1["slot_id"], "s-77");
}

#[test]
fn a_taken_slot_is_replaced_by_an_alternative_without_asking_again_who_calls() {
    let taken = json!({"status": "slot_taken", "alternatives": [
        slot("s-11", "Dr. Ben Katz", "2026-12-01T11:00", "Tuesday, December first at eleven A M"),
        slot("s-13", "Dr. Ben Katz", "2026-12-01T13:00", "Tuesday, December first at one P M"),
    ]});
    let mut clinic = Clinic::new(&[
        ("find_available_slots", &[tuesday()]),
        ("book_appointment", &[taken, booked()]),
    ]);
    clinic.hear("I would like to book a dental exam, please.");
    clinic.hear("Wednesday morning would be great.");
    assert_eq!(clinic.last_call().1["from_date"], "2026-11-25");
    clinic.hear("Ten thirty is good.");
    let line = clinic.hear("James Carter, born July nineteenth nineteen seventy two.");
    assert_eq!(
        (
            clinic.last_call().1["slot_id"].as_str(),
            clinic.last_call().1["patient_name"].as_str()
        ),
        (Some("s-1030"), Some("James Carter"))
    );
    assert!(
        line.contains("just taken") && line.contains("one P M"),
        "{line}"
    );
    clinic.hear("The second one, please.");
    assert_eq!(
        (
            clinic.last_call().1["slot_id"].as_str(),
            clinic.last_call().1["date_of_birth"].as_str()
        ),
        (Some("s-13"), Some("1972-07-19"))
    );
}

#[test]
fn name_and_birth_date_may_come_one_by_one() {
    let mut clinic = Clinic::new(&[
        ("find_available_slots", &[tuesday()]),
        ("book_appointment", &[booked()]),
    ]);
    clinic.hear("I need a cleaning, preferably on Friday.");
    assert_eq!(clinic.hear("Number two works for me."), lines::ASK_IDENTITY);
    assert_eq!(clinic.hear("This is James Carter."), lines::ASK_BIRTH);
    assert!(
        clinic
            .hear("I was born on July nineteenth nineteen seventy two.")
            .contains("booked")
    );
    assert_eq!(clinic.last_call().1["slot_id"], "s-1030");
}

#[test]
fn no_opening_widens_the_search_once() {
    let mut clinic = Clinic::new(&[("find_available_slots", &[json!({"slots": []}), tuesday()])]);
    clinic.hear("I need a cleaning.");
    let line = clinic.hear("Do you have anything on Thursday afternoon?");
    assert_eq!(
        clinic.last_call().1,
        &json!({"procedure_code": "D1110", "from_date": "2026-11-26"})
    );
    assert!(
        line.starts_with("I have nothing at that time, but"),
        "{line}"
    );
    let mut clinic = Clinic::new(&[("find_available_slots", &[json!({"slots": []})])]);
    assert_eq!(
        clinic.hear("I need a cleaning, preferably on Friday."),
        lines::NOTHING_FREE
    );
}

#[test]
fn a_day_in_two_halves_and_another_part_of_the_day() {
    let mut clinic = Clinic::new(&[("find_available_slots", &[tuesday()])]);
    clinic.hear("I would like to book a cleaning.");
    clinic
        .messages
        .push(json!({"role": "user", "content": "I was hoping for Tuesday,"}));
    clinic.hear("in the morning, if you can.");
    assert_eq!(
        clinic.last_call().1,
        &json!({"procedure_code": "D1110", "from_date": "2026-12-01", "to_date": "2026-12-01", "part_of_day": "morning"})
    );
    clinic.hear("None of those work. Is there anything in the afternoon?");
    assert_eq!(
        clinic.last_call().1,
        &json!({"procedure_code": "D1110", "from_date": "2026-12-01", "to_date": "2026-12-01", "part_of_day": "afternoon"})
    );
}

#[test]
fn missing_pieces_are_asked_for_one_at_a_time() {
    let mut clinic = Clinic::new(&[(
        "check_insurance_coverage",
        &[json!({"status": "unknown_plan"}), covered(0)],
    )]);
    assert_eq!(
        clinic.hear("I have Cigna insurance. Does it cover a filling?"),
        lines::ASK_PLAN
    );
    let line = clinic.hear("I am on the silver plan.");
    assert_eq!(
        clinic.last_call().1,
        &json!({"payer": "Cigna", "plan": "Silver", "procedure_code": "D2391"})
    );
    assert!(line.contains("could not find Cigna Silver"), "{line}");
    assert!(
        clinic
            .hear("Hello, is a dental cleaning covered by Aetna HMO?")
            .contains("with no copay")
    );
    assert_eq!(
        clinic.last_call().1,
        &json!({"payer": "Aetna", "plan": "HMO", "procedure_code": "D1110"})
    );
}

#[test]
fn two_wishes_in_one_breath_are_two_calls_at_once() {
    let mut clinic = Clinic::new(&[
        ("check_insurance_coverage", &[covered(1_050)]),
        ("find_available_slots", &[tuesday()]),
    ]);
    let line =
        clinic.hear("Does Blue Cross PPO cover a cleaning, and is there anything on Thursday?");
    let names: Vec<&str> = clinic.calls.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["check_insurance_coverage", "find_available_slots"]);
    assert!(
        line.contains("10 dollars and 50 cents")
            && line.ends_with(lines::ASK_WHICH_SLOT)
            && line.matches('?').count() == 1,
        "{line}"
    );
}

#[test]
fn a_booking_of_this_call_can_be_moved_and_cancelled() {
    let moved = json!({"status": "rescheduled", "booking_id": "b-1", "confirmation_code": "K7M2", "spoken_time": "Friday at ten"});
    let mut clinic = Clinic::new(&[
        ("find_available_slots", &[tuesday()]),
        ("book_appointment", &[booked()]),
        ("reschedule_appointment", &[moved]),
        (
            "cancel_appointment",
            &[json!({"status": "cancelled", "booking_id": "b-1"})],
        ),
    ]);
    clinic.hear("I need a cleaning, preferably on Friday.");
    clinic.hear("The first one is fine.");
    clinic.hear("My name is Maria Lopez, born March third nineteen eighty five.");
    clinic.hear("Can I move my appointment to Friday morning instead?");
    assert_eq!(clinic.last_call().0, "find_available_slots");
    assert!(clinic.hear("I will take the last one.").contains("moved"));
    assert_eq!(
        clinic.last_call(),
        (
            "reschedule_appointment",
            &json!({"booking_id": "b-1", "slot_id": "s-11"})
        )
    );
    assert!(
        clinic
            .hear("Actually, please cancel that booking for me.")
            .contains("cancelled")
    );
    assert_eq!(
        clinic.last_call(),
        ("cancel_appointment", &json!({"booking_id": "b-1"}))
    );
}

#[test]
fn an_earlier_booking_is_cancelled_by_its_code() {
    let mut clinic = Clinic::new(&[("cancel_appointment", &[json!({"status": "cancelled"})])]);
    assert_eq!(
        clinic.hear("I need to cancel my appointment."),
        lines::ASK_CODE
    );
    clinic.hear("The code is K seven M two.");
    assert_eq!(
        clinic.last_call(),
        ("cancel_appointment", &json!({"confirmation_code": "K7M2"}))
    );
}

#[test]
fn tool_errors_are_corrected_asked_about_or_admitted() {
    let invalid =
        |message: &str| json!({"error": {"code": "invalid_arguments", "message": message}});
    let mut clinic = Clinic::new(&[
        (
            "find_available_slots",
            &[invalid("from_date: in the past"), tuesday()],
        ),
        (
            "book_appointment",
            &[
                invalid("date_of_birth: not a date"),
                json!({"error": {"code": "unavailable", "message": "database"}}),
            ],
        ),
    ]);
    assert!(
        clinic
            .hear("I need a cleaning, preferably on Friday.")
            .contains("ten thirty")
    );
    assert_eq!(clinic.last_call().1, &json!({"procedure_code": "D1110"}));
    clinic.hear("The first one is fine.");
    assert!(
        clinic
            .hear("My name is Maria Lopez, born March third nineteen eighty five.")
            .contains("repeat your date of birth")
    );
    assert_eq!(
        clinic.hear("I was born on July nineteenth nineteen seventy two."),
        lines::TROUBLE
    );
    assert_eq!(clinic.hear("Yes, that would be nice."), lines::CONNECTING);
    assert_eq!(clinic.last_call().0, "transfer_to_human");
}

#[test]
fn small_talk_does_not_disturb_the_call() {
    let mut clinic = Clinic::new(&[("find_available_slots", &[tuesday()])]);
    assert_eq!(
        clinic.hear("What is the weather like today?"),
        lines::OUT_OF_SCOPE
    );
    clinic.hear("I need a cleaning, preferably on Friday.");
    assert_eq!(clinic.hear("Uh huh."), lines::ASK_WHICH_SLOT);
    assert_eq!(
        clinic.hear("Wait, hold on a second."),
        lines::TAKE_YOUR_TIME
    );
    assert!(
        clinic
            .hear("Can you say that again, please?")
            .contains("eleven A M")
    );
    assert_eq!(
        clinic.hear("Let me talk to a real person, please."),
        lines::CONNECTING
    );
    assert_eq!(clinic.hear("Thank you very much, bye bye."), lines::GOODBYE);
}

#[test]
fn only_tools_that_are_offered_are_called_and_only_with_known_properties() {
    let mut clinic = Clinic::new(&[]);
    clinic.tools = json!([tool(
        "find_available_slots",
        &["procedure_code"],
        &["procedure_code"]
    )]);
    assert_eq!(
        clinic.hear("Hi, does my Blue Cross PPO plan cover a dental cleaning?"),
        lines::CANNOT
    );
    assert_eq!(
        clinic.hear("Let me talk to a real person, please."),
        lines::CANNOT
    );
    clinic.answers = vec![("find_available_slots", VecDeque::from([tuesday()]))];
    clinic.hear("I need a cleaning, preferably on Friday.");
    assert_eq!(
        clinic.calls,
        [(
            "find_available_slots".to_owned(),
            json!({"procedure_code": "D1110"})
        )]
    );
}

#[test]
fn every_utterance_of_the_corpus_gets_a_short_answer() {
    for utterance in crate::sim::hear::Corpus::bundled()
        .expect("valid")
        .utterances
    {
        let mut clinic = Clinic::new(&[
            ("check_insurance_coverage", &[covered(2_500)]),
            ("find_available_slots", &[tuesday()]),
        ]);
        let line = clinic.hear(utterance.transcript());
        assert!(
            !line.is_empty() && line.matches(['.', '?', '!']).count() <= 5,
            "{}: {line}",
            utterance.id
        );
    }
}
