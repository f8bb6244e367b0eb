//! What a tool is called with: refused with words, or read where it is plain.

use neurality::tools::outcome::ToolStatus;
use serde_json::{Value, json};

use super::{BORN, MARIA, order, patients, standing};
use crate::support::Rig;

// C31, C22, C26, C21 through the tool: nothing is booked, and the model is told what to ask.
#[tokio::test]
async fn a_booking_is_refused_for_nobody_and_taken_for_everybody() {
    let rig = Rig::new().await;
    let call = rig.call(MARIA);
    let slots = call.slots().await;
    for (name, born) in [
        ("John Doe", "1990-01-01"),
        ("Jane Doe", "1985-05-05"),
        ("Unknown Caller", "1990-01-01"),
        ("Test Patient", "2000-01-01"),
        ("First Last", "1980-02-03"),
        ("[patient name]", "1980-02-03"),
        ("the patient", "1980-02-03"),
        ("N/A", "1980-02-03"),
        ("Maria Lopez", "1900-01-01"),
        ("Maria Lopez", "0001-01-01"),
        ("Maria Lopez", "2072-04-12"),
        ("Maria Lopez", "72-04-12"),
    ] {
        let outcome = call
            .run("book_appointment", order(&slots[0], name, born))
            .await;
        let told = outcome.content.expose()["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        assert_eq!(outcome.status, ToolStatus::Invalid, "{name} {born}");
        assert!(told.contains("ask the caller"), "{name} {born}: {told}");
    }
    for phone in [
        "0412345678",
        "1234567890",
        "0000000000",
        "5555555555",
        "07700 900123",
    ] {
        let mut wish = order(&slots[0], "Maria Lopez", BORN);
        wish["phone"] = json!(phone);
        assert_eq!(
            call.run("book_appointment", wish).await.status,
            ToolStatus::Invalid,
            "{phone}"
        );
    }
    assert_eq!((standing(&rig), patients(&rig)), (0, 0));
    for (place, (name, phone)) in [
        ("Sukarno", json!("0044 7700 900123")),
        ("J-O-H-N S-M-I-T-H", json!("212-555-0123 ext. 4")),
        ("王小明", json!("same as caller")),
        ("Smith, Jane", json!("N/A")),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = rig.call(MARIA);
        let slot = caller.slots().await.remove(place % 3);
        let mut wish = order(&slot, name, "1990-01-01");
        wish["phone"] = phone;
        let answer = caller.ask("book_appointment", wish).await;
        assert_eq!(answer["status"], "booked", "{name}: {answer}");
    }
    assert_eq!((standing(&rig), patients(&rig)), (4, 4));
}

// C15, C42 through the tools.
#[tokio::test]
async fn arguments_are_read_where_they_are_plain() {
    let rig = Rig::new().await;
    let call = rig.call(MARIA);
    for text in [
        r#"{"procedure_code":"D1110","part_of_day":"any","provider":"any","from_date":"null","to_date":"none"}"#,
        r#"{"procedureCode":"d1110","partOfDay":"","Provider":"None","FROM_DATE":"no preference"}"#,
        r#""{\"procedure_code\":\"D1110\"}""#,
        r#"[{"procedure_code":"D1110"}]"#,
        r#"{"arguments":{"procedure_code":"D1110","part_of_day":"Mornings"}}"#,
        r#"{"name":"find_available_slots","parameters":"{\"procedure-code\":\"D1110\"}"}"#,
        r#"{"procedure_code":"D1110"} I will look now."#,
    ] {
        let outcome = call.run_raw("find_available_slots", text).await;
        assert_eq!(
            outcome.status,
            ToolStatus::Done,
            "{text}: {}",
            outcome.content.expose()
        );
    }
    let number = call
        .run_raw("cancel_appointment", r#"{"confirmation_code":2345}"#)
        .await;
    assert_eq!(
        number.content.expose()["status"],
        "not_found",
        "a number is a code, too"
    );
    assert_eq!(
        call.run_raw("end_call", "{}").await.status,
        ToolStatus::Done
    );
}

#[tokio::test]
async fn no_arguments_make_a_tool_fail() {
    let rig = Rig::new().await;
    let call = rig.call(MARIA);
    let values = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!(true),
        json!([]),
        json!([[[]]]),
        json!({}),
        json!("🦷"),
        json!("\u{0}"),
        json!("+262142-12-25"),
        json!("9999-12-31"),
        json!("x".repeat(3000)),
        json!("%2B1"),
        json!("' OR 1=1 --"),
        json!({ "arguments": { "arguments": "{" } }),
    ];
    let person = json!({ "confirmation_code": "ZZZZ", "patient_name": "Maria Lopez", "date_of_birth": BORN });
    let with = |more: Value| {
        let mut arguments = person.clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            arguments[key] = value.clone();
        }
        arguments
    };
    let calls = [
        (
            "check_insurance_coverage",
            json!({ "payer": "Aetna", "plan": "HMO", "procedure_code": "D1110" }),
        ),
        (
            "find_available_slots",
            json!({ "procedure_code": "D1110", "provider": "Osei", "from_date": "2026-12-01", "to_date": "2026-12-02", "part_of_day": "morning" }),
        ),
        (
            "book_appointment",
            json!({ "slot_id": "s", "patient_name": "Maria Lopez", "date_of_birth": BORN, "phone": "212 555 0147", "reason": "pain" }),
        ),
        (
            "cancel_appointment",
            with(json!({ "booking_id": null, "phone": "212 555 0147" })),
        ),
        ("reschedule_appointment", with(json!({ "slot_id": "s" }))),
        (
            "update_phone_number",
            with(json!({ "new_phone": "212 555 0147" })),
        ),
    ];
    for (tool, plain) in calls {
        for field in plain.as_object().expect("object").keys() {
            for value in &values {
                let mut arguments = plain.clone();
                arguments[field] = value.clone();
                let outcome = call.run(tool, arguments.clone()).await;
                assert_ne!(outcome.status, ToolStatus::Failed, "{tool} {arguments}");
            }
        }
    }
    assert_eq!((standing(&rig), patients(&rig)), (0, 0));
}

