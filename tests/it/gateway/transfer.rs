//! A transfer to a person: what they hear, what takes the call, and the caller's way back.

use std::time::Duration;

use chrono::TimeDelta;
use neurality::{
    domain::{
        artifact::Artifact,
        call::{CallPhase, TransferResult},
        ids::{CallId, Epoch, PodId},
        phi::Phi,
    },
    storage::{
        postgres::{NewCall, SealedArtifact},
        redis::StoredCall,
    },
};

use super::{Answer, DESK, Rig, after::NOBODY, now, sid};
use crate::postgres::artifact_parts;

/// A call whose agent sent it to a person.
struct Transferred {
    rig: Rig,
    call: CallId,
    query: String,
}

const HOLD: Duration = Duration::from_secs(60);

impl Transferred {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let (call, query) = rig.admitted().await;
        let record = rig.record(call).await;
        let claim = rig
            .store
            .claim(
                rig.tenant(),
                call,
                Epoch::FIRST,
                &PodId::new("pod"),
                "AJ_1",
                now(),
            )
            .await;
        claim.expect("claim");
        let row = NewCall::from(&record.open(&rig.clinic.sealer).expect("own keys"));
        rig.db
            .begin_call(&rig.clinic.sealer, &row)
            .await
            .expect("row");
        let transferred = Self { rig, call, query };
        transferred.send_to_a_person(Epoch::FIRST).await;
        transferred
    }

    async fn send_to_a_person(&self, epoch: Epoch) {
        let (rig, call) = (&self.rig, self.call);
        let words = Phi::new("Ana asks about <her> bill".to_owned());
        let briefing = StoredCall::seal_briefing(&rig.clinic.sealer, call, &words);
        let to = DESK.parse().expect("number");
        rig.store
            .set_transfer(rig.tenant(), call, epoch, &to, &briefing)
            .await
            .expect("transfer");
        rig.store
            .hold_artifact(rig.tenant(), call, b"artifact", now(), HOLD)
            .await
            .expect("hold");
    }

    fn escaped(&self) -> String {
        self.query.replace('&', "&amp;")
    }

    async fn whisper(&self, asked: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("CallSid", sid()), ("To", DESK.to_owned())];
        let mut all: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        all.extend(fields);
        let target = format!("/twilio/whisper?{}{asked}", self.query);
        self.rig.twilio(&target, &all).await
    }

    async fn person_done(&self, fields: &[(&str, &str)]) -> Answer {
        let target = format!("/twilio/person-done?{}", self.query);
        self.rig.twilio(&target, fields).await
    }

    async fn result(&self) -> Option<TransferResult> {
        self.rig.record(self.call).await.transfer
    }

    /// What the call's row says, once it says something.
    async fn row(&self) -> (String, Option<String>) {
        for _ in 0..100 {
            let noted = self.rig.transfer_of(self.call).await;
            if let Some(noted) = noted {
                return noted;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no result in the call's row");
    }
}

#[tokio::test]
async fn the_person_is_dialled_with_a_document_of_their_own() {
    let call = Transferred::new().await;
    let (base, query) = (&call.rig.base, call.escaped());
    let expected = format!(
        r#"<Dial timeout="30" timeLimit="7200" action="{base}/twilio/person-done?{query}"><Number url="{base}/twilio/whisper?{query}">{DESK}</Number></Dial>"#
    );
    for _ in 0..2 {
        let answer = call.rig.dial_done(&call.query).await;
        answer.assert_twiml(&expected);
    }
    assert_eq!(call.rig.slots().await, 0, "a person talks to the caller");
}

#[tokio::test]
async fn a_person_hears_what_it_is_about_and_takes_the_call_with_a_key() {
    let call = Transferred::new().await;
    call.rig.dial_done(&call.query).await;
    let (base, query) = (&call.rig.base, call.escaped());
    let asks = |asked: &str, words: &str| {
        format!(
            r#"<Gather numDigits="1" timeout="8" action="{base}/twilio/whisper?{query}&amp;asked={asked}"><Say>{words}</Say></Gather><Hangup></Hangup>"#
        )
    };
    let opening =
        "A caller for Test Clinic, from the automated assistant. Press 1 to hear what it is about.";
    let picked_up = call.whisper("", &[]).await;
    picked_up.assert_twiml(&asks("listen", opening));
    for (asked, key) in [
        ("listen", "2"),
        ("listen", ""),
        ("take", "2"),
        ("take", "11"),
    ] {
        let answer = call
            .whisper(&format!("&asked={asked}"), &[("Digits", key)])
            .await;
        answer.assert_twiml("<Hangup></Hangup>");
    }
    let summary = "Ana asks about &lt;her&gt; bill. Press 1 to take the call.";
    let listens = call.whisper("&asked=listen", &[("Digits", "1")]).await;
    listens.assert_twiml(&asks("take", summary));
    assert_eq!(call.result().await, None);
    for _ in 0..2 {
        let taken = call.whisper("&asked=take", &[("Digits", "1")]).await;
        taken.assert_twiml("");
        assert_eq!(call.result().await, Some(TransferResult::Accepted));
    }
    let done = call.person_done(&[
        ("CallStatus", "in-progress"),
        ("DialCallStatus", "completed"),
    ]);
    done.await.assert_twiml("<Hangup></Hangup>");
    assert_eq!(call.row().await, ("accepted".into(), Some(DESK.into())));
}

#[tokio::test]
async fn a_caller_whom_nobody_takes_goes_back_to_an_agent() {
    for (status, result) in [
        ("completed", TransferResult::Declined),
        ("no-answer", TransferResult::NoAnswer),
        ("busy", TransferResult::NoAnswer),
    ] {
        let call = Transferred::new().await;
        call.rig.dial_done(&call.query).await;
        let fields = [("CallStatus", "in-progress"), ("DialCallStatus", status)];
        let answer = call.person_done(&fields).await;
        let record = call.rig.record(call.call).await;
        assert_eq!(
            (record.phase, record.returns.0, record.transfer),
            (CallPhase::Orphaned, 1, Some(result)),
            "{status}"
        );
        let room = &record.room;
        let leg = format!("{}&amp;returns=1", call.escaped());
        assert!(
            answer.text.contains(&format!(">sip:{room}@sip.example;"))
                && answer.text.contains(&format!("/twilio/dial-done?{leg}\""))
                && answer.text.contains(&format!("/twilio/sip-status?{leg}\"")),
            "{answer:?}"
        );
        let again = call.person_done(&fields).await;
        assert_eq!(again.text, answer.text, "twice the same");
        assert_eq!(call.rig.slots().await, 1);
        assert_eq!(
            call.row().await,
            (result.as_str().into(), Some(DESK.into()))
        );

        // Late news of the first leg ends nothing.
        let late = format!("/twilio/sip-status?{}", call.query);
        let answer = call.rig.twilio(&late, &[("CallStatus", "completed")]);
        assert_eq!(answer.await.status, 204);
        assert_eq!(call.rig.slots().await, 1);
        // The end of the second one does.
        let end = format!("/twilio/sip-status?{}&returns=1", call.query);
        let answer = call.rig.twilio(&end, &[("CallStatus", "completed")]);
        assert_eq!(answer.await.status, 204);
        assert_eq!(call.rig.slots().await, 0);
    }
}

#[tokio::test]
async fn a_caller_who_hung_up_meanwhile_does_not_come_back() {
    let call = Transferred::new().await;
    call.rig.dial_done(&call.query).await;
    let done = call.person_done(&[("CallStatus", "completed"), ("DialCallStatus", "canceled")]);
    done.await.assert_twiml("<Hangup></Hangup>");
    assert_eq!(call.result().await, Some(TransferResult::Abandoned));
    assert_eq!(call.rig.slots().await, 0);
    assert_eq!(call.row().await, ("abandoned".into(), Some(DESK.into())));
}

#[tokio::test]
async fn who_cannot_come_back_is_told_that_nobody_is_there() {
    let call = Transferred::new().await;
    call.rig.dial_done(&call.query).await;
    let tenant = call.rig.tenant();
    call.rig
        .store
        .unpark_artifact(tenant, call.call)
        .await
        .expect("unpark");
    let fields = [
        ("CallStatus", "in-progress"),
        ("DialCallStatus", "no-answer"),
    ];
    call.person_done(&fields).await.assert_twiml(NOBODY);
    assert_eq!(call.result().await, Some(TransferResult::NoAnswer));
}

#[tokio::test]
async fn a_bridge_that_twilio_reports_counts_though_the_key_was_lost() {
    let call = Transferred::new().await;
    call.rig.dial_done(&call.query).await;
    let done = call.person_done(&[
        ("CallStatus", "in-progress"),
        ("DialCallStatus", "completed"),
        ("DialBridged", "true"),
    ]);
    done.await.assert_twiml("<Hangup></Hangup>");
    assert_eq!(call.result().await, Some(TransferResult::Accepted));
}

/// C39: nobody spoke, so the caller is not let go.
#[tokio::test]
async fn a_bridge_of_no_length_is_none_and_the_caller_comes_back() {
    for bridged in ["true", "false"] {
        let call = Transferred::new().await;
        call.rig.dial_done(&call.query).await;
        let fields = [
            ("CallStatus", "in-progress"),
            ("DialCallStatus", "completed"),
            ("DialCallDuration", "0"),
            ("DialBridged", bridged),
        ];
        let done = call.person_done(&fields).await;
        assert!(done.text.contains("<Sip "), "{bridged}");
        assert_eq!(call.result().await, Some(TransferResult::NoAnswer));
    }
}

#[tokio::test]
async fn without_its_record_a_person_is_asked_all_the_same() {
    let call = Transferred::new().await;
    let target = format!(
        "/twilio/whisper?tenant={}&call={}",
        call.rig.tenant(),
        CallId::generate()
    );
    let answer = call.rig.twilio(&target, &[("CallSid", &sid())]).await;
    assert!(
        answer.text.contains("<Say>A caller for your clinic, from the automated assistant. Press 1 to take the call.</Say>"),
        "{answer:?}"
    );
    assert!(!answer.text.contains("Ana"));
}

impl Transferred {
    /// Keeps the artifact of this call in Postgres, as its worker did when it sent the caller to a person.
    async fn keep_artifact(&self, call: CallId) {
        let parts = artifact_parts(self.rig.tenant(), call, "before the transfer");
        let sealed = SealedArtifact::seal(&self.rig.clinic.sealer, &Artifact::new(&parts));
        let due_at = now() + TimeDelta::minutes(6);
        let kept = self.rig.db.keep_artifact(&sealed, due_at).await;
        kept.expect("keep");
    }

    /// Minutes until the kept artifact is due, once that has changed.
    async fn due_in(&self, call: CallId) -> i64 {
        for _ in 0..100 {
            let far = now() + TimeDelta::days(1);
            let kept = self.rig.db.due_artifacts(self.rig.tenant(), far).await;
            let kept = kept.expect("look");
            let kept = kept.iter().find(|kept| kept.artifact.call == call);
            let minutes = (kept.expect("it is kept").due_at - now()).num_minutes();
            if !(4..=6).contains(&minutes) {
                return minutes;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("its time stays");
    }
}

#[tokio::test]
async fn the_kept_artifact_is_due_when_the_transfer_is_over_and_later_when_the_caller_is_back() {
    let call = Transferred::new().await;
    call.keep_artifact(call.call).await;
    call.rig.dial_done(&call.query).await;
    call.person_done(&[("DialCallStatus", "no-answer")]).await;
    assert!(call.due_in(call.call).await > 60, "an agent has the call");

    let call = Transferred::new().await;
    call.keep_artifact(call.call).await;
    call.rig.dial_done(&call.query).await;
    let taken = [("DialCallStatus", "completed"), ("DialBridged", "true")];
    call.person_done(&taken).await;
    assert!(call.due_in(call.call).await <= 0);
}

#[tokio::test]
async fn the_kept_artifact_is_due_also_if_redis_has_forgotten_the_call() {
    let mut call = Transferred::new().await;
    let forgotten = CallId::generate();
    call.keep_artifact(forgotten).await;
    call.query = format!("tenant={}&call={forgotten}", call.rig.tenant());
    let done = call.person_done(&[("DialCallStatus", "completed")]);
    done.await.assert_twiml(NOBODY);
    assert!(call.due_in(forgotten).await <= 0);
}
