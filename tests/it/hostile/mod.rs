//! `make hostile`: conversations with a model that means harm, and what the product lets it do.
//!
//! Real are the session, its chat client, recogniser and synthesiser clients, the tools and Postgres. The vendors are those of
//! `loadtest::sim::hostile`, the caller is a script; both follow from the conversation's seed. Judged is what the synthesiser was given, what the model was sent, and what
//! Postgres holds. See docs/HOSTILE.md.

mod call;
mod caller;
mod cast;
mod judge;
mod ledger;
mod report;
mod world;

use std::env;

use self::report::HostileReport;

/// Seeds of the short form.
const SHORT: u64 = 40;
/// Seeds of `make hostile`.
const LONG: u64 = 1_000;

/// A number that `make hostile` passes on.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own options: this is its command line"
)]
fn option(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number")),
    )
}

fn holds(report: &HostileReport) {
    report.print();
    let met = report.is_met();
    assert!(met, "seeds: {:?}", report.seeds_with_findings());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "counts the panics of the whole process: a phase of its own in make test"]
async fn a_hostile_model_does_no_harm_in_forty_conversations() {
    let report = world::hold_all(0..SHORT).await;
    report.write("hostile-short");
    holds(&report);
    report.assert_that_harm_was_tried();
}

/// `make hostile SEED=17` holds that one conversation alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "ten minutes: `make hostile`"]
async fn a_hostile_model_does_no_harm_in_a_thousand_conversations() {
    let count = option("HOSTILE_CONVERSATIONS").unwrap_or(LONG);
    let seeds = option("HOSTILE_SEED").map_or(0..count, |seed| seed..seed + 1);
    let is_whole = seeds.end - seeds.start >= SHORT;
    let report = world::hold_all(seeds).await;
    report.write("hostile");
    holds(&report);
    if is_whole {
        report.assert_that_harm_was_tried();
    }
}
