//! What follows a leg: `POST /twilio/dial-done`, `/twilio/person-done`, `/twilio/sip-status`.

use loadtest::stack::shared;
use neurality::domain::{
    call::{CallPhase, NextStep, TransferResult},
    ids::{CallId, Epoch, PodId, TenantId},
};

use super::{CALLER, DESK, FALLBACK, Rig, Servers, migrated, now, sid};

pub(super) const NOBODY: &str = "<Say>Sorry, nobody could take your call. Please call again later. Goodbye.</Say><Hangup></Hangup>";

impl Rig {
    async fn ended_with(&self, next: &NextStep) -> String {
        let (call, query) = self.admitted().await;
        let claim = self
            .store
            .claim(
                self.tenant(),
                call,
                Epoch::FIRST,
                &PodId::new("pod"),
                "AJ_1",
                now(),
            )
            .await;
        claim.expect("claim");
        self.store
            .set_next_step(self.tenant(), call, Epoch::FIRST, next)
            .await
            .expect("next step");
        query
    }

    pub(super) async fn dial_done(&self, query: &str) -> super::Answer {
        self.dial_done_from(query, CALLER).await
    }

    async fn dial_done_from(&self, query: &str, from: &str) -> super::Answer {
        let fields = [
            ("CallSid", sid()),
            ("From", from.to_owned()),
            ("To", self.dialled.clone()),
            ("DialCallStatus", "completed".to_owned()),
        ];
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        self.twilio(&format!("/twilio/dial-done?{query}"), &fields)
            .await
    }
}

#[tokio::test]
async fn a_finished_call_hangs_up_and_its_slot_is_freed_once() {
    let rig = Rig::new().await;
    let query = rig.ended_with(&NextStep::HangUp).await;
    assert_eq!(rig.slots().await, 1);
    rig.dial_done(&query)
        .await
        .assert_twiml("<Hangup></Hangup>");
    assert_eq!(rig.slots().await, 0);
    rig.dial_done(&query)
        .await
        .assert_twiml("<Hangup></Hangup>");
    let call = query
        .split("call=")
        .nth(1)
        .expect("call")
        .parse()
        .expect("id");
    assert!(
        !rig.store
            .release(rig.tenant(), call, now())
            .await
            .expect("release"),
        "it was freed already"
    );
}

#[tokio::test]
async fn a_person_dialled_for_the_fallback_is_asked_for_no_key() {
    let rig = Rig::new().await;
    let done = async |status: &str| {
        rig.twilio(
            "/twilio/person-done",
            &[("CallSid", &sid()), ("DialCallStatus", status)],
        )
        .await
    };
    done("completed").await.assert_twiml("<Hangup></Hangup>");
    // C39: picked up and put down again; nobody spoke with the caller, who hears so.
    for (duration, bridged, says) in [
        ("0", None, NOBODY),
        ("0", Some("true"), NOBODY),
        ("12", Some("false"), NOBODY),
        ("1", None, "<Hangup></Hangup>"),
        ("73", Some("true"), "<Hangup></Hangup>"),
    ] {
        let sid = sid();
        let mut fields = vec![
            ("CallSid", sid.as_str()),
            ("DialCallStatus", "completed"),
            ("DialCallDuration", duration),
        ];
        fields.extend(bridged.map(|bridged| ("DialBridged", bridged)));
        let answer = rig.twilio("/twilio/person-done", &fields).await;
        answer.assert_twiml(says);
    }
    for status in ["no-answer", "busy", "failed", "canceled"] {
        done(status).await.assert_twiml(NOBODY);
    }
}

#[tokio::test]
async fn a_call_without_a_next_step_falls_back_whatever_twilio_says() {
    let rig = Rig::new().await;
    let (_, waiting) = rig.admitted().await;
    rig.dial_done(&waiting).await.assert_falls_back(&rig);
    let failed = rig.ended_with(&NextStep::Fallback).await;
    rig.dial_done(&failed).await.assert_falls_back(&rig);
    let lost = format!("tenant={}&call={}", rig.tenant(), CallId::generate());
    rig.dial_done(&lost).await.assert_falls_back(&rig);
}

#[tokio::test]
async fn the_fallback_of_another_clinic_is_not_used() {
    let rig = Rig::new().await;
    let foreign = format!(
        "tenant={}&call={}",
        TenantId::generate(),
        CallId::generate()
    );
    let answer = rig.dial_done(&foreign).await;
    assert!(
        answer.text.contains("<Say>We are sorry") && !answer.text.contains(FALLBACK),
        "{answer:?}"
    );
}

const CANNOT_TAKE: &str = "<Say>We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye.</Say><Hangup></Hangup>";

/// Item 11 h: a clinic's line that is forwarded to us must not be dialled for a caller whom it has sent here.
#[tokio::test]
async fn a_number_that_leads_back_to_this_call_is_not_dialled() {
    let rig = Rig::new().await;
    let (_, query) = rig.admitted().await;
    let from_the_desk = rig.dial_done_from(&query, FALLBACK).await;
    from_the_desk.assert_twiml(CANNOT_TAKE);
    // Carriers write the number in their own forms.
    for forwarder in [FALLBACK, "2125550190", "tel:+1-212-555-0190"] {
        let (sid, target) = (sid(), format!("/twilio/dial-done?{query}"));
        let fields = [
            ("CallSid", sid.as_str()),
            ("From", CALLER),
            ("To", rig.dialled.as_str()),
            ("ForwardedFrom", forwarder),
        ];
        let answer = rig.twilio(&target, &fields).await;
        answer.assert_twiml(CANNOT_TAKE);
    }
    rig.dial_done(&query).await.assert_falls_back(&rig);
}

