use serde_json::json;

use super::*;

#[test]
fn what_is_stored_is_restored() {
    let request = ToolRequest {
        id: ToolCallId("c1".into()),
        name: "book_appointment".into(),
        arguments: Phi::new("{}".to_owned()),
    };
    let slot = CallSlot {
        request: request.clone(),
        run: None,
        content: Some(Phi::new("ok".to_owned())),
    };
    let entries = [
        Entry::Caller(Phi::new("tuesday".to_owned())),
        Entry::Agent(AgentEntry {
            text: Phi::new("Done.".to_owned()),
            calls: vec![slot],
        }),
    ];
    let word = Word {
        text: Phi::new("tuesday".into()),
        start: CallTime::ZERO,
        end: CallTime::from_millis(300),
        confidence: 0.5,
    };
    let utterance = Utterance {
        index: 0,
        speaker: Speaker::Caller,
        text: Phi::new("tuesday".to_owned()),
        started: CallTime::ZERO,
        ended: CallTime::from_millis(300),
        interrupted: false,
        words: vec![word],
    };
    let outcome = ToolOutcome {
        id: request.id.clone(),
        content: Phi::new(json!({"booked": true})),
        status: ToolStatus::Declined,
        effect: None,
        took: Duration::from_millis(7),
    };
    let traces = [ToolTrace {
        request,
        outcome,
        started: CallTime::from_millis(400),
        turn: 0,
    }];
    let parts = Parts {
        now: CallTime::from_millis(900),
        started_at: DateTime::UNIX_EPOCH,
        latencies: &[TurnLatency::default()],
        turns: 1,
        entries: &entries,
        utterances: &[utterance],
        traces: &traces,
        unknown: &Unknown::default(),
    };
    let bytes = encode(&parts);
    let restored = Restored::decode(bytes.expose()).expect("own form");
    assert_eq!(
        (restored.turns, restored.saved_at),
        (1, CallTime::from_millis(900))
    );
    let again = Parts {
        now: restored.saved_at,
        started_at: restored.started_at,
        latencies: &restored.latencies,
        turns: restored.turns,
        entries: &restored.entries,
        utterances: &restored.utterances,
        traces: &restored.traces,
        unknown: &restored.unknown,
    };
    assert_eq!(encode(&again).expose(), bytes.expose());
    assert!(Restored::decode(b"{}").is_err());
}

/// What version 0.1 wrote, as it was.
const FIRST_FORM: &str = r#"{"version":1,"saved_at":{"secs":0,"nanos":900000000},"started_at":"2026-11-01T09:00:00Z","turns":1,
    "entries":[{"caller":"tuesday"},{"agent":{"text":"Done.","calls":[{"id":"c1","name":"book_appointment","arguments":"{}","content":"ok"}]}}],
    "utterances":[{"index":0,"speaker":"caller","text":"tuesday","started":{"secs":0,"nanos":0},"ended":{"secs":0,"nanos":300000000},
        "interrupted":false,"words":[["tuesday",{"secs":0,"nanos":0},{"secs":0,"nanos":300000000},0.5]]}],
    "traces":[{"id":"c1","name":"book_appointment","arguments":"{}","content":{"booked":true},"status":"declined",
        "took":{"secs":0,"nanos":7000000},"started":{"secs":0,"nanos":400000000},"turn":0}],
    "latencies":[]}"#;

fn form() -> Value {
    serde_json::from_str(FIRST_FORM).expect("JSON")
}

fn decode(form: &Value) -> Result<Restored, SnapshotError> {
    Restored::decode(form.to_string().as_bytes())
}

/// What the next save writes.
fn saved_again(restored: &Restored) -> Value {
    let parts = Parts {
        now: restored.saved_at,
        started_at: restored.started_at,
        latencies: &restored.latencies,
        turns: restored.turns,
        entries: &restored.entries,
        utterances: &restored.utterances,
        traces: &restored.traces,
        unknown: &restored.unknown,
    };
    serde_json::from_slice(encode(&parts).expose()).expect("JSON")
}

#[test]
fn what_the_first_version_wrote_is_read() {
    let restored = decode(&form()).expect("the first form");
    assert_eq!((restored.turns, restored.entries.len()), (1, 2));
    assert_eq!(restored.utterances[0].words.len(), 1);
    assert_eq!(restored.traces[0].outcome.status, ToolStatus::Declined);
    assert_eq!(saved_again(&restored), form());
}

// Case B-version.
#[test]
fn a_version_ahead_is_refused_whatever_else_it_says() {
    for version in [2_u32, 99, u32::MAX] {
        let mut ahead = form();
        ahead["version"] = json!(version);
        ahead["entries"] = json!({ "of": "another kind" });
        let refused = decode(&ahead).expect_err("is not known");
        assert!(matches!(refused, SnapshotError::Newer(v) if v == version));
    }
    for none in [json!({}), json!({ "version": "1" }), json!([]), json!(null)] {
        let refused = decode(&none).expect_err("is no session");
        assert!(matches!(refused, SnapshotError::Malformed(_)), "{none}");
    }
}

// Case B-version.
#[test]
fn an_unknown_field_is_still_there_after_the_next_save() {
    let mut newer = form();
    newer["mood"] = json!({ "caller": ["calm"] });
    newer["entries"][1]["agent"]["tone"] = json!("warm");
    let restored = decode(&newer).expect("is survived");
    assert_eq!(restored.entries.len(), 2);
    let mut kept = form();
    kept["mood"] = newer["mood"].clone();
    assert_eq!(saved_again(&restored), kept);
    assert!(
        !format!("{restored:?}").contains("calm"),
        "it may be patient data"
    );
}

// Case B-version.
#[test]
fn a_missing_field_has_a_default_and_an_unknown_entry_is_passed_over() {
    let lists = ["turns", "entries", "utterances", "traces", "latencies"];
    for missing in lists {
        let mut older = form();
        older.as_object_mut().expect("object").remove(missing);
        decode(&older).unwrap_or_else(|e| panic!("{missing}: {e:?}"));
        older[missing] = Value::Null;
        if missing != "turns" {
            decode(&older).unwrap_or_else(|e| panic!("{missing}: {e:?}"));
        }
    }
    let fields = [
        ("utterances", ["index", "interrupted", "words"].as_slice()),
        (
            "traces",
            &["arguments", "content", "status", "took", "turn"],
        ),
    ];
    for (list, fields) in fields {
        for field in fields {
            let mut older = form();
            older[list][0]
                .as_object_mut()
                .expect("object")
                .remove(*field);
            let restored = decode(&older).expect("a default");
            let there = (restored.utterances.len(), restored.traces.len());
            assert_eq!(there, (1, 1), "{list}.{field}");
        }
    }
    let mut newer = form();
    let entries = newer["entries"].as_array_mut().expect("list");
    entries.insert(1, json!({ "supervisor": { "whisper": "hello" } }));
    entries.push(json!("a mark"));
    newer["utterances"][0]["speaker"] = json!("supervisor");
    newer["latencies"] = json!([{ "turn": 4 }]);
    let restored = decode(&newer).expect("is survived");
    assert_eq!((restored.entries.len(), restored.utterances.len()), (2, 0));
    assert_eq!(restored.latencies[0].turn, 4);
}
