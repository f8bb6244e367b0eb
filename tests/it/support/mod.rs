//! A migrated database with two clinics for each test, and a call's tools on it.

pub(crate) mod door;
mod environment;
pub(crate) mod world;

use std::{
    path::PathBuf,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadtest::stack::{Database, shared};
use neurality::{
    config::{Config, PostgresConfig, Secret},
    domain::{
        call::Route,
        call_time::CallTime,
        caller::{Attestation, CallOrigin},
        conversation::{ToolCallId, ToolRequest},
        e164::E164,
        ids::{CallId, TenantId},
        phi::Phi,
    },
    security::Keyring,
    storage::postgres::{
        Clinic, Db, NewCall,
        admin::{self, Admin, ClinicFile},
    },
    tools::{ToolSet, outcome::ToolOutcome},
};
use serde_json::Value;
use tokio::sync::OnceCell;

/// The Sunday before a week without a clock change.
pub(crate) const NOW: &str = "2026-11-29T17:00:00Z";

const TEMPLATE: &str = "template_migrated";

/// A client of the tests' own. This build of reqwest takes the process's TLS provider and panics without one, so every client of
/// the tests starts here.
pub(crate) fn http(timeout: Duration) -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("nothing else in the tests installs a provider");
    });
    reqwest::Client::builder().timeout(timeout)
}

/// A database with both clinics, opened as the application.
pub(crate) struct Rig {
    pub(crate) db: Db,
    pub(crate) admin: Admin,
    pub(crate) database: Database,
    pub(crate) dental: Clinic,
    pub(crate) family: Clinic,
    keys: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let database = migrated().await;
        let keys = tempfile::tempdir().expect("temp dir");
        let file = keys.path().join("master.keys");
        Keyring::generate(&file).expect("key file");
        let keyring = Keyring::load(&file).expect("key file");
        let config = PostgresConfig {
            url: Secret::new(database.app_url()),
            owner_url: Secret::new(database.owner_url()),
            pool_size: 12,
            // Other tests share the machine.
            acquire_timeout_ms: 20_000,
            statement_timeout_ms: 20_000,
        };
        let admin = Admin::connect(&config, keyring.clone()).expect("owner's url");
        for file in [dental_file(), family_file()] {
            admin.apply(&file, now()).await.expect("apply");
        }
        let db = Db::connect(&config, keyring).expect("app's url");
        let dental = open(&db, &dental_file()).await;
        let family = open(&db, &family_file()).await;
        Self {
            db,
            admin,
            database,
            dental,
            family,
            keys,
        }
    }

    /// The tools of a new call to the dental clinic.
    pub(crate) fn call(&self, caller: &str) -> TestCall {
        TestCall::new(self, self.dental.clone(), caller)
    }

    /// What the operator's commands need to work on this database.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        config.postgres.url = Secret::new(self.database.app_url());
        config.postgres.owner_url = Secret::new(self.database.owner_url());
        config.security.key_file = self.keys.path().join("master.keys");
        config
    }

    /// Runs SQL as the superuser.
    pub(crate) fn as_superuser(&self, sql: &str) -> String {
        shared::postgres()
            .psql(self.database.name(), sql)
            .expect("psql")
    }
}

async fn migrated() -> Database {
    static TEMPLATE_READY: OnceCell<()> = OnceCell::const_new();
    TEMPLATE_READY
        .get_or_init(|| async {
            let template = shared::postgres()
                .create_database(TEMPLATE)
                .expect("template database");
            admin::migrate(template.owner_url(), Duration::from_secs(20))
                .await
                .expect("migrate");
        })
        .await;
    shared::postgres()
        .fresh_database_from(TEMPLATE)
        .expect("fresh database")
}

async fn open(db: &Db, file: &ClinicFile) -> Clinic {
    let tenant = db
        .resolve_number(&file.numbers[0])
        .await
        .expect("resolve")
        .expect("known number");
    db.clinic(tenant)
        .await
        .expect("load")
        .expect("known clinic")
}

fn seed(name: &str) -> ClinicFile {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("loadtest/tenants")
        .join(name);
    ClinicFile::load(&path).expect("clinic file")
}

pub(crate) fn dental_file() -> ClinicFile {
    seed("maple-dental.yaml")
}

pub(crate) fn family_file() -> ClinicFile {
    seed("harbor-family-clinic.yaml")
}

pub(crate) fn now() -> DateTime<Utc> {
    NOW.parse().expect("time")
}

pub(crate) fn number(text: &str) -> E164 {
    text.parse().expect("phone number")
}

/// A call as its tools see it.
#[derive(Clone)]
pub(crate) struct TestCall {
    pub(crate) id: CallId,
    pub(crate) tools: ToolSet,
    ids: Arc<AtomicU64>,
}

impl TestCall {
    pub(crate) fn new(rig: &Rig, clinic: Clinic, caller: &str) -> Self {
        Self::resumed(rig, clinic, caller, CallId::generate())
    }

    /// The same call on another pod.
    pub(crate) fn resumed(rig: &Rig, clinic: Clinic, caller: &str, id: CallId) -> Self {
        let caller = Some(Phi::new(number(caller)));
        let tools = ToolSet::new(rig.db.clone(), clinic, id, caller, Arc::new(now));
        Self {
            id,
            tools,
            ids: Arc::default(),
        }
    }

    /// A call from a number that the network vouches for.
    pub(crate) fn verified(rig: &Rig, caller: &str) -> Self {
        let mut call = Self::new(rig, rig.dental.clone(), caller);
        call.tools = call.tools.with_attestation(Attestation::Verified);
        call
    }

    /// A call with these tools.
    pub(crate) fn with(tools: ToolSet) -> Self {
        Self {
            id: CallId::generate(),
            tools,
            ids: Arc::default(),
        }
    }

    pub(crate) async fn run(&self, tool: &str, arguments: Value) -> ToolOutcome {
        self.run_raw(tool, &arguments.to_string()).await
    }

    pub(crate) async fn run_raw(&self, tool: &str, arguments: &str) -> ToolOutcome {
        let request = ToolRequest {
            id: ToolCallId(format!("call_{}", self.ids.fetch_add(1, Ordering::Relaxed))),
            name: tool.to_owned(),
            arguments: Phi::new(arguments.to_owned()),
        };
        self.tools.run(request, 1, CallTime::ZERO).await
    }

    /// Runs a tool and returns what the model reads.
    pub(crate) async fn ask(&self, tool: &str, arguments: Value) -> Value {
        self.run(tool, arguments).await.content.into_exposed()
    }

    /// Slot ids for a cleaning, earliest first.
    pub(crate) async fn slots(&self) -> Vec<String> {
        let found = self
            .ask(
                "find_available_slots",
                serde_json::json!({ "procedure_code": "D1110" }),
            )
            .await;
        let slots = found["slots"]
            .as_array()
            .unwrap_or_else(|| panic!("{found}"));
        slots
            .iter()
            .map(|slot| slot["slot_id"].as_str().expect("slot id").to_owned())
            .collect()
    }
}

/// A call's row.
pub(crate) fn new_call(id: CallId, caller: &str) -> NewCall {
    NewCall {
        call: id,
        started_at: now(),
        route: Route::Webhook,
        dialled: number("+12125550100"),
        caller: Some(Phi::new(number(caller))),
        origin: CallOrigin::default(),
    }
}

pub(crate) fn stranger() -> TenantId {
    TenantId::generate()
}
