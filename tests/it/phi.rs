//! A whole call with marked patient data leaves none of it where it is not sealed: logs, spans, metrics, error answers, Redis, Postgres.

mod collector;
mod marks;
mod stores;

use std::{collections::BTreeSet, time::Duration};

use loadtest::{caller::twilio::sign, stack::Service};
use neurality::telemetry::{metrics::Metrics, pool::PoolFigures};
use serde_json::Value;

use self::{
    collector::{Collector, Seen},
    marks::Marks,
};
use crate::support::world::{World, WorldOptions};

const CALLER: &str = "+14155550123";

const BOOK: &str = r#"
name: marked
from: "+14155550123"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "Yes please, something on Tuesday morning."
  - say: "The first one is fine."
  - say: "My name is Maria Lopez, born March third nineteen eighty five."
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect:
  end: agent_hung_up
"#;

const TRANSFER: &str = r#"
name: marked, to a person
from: "+14155550123"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "Let me talk to a real person, please."
  - wait_hang_up
person: accept
expect: { end: person_dialled, dialled: "+12125550191" }
"#;

/// Longer than the exporter waits for a full batch.
const EXPORT_LIMIT: Duration = Duration::from_secs(20);

const REQUEST_LIMIT: Duration = Duration::from_secs(10);

async fn talkative(collector: &Collector) -> World {
    let options = WorldOptions {
        env: vec![
            ("NEURALITY__TELEMETRY__LOG", "debug".into()),
            ("NEURALITY__TELEMETRY__OTLP_ENDPOINT", collector.url()),
        ],
        ..WorldOptions::default()
    };
    World::start(options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_call_leaves_no_patient_data_outside_the_seals() {
    let collector = Collector::start().await;
    let world = talkative(&collector).await;
    let watch = stores::RedisWatch::start(&world.redis_url).await;
    let report = world.call_yaml(BOOK).await;
    let artifact = world.only_artifact().await;
    assert!(
        report.failures.is_empty(),
        "{:?}\n{}",
        report.failures,
        log_of(&world.worker)
    );

    let marks = Marks::of(&artifact);
    assert_scan_can_fail(&marks, &artifact);
    marks.assert_absent("error answers", error_answers(&world).await.as_bytes());
    let redis = watch.stop().await;
    assert!(
        redis.matches("tenant:{").count() > 3,
        "the call was seen in redis"
    );
    marks.assert_absent("redis", redis.as_bytes());
    let (database, columns) = stores::postgres(&world);
    marks.assert_absent("postgres", database.as_bytes());
    marks.assert_code_absent("postgres", columns.as_bytes());
    marks.assert_absent("metrics", world.metrics().await.as_bytes());
    let call = artifact["call_id"].as_str().expect("call id");
    let tenant = artifact["tenant_id"].as_str().expect("tenant id");
    let seen = collector.wait_for_call(call, EXPORT_LIMIT).await;
    assert_spans(&seen, call, tenant);
    for body in collector.bodies() {
        marks.assert_absent("spans", &body);
        marks.assert_code_absent("spans", &body);
    }
    for (name, log) in [
        ("worker's log", log_of(&world.worker)),
        ("gateway's log", log_of(&world.gateway)),
    ] {
        assert!(log.contains(r#""level":"DEBUG""#), "{name} is at debug");
        marks.assert_absent(name, log.as_bytes());
        marks.assert_code_absent(name, log.as_bytes());
        assert_lines(name, &log, call, tenant);
    }
    assert_metrics(&world).await;
    assert_nothing_without_a_tenant(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_is_told_of_a_caller_stays_behind_the_seals() {
    let collector = Collector::start().await;
    let world = talkative(&collector).await;
    let watch = stores::RedisWatch::start(&world.redis_url).await;
    let report = world.call_yaml(TRANSFER).await;
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    let artifact = world.only_artifact().await;
    let briefing = Marks::of_transfer(&artifact, &report.briefing);
    let heard = report.briefing.join(" ");
    assert!(!briefing.found(heard.as_bytes()).is_empty(), "{heard:?}");
    briefing.assert_absent("redis", watch.stop().await.as_bytes());
    briefing.assert_absent("postgres", stores::postgres(&world).0.as_bytes());
    briefing.assert_absent("metrics", world.metrics().await.as_bytes());
    let call = artifact["call_id"].as_str().expect("call id");
    collector.wait_for_call(call, EXPORT_LIMIT).await;
    for body in collector.bodies() {
        briefing.assert_absent("spans", &body);
    }
    for process in [&world.worker, &world.gateway] {
        briefing.assert_absent("a log", log_of(process).as_bytes());
    }
}

fn http_client() -> reqwest::Client {
    crate::support::http(REQUEST_LIMIT)
        // A connection whose body was refused is closed, maybe under the next request.
        .pool_max_idle_per_host(0)
        .build()
        .expect("client")
}

fn log_of(process: &Service) -> String {
    std::fs::read_to_string(process.log_file()).expect("log file")
}

/// Each mark is found where it belongs: a scan that finds nothing there would prove nothing elsewhere.
fn assert_scan_can_fail(marks: &Marks, artifact: &Value) {
    let opened = artifact.to_string();
    for mark in ["Maria", "Lopez", "1985-03-03"] {
        assert!(
            opened.contains(mark),
            "the artifact lacks {mark}: {artifact:#}"
        );
    }
    assert!(marks.found(opened.as_bytes()).len() > 10, "{artifact:#}");
    for text in [
        "x Lopez y",
        "x lopez y",
        "from=%2B14155550123",
        "4c6f70657a",
        "dGhlIExvcGV6IGZpbGU=",
    ] {
        assert!(
            !marks.found(text.as_bytes()).is_empty(),
            "the scan overlooks {text}"
        );
    }
    assert!(marks.found(b"nothing of anybody").is_empty());
}

/// What the gateway says to requests that it refuses, with the marked data in them.
async fn error_answers(world: &World) -> String {
    let target = world.target();
    let pairs = |to: &str, note: &str| -> Vec<(String, String)> {
        [
            ("CallSid", "CA0123456789abcdef0123456789abcdef"),
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("From", CALLER),
            ("To", to),
            ("CallerName", note),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec()
    };
    let form = |pairs: &[(String, String)]| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let url = target.voice_url.as_str();
    let known = pairs("+12125550100", "Maria Lopez 1985-03-03");
    let unknown = pairs("+19995550000", "Maria Lopez 1985-03-03");
    let oversized = pairs("+12125550100", &"Maria Lopez 1985-03-03 ".repeat(3_100));
    let headless: Vec<_> = known
        .iter()
        .filter(|(k, _)| k == "From" || k == "CallerName")
        .cloned()
        .collect();
    let signed = |pairs: &[(String, String)]| sign(&target.auth_token, url, pairs);
    let requests = [
        (
            url.to_owned(),
            "bm90IGEgc2lnbmF0dXJl".to_owned(),
            form(&known),
            403,
        ),
        (url.to_owned(), signed(&headless), form(&headless), 400),
        (url.to_owned(), signed(&unknown), form(&unknown), 200),
        (url.to_owned(), signed(&oversized), form(&oversized), 413),
        (
            format!("{url}/Maria-Lopez?born=1985-03-03&from={CALLER}"),
            String::new(),
            form(&known),
            404,
        ),
        (
            url.replace("/voice", "/livekit/webhook"),
            String::new(),
            "Maria Lopez, 1985-03-03".into(),
            401,
        ),
    ];
    let http = http_client();
    let mut all = String::new();
    for (url, signature, body, expected) in requests {
        let request = http
            .post(&url)
            .header("X-Twilio-Signature", signature)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body);
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        all += &format!("{status} {:?} ", answer.headers());
        all += &answer.text().await.expect("a body");
        assert_eq!(status, expected, "{url}: {all}");
    }
    all
}

fn assert_spans(seen: &[Seen], call: &str, tenant: &str) {
    let ours = |name: &str| {
        seen.iter()
            .find(|s| s.name == name && s.text("call.id") == Some(call))
    };
    let whole = ours("call").expect("the call's span");
    assert_eq!(whole.text("tenant.id"), Some(tenant));
    let turns: Vec<&Seen> = seen
        .iter()
        .filter(|s| s.name == "turn" && s.trace == whole.trace)
        .collect();
    assert_eq!(turns.len(), 5, "a span per turn: {turns:?}");
    for turn in turns {
        assert_eq!(turn.parent, whole.id, "a turn is the call's child");
        assert!(
            turn.attributes.iter().any(|(key, _)| key == "turn.index"),
            "{turn:?}"
        );
    }
}

/// Every line is an object of ours, or a library's warning, and names its call and tenant at most once.
fn assert_lines(name: &str, log: &str, call: &str, tenant: &str) {
    let mut of_the_call = 0;
    for line in log.lines() {
        let parsed: Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
        let verbose = !matches!(parsed["level"].as_str(), Some("WARN" | "ERROR"));
        let target = parsed["target"].as_str().unwrap_or_default();
        assert!(
            !verbose || target.split("::").next() == Some("neurality"),
            "{name}: a library speaks: {line}"
        );
        if line.contains(call) {
            of_the_call += 1;
            for field in [
                format!(r#""call.id":"{call}""#),
                format!(r#""tenant.id":"{tenant}""#),
            ] {
                assert_eq!(line.matches(&field).count(), 1, "{name}: {field}: {line}");
            }
        }
    }
    assert!(of_the_call > 0, "{name} has no line of the call");
}

/// A scrape's series, without values and buckets.
fn series(scrape: &str) -> BTreeSet<String> {
    let samples = scrape
        .lines()
        .filter(|l| !l.starts_with('#') && !l.contains("_bucket{"));
    samples
        .filter_map(|l| Some(l.rsplit_once(' ')?.0.to_owned()))
        .collect()
}

/// Both processes show their part of the catalogue and nothing else: each name is there, and no label has a value outside of its closed set.
async fn assert_metrics(world: &World) {
    let metrics = Metrics::new();
    let own = series(&metrics.encode().expect("encode"));
    // The gateway shows the whole pool besides.
    let with_pool = metrics.encode_with_pool(&PoolFigures::default());
    let with_pool = series(&with_pool.expect("encode"));
    let http = http_client();
    for (addr, catalogue) in world.listeners().into_iter().zip([with_pool, own]) {
        let answer = http
            .get(format!("http://{addr}/metrics"))
            .send()
            .await
            .expect("scrape");
        let shown = series(&answer.text().await.expect("text"));
        let differing: Vec<&String> = shown.symmetric_difference(&catalogue).collect();
        assert!(differing.is_empty(), "{addr}: {differing:?}");
    }
}

/// The application's login without a tenant, after a real call.
async fn assert_nothing_without_a_tenant(world: &World) {
    use sqlx::{AssertSqlSafe, Connection, Executor, Row};
    let mut app = sqlx::PgConnection::connect(world.database.app_url())
        .await
        .expect("application login");
    let mut filled = 0;
    for table in stores::tables(world) {
        let there: i64 = world
            .sql(&format!("SELECT count(*) FROM {table}"))
            .trim()
            .parse()
            .expect("count");
        filled += i64::from(there > 0);
        match app
            .fetch_one(sqlx::query(AssertSqlSafe(format!(
                "SELECT count(*) FROM {table}"
            ))))
            .await
        {
            Ok(row) => assert_eq!(
                row.get::<i64, _>(0),
                0,
                "{table} shows rows without a tenant"
            ),
            Err(sqlx::Error::Database(error)) => {
                assert_eq!(error.code().as_deref(), Some("42501"), "{table}: {error}")
            }
            Err(error) => panic!("{table}: {error}"),
        }
    }
    assert!(filled > 15, "{filled} tables hold rows");
}
