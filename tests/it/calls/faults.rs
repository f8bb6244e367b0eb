//! Vendors that break in mid-call: the caller hears an apology, a retry or a person, and never silence.

use std::time::Duration;

use loadtest::{
    caller::{CallEvent, CallReport},
    sim::{Fault, FaultKind, Service},
};

use super::{MAPLE_FALLBACK, agent_said, longest_silence, tools};
use crate::support::world::{World, WorldOptions};

/// No caller waits longer without a sound.
const PATIENCE: Duration = Duration::from_secs(8);
/// A vendor that does not come back.
const FOR_EVER: u32 = 1_000;

const COVERAGE: &str = "Hi, does my Blue Cross P P O plan cover a dental cleaning?";
const TUESDAY: &str = "Yes please, something on Tuesday morning.";
const FIRST: &str = "The first one is fine.";
const MARIA: &str = "My name is Maria Lopez, born March third nineteen eighty five.";

/// When a fault is ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The caller begins to speak.
    CallerSpeaks,
    /// The agent begins to answer.
    AgentAnswers,
}

/// Something goes wrong in the turn that begins with these words.
struct Trouble {
    line: &'static str,
    when: When,
    faults: Vec<Fault>,
}

/// `silence_ms`: what the caller takes for the end of the agent's turn.
fn script(lines: &[&str], silence_ms: u64) -> String {
    let steps: String = lines
        .iter()
        .map(|line| format!("  - say: \"{line}\"\n"))
        .collect();
    format!(
        "name: faults\nfrom: \"+14155550201\"\nto: \"+12125550100\"\nagent_silence_ms: {silence_ms}\nsteps:\n{steps}  - wait_hang_up\nexpect: {{ end: person_dialled }}\n"
    )
}

/// A call with trouble in its turns; the last trouble ends it with a person.
async fn call(
    world: &World,
    lines: &[&str],
    silence_ms: u64,
    mut troubles: Vec<Trouble>,
) -> CallReport {
    let mut armed: Vec<Trouble> = Vec::new();
    let report = world
        .watched(&script(lines, silence_ms), |world, event| {
            if let CallEvent::Says(text) = event {
                armed.extend(
                    troubles
                        .extract_if(.., |trouble| trouble.line == text)
                        .take(1),
                );
            }
            let now = match event {
                CallEvent::Says(_) => When::CallerSpeaks,
                CallEvent::AgentSpeaks => When::AgentAnswers,
                _ => return,
            };
            for trouble in armed.extract_if(.., |trouble| trouble.when == now) {
                trouble
                    .faults
                    .into_iter()
                    .for_each(|fault| world.sim.add_fault(fault));
            }
        })
        .await;
    assert!(
        troubles.is_empty() && armed.is_empty(),
        "the call ended before all trouble: {:#?}\n{}",
        report.turns,
        world.logs()
    );
    report
}

/// What holds however it broke.
async fn the_caller_was_not_left_alone(world: &World, report: &CallReport) -> serde_json::Value {
    let artifact = world.only_artifact().await;
    let context = || format!("{artifact:#}\n{:#?}\n{}", report.turns, world.logs());
    assert!(
        report.failures.is_empty(),
        "{:?}\n{}",
        report.failures,
        context()
    );
    let silence = longest_silence(report);
    assert!(silence <= PATIENCE, "{silence:?} of silence\n{}", context());
    assert_eq!(
        report.dialled.as_deref(),
        Some(MAPLE_FALLBACK),
        "{}",
        context()
    );
    assert_eq!(artifact["outcome"], "failed", "{}", context());
    artifact
}