// C61, C23, C59.
#[tokio::test]
async fn only_a_rule_of_the_clinic_says_that_a_plan_does_not_pay() {
    let rig = Rig::new().await;
    let call = rig.call(MARIA);
    let check = async |payer: &str, plan: &str, code: &str| {
        call.ask(
            "check_insurance_coverage",
            json!({ "payer": payer, "plan": plan, "procedure_code": code }),
        )
        .await
    };
    for (payer, plan, code) in [
        ("Aetna", "HMO", "D3330"),
        ("Cigna", "Silver", "D0150"),
        ("Delta Dental", "PPO", "D3330"),
    ] {
        let answer = check(payer, plan, code).await;
        assert_eq!(answer["status"], "cannot_tell", "{answer}");
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|text| text.contains("staff")),
            "{answer}"
        );
    }
    assert_eq!(
        check("Aetna", "HMO", "D2391").await["status"],
        "not_covered",
        "the clinic says so"
    );
    assert_eq!(
        check("Aetna", "H M O", "D1110").await["copay_spoken"],
        "ten dollars"
    );
    assert_eq!(
        check("BCBS", "P.P.O.", "D0150").await["copay_spoken"],
        "no charge"
    );
    for (payer, plan, offered) in [
        ("Etna", "HMO", json!([{ "payer": "Aetna", "plan": "HMO" }])),
        ("Signa", "", json!([{ "payer": "Cigna", "plan": "Silver" }])),
        (
            "Blue Cross",
            "not sure",
            json!([{ "payer": "Blue Cross", "plan": "PPO" }]),
        ),
        (
            "Delta Dental of New York",
            "PPO",
            json!([{ "payer": "Delta Dental", "plan": "PPO" }]),
        ),
        ("United", "Choice Plus", json!([])),
    ] {
        let answer = check(payer, plan, "D1110").await;
        assert_eq!(
            (&answer["status"], &answer["candidates"]),
            (&json!("unknown_plan"), &offered),
            "{payer} {plan}"
        );
        assert!(
            answer["message"]
                .as_str()
                .is_some_and(|text| text.contains("staff")),
            "{answer}"
        );
    }
    let nothing = call
        .run(
            "check_insurance_coverage",
            json!({ "payer": "unknown", "plan": "", "procedure_code": "D1110" }),
        )
        .await;
    assert_eq!(nothing.status, ToolStatus::Invalid);
}
