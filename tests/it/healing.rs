//! Postgres connections that are no use any more, and rows that were lost: both heal without anybody's doing.

use std::time::Duration;

use neurality::{
    domain::{
        artifact::Artifact,
        call::{Outcome, Route},
        ids::CallId,
    },
    storage::postgres::{ArtifactWrite, EndedCall, PhiAccess, SealedArtifact, StorageError},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    postgres::artifact_parts,
    support::{Rig, new_call, now},
};

const CALLER: &str = "+14155550123";
const TWELVE: usize = 12;

impl Rig {
    /// Opens many connections at once.
    async fn fill_the_pool(&self) {
        let tenant = self.dental.profile.id;
        let reads = (0..3 * TWELVE).map(|_| self.db.tenant_profile(tenant));
        for read in futures_util::future::join_all(reads).await {
            read.expect("a read works").expect("the clinic");
        }
    }

    fn set_read_only(&self, yes: bool) {
        let what = if yes { "SET" } else { "RESET" };
        let value = if yes { "= on" } else { "" };
        let name = self.database.name();
        self.as_superuser(&format!(
            "ALTER ROLE neurality_app IN DATABASE {name} {what} default_transaction_read_only {value}"
        ));
    }

    /// Every connection of the application ends, as in a restart of the server.
    fn cut_connections(&self) -> usize {
        let name = self.database.name();
        let cut = self.as_superuser(&format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND usename = 'neurality_app'"
        ));
        cut.parse().expect("a count")
    }

    /// Books a time of its own for each of twelve patients who were born in one year; returns how the tool answered.
    async fn twelve_bookings(&self, year: u32) -> Vec<String> {
        let mut answers = Vec::new();
        for nth in 0..TWELVE {
            let call = self.call(&format!("+141555502{nth:02}"));
            let slots = call.slots().await;
            let day = format!("{year}-04-{:02}", nth + 1);
            let order = json!({ "slot_id": slots[0], "patient_name": "Anna Lindqvist", "date_of_birth": day });
            let answer = call.ask("book_appointment", order).await;
            answers.push(answer["status"].as_str().unwrap_or_default().to_owned());
        }
        answers
    }
}

// Case C32: the primary became a standby behind the same address, and the connections stayed with it.
#[tokio::test]
async fn twelve_of_twelve_bookings_succeed_after_connections_turned_read_only() {
    for pause in [Duration::ZERO, Duration::from_millis(1200)] {
        let rig = Rig::new().await;
        rig.set_read_only(true);
        rig.cut_connections();
        rig.fill_the_pool().await;
        let refused = rig.db.ping().await.expect_err("nothing can be written");
        assert!(matches!(refused, StorageError::ReadOnly), "{refused:?}");
        let read = rig.db.clinic(rig.dental.profile.id).await;
        assert!(read.expect("a read still works").is_some());
        rig.set_read_only(false);
        sleep(pause).await;
        assert_eq!(rig.twelve_bookings(1980).await, ["booked"; TWELVE]);
        rig.db.ping().await.expect("well again");
    }
}

// Case C32: all at once, none of them first.
#[tokio::test]
async fn writes_at_once_on_read_only_connections_all_succeed() {
    let rig = Rig::new().await;
    rig.set_read_only(true);
    rig.cut_connections();
    rig.fill_the_pool().await;
    rig.set_read_only(false);
    let calls: Vec<_> = (0..TWELVE)
        .map(|_| new_call(CallId::generate(), CALLER))
        .collect();
    let writes = calls
        .iter()
        .map(|call| rig.db.begin_call(&rig.dental.sealer, call));
    for written in futures_util::future::join_all(writes).await {
        written.expect("written");
    }
    assert_eq!(rig.as_superuser("SELECT count(*) FROM calls"), "12");
}

// Case C33.
#[tokio::test]
async fn twelve_of_twelve_bookings_succeed_after_a_columns_type_was_changed() {
    let rig = Rig::new().await;
    rig.fill_the_pool().await;
    assert_eq!(rig.twelve_bookings(1980).await, ["booked"; TWELVE]);
    rig.as_superuser(
        "ALTER TABLE procedures ALTER COLUMN name TYPE varchar(200);
         ALTER TABLE bookings ALTER COLUMN confirmation_code TYPE varchar(40);
         ALTER TABLE practitioners ALTER COLUMN name TYPE varchar(200)",
    );
    rig.fill_the_pool().await;
    assert_eq!(rig.twelve_bookings(1981).await, ["booked"; TWELVE]);
}

#[tokio::test]
async fn bookings_go_on_after_the_server_has_ended_every_connection() {
    let rig = Rig::new().await;
    rig.fill_the_pool().await;
    assert!(rig.cut_connections() > 1);
    assert_eq!(rig.twelve_bookings(1980).await, ["booked"; TWELVE]);
}

