//! The Postgres adapter: migrations, clinic files, keys, calls and the audit chain.

use std::time::Duration;

use loadtest::stack::shared;
use neurality::{
    config::{PostgresConfig, Secret},
    domain::{
        artifact::{Artifact, ArtifactParts, ProvidersUsed},
        call::{Outcome, Route},
        call_time::CallTime,
        conversation::{Speaker, Utterance},
        ids::{CallId, TenantId},
        phi::Phi,
    },
    security::Keyring,
    storage::postgres::{
        ArtifactWrite, ChainBreak, Db, KeptHead, PhiAccess, SealedArtifact, StorageError,
        admin::{self, Admin},
    },
};

use crate::support::{Rig, dental_file, new_call, now, number, stranger};

const CALLER: &str = "+14155550123";

/// A short call in which the caller said `text`.
pub(crate) fn artifact_parts(tenant: TenantId, call: CallId, text: &str) -> ArtifactParts {
    ArtifactParts {
        route: Route::Webhook,
        transfer: None,
        tenant,
        call,
        started_at: now(),
        clock_started_at: now(),
        ended_at: now(),
        dialled: number("+12125550100"),
        caller: Some(Phi::new(number(CALLER))),
        outcome: Outcome::Completed,
        utterances: vec![Utterance {
            index: 0,
            speaker: Speaker::Caller,
            text: Phi::new(text.to_owned()),
            started: CallTime::ZERO,
            ended: CallTime::from_millis(900),
            interrupted: false,
            words: Vec::new(),
        }],
        tools: Vec::new(),
        latencies: Vec::new(),
        providers: ProvidersUsed::default(),
    }
}

fn sealed(rig: &Rig, call: CallId) -> SealedArtifact {
    SealedArtifact::seal(
        &rig.dental.sealer,
        &Artifact::new(&artifact_parts(rig.dental.profile.id, call, "hello")),
    )
}

async fn chain_of(rig: &Rig, length: usize) -> Vec<CallId> {
    let calls: Vec<CallId> = (0..length).map(|_| CallId::generate()).collect();
    for call in &calls {
        rig.db
            .begin_call(&rig.dental.sealer, &new_call(*call, CALLER))
            .await
            .expect("begin call");
        rig.db
            .insert_artifact(&rig.dental.sealer, &sealed(rig, *call))
            .await
            .expect("insert");
    }
    calls
}

/// Bypasses what guards the table, as somebody with the disk could.
fn tamper(rig: &Rig, sql: &str) {
    rig.as_superuser(&format!("SET session_replication_role = replica; {sql}"));
}

#[tokio::test]
async fn migrating_twice_at_once_and_again_is_migrating_once() {
    let database = shared::postgres().fresh_database().expect("database");
    let wait = Duration::from_secs(20);
    let (first, second) = tokio::join!(
        admin::migrate(database.owner_url(), wait),
        admin::migrate(database.owner_url(), wait)
    );
    assert_eq!(first.expect("first"), second.expect("second"));
    admin::migrate(database.owner_url(), wait)
        .await
        .expect("again");
}

