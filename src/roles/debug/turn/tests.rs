use serde_json::Value;

use super::run_timeline;

const NUMBER: &str = include_str!("../../../../examples/turns/dictated-number.yaml");
const SECOND_THOUGHTS: &str = include_str!("../../../../examples/turns/second-thoughts.yaml");

fn events(yaml: &str) -> Vec<Value> {
    let lines = run_timeline(yaml).expect("a timeline");
    let parsed = lines.iter().map(|line| serde_json::from_str(line));
    parsed.collect::<Result<_, _>>().expect("JSON lines")
}

/// The named outputs with their times.
fn told(events: &[Value], names: &[&str]) -> Vec<(u64, String)> {
    let wanted = |event: &&Value| names.contains(&event["output"].as_str().unwrap_or_default());
    let text = |event: &Value| {
        let detail = ["text", "reason"]
            .iter()
            .find_map(|key| event[key].as_str());
        let name = event["output"].as_str().unwrap_or_default();
        detail.map_or(name.to_owned(), |detail| format!("{name}: {detail}"))
    };
    events
        .iter()
        .filter(wanted)
        .map(|event| (event["at_ms"].as_u64().unwrap_or_default(), text(event)))
        .collect()
}

#[test]
fn c01_the_example_of_a_dictated_number_is_one_turn() {
    let events = events(NUMBER);
    assert_eq!(
        told(&events, &["commit_turn", "end"]),
        [
            (7000, "commit_turn: I'd like to book a cleaning.".to_owned()),
            (
                17_500,
                "commit_turn: My number is 212. 555 0123.".to_owned()
            ),
            (26_000, "end: caller_left".to_owned()),
        ]
    );
    let sounds = told(&events, &["sounds", "dry", "finished"]);
    let names: Vec<&str> = sounds.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "sounds", "finished", "sounds", "finished", "sounds", "dry", "sounds", "finished"
        ],
        "the greeting, the question, and an answer around its tool"
    );
}

#[test]
fn c17_c27_c28_the_example_of_second_thoughts_is_understood() {
    let events = events(SECOND_THOUGHTS);
    assert_eq!(
        told(&events, &["commit_turn", "stop", "end"]),
        [
            (
                6500,
                "commit_turn: Do you have anything on Tuesday?".to_owned()
            ),
            (12_000, "commit_turn: Mm-hmm.".to_owned()),
            (15_300, "stop".to_owned()),
            (15_500, "commit_turn: Wait, one more question.".to_owned()),
        ]
    );
}

#[test]
fn lines_are_said_and_a_silent_caller_is_let_go() {
    let events = events("greeting: Hello.\n");
    let said = told(&events, &["say", "end"]);
    let texts: Vec<&str> = said.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts.first(), Some(&"say: Hello."));
    assert_eq!(texts.last(), Some(&"end: caller_away"));
    assert!(texts.contains(&"say: Are you still there?"), "{texts:?}");
}

#[test]
fn a_reply_that_breaks_off_and_one_that_is_late_are_shown() {
    let yaml = "
voice: [[5, 6]]
transcripts: [{at: 6.2, text: Hello there my friend., final: true}]
agent:
  - {text: One, after: 1s, breaks: unheard}
  - {text: Two, after: 3s}
until: 12
";
    let events = events(yaml);
    let fillers = told(&events, &["filler"]);
    assert_eq!(fillers, [(8000, "filler: One moment, please.".to_owned())]);
    let replies = told(&events, &["start_reply"]);
    assert_eq!(replies.len(), 2, "{events:#?}");
}

#[test]
fn what_is_no_timeline_is_refused_with_its_place() {
    for (yaml, place) in [
        ("voices: []", "unknown field `voices`"),
        ("transcripts: [{at: 1, txt: x}]", "transcripts[0]"),
        (
            "transcripts:\n  - {at: 1, text: a}\n  - {at: later, text: b}\n",
            "line 3",
        ),
        ("pipeline: {endpointing: {min: 1}}", "unknown field `min`"),
        ("voice: [[2, 1]]", "does not end"),
        ("voice: [[2, 4], [3, 5]]", "voice:"),
        ("keys: [{at: -1, key: '5'}]", "a number of seconds"),
    ] {
        let error = format!("{:#}", run_timeline(yaml).expect_err(yaml));
        assert!(error.contains(place), "{yaml}: {error}");
    }
}