#[tokio::test]
async fn a_statement_that_postgres_cannot_run_is_refused_at_once() {
    let rig = Rig::new().await;
    rig.as_superuser("ALTER TABLE procedures RENAME COLUMN name TO title");
    let error = rig.db.clinic(rig.dental.profile.id).await;
    let error = error.expect_err("there is no such column");
    assert!(matches!(error, StorageError::Refused(_)), "{error:?}");
}

fn access() -> PhiAccess<'static> {
    PhiAccess {
        actor: "test",
        action: "audit export",
    }
}

// Case B4.
#[tokio::test]
async fn an_artifact_makes_its_calls_lost_row_anew_and_can_be_exported() {
    let rig = Rig::new().await;
    let (tenant, call) = (rig.dental.profile.id, CallId::generate());
    let artifact = Artifact::new(&artifact_parts(tenant, call, "hello"));
    let sealed = SealedArtifact::seal(&rig.dental.sealer, &artifact);
    let written = rig.db.insert_artifact(&rig.dental.sealer, &sealed).await;
    assert_eq!(written.expect("insert"), ArtifactWrite::Stored);
    assert_eq!(
        rig.db.resolve_call(call).await.expect("resolve"),
        Some(tenant)
    );
    let row = rig.as_superuser(
        "SELECT route, dialled, outcome, caller IS NOT NULL, caller_index IS NOT NULL, ended_at = started_at FROM calls",
    );
    assert_eq!(row, "webhook|+12125550100|completed|t|t|t");
    let opened = rig
        .db
        .open_artifact(&rig.dental.sealer, call, access())
        .await;
    assert!(opened.expect("open").is_some());
}

// Case B4: also of a row that was lost after the artifact, and of one that holds another time.
#[tokio::test]
async fn an_artifact_can_be_exported_whatever_became_of_its_row() {
    let rig = Rig::new().await;
    let tenant = rig.dental.profile.id;
    let ms = chrono::TimeDelta::milliseconds(1);
    for (begun_at, lose_it) in [(now() + ms, false), (now() - ms, false), (now(), true)] {
        let call = CallId::generate();
        let mut row = new_call(call, CALLER);
        row.started_at = begun_at;
        rig.db
            .begin_call(&rig.dental.sealer, &row)
            .await
            .expect("begin");
        let artifact = Artifact::new(&artifact_parts(tenant, call, "hello"));
        let sealed = SealedArtifact::seal(&rig.dental.sealer, &artifact);
        rig.db
            .insert_artifact(&rig.dental.sealer, &sealed)
            .await
            .expect("insert");
        if lose_it {
            rig.as_superuser(&format!("DELETE FROM calls WHERE call_id = '{call}'"));
        }
        let owner = rig.db.resolve_call(call).await.expect("resolve");
        assert_eq!(owner, Some(tenant));
        let opened = rig
            .db
            .open_artifact(&rig.dental.sealer, call, access())
            .await;
        assert!(opened.expect("open").is_some(), "{begun_at} {lose_it}");
        let foreign = rig
            .db
            .open_artifact(&rig.family.sealer, call, access())
            .await;
        assert!(foreign.expect("open").is_none());
    }
}

// Case B4: two pods that remember the admission differently write one artifact.
#[tokio::test]
async fn a_call_has_one_artifact_though_two_writers_name_two_times() {
    let rig = Rig::new().await;
    let (tenant, call) = (rig.dental.profile.id, CallId::generate());
    let mut parts = artifact_parts(tenant, call, "hello");
    let mut results = Vec::new();
    for _ in 0..2 {
        let sealed = SealedArtifact::seal(&rig.dental.sealer, &Artifact::new(&parts));
        let written = rig.db.insert_artifact(&rig.dental.sealer, &sealed).await;
        results.push(written.expect("insert"));
        parts.started_at += chrono::TimeDelta::milliseconds(1);
    }
    let once = [ArtifactWrite::Stored, ArtifactWrite::AlreadyStored];
    assert_eq!(results, once);
}

// Case B4: the end of a call makes the row that its beginning could not.
#[tokio::test]
async fn the_end_of_a_call_makes_its_row_if_postgres_was_away_at_the_beginning() {
    let rig = Rig::new().await;
    let call = CallId::generate();
    let ended = EndedCall {
        begun: new_call(call, CALLER),
        ended_at: now(),
        outcome: Outcome::Completed,
    };
    for _ in 0..2 {
        rig.db
            .end_call(&rig.dental.sealer, &ended)
            .await
            .expect("end");
    }
    assert_eq!(ended.begun.route, Route::Webhook);
    let rows = rig.as_superuser("SELECT outcome, ended_at IS NOT NULL FROM calls");
    assert_eq!(rows, "completed|t");
}
