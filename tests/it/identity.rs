//! Who is it: what a caller must show, on a real Postgres. The rule is `docs/adr/0020-proof-of-identity.md`.

use neurality::tools::outcome::ToolStatus;
use serde_json::{Value, json};

use crate::support::{Rig, TestCall};

const MARIA: &str = "+14155550111";
const OTHER: &str = "+14155550122";
const BORN: &str = "1985-03-03";

fn order(slot: &str, name: &str, born: &str) -> Value {
    json!({ "slot_id": slot, "patient_name": name, "date_of_birth": born })
}

fn count(rig: &Rig, sql: &str) -> usize {
    rig.as_superuser(sql).parse().expect("count")
}

fn standing(rig: &Rig) -> usize {
    count(rig, "SELECT count(*) FROM bookings WHERE status = 'booked'")
}

fn patients(rig: &Rig) -> usize {
    count(rig, "SELECT count(*) FROM patients")
}

/// Maria Lopez's booking and its code.
async fn booked(rig: &Rig, name: &str) -> (Value, String) {
    let call = rig.call(MARIA);
    let slot = call.slots().await.remove(0);
    let booked = call.ask("book_appointment", order(&slot, name, BORN)).await;
    assert_eq!(booked["status"], "booked", "{booked}");
    let code = booked["confirmation_code"]
        .as_str()
        .expect("code")
        .to_owned();
    (booked, code)
}

fn claim(code: &str, name: &str, born: &str) -> Value {
    json!({ "confirmation_code": code, "patient_name": name, "date_of_birth": born })
}

// C62: a second caller by the clinic's own number cancelled the first one's booking with the code alone.
#[tokio::test]
async fn a_number_and_a_code_cancel_nothing_whatever_the_number_is() {
    let rig = Rig::new().await;
    let own = rig.dental.numbers[0].as_str().to_owned();
    for from in [own.as_str(), "+12125550190", "+12125550191", MARIA] {
        let first = rig.call(from);
        let slot = first.slots().await.remove(0);
        let booked = first
            .ask("book_appointment", order(&slot, "Maria Lopez", BORN))
            .await;
        assert_eq!(booked["status"], "booked", "{booked}");
        let code = json!({ "confirmation_code": booked["confirmation_code"] });
        for second in [rig.call(from), TestCall::verified(&rig, from)] {
            let answer = second.ask("cancel_appointment", code.clone()).await;
            assert_eq!(answer["status"], "not_found", "from {from}: {answer}");
        }
        assert_eq!(standing(&rig), 1);
        let id = json!({ "booking_id": booked["booking_id"] });
        assert_eq!(
            first.ask("cancel_appointment", id).await["status"],
            "cancelled",
            "the call that booked it"
        );
    }
    // The clinic's numbers are nobody's, and a number is not given to a patient who is known.
    assert_eq!(
        count(
            &rig,
            "SELECT count(*) FROM patients WHERE phone IS NOT NULL"
        ),
        0
    );
}

#[tokio::test]
async fn a_callers_number_is_kept_for_a_new_patient_and_never_given_to_a_known_one() {
    let rig = Rig::new().await;
    let numbers = || {
        count(
            &rig,
            "SELECT count(*) FROM patients WHERE phone_index IS NOT NULL",
        )
    };
    let (_, code) = booked(&rig, "Maria Lopez").await;
    assert_eq!(numbers(), 1);
    rig.as_superuser("UPDATE patients SET phone = NULL, phone_index = NULL");
    // Somebody who knows name and birth date books from their own telephone, which the network vouches for.
    let stranger = TestCall::verified(&rig, OTHER);
    let slot = stranger.slots().await.remove(1);
    let theirs = stranger
        .ask("book_appointment", order(&slot, "Maria Lopez", BORN))
        .await;
    assert!(theirs.get("error").is_none(), "{theirs}");
    assert_eq!((numbers(), patients(&rig)), (0, 1));
    let near = claim(&code, "Maria J Lopez", BORN);
    let answer = TestCall::verified(&rig, OTHER)
        .ask("cancel_appointment", near)
        .await;
    assert_eq!(answer["error"]["code"], "name_unclear", "{answer}");
}

