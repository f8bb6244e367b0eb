//! `POST /voice`.

use std::{collections::HashMap, time::Duration};

use loadtest::stack::{Postgres, Redis, StackDir};
use neurality::domain::{
    call::{CallPhase, CallRecord},
    caller::{Attestation, CallOrigin},
};
use redis::AsyncCommands;
use tokio::net::TcpListener;

use super::{AT_ONCE, CALLER, DESK, FALLBACK, HEAD, Rig, Servers, TOKEN, migrated, now, sid, sign};

/// As in production.
const VOICE_DEADLINE_MS: u64 = 800;

const CANNOT_TAKE: &str = "<Say>We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye.</Say><Hangup></Hangup>";
const UNKNOWN_NUMBER: &str = "<Say>Sorry, this number is not in service. Please check it and call again. Goodbye.</Say><Hangup></Hangup>";

#[tokio::test]
async fn a_call_is_admitted_and_sent_to_its_own_room() {
    let rig = Rig::new().await;
    let answer = rig.voice(&sid()).await;
    let query = answer
        .text
        .split("dial-done?")
        .nth(1)
        .expect("action")
        .split('"')
        .next()
        .expect("end")
        .to_owned();
    let call = query
        .split("call=")
        .nth(1)
        .expect("call")
        .parse()
        .expect("call id");
    let record = rig.record(call).await;
    assert_eq!(query, format!("tenant={}&amp;call={call}", rig.tenant()));
    answer.assert_twiml(&format!(
        concat!(
            r#"<Dial answerOnBridge="true" timeout="30" timeLimit="1890" action="{base}/twilio/dial-done?{query}">"#,
            r#"<Sip username="neurality" password="p&amp;ss" statusCallback="{base}/twilio/sip-status?{query}" "#,
            r#"statusCallbackEvent="initiated ringing answered completed">sip:{room}@sip.example;transport=tls;secure=true</Sip></Dial>"#,
        ),
        base = rig.base,
        query = query,
        room = record.room,
    ));
    assert_eq!(
        (record.phase, record.dialled.as_str()),
        (CallPhase::Waiting, rig.dialled.as_str())
    );
    assert_eq!(rig.slots().await, 1);
}

#[tokio::test]
async fn the_callers_number_is_sealed_in_redis_and_opens_for_its_tenant() {
    let rig = Rig::new().await;
    let (call, _) = rig.admitted().await;
    let key = format!("tenant:{{{}}}:call:{call}", rig.tenant());
    let client = redis::Client::open(rig.config.redis.urls[0].expose()).expect("url");
    let mut redis = client
        .get_multiplexed_async_connection()
        .await
        .expect("redis");
    let fields: HashMap<String, Vec<u8>> = redis.hgetall(&key).await.expect("record");
    let stored: String = fields
        .values()
        .map(|value| String::from_utf8_lossy(value))
        .collect();
    assert!(
        stored.contains("waiting") && !stored.contains(&CALLER[1..]),
        "{stored}"
    );
    let record = rig
        .record(call)
        .await
        .open(&rig.clinic.sealer)
        .expect("own seal");
    assert_eq!(
        record
            .caller
            .map(|number| number.expose().as_str().to_owned()),
        Some(CALLER.to_owned())
    );
}

/// The record of a call that was let in.
async fn admitted_as(rig: &Rig, from: &str, to: &str, more: &[(&str, &str)]) -> CallRecord {
    let sid = sid();
    let mut fields = vec![("CallSid", sid.as_str()), ("From", from), ("To", to)];
    fields.extend_from_slice(more);
    let answer = rig.twilio("/voice", &fields).await;
    assert!(answer.text.contains("<Sip "), "{from} {to}: {answer:?}");
    let call = answer.text.split("call=").nth(1).expect("call");
    let call = call
        .split('"')
        .next()
        .expect("end")
        .parse()
        .expect("call id");
    let record = rig.record(call).await.open(&rig.clinic.sealer);
    rig.store
        .release(rig.tenant(), call, now())
        .await
        .expect("release");
    record.expect("own seal")
}

// C36, C37: "this number is not in service", though it stood in the address; an unescaped plus made a caller unknown.
#[tokio::test]
async fn a_call_is_let_in_by_every_form_of_its_numbers() {
    let rig = Rig::new().await;
    let number = rig.dialled.clone();
    for to in [
        number.clone(),
        number.replace('+', " "),
        format!("sip:{number}@clinic.sip.twilio.com"),
        format!("SIP:{number}@clinic.sip.twilio.com;user=phone"),
        format!("sips:{number}@clinic.sip.twilio.com:5061"),
        format!("whatsapp:{number}"),
        format!("tel:{number}"),
    ] {
        let record = admitted_as(&rig, CALLER, &to, &[]).await;
        assert_eq!(record.dialled.as_str(), number, "{to}");
    }
    for from in [
        CALLER.replace('+', " "),
        CALLER.replace('+', ""),
        format!("sip:{CALLER}@carrier.example"),
        format!("whatsapp:{CALLER}"),
    ] {
        let caller = admitted_as(&rig, &from, &number, &[]).await.caller;
        assert_eq!(caller.expect("told").expose().as_str(), CALLER, "{from}");
    }
}

