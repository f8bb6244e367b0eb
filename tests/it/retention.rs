//! Months that leave the audit, checkpoints that vouch for them, and artifacts that wait for the end of a transfer.

use chrono::{DateTime, Months, TimeDelta, Utc};
use neurality::{
    domain::{artifact::Artifact, ids::CallId},
    storage::postgres::{
        ArtifactWrite, ChainBreak, ChainReport, Checkpoint, KeptHead, SealedArtifact,
        admin::{DetachError, Exported},
    },
};

use crate::{
    postgres::artifact_parts,
    support::{Rig, now},
};

fn month(nth: u32) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().expect("time");
    first + Months::new(nth)
}

impl Rig {
    /// Artifacts of calls that were admitted in these months, written in this order.
    async fn artifacts_of(&self, months: &[u32]) -> Vec<CallId> {
        let mut calls = Vec::new();
        for nth in months {
            let call = CallId::generate();
            let mut parts = artifact_parts(self.dental.profile.id, call, "hello");
            parts.started_at = month(*nth) + TimeDelta::days(3);
            let sealed = SealedArtifact::seal(&self.dental.sealer, &Artifact::new(&parts));
            let written = self.db.insert_artifact(&self.dental.sealer, &sealed).await;
            assert_eq!(written.expect("insert"), ArtifactWrite::Stored);
            calls.push(call);
        }
        calls
    }

    async fn verify(&self, kept: Option<KeptHead>) -> ChainReport {
        let report = self.db.verify_chain(&self.dental.sealer, kept).await;
        report.expect("verify")
    }

    async fn retain(&self, before: DateTime<Utc>) -> Checkpoint {
        let mut exported = Exported::default();
        loop {
            let records = self
                .admin
                .records_before(&self.dental.sealer, before, exported.last)
                .await
                .expect("read");
            let Some(last) = records.last() else { break };
            exported.last = last.sequence;
            exported.records += records.len() as u64;
        }
        let detached = self
            .admin
            .detach_months(&self.dental.sealer, before, exported, now())
            .await
            .expect("detach");
        assert!(!detached.tables.is_empty());
        detached.checkpoint
    }
}

// Case B6.
#[tokio::test]
async fn the_audit_is_verified_past_a_detached_month_and_grows_on() {
    let rig = Rig::new().await;
    let calls = rig.artifacts_of(&[0, 1, 2, 0, 1, 2]).await;
    let before = rig.verify(None).await;
    assert_eq!((before.intact, before.broken), (6, None));
    let kept = Some(KeptHead {
        intact: before.intact,
        head: before.head,
    });
    rig.retain(month(1)).await;
    for kept in [None, kept] {
        let after = rig.verify(kept).await;
        assert_eq!((after.intact, after.detached, after.broken), (6, 2, None));
        assert_eq!(after.head, before.head);
    }
    // A late artifact of the month that went, and a new one.
    rig.artifacts_of(&[0, 3]).await;
    let grown = rig.verify(kept).await;
    assert_eq!((grown.intact, grown.broken), (8, None));
    rig.retain(month(3)).await;
    let last = rig.verify(kept).await;
    assert_eq!((last.intact, last.detached, last.broken), (8, 7, None));
    // The row of a call whose artifact has gone stays.
    let owner = rig.db.resolve_call(calls[0]).await.expect("resolve");
    assert_eq!(owner, Some(rig.dental.profile.id));
}

// Case B6.
#[tokio::test]
async fn a_month_that_went_without_a_checkpoint_or_under_a_forged_one_is_tampering() {
    let rig = Rig::new().await;
    rig.artifacts_of(&[0, 0, 1, 1]).await;
    let checkpoint = rig.retain(month(1)).await;
    let guards_off = "SET session_replication_role = replica;";
    let lost = format!("{guards_off} DELETE FROM audit_checkpoints");
    rig.as_superuser(&lost);
    assert_eq!(rig.verify(None).await.broken, Some(ChainBreak::Missing(1)));
    // It was kept outside the database, too: as a line of text.
    let line = serde_json::to_string(&checkpoint).expect("JSON");
    let kept: Checkpoint = serde_json::from_str(&line).expect("own form");
    let report = rig
        .db
        .verify_chain_with(&rig.dental.sealer, None, &[kept])
        .await
        .expect("verify");
    assert_eq!((report.intact, report.broken), (4, None));
    let tenant = rig.dental.profile.id;
    let forge = format!(
        "{guards_off} INSERT INTO audit_checkpoints (tenant_id, sequence, head, detached_before, made_at, mac)
         SELECT '{tenant}', 2, decode(repeat('ab', 32), 'hex'), '2026-07-01Z', now(), decode(repeat('cd', 32), 'hex')"
    );
    rig.as_superuser(&forge);
    let forged = rig.verify(None).await.broken;
    assert_eq!(forged, Some(ChainBreak::Checkpoint(2)));
}