// C47: each of these names was another patient's.
#[tokio::test]
async fn another_form_of_the_name_is_the_same_patient() {
    let rig = Rig::new().await;
    for form in [
        "María López",
        "Mari\u{301}a Lo\u{301}pez",
        "Lopez Maria",
        "LOPEZ, Maria",
        "M-A-R-I-A L-O-P-E-Z",
        "Mrs. Maria Lopez",
        "maria lopez",
    ] {
        let (_, code) = booked(&rig, "Maria Lopez").await;
        let answer = rig
            .call(OTHER)
            .ask("cancel_appointment", claim(&code, form, "March 3, 1985"))
            .await;
        assert_eq!(answer["status"], "cancelled", "{form}: {answer}");
    }
    assert_eq!((standing(&rig), patients(&rig)), (0, 1));
}

#[tokio::test]
async fn the_hour_of_the_same_patient_under_another_form_of_the_name_is_theirs() {
    let rig = Rig::new().await;
    let (first, late) = (rig.call(MARIA), rig.call(OTHER));
    let monday = json!({ "procedure_code": "D1110", "provider": "Osei" });
    let offered = async |call: &TestCall| {
        let found = call.ask("find_available_slots", monday.clone()).await;
        found["slots"][0]["slot_id"]
            .as_str()
            .expect("slot")
            .to_owned()
    };
    let (slot, same) = (offered(&first).await, offered(&late).await);
    let made = first
        .ask("book_appointment", order(&slot, "Maria Lopez", BORN))
        .await;
    assert_eq!(made["status"], "booked");
    let again = late
        .ask("book_appointment", order(&same, "López, María", BORN))
        .await;
    assert_eq!(
        (&again["status"], &again["booking_id"]),
        (&json!("already_booked"), &made["booking_id"])
    );
    // Near, so perhaps theirs: a question, and no data.
    let near = late
        .ask("book_appointment", order(&same, "Maria J Lopez", BORN))
        .await;
    assert_eq!(near["status"], "name_unclear", "{near}");
    assert!(
        near["message"]
            .as_str()
            .is_some_and(|text| text.contains("spell"))
    );
    assert!(
        near["alternatives"]
            .as_array()
            .is_some_and(|some| !some.is_empty())
    );
    assert!(
        !near
            .to_string()
            .contains(made["confirmation_code"].as_str().expect("code"))
    );
    // Another birth date, or another name: somebody else.
    for (name, born) in [("Maria J Lopez", "1985-03-04"), ("Juan Lopez", BORN)] {
        let other = late.ask("book_appointment", order(&same, name, born)).await;
        assert_eq!(other["status"], "slot_taken", "{name} {born}");
    }
    assert_eq!((standing(&rig), patients(&rig)), (1, 1));
}

#[tokio::test]
async fn a_near_name_is_asked_about_and_opens_nothing_by_itself() {
    let rig = Rig::new().await;
    let (booking, code) = booked(&rig, "Maria Lopez").await;
    let call = rig.call(OTHER);
    for near in [
        "Maria J Lopez",
        "Maria Lopes",
        "M. Lopez",
        "Maria Lopez Garcia",
        "Maria",
    ] {
        for tool in ["cancel_appointment", "update_phone_number"] {
            let mut arguments = claim(&code, near, BORN);
            if tool == "update_phone_number" {
                arguments["new_phone"] = json!("212 555 0147");
            }
            let outcome = call.run(tool, arguments).await;
            let answer = outcome.content.expose();
            assert_eq!(
                (outcome.status, &answer["error"]["code"]),
                (ToolStatus::Invalid, &json!("name_unclear")),
                "{near}: {answer}"
            );
            assert!(
                !answer.to_string().to_lowercase().contains("maria"),
                "nothing on file is told: {answer}"
            );
        }
    }
    assert_eq!(standing(&rig), 1);
    // The number that was given then resolves it; another one does not.
    let mut arguments = claim(&code, "Maria J Lopez", BORN);
    arguments["phone"] = json!("415 555 0199");
    assert_eq!(
        call.ask("cancel_appointment", arguments.clone()).await["error"]["code"],
        "name_unclear"
    );
    arguments["phone"] = json!("four one five, five five five, oh one one one");
    assert_eq!(
        call.ask("cancel_appointment", arguments).await["status"],
        "cancelled"
    );
    assert_eq!(booking["confirmation_code"], json!(code));
}

