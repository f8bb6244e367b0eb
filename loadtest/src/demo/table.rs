//! What the demo prints when the call is over.

use serde_json::Value;

use super::{Found, check::AgreedTurn};
use crate::caller::{CallReport, probe::MediaPath};

pub(super) fn print(report: &CallReport, found: &Found, turns: &[AgreedTurn], path: &MediaPath) {
    transcript(&found.artifact);
    tools(&found.artifact);
    latencies(report, turns, path);
    println!("\nBooking, read from Postgres as the application in the tenant's name");
    for row in &found.booking {
        for (column, value) in row.as_object().into_iter().flatten() {
            println!("  {column:<18} {}", plain(value));
        }
    }
    println!(
        "\nArtifact of call {} (opened by `neurality audit export`)",
        found.call
    );
    for (name, value) in found.artifact.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) if name != "slots" && name != "intents" => {
                println!("  {name:<18} {} entries", items.len())
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                println!("  {name:<18} {}", items.join("\n                     "));
            }
            value => println!("  {name:<18} {}", plain(value)),
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn transcript(artifact: &Value) {
    println!("\nTranscript, as heard (from the artifact)");
    for line in artifact["transcript"].as_array().into_iter().flatten() {
        let cut = if line["interrupted"] == true {
            " --"
        } else {
            ""
        };
        let from = line["start_ms"].as_f64().unwrap_or_default() / 1_000.0;
        println!(
            "  {from:7.2} s  {:<7} {}{cut}",
            plain(&line["speaker"]),
            plain(&line["text"])
        );
    }
}

fn tools(artifact: &Value) {
    println!("\nTool trace");
    for used in artifact["tools"].as_array().into_iter().flatten() {
        println!(
            "  turn {}  {}  {}  {} ms",
            used["turn"],
            plain(&used["name"]),
            plain(&used["status"]),
            used["took_ms"]
        );
        println!("    in   {}", used["inputs"]);
        println!("    out  {}", used["outputs"]);
    }
}

fn latencies(report: &CallReport, turns: &[AgreedTurn], path: &MediaPath) {
    println!("\nLatency per turn, ms");
    println!(
        "  {:>5} {:>5} {:>5} {:>5} {:>6} | {:>6} {:>8} {:>8} {:>6} {:>8}",
        "wait", "STT", "TTFT", "TTFB", "total", "path", "expected", "recorded", "diff", "barge-in"
    );
    for turn in turns {
        let (s, ms) = (&turn.stages, |value: Option<f64>| {
            value.map_or("-".to_owned(), |value| format!("{value:.0}"))
        });
        println!(
            "  {:>5} {:>5} {:>5} {:>5} {:>6} | {:>6} {:>8} {:>8} {:>6} {:>8}  {}",
            ms(s.end_of_turn_wait_ms),
            ms(s.stt_ms),
            ms(s.llm_ttft_ms),
            ms(s.tts_ttfb_ms),
            ms(s.total_ms),
            ms(Some(turn.path_ms)),
            ms(turn.expected_ms),
            ms(turn.recorded_ms),
            turn.difference_ms
                .map_or("-".to_owned(), |ms| format!("{ms:+.0}")),
            ms(turn.barge_in_ms),
            turn.text,
        );
    }
    println!(
        "  wait to total: the worker's own account. path: measured before the call, {:.0} ms to the agent, {:.0} ms back;\n  \
         its share in the caller's jitter buffer ({:.0} ms then) is each turn's own. recorded: the caller's waveform.",
        path.to_agent.median_ms, path.from_agent.median_ms, path.caller_buffer_ms
    );
    let ring = report.leg.as_ref().map_or(0, |leg| leg.ring_ms);
    println!(
        "  POST /voice took {} ms; the phone rang {ring} ms until the agent answered",
        report.voice_ms
    );
}