#[tokio::test]
async fn a_database_that_is_not_there_fails_after_the_patience() {
    let port = loadtest::stack::free_tcp_port().expect("port");
    let started = tokio::time::Instant::now();
    let result = admin::migrate(
        &format!("postgres://x:y@127.0.0.1:{port}/z"),
        Duration::from_millis(700),
    )
    .await;
    assert!(result.is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn applying_a_clinic_again_changes_nothing_and_a_changed_file_changes_it() {
    let rig = Rig::new().await;
    let snapshot = || {
        let tables = [
            "tenants",
            "tenant_keys",
            "phone_numbers",
            "locations",
            "procedures",
            "practitioners",
            "practitioner_procedures",
            "working_hours",
            "time_off",
            "coverage_rules",
        ];
        let dump = |table: &str| {
            rig.as_superuser(&format!(
                "SELECT to_jsonb(t) - 'plan_id' - 'time_off_id' AS row FROM {table} t ORDER BY 1"
            ))
        };
        tables.map(dump).join("\n")
    };
    let before = snapshot();
    let mut file = dental_file();
    rig.admin.apply(&file, now()).await.expect("apply again");
    assert_eq!(snapshot(), before);
    let gone = file.practitioners.pop().expect("a practitioner");
    file.numbers.truncate(1);
    rig.admin.apply(&file, now()).await.expect("apply changed");
    let clinic = rig.db.clinic(file.id).await.expect("load").expect("there");
    assert!(!clinic.profile.keyterms.contains(&gone.name));
    assert_eq!(
        rig.db
            .resolve_number(&number("+12125550101"))
            .await
            .expect("resolve"),
        None
    );
    let names: Vec<String> = rig
        .admin
        .tenants()
        .await
        .expect("list")
        .into_iter()
        .map(|tenant| tenant.name)
        .collect();
    assert_eq!(names, ["Harbor Family Clinic", "Maple Dental"]);
}

#[tokio::test]
async fn a_number_of_another_clinic_is_refused_and_nothing_is_applied() {
    let rig = Rig::new().await;
    let mut file = dental_file();
    file.name = "Thief".into();
    file.numbers.push(number("+13105550100"));
    assert!(matches!(
        rig.admin.apply(&file, now()).await,
        Err(StorageError::Refused(_))
    ));
    assert_eq!(
        rig.as_superuser("SELECT count(*) FROM tenants WHERE name = 'Thief'"),
        "0"
    );
}

#[tokio::test]
async fn data_keys_survive_a_rotation_of_the_master_key() {
    let rig = Rig::new().await;
    let keys = tempfile::tempdir().expect("temp dir");
    let file = keys.path().join("master.keys");
    Keyring::generate(&file).expect("generate");
    let config = PostgresConfig {
        url: Secret::new(rig.database.app_url()),
        owner_url: Secret::new(rig.database.owner_url()),
        ..PostgresConfig::default()
    };
    let load = || Keyring::load(&file).expect("key file");
    let mut clinic = dental_file();
    clinic.id = stranger();
    clinic.numbers = vec![number("+12125550777")];
    // A database of one clinic: the two of the rig are under another key file.
    shared::postgres().psql(rig.database.name(), "SET session_replication_role = replica; DELETE FROM tenant_keys; DELETE FROM phone_numbers; DELETE FROM tenants").expect("empty");
    Admin::connect(&config, load())
        .expect("admin")
        .apply(&clinic, now())
        .await
        .expect("apply");
    let before = Db::connect(&config, load())
        .expect("db")
        .sealer(clinic.id)
        .await
        .expect("sealer");
    Keyring::rotate(&file).expect("rotate");
    let admin = Admin::connect(&config, load()).expect("admin");
    assert_eq!(admin.rewrap_keys().await.expect("rewrap"), 1);
    assert_eq!(admin.rewrap_keys().await.expect("rewrap again"), 0);
    // The old master key may now leave the file.
    let newest = std::fs::read_to_string(&file)
        .expect("read")
        .lines()
        .next()
        .expect("first key")
        .to_owned();
    std::fs::write(&file, newest).expect("write");
    let after = Db::connect(&config, load())
        .expect("db")
        .sealer(clinic.id)
        .await
        .expect("sealer");
    let caller = Phi::new(number(CALLER));
    assert_eq!(before.phone_index(&caller), after.phone_index(&caller));
}

#[tokio::test]
async fn a_call_is_noted_once_and_its_first_end_stays() {
    let rig = Rig::new().await;
    let call = CallId::generate();
    for _ in 0..2 {
        rig.db
            .begin_call(&rig.dental.sealer, &new_call(call, CALLER))
            .await
            .expect("begin");
    }
    let tenant = rig.dental.profile.id;
    rig.db
        .finish_call(tenant, call, now(), Outcome::Transferred)
        .await
        .expect("finish");
    rig.db
        .finish_call(tenant, call, now(), Outcome::Failed)
        .await
        .expect("finish again");
    assert_eq!(rig.as_superuser("SELECT outcome FROM calls"), "transferred");
    assert_eq!(
        rig.db.resolve_call(call).await.expect("resolve"),
        Some(tenant)
    );
    assert_eq!(
        rig.db
            .resolve_call(CallId::generate())
            .await
            .expect("resolve"),
        None
    );
}

#[tokio::test]
async fn an_artifact_is_written_once_whoever_tries() {
    let rig = Rig::new().await;
    let call = CallId::generate();
    rig.db
        .begin_call(&rig.dental.sealer, &new_call(call, CALLER))
        .await
        .expect("begin");
    // One came from the worker, the other waited in Redis.
    let parked = SealedArtifact::from_bytes(&sealed(&rig, call).to_bytes()).expect("own form");
    let direct = sealed(&rig, call);
    let (a, b) = tokio::join!(
        rig.db.insert_artifact(&rig.dental.sealer, &direct),
        rig.db.insert_artifact(&rig.dental.sealer, &parked)
    );
    let mut results = [a.expect("first"), b.expect("second")];
    results.sort_by_key(|result| *result == ArtifactWrite::AlreadyStored);
    assert_eq!(
        results,
        [ArtifactWrite::Stored, ArtifactWrite::AlreadyStored]
    );
    assert_eq!(rig.as_superuser("SELECT count(*) FROM call_artifacts"), "1");
    assert!(SealedArtifact::from_bytes(b"short").is_none());
}

#[tokio::test]
async fn opening_an_artifact_is_logged_and_another_clinics_key_does_not_open_it() {
    let rig = Rig::new().await;
    let call = chain_of(&rig, 1).await[0];
    let access = PhiAccess {
        actor: "dr.who",
        action: "audit export",
    };
    let opened = rig
        .db
        .open_artifact(&rig.dental.sealer, call, access)
        .await
        .expect("open")
        .expect("there");
    let document: serde_json::Value = serde_json::from_slice(opened.expose()).expect("JSON");
    assert_eq!(document["transcript"][0]["text"], "hello");
    assert_eq!(
        rig.as_superuser("SELECT actor, action, subject, subject_id FROM phi_access_log"),
        format!("dr.who|audit export|call_artifact|{call}")
    );
    assert!(
        rig.db
            .open_artifact(&rig.family.sealer, call, access)
            .await
            .expect("open")
            .is_none()
    );
}

#[tokio::test]
async fn an_untouched_chain_verifies_over_months_and_many_writers() {
    let rig = Rig::new().await;
    let tenant = rig.dental.profile.id;
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..24_u32 {
        let (db, sealer) = (rig.db.clone(), rig.dental.sealer.clone());
        let mut parts = artifact_parts(tenant, CallId::generate(), "hello");
        parts.started_at = now() + chrono::Months::new(index % 6);
        let sealed = SealedArtifact::seal(&sealer, &Artifact::new(&parts));
        tasks.spawn(async move { db.insert_artifact(&sealer, &sealed).await });
    }
    for written in tasks.join_all().await {
        assert_eq!(written.expect("insert"), ArtifactWrite::Stored);
    }
    let report = rig
        .db
        .verify_chain(&rig.dental.sealer, None)
        .await
        .expect("verify");
    assert_eq!((report.intact, report.broken), (24, None));
    let empty = rig
        .db
        .verify_chain(&rig.family.sealer, None)
        .await
        .expect("verify");
    assert_eq!((empty.intact, empty.broken), (0, None));
}

#[tokio::test]
async fn a_chain_that_was_tampered_with_does_not_verify() {
    let flip = "UPDATE call_artifacts SET document = set_byte(document, 40, get_byte(document, 40) # 1) WHERE sequence = 2";
    let cases = [
        (flip, ChainBreak::Altered(2)),
        (
            "UPDATE call_artifacts SET started_at = started_at + interval '1 second' WHERE sequence = 3",
            ChainBreak::Altered(3),
        ),
        (
            "DELETE FROM call_artifacts WHERE sequence = 2",
            ChainBreak::Missing(2),
        ),
        (
            "DELETE FROM call_artifacts WHERE sequence = 4",
            ChainBreak::Missing(4),
        ),
        (
            "UPDATE audit_heads SET mac = decode(repeat('00', 32), 'hex') WHERE sequence > 0",
            ChainBreak::Head(4),
        ),
    ];
    for (sql, expected) in cases {
        let rig = Rig::new().await;
        chain_of(&rig, 4).await;
        tamper(&rig, sql);
        let report = rig
            .db
            .verify_chain(&rig.dental.sealer, None)
            .await
            .expect("verify");
        assert_eq!(report.broken, Some(expected), "{sql}");
    }
}

#[tokio::test]
async fn a_chain_that_was_cut_and_grown_anew_does_not_match_a_kept_head() {
    let rig = Rig::new().await;
    chain_of(&rig, 3).await;
    let verify = async |kept| {
        let report = rig.db.verify_chain(&rig.dental.sealer, kept).await;
        report.expect("verify")
    };
    let before = verify(None).await;
    let kept = Some(KeptHead {
        intact: before.intact,
        head: before.head,
    });
    chain_of(&rig, 1).await;
    assert_eq!(verify(kept).await.broken, None, "it only grew");
    tamper(
        &rig,
        "DELETE FROM call_artifacts WHERE sequence > 2;
         UPDATE audit_heads h SET sequence = 2, mac = a.mac FROM call_artifacts a WHERE a.sequence = 2 AND a.tenant_id = h.tenant_id",
    );
    assert_eq!(verify(None).await.broken, None, "alone it looks whole");
    assert_eq!(verify(kept).await.broken, Some(ChainBreak::Missing(3)));
    chain_of(&rig, 2).await;
    assert_eq!(verify(None).await.broken, None);
    assert_eq!(verify(kept).await.broken, Some(ChainBreak::Altered(3)));
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_fails_in_time() {
    let rig = Rig::new().await;
    let port = loadtest::stack::free_tcp_port().expect("port");
    let config = |url: &str| PostgresConfig {
        url: Secret::new(url),
        acquire_timeout_ms: 300,
        statement_timeout_ms: 300,
        ..PostgresConfig::default()
    };
    let keys = tempfile::tempdir().expect("temp dir");
    let file = keys.path().join("master.keys");
    Keyring::generate(&file).expect("generate");
    let keyring = Keyring::load(&file).expect("load");
    let away = Db::connect(
        &config(&format!("postgres://a:b@127.0.0.1:{port}/c")),
        keyring.clone(),
    )
    .expect("url");
    let error = away.ping().await.expect_err("nobody listens");
    assert!(
        matches!(error, StorageError::Unavailable(_) | StorageError::Deadline),
        "{error:?}"
    );
    // A listener that never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let address = silent.local_addr().expect("address");
    let silent =
        Db::connect(&config(&format!("postgres://a:b@{address}/c")), keyring).expect("url");
    let started = tokio::time::Instant::now();
    assert!(matches!(silent.ping().await, Err(StorageError::Deadline)));
    assert!(started.elapsed() < Duration::from_secs(3));
    rig.db.ping().await.expect("the real one answers");
}

// Case C40: the names that the recogniser is told of.
#[tokio::test]
async fn a_clinics_key_terms_are_cleaned_when_it_is_saved_and_when_they_are_used() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/loadtest/tenants/maple-dental.yaml"
    );
    let text = std::fs::read_to_string(path).expect("seed");
    let name = dental_file().practitioners[0].name.clone();
    let renamed = |to: &str| admin::ClinicFile::parse(&text.replace(&name, to));
    let cleaned = renamed(r#""  Dr.\n Zoë\u200b\t Quill ""#).expect("is cleaned");
    assert_eq!(cleaned.practitioners[0].name, "Dr. Zoë Quill");
    for refused in ["\"\"", "\"\\n \"", &"Dr. Long ".repeat(20)] {
        assert!(renamed(refused).is_err(), "{refused:?}");
    }
    // Saved by an older version.
    let rig = Rig::new().await;
    let mut file = dental_file();
    file.practitioners[0].name = "Dr.\nZoë  Quill".into();
    file.plans[0].payer = "  ".into();
    file.plans[0].plan = "DR. ZOË QUILL".into();
    rig.admin.apply(&file, now()).await.expect("apply");
    let clinic = rig.db.clinic(file.id).await.expect("load").expect("there");
    let terms = &clinic.profile.keyterms;
    let quill = terms.iter().filter(|t| t.to_lowercase() == "dr. zoë quill");
    assert_eq!(quill.count(), 1, "{terms:?}");
    assert!(
        terms
            .iter()
            .all(|term| term.trim() == term && !term.contains('\n'))
    );
    assert!(terms.iter().all(|term| !term.is_empty()));
}