#[tokio::test]
async fn a_number_resolves_a_near_name_only_if_the_network_vouches_for_it() {
    let rig = Rig::new().await;
    let (_, code) = booked(&rig, "Maria Lopez").await;
    let near = claim(&code, "Maria J Lopez", BORN);
    let spoofed = rig
        .call(MARIA)
        .ask("cancel_appointment", near.clone())
        .await;
    assert_eq!(spoofed["error"]["code"], "name_unclear", "{spoofed}");
    let vouched = TestCall::verified(&rig, MARIA)
        .ask("cancel_appointment", near)
        .await;
    assert_eq!(vouched["status"], "cancelled", "{vouched}");
}

#[tokio::test]
async fn a_wrong_birth_date_or_name_finds_nothing_as_if_there_were_nothing() {
    let rig = Rig::new().await;
    let (_, code) = booked(&rig, "Maria Lopez").await;
    let call = TestCall::verified(&rig, MARIA);
    let nonsense = call
        .run("cancel_appointment", claim("ZZZZ", "Maria Lopez", BORN))
        .await;
    for (name, born) in [
        ("Maria Lopez", "1985-03-04"),
        ("Maria J Lopez", "1985-03-04"),
        ("Juan Lopez", BORN),
        ("Anna Keller", BORN),
    ] {
        let refused = call
            .run("cancel_appointment", claim(&code, name, born))
            .await;
        assert_eq!(
            refused.content.expose(),
            nonsense.content.expose(),
            "{name} {born}"
        );
        assert_eq!(refused.status, nonsense.status);
    }
    assert_eq!(standing(&rig), 1);
}

#[tokio::test]
async fn a_patient_who_was_stored_before_names_were_indexed_is_found() {
    let rig = Rig::new().await;
    let (_, code) = booked(&rig, "Maria Lopez").await;
    let forget = || rig.as_superuser("UPDATE patients SET name_index = NULL");
    forget();
    let answer = rig
        .call(OTHER)
        .ask("cancel_appointment", claim(&code, "López Maria", BORN))
        .await;
    assert_eq!(answer["status"], "cancelled", "{answer}");
    for name in ["Maria Lopez", "Lopez, María"] {
        forget();
        booked(&rig, name).await;
        let call = rig.call(OTHER);
        rig.as_superuser("UPDATE bookings SET status = 'cancelled'");
        drop(call);
        assert_eq!(patients(&rig), 1, "{name}");
    }
    assert_eq!(
        count(
            &rig,
            "SELECT count(*) FROM patients WHERE name_index IS NULL"
        ),
        0,
        "indexed on the way"
    );
    // What `neurality migrate` does.
    forget();
    assert_eq!(rig.admin.index_names().await.expect("index"), 1);
    assert_eq!(rig.admin.index_names().await.expect("index"), 0);
}