// C62: the clinic's own number was taken as the caller's.
#[tokio::test]
async fn the_clinics_own_number_and_a_forwarders_are_nobodys() {
    let rig = Rig::new().await;
    let number = rig.dialled.clone();
    for own in [number.as_str(), FALLBACK, DESK] {
        assert!(
            admitted_as(&rig, own, &number, &[]).await.caller.is_none(),
            "{own}"
        );
    }
    let by = [("ForwardedFrom", CALLER)];
    let record = admitted_as(&rig, CALLER, &number, &by).await;
    assert!(record.caller.is_none(), "the forwarder is not the caller");
    let forwarder = record.origin.forwarded_from.expect("stored");
    assert_eq!(forwarder.expose().as_str(), CALLER);
}

#[tokio::test]
async fn what_the_network_says_of_a_caller_is_stored_with_the_call() {
    let rig = Rig::new().await;
    for (verstat, expected) in [
        ("TN-Validation-Passed-A", Attestation::Verified),
        ("TN-Validation-Passed-B", Attestation::Partial),
        ("TN-Validation-Passed-A-Diverted", Attestation::Partial),
        ("TN-Validation-Failed-A", Attestation::Failed),
        ("No-TN-Validation", Attestation::Unknown),
        ("", Attestation::Unknown),
    ] {
        let by = [("StirVerstat", verstat), ("ForwardedFrom", "+12125550177")];
        let record = admitted_as(&rig, CALLER, &rig.dialled, &by).await;
        assert_eq!(record.origin.attestation, expected, "{verstat}");
        let forwarder = record.origin.forwarded_from.expect("stored");
        assert_eq!(forwarder.expose().as_str(), "+12125550177");
        assert!(record.caller.is_some());
    }
    let plain = admitted_as(&rig, CALLER, &rig.dialled, &[]).await;
    assert_eq!(plain.origin, CallOrigin::default());
}

#[tokio::test]
async fn a_withheld_number_is_no_obstacle() {
    let rig = Rig::new().await;
    for from in [
        "",
        "anonymous",
        "+266696687",
        "266696687",
        "Restricted",
        "unavailable",
        "Private",
        "sip:anonymous@anonymous.invalid",
    ] {
        let answer = rig
            .twilio(
                "/voice",
                &[("CallSid", &sid()), ("From", from), ("To", &rig.dialled)],
            )
            .await;
        assert!(answer.text.contains("<Sip "), "{answer:?}");
        let call = answer
            .text
            .split("call=")
            .nth(1)
            .expect("call")
            .split('"')
            .next()
            .expect("end");
        let call = call.parse().expect("call id");
        assert!(rig.record(call).await.caller.is_none());
        rig.store
            .release(rig.tenant(), call, now())
            .await
            .expect("release");
    }
}

