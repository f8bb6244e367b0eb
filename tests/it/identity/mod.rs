//! Who is it: what a caller must show, on a real Postgres. The rule is `docs/adr/0020-proof-of-identity.md`.

mod arguments;

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
        rig.as_superuser("UPDATE bookings SET status = 'cancelled'");
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
