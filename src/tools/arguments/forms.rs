//! The forms in which models write arguments.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{super::answer::Refusal, *};
use crate::tools::{
    book_appointment::BookArgs,
    cancel_appointment::CancelArgs,
    check_insurance_coverage::CoverageArgs,
    find_available_slots::SlotsArgs,
    hand_over::{EndArgs, TransferArgs},
    reschedule_appointment::RescheduleArgs,
    update_phone_number::UpdatePhoneArgs,
};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Before noon.
    Morning,
    EarlyAfternoon,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    slot_id: String,
    confirmation_code: Option<String>,
    #[serde(default)]
    part_of_day: Option<Part>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    urgent: bool,
}

fn order(json: &str) -> Order {
    parse(json).unwrap_or_else(|refusal: Refusal| panic!("{json}: {}", message(refusal)))
}

fn message(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid { code, message } => format!("{code}: {message}"),
        _ => String::new(),
    }
}

fn plain() -> Order {
    Order {
        slot_id: "s-1".into(),
        confirmation_code: Some("2026".into()),
        part_of_day: Some(Part::Morning),
        count: Some(2),
        urgent: true,
    }
}

// C42: each of these was refused.
#[test]
fn an_object_is_read_in_whatever_it_is_wrapped() {
    let object = r#"{"slot_id":"s-1","confirmation_code":"2026","part_of_day":"morning","count":2,"urgent":true}"#;
    let value: Value = serde_json::from_str(object).expect("json");
    for text in [
        object.to_owned(),
        format!("  {object}\n"),
        json!(object).to_string(),
        json!(json!(object).to_string()).to_string(),
        json!([value]).to_string(),
        json!({ "arguments": value }).to_string(),
        json!({ "parameters": value }).to_string(),
        json!({ "Arguments": object }).to_string(),
        json!({ "name": "book", "arguments": object }).to_string(),
        json!({ "type": "function", "function": { "name": "book", "arguments": object } })
            .to_string(),
        json!([{ "tool": "book", "input": value }]).to_string(),
        json!({ "book_appointment": value }).to_string(),
        format!("{object} That is all."),
        format!("{object}{object}"),
        format!("Here is the call: {object}"),
        format!("```json\n{object}\n```"),
        format!("{object}}}"),
    ] {
        assert_eq!(order(&text), plain(), "{text}");
    }
}

