//! Calls against a real LiveKit server, with an agent and a webhook that are just good enough to be called.

mod agent;
mod webhook;

use std::sync::Arc;

use super::{CallEnd, CallError, CallReport, Caller, LegEnd, Scenario, probe};
use crate::{speech::Flite, stack::shared};
use agent::Manners;
use webhook::Webhook;

/// What a busy machine may add to a delay that is measured here, ms.
const SLOW_MS: f64 = 2_000.0;

fn caller() -> Caller {
    let flite = Flite::new(std::env::temp_dir().join("loadtest-flite-cache")).expect("a cache");
    Caller::new(Arc::new(flite)).expect("a caller")
}

fn scenario(steps: &str) -> Scenario {
    let yaml = format!(
        "{{name: t, from: '+14155550123', to: '+12125550100', agent_silence_ms: 500, patience_ms: 6000, steps: {steps}}}"
    );
    Scenario::parse(&yaml).expect("a scenario")
}

async fn call(steps: &str, manners: Manners) -> (CallReport, Webhook) {
    let webhook = Webhook::serve(shared::livekit(), manners).await;
    let report = caller()
        .place(&scenario(steps), &webhook.target())
        .await
        .expect("placed");
    (report, webhook)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_answered_talked_interrupted_and_hung_up() {
    let steps = "[say: Good morning., interrupt: {after_ms: 700, say: 'Wait, hold on a second.'}, dtmf: '5#', wait_agent_end, hang_up]";
    let (report, webhook) = call(steps, Manners::Polite).await;
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(
        (report.end, report.turns.len(), report.answered_turns()),
        (CallEnd::CallerHungUp, 2, 2)
    );
    for turn in &report.turns {
        let response = turn.response_ms.expect("answered");
        let agent = agent::THINKS.as_secs_f64() * 1_000.0;
        assert!(
            (agent - 30.0..agent + SLOW_MS).contains(&response),
            "{turn:?}"
        );
    }
    assert_eq!(report.turns[0].barge_in_ms, None);
    let barge_in = report.turns[1].barge_in_ms.expect("interrupted");
    assert!((30.0..SLOW_MS).contains(&barge_in), "{barge_in}");
    let seen = webhook.seen();
    assert_eq!(
        seen.statuses,
        ["initiated", "ringing", "in-progress", "completed"]
    );
    assert_eq!(seen.action.as_deref(), Some("completed 200 completed"));
    assert_eq!(seen.keys, "5#");
    let attributes = seen.attributes.expect("the agent saw the leg");
    assert_eq!(
        attributes.get("sip.phoneNumber").map(String::as_str),
        Some("+14155550123")
    );
    assert_eq!(
        attributes.get("sip.trunkPhoneNumber").map(String::as_str),
        report.room()
    );
    assert_eq!(
        attributes.get("sip.callStatus").map(String::as_str),
        Some("ringing")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_ends_the_call_leads_to_a_person_and_webhooks_come_twice() {
    let webhook = Webhook::serve(shared::livekit(), Manners::HangsUp).await;
    let mut scenario = scenario("[say: Goodbye., wait_hang_up]");
    scenario.duplicate_webhooks = true;
    let report = caller()
        .place(&scenario, &webhook.target())
        .await
        .expect("placed");
    assert_eq!(
        (report.end, report.dialled.as_deref()),
        (CallEnd::PersonDialled, Some("+12125550191")),
        "{report:?}"
    );
    assert_eq!(
        report.leg.as_ref().map(|leg| leg.end),
        Some(LegEnd::FarSide)
    );
    assert_eq!(webhook.seen().voices, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_removed_while_it_rings_is_busy() {
    let (report, webhook) = call("[hang_up]", Manners::Rejects).await;
    assert_eq!(
        (report.end, report.leg.as_ref().map(|leg| leg.end)),
        (CallEnd::PersonDialled, Some(LegEnd::Busy))
    );
    assert_eq!(
        webhook.seen().action.as_deref(),
        Some("busy 486 in-progress")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_leg_rings_as_long_as_the_twiml_says() {
    let (report, webhook) = call("[hang_up]", Manners::Absent).await;
    assert_eq!(
        report.leg.as_ref().map(|leg| (leg.end, leg.up_ms)),
        Some((LegEnd::NoAnswer, None))
    );
    assert!(
        (2_000..2_000 + SLOW_MS as u64).contains(&report.leg.as_ref().expect("a leg").ring_ms),
        "{:?}",
        report.leg
    );
    assert_eq!(
        webhook.seen().action.as_deref(),
        Some("no-answer 487 in-progress")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_calls_at_once_do_not_mix() {
    let webhook = Webhook::serve(shared::livekit(), Manners::Polite).await;
    let (caller, target) = (caller(), webhook.target());
    let (one, two) = (
        scenario("[say: Good morning., wait_agent_end]"),
        scenario("[say: Hello there., wait_agent_end]"),
    );
    let (one, two) = tokio::join!(caller.place(&one, &target), caller.place(&two, &target));
    let (one, two) = (one.expect("placed"), two.expect("placed"));
    assert_ne!((one.room(), &one.call_sid), (two.room(), &two.call_sid));
    assert_eq!(
        (one.answered_turns(), two.answered_turns()),
        (1, 1),
        "{one:?} {two:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_webhook_is_an_error() {
    let webhook = Webhook::serve(shared::livekit(), Manners::Absent).await;
    let mut target = webhook.target();
    target.auth_token = "another".to_owned();
    let error = caller()
        .place(&scenario("[hang_up]"), &target)
        .await
        .expect_err("refused");
    assert!(matches!(error, CallError::Webhook { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_media_path_is_measured_in_both_directions() {
    let livekit = shared::livekit();
    let path = probe::measure_path(&webhook::access(livekit))
        .await
        .expect("measured");
    for way in [path.to_agent, path.from_agent] {
        assert!(way.min_ms > 0.0, "heard before it was sent: {path:?}");
        assert!(way.min_ms <= way.median_ms && way.median_ms <= way.max_ms);
        assert!(way.median_ms < SLOW_MS, "{path:?}");
    }
    assert!(path.of_turn(Some(path.caller_buffer_ms + 7.0)) - path.of_turn(None) > 6.9);
}
#[test]
fn scenarios_that_come_with_the_load_test_parse_and_stay_in_the_corpus() {
    let folder = crate::stack::workspace_root().join("loadtest/scenarios");
    let corpus = crate::sim::hear::Corpus::bundled().expect("the corpus");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("scenarios") {
        let path = entry.expect("entry").path();
        let scenario =
            Scenario::load(&path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        for line in scenario.lines() {
            assert!(
                corpus.utterances.iter().any(|u| u.say == line),
                "{}: not in the corpus: {line}",
                path.display()
            );
        }
        found += 1;
    }
    assert!(found >= 3);
}
