//! Whether what a call left behind agrees with itself, with its schema and with the caller's recording.

use serde::Serialize;
use serde_json::Value;

use super::Found;
use crate::{
    caller::{CallReport, probe::MediaPath},
    stack::workspace_root,
    verdict::{Check, Verdict},
};

/// The agent's own figure and the recording may differ by so much, ms.
const AGREE_MS: f64 = 30.0;

/// The worker's own account of a turn, ms; absent where a stage did not happen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Stages {
    pub(super) end_of_turn_wait_ms: Option<f64>,
    pub(super) stt_ms: Option<f64>,
    pub(super) llm_ttft_ms: Option<f64>,
    pub(super) tts_ttfb_ms: Option<f64>,
    /// From the end of speech at the worker's ear to the first frame handed to the room.
    pub(super) total_ms: Option<f64>,
}

/// A turn as both sides saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct AgreedTurn {
    /// What the caller said.
    pub(super) text: String,
    /// The worker's account.
    pub(super) stages: Stages,
    /// The media path both ways, as it was measured, with this turn's wait in the caller's jitter buffer.
    pub(super) path_ms: f64,
    /// `stages.total_ms + path_ms`: what the recording should show.
    pub(super) expected_ms: Option<f64>,
    /// What it shows: the caller's energy stops, the agent's starts.
    pub(super) recorded_ms: Option<f64>,
    /// Recorded minus expected.
    pub(super) difference_ms: Option<f64>,
    /// For an interruption: the caller's energy starts, the agent's stops.
    pub(super) barge_in_ms: Option<f64>,
}

impl AgreedTurn {
    fn agrees(&self) -> bool {
        self.difference_ms
            .is_some_and(|difference| difference.abs() <= AGREE_MS)
    }
}

/// Both accounts side by side, turn by turn in order.
pub(super) fn agreement(
    report: &CallReport,
    artifact: &Value,
    path: &MediaPath,
) -> Vec<AgreedTurn> {
    let mut accounts = artifact["latencies"].as_array().into_iter().flatten();
    let answered = report
        .turns
        .iter()
        .filter(|turn| turn.agent_from_ms.is_some());
    let agreed = answered.map(|turn| {
        let stages = accounts.next().map(stages).unwrap_or_default();
        let path_ms = path.of_turn(turn.buffer_ms);
        let expected_ms = stages.total_ms.map(|total| total + path_ms);
        AgreedTurn {
            text: turn.text.clone(),
            path_ms,
            expected_ms,
            recorded_ms: turn.response_ms,
            difference_ms: turn
                .response_ms
                .zip(expected_ms)
                .map(|(recorded, expected)| recorded - expected),
            barge_in_ms: turn.barge_in_ms,
            stages,
        }
    });
    let mut turns: Vec<AgreedTurn> = agreed.collect();
    // A turn that only the worker knows of is a disagreement, too.
    turns.extend(accounts.map(|line| AgreedTurn {
        text: "(unknown to the caller)".to_owned(),
        stages: stages(line),
        path_ms: path.of_turn(None),
        expected_ms: None,
        recorded_ms: None,
        difference_ms: None,
        barge_in_ms: None,
    }));
    turns
}

fn stages(line: &Value) -> Stages {
    let ms = |name: &str| line[name].as_f64();
    Stages {
        end_of_turn_wait_ms: ms("end_of_turn_wait_ms"),
        stt_ms: ms("stt_ms"),
        llm_ttft_ms: ms("llm_ttft_ms"),
        tts_ttfb_ms: ms("tts_ttfb_ms"),
        total_ms: ms("total_ms"),
    }
}

/// What the demo shows, as statements.
pub(super) fn verdict(report: &CallReport, found: &Found, turns: &[AgreedTurn]) -> Verdict {
    let differences: Vec<String> = turns
        .iter()
        .map(|turn| {
            turn.difference_ms
                .map_or("?".to_owned(), |ms| format!("{ms:+.0}"))
        })
        .collect();
    let schema = schema_errors(&found.artifact);
    let live: Vec<_> = found
        .booking
        .iter()
        .filter(|row| row["status"] == "booked")
        .collect();
    let barge_ins = report
        .turns
        .iter()
        .filter_map(|turn| turn.barge_in_ms)
        .count();
    let check = |what: &str, holds, found: String| Check::new(what, holds, found);
    let checks = vec![
        check(
            "the scenario was played to its end",
            report.failures.is_empty(),
            listed(&report.failures),
        ),
        check(
            "the agent was interrupted once and fell silent",
            barge_ins == 1,
            format!("{barge_ins} times"),
        ),
        check(
            "the booking exists exactly once",
            found.booking.len() == 1 && live.len() == 1,
            format!("{} rows, {} live", found.booking.len(), live.len()),
        ),
        check(
            "the artifact validates against its schema",
            schema.is_ok(),
            schema.err().unwrap_or_else(|| "valid".to_owned()),
        ),
        check(
            "the audit chain is intact",
            found.chain["broken"].is_null(),
            format!("{} records", found.chain["intact"]),
        ),
        check(
            "each turn's account agrees with the recording within 30 ms",
            !turns.is_empty() && turns.iter().all(AgreedTurn::agrees),
            format!("{} ms", differences.join(", ")),
        ),
    ];
    Verdict { checks }
}

fn listed(problems: &[String]) -> String {
    if problems.is_empty() {
        "no problems".to_owned()
    } else {
        problems.join("; ")
    }
}

fn schema_errors(artifact: &Value) -> Result<(), String> {
    let path = workspace_root().join("docs/schema/call-artifact.v1.json");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let schema: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| error.to_string())?;
    let errors: Vec<String> = validator
        .iter_errors(artifact)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_committed_schema_refuses_a_document_that_is_none() {
        let error = schema_errors(&json!({"schema": "other"})).expect_err("not an artifact");
        assert!(
            error.contains("transcript") || error.contains("required"),
            "{error}"
        );
    }

    #[test]
    fn a_turn_agrees_within_thirty_milliseconds() {
        let turn = |difference| AgreedTurn {
            text: String::new(),
            stages: Stages::default(),
            path_ms: 0.0,
            expected_ms: None,
            recorded_ms: None,
            difference_ms: difference,
            barge_in_ms: None,
        };
        assert!(turn(Some(-29.0)).agrees() && turn(Some(30.0)).agrees());
        assert!(!turn(Some(31.0)).agrees() && !turn(None).agrees());
    }
}