/// A transfer to a line that is calling: the caller hears that nobody is there, and the call's artifact waits for nothing more.
#[tokio::test]
async fn a_transfer_that_leads_back_is_told_and_settled() {
    let rig = Rig::new().await;
    let to = DESK.parse().expect("number");
    let (call, query) = rig.admitted().await;
    let (tenant, pod) = (rig.tenant(), PodId::new("pod"));
    let claim = rig
        .store
        .claim(tenant, call, Epoch::FIRST, &pod, "AJ_1", now());
    claim.await.expect("claim");
    rig.store
        .set_transfer(rig.tenant(), call, Epoch::FIRST, &to, b"")
        .await
        .expect("transfer");
    let answer = rig.dial_done_from(&query, DESK).await;
    answer.assert_twiml(NOBODY);
    let transfer = rig.record(call).await.transfer;
    assert_eq!(transfer, Some(TransferResult::Failed));
}

/// Twilio refuses a call from no number, and the caller would be cut off.
#[tokio::test]
async fn a_person_is_shown_the_clinics_number_where_the_callers_is_withheld() {
    let rig = Rig::new().await;
    let (_, query) = rig.admitted().await;
    for from in ["+266696687", "anonymous", ""] {
        let answer = rig.dial_done_from(&query, from).await;
        let shown = format!(r#" callerId="{}" "#, rig.dialled);
        assert!(answer.text.contains(&shown), "{from}: {answer:?}");
    }
}

#[tokio::test]
async fn a_transfer_for_a_clinic_that_is_not_known_dials_nobody() {
    let database = migrated(shared::postgres()).await;
    let servers = Servers::new(&shared::redis().fresh_url(), database);
    let rig = Rig::on(servers, 2).await;
    let to = DESK.parse().expect("number");
    let query = rig.ended_with(&NextStep::Transfer { to }).await;
    let done = async || {
        let target = format!("/twilio/dial-done?{query}");
        let fields = [
            ("CallSid", &*sid()),
            ("To", "+12125550177"),
            ("DialCallStatus", "completed"),
        ];
        rig.twilio(&target, &fields).await
    };
    // The number was moved during the call: the clinic is known by its id.
    let known = done().await;
    assert!(known.text.contains(DESK), "{known:?}");
    let lose = "ALTER TABLE tenants RENAME TO tenants_elsewhere";
    shared::postgres()
        .psql(rig.database.name(), lose)
        .expect("psql");
    let unknown = done().await;
    assert!(
        unknown.text.contains("<Say>We are sorry") && !unknown.text.contains("<Dial"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn forged_or_nameless_callbacks_are_refused() {
    let rig = Rig::new().await;
    let (_, query) = rig.admitted().await;
    for path in ["dial-done", "sip-status", "person-done", "whisper"] {
        let url = format!("{}/twilio/{path}?{query}", rig.base);
        assert_eq!(
            rig.post(&url, &[("CallStatus", "completed")], Some("forged"))
                .await
                .status,
            403
        );
    }
    for (path, query) in [
        ("dial-done", ""),
        ("dial-done", "?tenant=x&call=y"),
        ("sip-status", "?tenant=x"),
        ("whisper", ""),
        ("person-done", "?call=x"),
    ] {
        let answer = rig
            .twilio(
                &format!("/twilio/{path}{query}"),
                &[("CallStatus", "completed")],
            )
            .await;
        assert_eq!(answer.status, 400, "{path}{query}");
    }
    assert_eq!(rig.slots().await, 1);
}

#[tokio::test]
async fn the_end_of_the_sip_leg_frees_the_slot_and_its_progress_does_not() {
    let rig = Rig::new().await;
    let (call, query) = rig.admitted().await;
    let report = async |status: &str| {
        rig.twilio(
            &format!("/twilio/sip-status?{query}"),
            &[("CallStatus", status)],
        )
        .await
        .status
    };
    for status in ["initiated", "ringing", "in-progress", "something-new"] {
        assert_eq!(
            (report(status).await, rig.slots().await),
            (204, 1),
            "{status}"
        );
    }
    for status in ["completed", "completed", "ringing"] {
        assert_eq!(
            (report(status).await, rig.slots().await),
            (204, 0),
            "{status}"
        );
    }
    assert_eq!(rig.record(call).await.phase, CallPhase::Ended);
}

/// A caller who hangs up while we are being asked what to do gets no leg to us, so nothing else tells of them.
#[tokio::test]
async fn the_end_of_the_callers_own_leg_ends_the_call_whatever_it_was_at() {
    let rig = Rig::new().await;
    let sid = sid();
    assert!(rig.voice(&sid).await.text.contains("<Sip "));
    let report = async |sid: &str, to: &str, status: &str| {
        let fields = [
            ("CallSid", sid),
            ("From", CALLER),
            ("To", to),
            ("CallStatus", status),
        ];
        rig.twilio("/twilio/call-status", &fields).await.status
    };
    let other = super::sid();
    for (sid, to, status) in [
        (&*sid, &*rig.dialled, "ringing"),
        (&*sid, &*rig.dialled, "in-progress"),
        (&*other, &*rig.dialled, "completed"),
        (&*sid, "+19995550100", "completed"),
    ] {
        assert_eq!(report(sid, to, status).await, 204, "{to} {status}");
        assert_eq!(rig.slots().await, 1, "{to} {status}");
    }
    for _ in 0..2 {
        assert_eq!(report(&sid, &rig.dialled, "completed").await, 204);
        assert_eq!(rig.slots().await, 0);
    }
    // The document that Twilio asks for all the same leads nowhere.
    let again = rig.voice(&sid).await;
    assert!(!again.text.contains("<Sip "), "{again:?}");
    assert_eq!(report("x", &rig.dialled, "completed").await, 400);
}