#[tokio::test]
async fn the_same_webhook_twice_is_one_call_with_one_answer() {
    let rig = Rig::new().await;
    let sid = sid();
    let (first, second) = tokio::join!(rig.voice(&sid), rig.voice(&sid));
    let third = rig.voice(&sid).await;
    assert!(first.text.contains("<Sip "), "{first:?}");
    assert_eq!((&first.text, &first.text), (&second.text, &third.text));
    assert_eq!(rig.slots().await, 1);
    // The offer is a task of its own for a moment.
    let settled = async {
        while rig.lifecycle.tasks().len() != 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), settled)
        .await
        .expect("the listener and one ring");
    let metrics = rig.get("/metrics").await.text;
    assert!(metrics.contains(r#"neurality_admissions_total{result="admitted"} 1"#));
    assert!(metrics.contains(r#"neurality_admissions_total{result="repeated"} 2"#));
}

#[tokio::test]
async fn a_wrong_signature_is_403_and_leaves_nothing() {
    let rig = Rig::new().await;
    let (url, sid) = (format!("{}/voice", rig.base), sid());
    let fields = [
        ("CallSid", sid.as_str()),
        ("From", CALLER),
        ("To", rig.dialled.as_str()),
    ];
    let other_body = sign(TOKEN, &url, &fields[..2]);
    let other_token = sign("another token", &url, &fields);
    let other_url = sign(TOKEN, &format!("{url}?x=1"), &fields);
    for signature in [
        None,
        Some(""),
        Some("nonsense"),
        Some(&*other_body),
        Some(&*other_token),
        Some(&*other_url),
    ] {
        let answer = rig.post(&url, &fields, signature).await;
        assert_eq!(answer.status, 403, "{signature:?}");
        assert_eq!(
            answer.text,
            r#"{"code":"bad_signature","message":"The signature is wrong."}"#
        );
    }
    assert_eq!(rig.slots().await, 0);
    let metrics = rig.get("/metrics").await.text;
    assert!(metrics.contains(r#"neurality_admissions_total{result="forged"} 6"#));
    let next = sign("the next token", &url, &fields);
    assert_eq!(
        rig.post(&url, &fields, Some(&next)).await.status,
        200,
        "tokens rotate"
    );
}

#[tokio::test]
async fn an_unknown_number_is_answered_politely() {
    let rig = Rig::new().await;
    for to in ["+15550000001", "sip:alice@example.com", ""] {
        let answer = rig
            .twilio(
                "/voice",
                &[("CallSid", &sid()), ("From", CALLER), ("To", to)],
            )
            .await;
        answer.assert_twiml(UNKNOWN_NUMBER);
    }
}

#[tokio::test]
async fn a_busy_clinic_sends_the_caller_to_its_people() {
    let rig = Rig::on(Servers::shared().await, 1).await;
    rig.admitted().await;
    rig.voice(&sid()).await.assert_falls_back(&rig);
}

#[tokio::test]
async fn a_body_too_large_or_without_a_call_is_refused() {
    let rig = Rig::new().await;
    let large = "x".repeat(70_000);
    let answer = rig
        .twilio("/voice", &[("CallSid", &sid()), ("Junk", &large)])
        .await;
    assert_eq!(answer.status, 413);
    let answer = rig
        .twilio("/voice", &[("CallSid", "<script>"), ("To", &rig.dialled)])
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.text,
        r#"{"code":"malformed","message":"The request is malformed."}"#
    );
    assert_eq!(rig.get("/voice").await.status, 405);
    assert_eq!(rig.get("/nothing-here").await.status, 404);
}

#[tokio::test]
async fn a_call_that_ended_is_not_sent_to_its_dead_room() {
    let rig = Rig::new().await;
    let sid = sid();
    let answer = rig.voice(&sid).await;
    let call = answer
        .text
        .split("call=")
        .nth(1)
        .expect("call")
        .split('"')
        .next()
        .expect("end");
    rig.store
        .release(rig.tenant(), call.parse().expect("call id"), now())
        .await
        .expect("release");
    rig.voice(&sid).await.assert_falls_back(&rig);
}

#[tokio::test]
async fn callers_fall_back_at_once_while_redis_and_then_postgres_too_are_away() {
    let dir = StackDir::for_this_process("gateway-away").expect("dir");
    let redis = Redis::start(&dir).expect("redis");
    let postgres = Postgres::start(&dir).expect("postgres");
    let mut servers = Servers::new(&redis.url(), migrated(&postgres).await);
    servers.config.gateway.voice_deadline_ms = VOICE_DEADLINE_MS;
    servers.config.redis.timeout_ms = 500;
    let rig = Rig::on(servers, 2).await;
    // A busy machine may be too slow for the first callers; then the clinic is known.
    let mut answer = rig.voice(&sid()).await;
    for _ in 0..50 {
        if answer.text.contains("<Sip ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = rig.voice(&sid()).await;
    }
    assert!(answer.text.contains("<Sip "), "{answer:?}");
    assert_eq!(rig.get("/readyz").await.status, 200);

    redis.server().freeze().expect("freeze");
    let frozen = rig.voice(&sid()).await;
    frozen.assert_falls_back(&rig);
    assert!(frozen.took < AT_ONCE, "{:?}", frozen.took);
    redis.server().thaw().expect("thaw");
    redis.server().stop().expect("stop");
    let stopped = rig.voice(&sid()).await;
    stopped.assert_falls_back(&rig);
    assert!(stopped.took < AT_ONCE, "{:?}", stopped.took);
    let ready = rig.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.text.as_str()),
        (503, r#"{"draining":false,"postgres":true,"redis":false}"#)
    );
    assert_eq!(rig.get("/healthz").await.status, 200);

    postgres.server().freeze().expect("freeze");
    let cached = rig.voice(&sid()).await;
    cached.assert_falls_back(&rig);
    assert!(cached.took < AT_ONCE, "{:?}", cached.took);
    let unseen = rig
        .twilio(
            "/voice",
            &[
                ("CallSid", &sid()),
                ("From", CALLER),
                ("To", "+15550000002"),
            ],
        )
        .await;
    unseen.assert_twiml(CANNOT_TAKE);
    assert!(unseen.took < AT_ONCE, "{:?}", unseen.took);
    postgres.server().thaw().expect("thaw");
}

#[tokio::test]
async fn livekit_away_does_not_delay_the_answer() {
    let mut servers = Servers::shared().await;
    // Takes connections and never answers. Whoever waited for it would wait half a minute.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let url = format!("ws://{}", silent.local_addr().expect("address"));
    servers.config.livekit.url = url.parse().expect("url");
    servers.config.livekit.api_timeout_ms = 30_000;
    servers.config.gateway.voice_deadline_ms = 60_000;
    let rig = Rig::on(servers, 2).await;
    let answer = rig.voice(&sid()).await;
    assert!(
        answer
            .text
            .starts_with(&format!("{HEAD}<Response><Dial answerOnBridge=")),
        "{answer:?}"
    );
    assert!(answer.took < Duration::from_secs(15), "{:?}", answer.took);
}