#[test]
fn fields_are_read_in_every_case_and_values_in_every_type() {
    for text in [
        r#"{"slotId":"s-1","confirmationCode":2026,"partOfDay":"Morning","Count":"2","URGENT":"yes"}"#,
        r#"{"slot-id":" s-1 ","Confirmation Code":"2026","PART_OF_DAY":"in the mornings","count":2.0,"urgent":"True"}"#,
        r#"{"SlotID":["s-1"],"confirmation_code":2026.0,"part_of_day":["MORNING"],"count":"2.0","urgent":1}"#,
        r#"{"slot_id":"s-1","slotId":"s-1","confirmation_code":"2026","part_of_day":"morning","count":2,"urgent":true,"note":null,"x":"","y":[]}"#,
    ] {
        assert_eq!(order(text), plain(), "{text}");
    }
    let early = order(r#"{"slot_id":"s-1","part_of_day":"early afternoon"}"#);
    assert_eq!(early.part_of_day, Some(Part::EarlyAfternoon));
}

// C15: each of these cost a round.
#[test]
fn words_for_nothing_are_left_out_of_optional_fields() {
    for nothing in [
        "",
        "  ",
        "any",
        "Any",
        "None",
        "null",
        "N/A",
        "no preference",
        "not specified",
        "unknown",
        "-",
    ] {
        let text = json!({ "slot_id": "s-1", "confirmation_code": nothing, "part_of_day": nothing, "count": nothing, "urgent": nothing });
        let read = order(&text.to_string());
        let expected = Order {
            confirmation_code: None,
            part_of_day: None,
            count: None,
            urgent: false,
            ..plain()
        };
        assert_eq!(read, expected, "{nothing}");
    }
    let none = order(
        r#"{"slot_id":"s-1","confirmation_code":null,"part_of_day":[],"count":{},"urgent":false}"#,
    );
    assert_eq!(none.confirmation_code, None);
}

#[test]
fn what_is_not_plain_is_refused_once_with_all_that_is_wrong() {
    for (text, words) in [
        ("not json", &["not one JSON object", "slot_id"][..]),
        ("7", &["not one JSON object"]),
        ("[]", &["not one JSON object"]),
        (
            r#"[{"slot_id":"a"},{"slot_id":"b"}]"#,
            &["not one JSON object"],
        ),
        (
            r#"{"slot_id":"a"}{"slot_id":"b"}"#,
            &["not one JSON object"],
        ),
        ("{}", &["slot_id is missing", "ask the caller"]),
        ("", &["slot_id is missing"]),
        (
            r#"{"slot_id":"a","slotId":"b"}"#,
            &["slot_id is given twice"],
        ),
        (
            r#"{"slot_id":"a","slot_id":"b"}"#,
            &["slot_id is given twice"],
        ),
        (
            r#"{"slot_id":{"id":"a"},"surprise":1,"count":"many"}"#,
            &[
                "slot_id must be",
                "no field surprise",
                "count must be a whole number",
            ],
        ),
        (
            r#"{"slot_id":"a","part_of_day":"night"}"#,
            &["night", "morning"],
        ),
        (
            r#"{"slot_id":"a","part_of_day":"morning or early afternoon"}"#,
            &["morning"],
        ),
        (
            r#"{"slot_id":"a","urgent":"perhaps"}"#,
            &["urgent must be true or false"],
        ),
        (r#"{"slot_id":"a","count":-1}"#, &["-1"]),
        (r#"{"slot_id":true}"#, &["slot_id must be a text"]),
    ] {
        let refused = parse::<Order>(text).map(|order| format!("{order:?}"));
        let told = refused.map_or_else(message, |read| panic!("{text} was read: {read}"));
        assert!(
            told.starts_with("invalid_arguments") && words.iter().all(|word| told.contains(word)),
            "{text}: {told}"
        );
    }
}

/// C42: `end_call {}` was refused, and the caller heard the goodbye twice.
#[test]
fn a_call_can_be_ended_without_a_reason() {
    assert!(parse::<EndArgs>("{}").is_ok());
    assert!(parse::<EndArgs>("").is_ok());
    assert!(parse::<TransferArgs>("{}").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop_oneof![
            "[0-9+() .-]{0,20}",
            "[a-z ]{0,30}",
            "[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}",
            "\\PC{0,12}"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "arguments",
            "parameters",
            "slot_id",
            "slotId",
            "patient_name",
            "date_of_birth",
            "phone",
            "reason",
            "payer",
            "plan",
            "procedure_code",
            "provider",
            "from_date",
            "to_date",
            "part_of_day",
            "booking_id",
            "confirmation_code",
            "summary",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}".prop_map(String::from),
    ]
}

fn parse_as_every_tool(text: &str) {
    let _ = (
        parse::<BookArgs>(text).is_ok(),
        parse::<CancelArgs>(text).is_ok(),
        parse::<CoverageArgs>(text).is_ok(),
    );
    let _ = (
        parse::<SlotsArgs>(text).is_ok(),
        parse::<EndArgs>(text).is_ok(),
        parse::<TransferArgs>(text).is_ok(),
    );
    let _ = (
        parse::<RescheduleArgs>(text).is_ok(),
        parse::<UpdatePhoneArgs>(text).is_ok(),
    );
    let _ = parse::<Order>(text).is_ok();
}

proptest! {
    #[test]
    fn no_arguments_make_a_tool_panic(json in any_json()) {
        parse_as_every_tool(&json.to_string());
        parse_as_every_tool(&json!(json.to_string()).to_string());
    }

    #[test]
    fn no_text_makes_a_tool_or_a_field_panic(text in "\\PC{0,60}|[{}\\[\\]\":,a-z0-9 \\\\]{0,60}|.{0,60}|[0-9+().x# -]{0,30}") {
        parse_as_every_tool(&text);
        let today = "2026-12-01".parse().expect("date");
        for home in [Home::NorthAmerica, Home::Country("44"), Home::Country("39")] {
            let _ = (phone(&text, home).is_ok(), date_of_birth(&text, today, home).is_ok());
        }
        let _ = (patient_name(&text).is_ok(), date("from_date", &text).is_ok(), booking_ref(None, Some(&text)).is_ok());
    }

    #[test]
    fn an_object_reads_alike_in_every_envelope(slot in "[a-z0-9-]{1,20}", count in 0_u32..1000) {
        let object = json!({ "slot_id": slot, "count": count });
        let plain = object.to_string();
        for wrapped in [json!([object]), json!({ "args": object }), json!(object.to_string())] {
            prop_assert_eq!(parse::<Order>(&wrapped.to_string()).map_err(message), parse::<Order>(&plain).map_err(message));
        }
    }
}
