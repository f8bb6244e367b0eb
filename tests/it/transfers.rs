//! `transfer_to_human`: who is there at which hour, and what the network says.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use neurality::{
    domain::{call::TransferResult, ids::CallId, phi::Phi, tenant::TransferDesk},
    storage::postgres::{Clinic, admin::ClinicFile},
    tools::{
        ToolSet,
        hand_over::Refer,
        outcome::{CallEffect, ToolStatus},
    },
};
use serde_json::json;

use crate::support::{Rig, TestCall, dental_file, now, number};

const ANNA: &str = "+14155550101";

/// The dental clinic with a desk that has these hours.
async fn with_hours(rig: &Rig, hours: &str) -> Clinic {
    let text = std::fs::read_to_string("loadtest/tenants/maple-dental.yaml").expect("file");
    let line = r#"transfer: { number: "+12125550191" }"#;
    assert!(text.contains(line));
    let with = format!(r#"transfer: {{ number: "+12125550191", hours: {hours} }}"#);
    let file = ClinicFile::parse(&text.replace(line, &with)).expect("clinic file");
    rig.admin.apply(&file, now()).await.expect("apply");
    let clinic = rig.db.clinic(file.id).await.expect("load");
    clinic.expect("known clinic")
}

fn transfer() -> serde_json::Value {
    json!({ "reason": "asks for a person", "summary": "Anna asks about her bill." })
}

#[tokio::test]
async fn outside_its_hours_nobody_is_dialled_and_the_model_knows_when_somebody_is_there() {
    let rig = Rig::new().await;
    // It is Sunday, noon.
    let clinic = with_hours(&rig, r#"{ mon: ["08:00-12:00", "13:00-17:00"] }"#).await;
    let call = TestCall::new(&rig, clinic, ANNA);
    let closed = call.run("transfer_to_human", transfer()).await;
    assert_eq!((closed.status, closed.effect), (ToolStatus::Declined, None));
    let answer = closed.content.expose();
    assert_eq!(answer["status"], "closed");
    assert_eq!(answer["opens"], "Monday, November thirtieth at eight A M");

    let clinic = with_hours(&rig, r#"{ sun: ["11:00-12:30"] }"#).await;
    let call = TestCall::new(&rig, clinic, ANNA);
    let open = call.run("transfer_to_human", transfer()).await;
    assert_eq!(
        (open.status, open.effect),
        (ToolStatus::Done, Some(CallEffect::TransferToHuman))
    );
}

#[tokio::test]
async fn hours_that_make_no_sense_are_refused_by_name() {
    let text = std::fs::read_to_string("loadtest/tenants/maple-dental.yaml").expect("file");
    for hours in [
        "{ mon: [\"17:00-08:00\"] }",
        "{ mon: [\"8\"] }",
        "{ funday: [\"08:00-17:00\"] }",
    ] {
        let with = format!(r#"transfer: {{ number: "+12125550191", hours: {hours} }}"#);
        let wrong = text.replace(r#"transfer: { number: "+12125550191" }"#, &with);
        assert!(ClinicFile::parse(&wrong).is_err(), "{hours}");
    }
    assert!(dental_file().transfer.expect("a desk").hours.is_empty());
}

#[tokio::test]
async fn a_summary_is_short_and_may_be_missing() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let long = json!({ "reason": "asks", "summary": "word ".repeat(100) });
    let refused = call.run("transfer_to_human", long).await;
    assert_eq!(refused.status, ToolStatus::Invalid);
    for summary in [json!(null), json!("")] {
        let short = json!({ "reason": "asks", "summary": summary });
        let done = call.run("transfer_to_human", short).await;
        assert_eq!(done.status, ToolStatus::Done);
    }
}

#[tokio::test]
async fn by_a_trunk_the_network_decides_and_a_refusal_is_an_answer() {
    let rig = Rig::new().await;
    for (result, status, effect) in [
        (
            TransferResult::Accepted,
            "transferred",
            Some(CallEffect::TransferToHuman),
        ),
        (TransferResult::NoAnswer, "no_answer", None),
        (TransferResult::Failed, "failed", None),
    ] {
        let tools = ToolSet::new(
            rig.db.clone(),
            rig.dental.clone(),
            CallId::generate(),
            Some(Phi::new(number(ANNA))),
            Arc::new(now),
        );
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let refer: Refer = Arc::new(move |to| {
            assert_eq!(to, number("+12125550191"));
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(result))
        });
        let tools = tools.with_refer(Some(refer));
        assert!(
            tools.is_mutating("transfer_to_human"),
            "the network cannot take it back"
        );
        let call = TestCall::with(tools);
        let outcome = call.run("transfer_to_human", transfer()).await;
        assert_eq!(outcome.content.expose()["status"], status);
        assert_eq!(outcome.effect, effect, "{status}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_clinic_without_a_desk_has_its_fallback_number_and_without_that_nobody() {
    let rig = Rig::new().await;
    let mut clinic = rig.dental.clone();
    let profile = Arc::make_mut(&mut clinic.profile);
    profile.transfer = None;
    let call = TestCall::new(&rig, clinic.clone(), ANNA);
    let done = call.run("transfer_to_human", transfer()).await;
    assert_eq!(done.status, ToolStatus::Done);
    Arc::make_mut(&mut clinic.profile).fallback_number = None;
    let call = TestCall::new(&rig, clinic.clone(), ANNA);
    let nobody = call.run("transfer_to_human", transfer()).await;
    assert_eq!(nobody.status, ToolStatus::Declined);
    assert_eq!(nobody.content.expose()["status"], "nobody_available");
    Arc::make_mut(&mut clinic.profile).transfer = Some(TransferDesk {
        number: number("+12125550191"),
        hours: Default::default(),
    });
    let call = TestCall::new(&rig, clinic, ANNA);
    let done = call.run("transfer_to_human", transfer()).await;
    assert_eq!(done.status, ToolStatus::Done, "without hours it is open");
}