fn refuse(status: u16) -> FaultKind {
    FaultKind::Refuse {
        status,
        code: None,
        retry_after_ms: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recogniser_that_breaks_stalls_and_dies() {
    let world = World::start(WorldOptions::default()).await;
    let at = |line, faults| Trouble {
        line,
        when: When::CallerSpeaks,
        faults,
    };
    let troubles = vec![
        at(
            TUESDAY,
            vec![Fault::open(Service::Stt, FaultKind::Cut).after_ms(900)],
        ),
        at(
            FIRST,
            vec![Fault::open(Service::Stt, FaultKind::Stall { ms: None })],
        ),
        at(
            MARIA,
            vec![
                Fault::next(Service::Stt, refuse(503)).times(FOR_EVER),
                Fault::open(Service::Stt, FaultKind::Cut).after_ms(500),
            ],
        ),
    ];
    // After the stall the caller is asked again, and says it again.
    let report = call(
        &world,
        &[COVERAGE, TUESDAY, FIRST, FIRST, MARIA],
        1_600,
        troubles,
    )
    .await;
    let artifact = the_caller_was_not_left_alone(&world, &report).await;
    assert!(
        agent_said(&artifact, "the line broke up") || agent_said(&artifact, "I have"),
        "the cut turn was answered: {artifact:#}"
    );
    assert!(
        agent_said(&artifact, "did not catch"),
        "the stall was heard: {artifact:#}"
    );
    assert!(
        agent_said(&artifact, "full name"),
        "and the call went on: {artifact:#}"
    );
    assert!(
        agent_said(&artifact, "connect you with someone"),
        "{artifact:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_model_that_breaks_refuses_and_dies() {
    let mut options = WorldOptions::default();
    // Slow enough for a sentence to be spoken before the next is written.
    (
        options.sim.llm.token_gap.median_ms,
        options.sim.llm.token_gap.p95_ms,
    ) = (60.0, 70.0);
    let world = World::start(options).await;
    let limited = FaultKind::Refuse {
        status: 429,
        code: None,
        retry_after_ms: Some(300),
    };
    let broken = FaultKind::ErrorEvent {
        message: "The server had an error.".into(),
        code: "server_error".into(),
    };
    let at = |line, faults| Trouble {
        line,
        when: When::CallerSpeaks,
        faults,
    };
    let troubles = vec![
        at(
            COVERAGE,
            vec![
                Fault::next(Service::Llm, limited),
                Fault::next(Service::Llm, broken)
                    .after_requests(2)
                    .after_ms(1_200),
            ],
        ),
        at(
            TUESDAY,
            vec![
                Fault::next(Service::Llm, FaultKind::Cut).after_ms(100),
                Fault::next(Service::Llm, FaultKind::BadArguments).after_requests(1),
            ],
        ),
        at(
            FIRST,
            vec![Fault::next(Service::Llm, refuse(500)).times(FOR_EVER)],
        ),
    ];
    let report = call(&world, &[COVERAGE, TUESDAY, FIRST], 1_600, troubles).await;
    let artifact = the_caller_was_not_left_alone(&world, &report).await;
    assert!(
        agent_said(&artifact, "let me say that again"),
        "{artifact:#}"
    );
    assert!(agent_said(&artifact, "your copay is"), "{artifact:#}");
    assert!(
        tools(&artifact).contains(&("find_available_slots", "invalid")),
        "{artifact:#}"
    );
    assert!(
        agent_said(&artifact, "What is the appointment for?"),
        "the model read the error and asked: {artifact:#}"
    );
    assert!(
        agent_said(&artifact, "connect you with someone"),
        "{artifact:#}"
    );
}

const UNHEARD: &str = r#"
name: breaks unheard
from: "+14155550202"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "Yes please, something on Tuesday morning."
  - say: "The first one is fine."
  - wait_agent_end
expect: { end: caller_hung_up, answered_turns: 3 }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_that_breaks_before_its_first_sentence_is_asked_for_again_in_silence() {
    let mut options = WorldOptions::default();
    (
        options.sim.llm.token_gap.median_ms,
        options.sim.llm.token_gap.p95_ms,
    ) = (60.0, 70.0);
    // Time for the answer that is begun before the turn is over to break before it is over.
    let wait = (
        "NEURALITY__PIPELINE__ENDPOINTING__MIN_DELAY_MS",
        "1500".to_owned(),
    );
    options.env.push(wait);
    let world = World::start(options).await;
    let report = world
        .watched(UNHEARD, |world, event| {
            // Once for the answer begun early, once for the one asked for when the turn is over. The model answers with words alone.
            if matches!(event, CallEvent::Says(text) if text == FIRST) {
                let broken = Fault::next(Service::Llm, FaultKind::Cut).after_ms(100);
                world.sim.add_fault(broken.times(2));
            }
        })
        .await;
    let artifact = world.only_artifact().await;
    let context = || format!("{artifact:#}\n{:#?}\n{}", report.turns, world.logs());
    assert!(
        report.failures.is_empty(),
        "{:?}\n{}",
        report.failures,
        context()
    );
    let failures = world.logs().matches("the model failed").count();
    assert_eq!(failures, 2, "{}", context());
    assert!(agent_said(&artifact, "full name"), "{}", context());
    assert!(!agent_said(&artifact, "say that again"), "{}", context());
    assert!(longest_silence(&report) <= PATIENCE, "{}", context());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_voice_that_breaks_stalls_and_dies() {
    let mut options = WorldOptions::default();
    // Not much faster than speech: the fault finds a sentence that is not there yet.
    options.sim.tts.speed = 1.5;
    let world = World::start(options).await;
    let stall = FaultKind::Stall { ms: None };
    let at = |line, when, faults| Trouble { line, when, faults };
    let troubles = vec![
        at(
            COVERAGE,
            When::AgentAnswers,
            vec![Fault::open(Service::Tts, FaultKind::Cut).after_ms(300)],
        ),
        at(
            TUESDAY,
            When::AgentAnswers,
            vec![Fault::open(Service::Tts, stall).after_ms(300)],
        ),
        at(
            FIRST,
            When::CallerSpeaks,
            vec![
                Fault::next(Service::Tts, refuse(503)).times(FOR_EVER),
                Fault::open(Service::Tts, FaultKind::Cut).after_ms(500),
            ],
        ),
    ];
    // The stall is noticed after three seconds; this caller waits them out.
    let report = call(&world, &[COVERAGE, TUESDAY, FIRST], 4_500, troubles).await;
    let artifact = the_caller_was_not_left_alone(&world, &report).await;
    assert!(
        agent_said(&artifact, "let me say that again"),
        "{artifact:#}"
    );
    assert!(agent_said(&artifact, "your copay is"), "{artifact:#}");
    assert!(
        agent_said(&artifact, "Which of those times"),
        "{artifact:#}"
    );
}