#[tokio::test]
async fn two_forms_of_one_name_at_once_are_one_patient() {
    let rig = Rig::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for (place, name) in ["Maria Lopez", "Lopez Maria", "María López", "LOPEZ, MARIA"]
        .into_iter()
        .enumerate()
    {
        let call = rig.call(MARIA);
        let provider = ["Osei", "Katz", "Castellanos"][place % 3];
        let search = json!({ "procedure_code": "D1110", "provider": provider });
        let found = call.ask("find_available_slots", search).await;
        let slot = found["slots"][place % 2]["slot_id"]
            .as_str()
            .expect("slot")
            .to_owned();
        tasks.spawn(async move { call.ask("book_appointment", order(&slot, name, BORN)).await });
    }
    for answer in tasks.join_all().await {
        assert!(answer.get("error").is_none(), "{answer}");
    }
    assert_eq!(patients(&rig), 1);
}

#[tokio::test]
async fn a_patients_number_is_corrected_by_who_shows_who_they_are_and_written_down() {
    let rig = Rig::new().await;
    let (_, code) = booked(&rig, "Maria Lopez").await;
    let changes = || {
        count(
            &rig,
            "SELECT count(*) FROM patient_changes WHERE changed = 'phone'",
        )
    };
    let index = || rig.as_superuser("SELECT encode(phone_index, 'hex') FROM patients");
    let before = index();
    let call = rig.call(OTHER);
    let with = |claim: Value, phone: &str| {
        let mut arguments = claim;
        arguments["new_phone"] = json!(phone);
        arguments
    };
    // Neither the code alone nor a wrong person.
    for wrong in [
        json!({ "confirmation_code": code }),
        claim(&code, "Maria Lopez", "1985-03-04"),
    ] {
        assert_eq!(
            call.ask("update_phone_number", with(wrong, "212 555 0147"))
                .await["status"],
            "not_found"
        );
    }
    assert_eq!((index(), changes()), (before.clone(), 0));
    let right = with(
        claim(&code, "Lopez, María", BORN),
        "two one two, triple five, oh one four seven",
    );
    for _ in 0..2 {
        assert_eq!(
            call.ask("update_phone_number", right.clone()).await["status"],
            "phone_updated"
        );
    }
    assert_ne!(index(), before);
    assert_eq!(changes(), 1);
    let refused = call
        .run(
            "update_phone_number",
            with(claim(&code, "Maria Lopez", BORN), "0412345678"),
        )
        .await;
    assert_eq!(refused.status, ToolStatus::Invalid);
    // There and back are two changes more.
    for phone in ["415 555 0111", "212 555 0147"] {
        let again = with(claim(&code, "Maria Lopez", BORN), phone);
        assert_eq!(
            call.ask("update_phone_number", again).await["status"],
            "phone_updated"
        );
    }
    assert_eq!(changes(), 3);
}

#[tokio::test]
async fn who_books_in_a_known_patients_name_may_not_change_their_number() {
    let rig = Rig::new().await;
    booked(&rig, "Maria Lopez").await;
    let stranger = rig.call(OTHER);
    let slots = stranger.slots().await;
    let cleaning = stranger
        .ask("book_appointment", order(&slots[1], "Maria Lopez", BORN))
        .await;
    if let Some(id) = cleaning.get("booking_id") {
        let wish = json!({ "booking_id": id, "new_phone": "212 555 0147" });
        let answer = stranger.ask("update_phone_number", wish).await;
        assert_eq!(answer["status"], "identity_not_shown", "{answer}");
    }
    // A patient of this very call may: the number was misheard.
    let own = stranger
        .ask(
            "book_appointment",
            order(&slots[2], "Bert Okafor", "1970-01-31"),
        )
        .await;
    assert_eq!(own["status"], "booked", "{own}");
    let wish = json!({ "booking_id": own["booking_id"], "new_phone": "212 555 0147" });
    assert_eq!(
        stranger.ask("update_phone_number", wish).await["status"],
        "phone_updated"
    );
    assert_eq!(count(&rig, "SELECT count(*) FROM patient_changes"), 1);
}

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
        check("Aetna", "H M O", "D1110").await["copay"],
        "ten dollars"
    );
    assert_eq!(
        check("BCBS", "P.P.O.", "D0150").await["copay"],
        "zero dollars"
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
