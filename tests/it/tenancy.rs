//! Who sees what: row level security, privileges, sealed columns, number to tenant.

use neurality::{
    domain::{artifact::Artifact, ids::CallId},
    storage::postgres::{ArtifactWrite, PhiAccess, SealedArtifact},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::{
    postgres::artifact_parts,
    support::{Rig, TestCall, new_call, now, number, stranger},
};

const MARIA: &str = "+14155550199";
/// Marked values: a patient's name, birth date, number and words, in each spelling that could be stored.
const MARKS: [&str; 6] = [
    "Zyxwvia",
    "Qwertzdottir",
    "1937-11-23",
    "4155550199",
    "abscess-marker",
    "1937",
];

/// A clinic of each kind with a patient, a booking, a call and an artifact.
async fn lived_in() -> Rig {
    let rig = Rig::new().await;
    // The seeded clinics' people are always there.
    rig.as_superuser(
        "INSERT INTO transfer_hours SELECT tenant_id, 1, '08:00', '17:00' FROM tenants",
    );
    rig.as_superuser(
        "INSERT INTO time_off SELECT tenant_id, gen_random_uuid(), NULL, '2026-12-25Z', '2026-12-26Z' FROM tenants",
    );
    for clinic in [&rig.dental, &rig.family] {
        let call = TestCall::new(&rig, clinic.clone(), MARIA);
        rig.db
            .begin_call(&clinic.sealer, &new_call(call.id, MARIA))
            .await
            .expect("begin call");
        let code = clinic
            .profile
            .procedures
            .keys()
            .next()
            .expect("a procedure");
        let found = call
            .ask("find_available_slots", json!({ "procedure_code": code }))
            .await;
        let order = json!({
            "slot_id": found["slots"][0]["slot_id"], "patient_name": "Zyxwvia Qwertzdottir", "date_of_birth": "1937-11-23",
            "phone": "212 555 0147", "reason": "abscess-marker",
        });
        let booked = call.ask("book_appointment", order).await;
        assert_eq!(booked["status"], "booked");
        let corrected = json!({ "booking_id": booked["booking_id"], "new_phone": MARIA });
        assert_eq!(
            call.ask("update_phone_number", corrected).await["status"],
            "phone_updated"
        );
        let artifact = Artifact::new(&artifact_parts(
            clinic.profile.id,
            call.id,
            "Zyxwvia Qwertzdottir abscess-marker",
        ));
        let sealed = SealedArtifact::seal(&clinic.sealer, &artifact);
        assert_eq!(
            rig.db
                .insert_artifact(&clinic.sealer, &sealed)
                .await
                .expect("insert"),
            ArtifactWrite::Stored
        );
        let elsewhere = artifact_parts(clinic.profile.id, CallId::generate(), "with a person");
        let pending = SealedArtifact::seal(&clinic.sealer, &Artifact::new(&elsewhere));
        rig.db
            .keep_artifact(&pending, now())
            .await
            .expect("keep an artifact");
        rig.admin
            .make_checkpoint(&clinic.sealer, now())
            .await
            .expect("make a checkpoint");
        let access = PhiAccess {
            actor: "test",
            action: "test",
        };
        assert!(
            rig.db
                .open_artifact(&clinic.sealer, call.id, access)
                .await
                .expect("open")
                .is_some()
        );
    }
    rig
}

/// All tables with a tenant's rows, partitions too, from the catalogue: a new table is tested by existing.
fn tenant_tables(rig: &Rig) -> Vec<String> {
    let sql = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> '_sqlx_migrations' ORDER BY 1";
    rig.as_superuser(sql).lines().map(str::to_owned).collect()
}

async fn as_app(rig: &Rig) -> PgConnection {
    PgConnection::connect(rig.database.app_url())
        .await
        .expect("application login")
}

/// Rows that a table shows, or `None` if it may not be read at all.
async fn visible(connection: &mut PgConnection, table: &str) -> Option<i64> {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    match connection.fetch_one(sqlx::query(sql)).await {
        Ok(row) => Some(row.get(0)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => None,
        Err(error) => panic!("{table}: {error}"),
    }
}

#[tokio::test]
async fn without_a_tenant_no_row_of_any_table_is_visible() {
    let rig = lived_in().await;
    let tables = tenant_tables(&rig);
    assert!(tables.len() >= 22, "{tables:?}");
    let mut app = as_app(&rig).await;
    for table in &tables {
        let there: i64 = rig
            .as_superuser(&format!("SELECT count(*) FROM {table}"))
            .parse()
            .expect("count");
        let empty = ["call_artifacts_"]
            .iter()
            .any(|prefix| table.starts_with(prefix));
        assert!(
            there > 0 || empty,
            "{table} is empty: the test proves nothing about it"
        );
        assert!(
            visible(&mut app, table).await.unwrap_or(0) == 0,
            "{table} shows rows without a tenant"
        );
    }
    // An empty setting is what a transaction leaves behind.
    app.execute("BEGIN; SELECT set_config('app.tenant_id', gen_random_uuid()::text, true); COMMIT")
        .await
        .expect("set and forget");
    for table in &tables {
        assert!(
            visible(&mut app, table).await.unwrap_or(0) == 0,
            "{table} shows rows after a transaction"
        );
    }
}

#[tokio::test]
async fn every_table_forces_row_level_security_with_a_policy() {
    let rig = lived_in().await;
    let unprotected = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> '_sqlx_migrations'
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))";
    assert_eq!(rig.as_superuser(unprotected), "");
    let login = "SELECT rolsuper OR rolbypassrls OR rolcreaterole, (SELECT count(*) FROM pg_class WHERE relowner = r.oid),
                        (SELECT count(*) FROM pg_auth_members WHERE member = r.oid)
                 FROM pg_roles r WHERE rolname = 'neurality_app'";
    assert_eq!(
        rig.as_superuser(login),
        "f|0|0",
        "the login is no superuser, owns nothing, is member of nothing"
    );
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_elses() {
    let rig = lived_in().await;
    let mut app = as_app(&rig).await;
    for clinic in [&rig.dental, &rig.family] {
        let mut tx = app.begin().await.expect("begin");
        let set = AssertSqlSafe(format!(
            "SELECT set_config('app.tenant_id', '{}', true)",
            clinic.profile.id
        ));
        tx.execute(sqlx::query(set)).await.expect("set tenant");
        for table in tenant_tables(&rig)
            .iter()
            .filter(|table| !table.starts_with("call_artifacts_"))
        {
            let own: i64 = rig
                .as_superuser(&format!(
                    "SELECT count(*) FROM {table} WHERE tenant_id = '{}'",
                    clinic.profile.id
                ))
                .parse()
                .expect("count");
            assert_eq!(visible(&mut tx, table).await, Some(own), "{table}");
            assert!(own > 0, "{table}");
        }
        tx.rollback().await.expect("rollback");
    }
}

#[tokio::test]
async fn a_tenant_cannot_write_rows_of_another() {
    let rig = lived_in().await;
    let mut app = as_app(&rig).await;
    let attempts = [
        format!(
            "INSERT INTO calls (tenant_id, call_id, started_at, dialled) VALUES ('{}', gen_random_uuid(), now(), '+1')",
            rig.family.profile.id
        ),
        "UPDATE tenants SET name = 'mine'".to_owned(),
        "DELETE FROM bookings".to_owned(),
        "SET ROLE neurality_resolver".to_owned(),
        "SET ROLE neurality_owner".to_owned(),
        "ALTER TABLE bookings DISABLE ROW LEVEL SECURITY".to_owned(),
    ];
    for sql in attempts {
        let mut tx = app.begin().await.expect("begin");
        let set = AssertSqlSafe(format!(
            "SELECT set_config('app.tenant_id', '{}', true)",
            rig.dental.profile.id
        ));
        tx.execute(sqlx::query(set)).await.expect("set tenant");
        let refused = tx
            .execute(sqlx::query(AssertSqlSafe(sql.clone())))
            .await
            .expect_err(&sql);
        let code = refused.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn artifacts_can_be_neither_changed_nor_deleted_by_whom_ever() {
    let rig = lived_in().await;
    let mut app = as_app(&rig).await;
    let mut owner = PgConnection::connect(rig.database.owner_url())
        .await
        .expect("owner login");
    for sql in [
        "UPDATE call_artifacts SET document = 'x'",
        "DELETE FROM call_artifacts",
        "TRUNCATE call_artifacts",
        "DELETE FROM phi_access_log",
    ] {
        for connection in [&mut app, &mut owner] {
            let mut tx = connection.begin().await.expect("begin");
            let set = AssertSqlSafe(format!(
                "SELECT set_config('app.tenant_id', '{}', true)",
                rig.dental.profile.id
            ));
            tx.execute(sqlx::query(set)).await.expect("set tenant");
            let refused = tx.execute(sqlx::query(sql)).await.expect_err(sql);
            assert_eq!(
                refused
                    .as_database_error()
                    .and_then(|error| error.code())
                    .as_deref(),
                Some("42501"),
                "{sql}: {refused}"
            );
        }
    }
}

#[tokio::test]
async fn no_unsealed_column_holds_patient_data() {
    let rig = lived_in().await;
    let mut found_any = false;
    for table in tenant_tables(&rig) {
        // Every column of every row as text; bytes both as they are and in hex.
        let dump = rig.as_superuser(&format!("SELECT t::text FROM {table} t"));
        found_any |= !dump.is_empty();
        for mark in MARKS {
            let hex = hex::encode(mark);
            assert!(
                !dump.contains(mark) && !dump.contains(&hex),
                "{table} holds {mark:?} in the clear"
            );
        }
    }
    assert!(found_any);
    // The other way round: the values are there, and open for who has the key.
    let call: CallId = rig
        .as_superuser("SELECT call_id FROM calls LIMIT 1")
        .parse()
        .expect("call");
    let tenant = rig
        .db
        .resolve_call(call)
        .await
        .expect("resolve")
        .expect("known call");
    let sealer = rig.db.sealer(tenant).await.expect("sealer");
    let opened = rig
        .db
        .open_artifact(
            &sealer,
            call,
            PhiAccess {
                actor: "test",
                action: "test",
            },
        )
        .await
        .expect("open")
        .expect("there");
    assert!(String::from_utf8_lossy(opened.expose()).contains("abscess-marker"));
}

#[tokio::test]
async fn a_number_names_its_clinic_and_an_unknown_one_nobody() {
    let rig = Rig::new().await;
    let resolve = async |text: &str| rig.db.resolve_number(&number(text)).await.expect("resolve");
    assert_eq!(resolve("+12125550101").await, Some(rig.dental.profile.id));
    assert_eq!(resolve("+13105550100").await, Some(rig.family.profile.id));
    assert_eq!(resolve("+19995550100").await, None);
    assert!(rig.db.clinic(stranger()).await.expect("load").is_none());
    assert_eq!(
        rig.dental.profile.keyterms.first().map(String::as_str),
        Some("Aetna")
    );
    assert!(
        rig.dental
            .profile
            .keyterms
            .contains(&"Dr. Amara Osei".to_owned())
    );
}
