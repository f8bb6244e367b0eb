//! Callers who hang up while it rings: whatever the call holds is free within a second, and the record says `abandoned`, and since when.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use livekit_api::services::room::RoomClient;
use loadtest::{
    caller::{CallEvent, CallReport, LegEnd},
    sim::Service,
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::MAPLE;
use crate::support::world::{World, WorldOptions};

/// Nothing of a call is held for longer after its caller has hung up.
const SOON: Duration = Duration::from_secs(1);
/// Between two looks at what is held.
const LOOK: Duration = Duration::from_millis(20);

/// Who hangs up so long after the leg was dialled. On a leg that was answered before they hang up at once.
fn hangs_up(from: &str, route: &str, after: Duration) -> String {
    let ms = after.as_millis();
    format!(
        r#"
name: hangs up after {ms} ms of ringing by the {route}
from: "{from}"
to: "+12125550100"
route: {route}
hang_up_ringing_ms: {ms}
steps: [hang_up]
expect: {{ end: caller_hung_up }}
"#
    )
}

/// What is held of a call, by name: empty when all is free.
struct Held<'a> {
    world: &'a World,
    rooms: RoomClient,
}

impl Held<'_> {
    fn of(world: &World) -> Held<'_> {
        let access = world.target().livekit;
        let url = access.url.replacen("ws", "http", 1);
        let rooms = RoomClient::with_api_key(&url, &access.api_key, &access.api_secret);
        Held { world, rooms }
    }

    async fn now(&self) -> BTreeMap<&'static str, usize> {
        let (slots, used, rooms) = tokio::join!(
            self.world.slots_right_now(MAPLE),
            self.world.pod_slots_used(),
            self.rooms.list_rooms(Vec::new()),
        );
        let open = self.world.sim.state().open_streams;
        let streams = |service| open.get(&service).copied().unwrap_or_default();
        let all = [
            ("concurrent-call slots", slots),
            ("the pod's slots", used),
            ("rooms", rooms.expect("livekit lists").len()),
            ("recogniser streams", streams(Service::Stt)),
            ("synthesiser streams", streams(Service::Tts)),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// How long after the hang-up the last thing was free, without what the machine held up this test's own looks.
async fn freed_within(held: &Held<'_>, mut over: watch::Receiver<Option<Instant>>) -> Duration {
    let over_at = over
        .wait_for(Option::is_some)
        .await
        .expect("the call ends")
        .expect("some");
    let mut lag = Duration::ZERO;
    loop {
        let before = Instant::now();
        let left = held.now().await;
        let took = over_at.elapsed();
        if left.is_empty() {
            return took.saturating_sub(lag);
        }
        assert!(
            took < Duration::from_secs(15),
            "{left:?} are held; {}",
            held.world.logs()
        );
        sleep(LOOK).await;
        // Both the looking and the sleeping take longer on a busy machine.
        lag += before.elapsed().saturating_sub(LOOK * 2);
    }
}

async fn call(world: &World, held: &Held<'_>, yaml: &str) -> (CallReport, Duration) {
    let (over, is_over) = watch::channel(None);
    let call = world.watched(yaml, |_, event| {
        if *event == CallEvent::HangsUp {
            over.send_replace(Some(Instant::now()));
        }
    });
    tokio::join!(call, freed_within(held, is_over))
}

/// Calls that are not hung up on, to learn how long it rings: the first one is slow.
const UNHURRIED: u32 = 3;

/// From the dialled leg to the answer, at the shortest.
async fn time_to_the_answer(world: &World, route: &str) -> Duration {
    let mut shortest = Duration::MAX;
    for nth in 0..UNHURRIED {
        let from = format!("+1415555{:04}", 8010 + nth);
        let yaml = hangs_up(&from, route, Duration::from_secs(30));
        let leg = world.call_yaml(&yaml).await.leg.expect("a leg");
        assert!(leg.up_ms.is_some(), "it is answered: {leg:?}");
        shortest = shortest.min(Duration::from_millis(leg.ring_ms));
    }
    shortest
}

/// The rows of the calls table: outcome and end, by admission.
fn rows(world: &World) -> Vec<(String, DateTime<Utc>)> {
    let sql = "SELECT outcome, to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MSZ') FROM calls ORDER BY started_at";
    let parse = |line: &str| {
        let (outcome, ended_at) = line.split_once('|')?;
        Some((outcome.to_owned(), ended_at.parse().ok()?))
    };
    world.sql(sql).lines().filter_map(parse).collect()
}

/// Hangs up at so many points of time from the dialled leg to the answer.
async fn at_points(route: &str, points: u32) {
    let mut options = WorldOptions {
        with_livekit: true,
        ..WorldOptions::default()
    };
    // What we hold is looked at, and not for how long a vendor counts a handshake that was given up.
    options.sim.tts.abandoned_slot_ms = 0;
    let world = World::start(options).await;
    let held = Held::of(&world);
    let answer = time_to_the_answer(&world, route).await;
    let (mut late, mut ends) = (Vec::new(), Vec::new());
    for point in 0..points {
        let after = answer * point / points;
        let from = format!("+1415555{:04}", 9000 + point);
        let (report, took) = call(&world, &held, &hangs_up(&from, route, after)).await;
        let failures = &report.failures;
        assert!(
            failures.is_empty(),
            "{after:?}: {failures:?}\n{}",
            world.logs()
        );
        if took > SOON {
            late.push(format!("{took:?} after a hang-up at {after:?}"));
        }
        let leg = report.leg.expect("a leg");
        assert_eq!(leg.end, LegEnd::Caller, "{leg:?}");
        let heard_for = Duration::from_millis(leg.ring_ms + leg.up_ms.unwrap_or_default());
        let ended = report.started_at + Duration::from_millis(report.voice_ms) + heard_for;
        ends.push((from, leg.up_ms.is_some(), ended));
    }
    assert!(late.is_empty(), "{late:#?}\n{}", world.logs());
    assert!(
        ends.iter().filter(|(_, answered, _)| !answered).count() as u32 >= points / 3,
        "many hang up while it rings: {ends:?}"
    );

    // Those that no agent had are written up by a pod that finds them.
    let artifacts = world.artifacts(ends.len() + UNHURRIED as usize).await;
    for (from, answered, ended) in ends {
        let artifact = World::of_caller(&artifacts, &from);
        if !answered {
            assert_eq!(artifact["outcome"], "abandoned", "{artifact:#}");
        }
        let noted: DateTime<Utc> = time(&artifact["ended_at"]);
        let off = (noted - ended).abs().to_std().expect("a time");
        assert!(off < SOON * 2, "{noted} for {ended}: {artifact:#}");
    }
    let rows = rows(&world);
    let abandoned = |outcome: &str| outcome == "abandoned";
    assert!(
        rows.iter()
            .filter(|(outcome, _)| abandoned(outcome))
            .count()
            >= points as usize / 3
    );
    for artifact in &artifacts {
        let ended_at: DateTime<Utc> = time(&artifact["ended_at"]);
        assert!(
            rows.iter()
                .any(|(_, at)| (*at - ended_at).abs().num_milliseconds() <= 1),
            "the row and the artifact agree: {rows:?} {artifact:#}"
        );
    }
    world.verify_audit().await;
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("a time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_by_the_webhook_who_hangs_up_while_it_rings_leaves_nothing_behind() {
    at_points("webhook", 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_by_a_trunk_who_hangs_up_while_it_rings_leaves_nothing_behind() {
    at_points("trunk", 5).await;
}

/// The issue's list: CANCEL at 20 points of time from INVITE to answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes: `make edge`"]
async fn at_twenty_points_of_time_a_hang_up_frees_everything_within_a_second() {
    at_points("webhook", 20).await;
    at_points("trunk", 20).await;
}
