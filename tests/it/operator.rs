//! The operator's commands, as `neurality keys|migrate|tenant|audit` runs them.

use std::path::PathBuf;

use loadtest::stack::shared;
use neurality::{
    config::{Config, Secret},
    domain::{artifact::Artifact, ids::CallId},
    roles::{
        audit::{self, AuditArgs, AuditCommand},
        keys::{self, KeysArgs, KeysCommand},
        migrate::{self, MigrateArgs},
        tenant::{self, TenantArgs, TenantCommand},
    },
    security::Keyring,
    storage::postgres::{Db, SealedArtifact},
};

use crate::{
    postgres::artifact_parts,
    support::{Rig, dental_file, new_call, now},
};

fn seeds() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("loadtest/tenants");
    ["maple-dental.yaml", "harbor-family-clinic.yaml"]
        .map(|name| folder.join(name))
        .into()
}

#[tokio::test]
async fn from_an_empty_database_to_a_proven_audit() {
    let database = shared::postgres().fresh_database().expect("database");
    let folder = tempfile::tempdir().expect("temp dir");
    let mut config = Config::default();
    config.postgres.url = Secret::new(database.app_url());
    config.postgres.owner_url = Secret::new(database.owner_url());
    config.security.key_file = folder.path().join("master.keys");
    let generate = KeysArgs {
        command: KeysCommand::Generate { file: None },
    };
    keys::run(&config, generate.clone())
        .await
        .expect("keys generate");
    keys::run(&config, generate)
        .await
        .expect_err("a key file is never overwritten");
    migrate::run(&config, MigrateArgs { wait_secs: 20 })
        .await
        .expect("migrate");
    let apply = TenantArgs {
        command: TenantCommand::Apply { files: seeds() },
    };
    tenant::run(&config, apply, now())
        .await
        .expect("tenant apply");
    tenant::run(
        &config,
        TenantArgs {
            command: TenantCommand::List,
        },
        now(),
    )
    .await
    .expect("tenant list");

    let keyring = Keyring::load(&config.security.key_file).expect("key file");
    let db = Db::connect(&config.postgres, keyring).expect("url");
    let (tenant, call) = (dental_file().id, CallId::generate());
    let sealer = db.sealer(tenant).await.expect("sealer");
    db.begin_call(&sealer, &new_call(call, "+14155550123"))
        .await
        .expect("begin call");
    let export = |call| AuditArgs {
        command: AuditCommand::Export {
            call,
            actor: "sre".into(),
        },
    };
    audit::run(&config, export(call))
        .await
        .expect_err("no artifact yet");
    let artifact = Artifact::new(&artifact_parts(tenant, call, "hello"));
    db.insert_artifact(&sealer, &SealedArtifact::seal(&sealer, &artifact))
        .await
        .expect("insert");
    audit::run(&config, export(call))
        .await
        .expect("audit export");
    audit::run(&config, export(CallId::generate()))
        .await
        .expect_err("no such call");

    let rotate = KeysArgs {
        command: KeysCommand::Rotate { file: None },
    };
    keys::run(&config, rotate).await.expect("keys rotate");
    keys::run(
        &config,
        KeysArgs {
            command: KeysCommand::Rewrap,
        },
    )
    .await
    .expect("keys rewrap");
    let verify = |tenant| AuditArgs {
        command: AuditCommand::Verify {
            tenant,
            against: None,
        },
    };
    audit::run(&config, verify(None))
        .await
        .expect("audit verify");
    let alter = "SET session_replication_role = replica; UPDATE call_artifacts SET call_id = gen_random_uuid()";
    shared::postgres()
        .psql(database.name(), alter)
        .expect("tamper");
    audit::run(&config, verify(Some(tenant)))
        .await
        .expect_err("the chain is broken");
}

#[tokio::test]
async fn old_months_are_exported_and_detached_and_the_audit_still_verifies() {
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().expect("temp dir");
    let config = rig.config();
    let tenant = rig.dental.profile.id;
    #[expect(
        clippy::disallowed_methods,
        reason = "the command compares the months with its own clock"
    )]
    let today = chrono::Utc::now();
    for months in [6, 6, 5, 0] {
        let mut parts = artifact_parts(tenant, CallId::generate(), "hello");
        parts.started_at = today - chrono::Months::new(months);
        let sealed = SealedArtifact::seal(&rig.dental.sealer, &Artifact::new(&parts));
        let written = rig.db.insert_artifact(&rig.dental.sealer, &sealed).await;
        written.expect("insert");
    }
    let run = async |command| audit::run(&config, AuditArgs { command }).await;
    let export = folder.path().join("export.jsonl");
    let retain = |months| AuditCommand::Retain {
        tenant,
        before: (today - chrono::Months::new(months))
            .format("%Y-%m")
            .to_string()
            .parse()
            .expect("a month"),
        export: export.clone(),
    };
    run(retain(0)).await.expect_err("this month stays");
    run(AuditCommand::Checkpoint { tenant })
        .await
        .expect("audit checkpoint");
    run(retain(5)).await.expect("audit retain");
    run(retain(4))
        .await
        .expect_err("an export is never overwritten");
    let lines = std::fs::read_to_string(&export).expect("the export");
    let records: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let numbers: Vec<u64> = records
        .iter()
        .map(|record| record["sequence"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, [1, 2]);
    assert!(!lines.contains("hello"), "sealed as it was");
    assert_eq!(rig.as_superuser("SELECT count(*) FROM call_artifacts"), "2");
    let verify = AuditCommand::Verify {
        tenant: Some(tenant),
        against: None,
    };
    run(verify).await.expect("audit verify");
    let lost = "SET session_replication_role = replica; DELETE FROM audit_checkpoints WHERE detached_before IS NOT NULL";
    let checkpoint = rig.db.checkpoints(&rig.dental.sealer).await.expect("read");
    rig.as_superuser(lost);
    let kept = folder.path().join("checkpoints.jsonl");
    let text: Vec<String> = checkpoint
        .iter()
        .map(|line| serde_json::to_string(line).expect("JSON"))
        .collect();
    std::fs::write(&kept, text.join("\n")).expect("write");
    let verify = |against| AuditCommand::Verify {
        tenant: Some(tenant),
        against,
    };
    run(verify(None)).await.expect_err("a month is missing");
    run(verify(Some(kept))).await.expect("audit verify");
}