// Case B6.
#[tokio::test]
async fn an_edited_checkpoint_is_found_and_nobody_can_edit_one() {
    let rig = Rig::new().await;
    rig.artifacts_of(&[0, 0, 1, 1]).await;
    rig.retain(month(1)).await;
    let edit = "UPDATE audit_checkpoints SET detached_before = '2026-12-01Z'";
    for sql in [
        edit,
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
    ] {
        let database = rig.database.name();
        let refused = loadtest::stack::shared::postgres().psql(database, sql);
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(rig.verify(None).await.broken, None);
    rig.as_superuser(&format!("SET session_replication_role = replica; {edit}"));
    let edited = rig.verify(None).await.broken;
    assert_eq!(edited, Some(ChainBreak::Checkpoint(2)));
}

#[tokio::test]
async fn a_month_whose_records_were_not_all_exported_stays() {
    let rig = Rig::new().await;
    rig.artifacts_of(&[0, 0, 1]).await;
    let detach = async |before, exported| {
        let sealer = &rig.dental.sealer;
        rig.admin
            .detach_months(sealer, before, exported, now())
            .await
    };
    let one = Exported {
        records: 1,
        last: 1,
    };
    let refused = detach(month(1), one).await.expect_err("one is missing");
    let counts = DetachError::NotExported {
        exported: 1,
        there: 2,
    };
    assert_eq!(refused.to_string(), counts.to_string());
    let nothing = detach(month(0), Exported::default()).await;
    assert!(matches!(nothing, Err(DetachError::Nothing)));
    assert_eq!(rig.as_superuser("SELECT count(*) FROM call_artifacts"), "3");
    let checkpoints = rig.db.checkpoints(&rig.dental.sealer).await;
    assert!(checkpoints.expect("read").is_empty());
}

#[tokio::test]
async fn a_checkpoint_of_the_end_is_a_head_that_the_database_keeps_itself() {
    let rig = Rig::new().await;
    rig.artifacts_of(&[0, 0, 1]).await;
    let made = rig.admin.make_checkpoint(&rig.dental.sealer, now()).await;
    let made = made.expect("checkpoint");
    assert_eq!((made.sequence, made.detached_before), (3, None));
    rig.artifacts_of(&[1]).await;
    assert_eq!(rig.verify(None).await.broken, None);
    rig.as_superuser(
        "SET session_replication_role = replica; DELETE FROM call_artifacts WHERE sequence > 2;
         UPDATE audit_heads h SET sequence = 2, mac = a.mac FROM call_artifacts a WHERE a.sequence = 2 AND a.tenant_id = h.tenant_id",
    );
    assert_eq!(rig.verify(None).await.broken, Some(ChainBreak::Missing(3)));
    rig.artifacts_of(&[1, 1]).await;
    assert_eq!(rig.verify(None).await.broken, Some(ChainBreak::Altered(3)));
}

fn sealed(rig: &Rig, call: CallId, text: &str) -> SealedArtifact {
    let parts = artifact_parts(rig.dental.profile.id, call, text);
    SealedArtifact::seal(&rig.dental.sealer, &Artifact::new(&parts))
}

#[tokio::test]
async fn an_artifact_that_waits_for_a_transfers_end_is_due_in_its_time() {
    let rig = Rig::new().await;
    let (tenant, call) = (rig.dental.profile.id, CallId::generate());
    let due = async |at| {
        let tenants = rig.db.tenants_with_due_artifacts(at).await.expect("look");
        let artifacts = rig.db.due_artifacts(tenant, at).await.expect("look");
        assert_eq!(tenants.is_empty(), artifacts.is_empty());
        let artifacts = artifacts.into_iter().map(|pending| pending.artifact);
        artifacts.collect::<Vec<_>>()
    };
    let minute = TimeDelta::minutes(1);
    let (first, second) = (sealed(&rig, call, "one"), sealed(&rig, call, "two"));
    for artifact in [&first, &second] {
        let kept = rig.db.keep_artifact(artifact, now() + minute).await;
        kept.expect("keep");
    }
    assert!(due(now()).await.is_empty());
    assert_eq!(due(now() + minute).await, [second], "the newest stays");
    let moved = rig.db.reschedule_artifact(tenant, call, now()).await;
    moved.expect("the caller does not come back");
    assert_eq!(due(now()).await.len(), 1);
    // The agent that went on has written the whole.
    let whole = sealed(&rig, call, "all of it");
    let written = rig.db.insert_artifact(&rig.dental.sealer, &whole).await;
    assert_eq!(written.expect("insert"), ArtifactWrite::Stored);
    assert!(due(now() + minute).await.is_empty());
    rig.db.keep_artifact(&first, now()).await.expect("too late");
    assert!(due(now()).await.is_empty());
}
