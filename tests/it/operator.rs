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
    support::{dental_file, new_call, now},
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
