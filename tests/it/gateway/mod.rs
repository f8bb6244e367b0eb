//! The gateway behind a real listener, on real Redis, Postgres and LiveKit. The tests play Twilio.

mod after;
mod livekit;
mod projects;
mod role;
mod rooms;
mod scrape;
mod transfer;
mod trunk;
mod voice;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use loadtest::stack::{Database, Postgres, shared};
use neurality::{
    config::{Config, PostgresConfig, Secret},
    dispatch::{Dispatcher, Projects, queue::RingPolicy},
    domain::ids::{CallId, TenantId},
    gateway::{Gateway, Parts, serve},
    lifecycle::Lifecycle,
    security::Keyring,
    storage::{
        postgres::{
            Clinic, Db,
            admin::{Admin, ClinicFile, migrate},
        },
        redis::{Store, StoredCall},
    },
    telemetry::metrics::Metrics,
};
use sha1::Sha1;
use tokio::{net::TcpListener, sync::OnceCell};

const TOKEN: &str = "a Twilio auth token";
const CALLER: &str = "+14155550137";
const FALLBACK: &str = "+12125550190";
const DESK: &str = "+12125550191";
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
/// Twilio hears from us within this, whatever is away. The limits that the gateway sets itself add up to less than a second; the
/// rest is for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// What a rig runs on.
struct Servers {
    config: Config,
    database: Database,
}

impl Servers {
    /// Those that all tests share.
    async fn shared() -> Self {
        static DATABASE: OnceCell<Database> = OnceCell::const_new();
        let database = DATABASE
            .get_or_init(|| async { migrated(shared::postgres()).await })
            .await
            .clone();
        Self::new(&shared::redis().fresh_url(), database)
    }

    fn new(redis_url: &str, database: Database) -> Self {
        let livekit = shared::livekit();
        let mut config = Config::default();
        config.redis.urls = vec![Secret::new(redis_url)];
        config.twilio.auth_tokens = vec![Secret::new("the next token"), Secret::new(TOKEN)];
        config.livekit.url = livekit.ws_url().parse().expect("url");
        config.livekit.api_key = livekit.api_key().to_owned();
        config.livekit.api_secret = Secret::new(livekit.api_secret());
        config.livekit.sip_host = "sip.example".into();
        config.livekit.sip_password = Secret::new("p&ss");
        // A busy machine is no part that is away: tests of those set the limit themselves.
        config.gateway.voice_deadline_ms = 10_000;
        config.redis.timeout_ms = 5_000;
        Self { config, database }
    }
}

async fn migrated(postgres: &Postgres) -> Database {
    let database = postgres.fresh_database().expect("database");
    migrate(database.owner_url(), Duration::from_secs(20))
        .await
        .expect("migrate");
    database
}

/// A gateway with one clinic of its own.
struct Rig {
    base: String,
    http: reqwest::Client,
    store: Store,
    db: Db,
    database: Database,
    clinic: Clinic,
    dialled: String,
    config: Config,
    lifecycle: Lifecycle,
    _keys: tempfile::TempDir,
}

impl Rig {
    async fn new() -> Self {
        Self::on(Servers::shared().await, 2).await
    }

    async fn on(servers: Servers, max_concurrent_calls: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        Self::listening(listener, servers, max_concurrent_calls).await
    }

    async fn listening(listener: TcpListener, servers: Servers, max_concurrent_calls: u32) -> Self {
        let Servers {
            mut config,
            database,
        } = servers;
        let keys = tempfile::tempdir().expect("temp dir");
        let file = keys.path().join("master.keys");
        Keyring::generate(&file).expect("key file");
        let keyring = Keyring::load(&file).expect("key file");
        let postgres = PostgresConfig {
            url: Secret::new(database.app_url()),
            owner_url: Secret::new(database.owner_url()),
            acquire_timeout_ms: 10_000,
            statement_timeout_ms: 10_000,
            ..PostgresConfig::default()
        };
        let (file, dialled) = clinic_file(max_concurrent_calls);
        let admin = Admin::connect(&postgres, keyring.clone()).expect("owner's url");
        admin.apply(&file, now()).await.expect("apply");
        let db = Db::connect(&postgres, keyring).expect("app's url");
        let clinic = db.clinic(file.id).await.expect("load").expect("applied");

        let base = format!("http://{}", listener.local_addr().expect("address"));
        config.gateway.public_url = base.parse().expect("url");
        let store = Store::open(&config.redis).expect("store");
        let (metrics, lifecycle) = (Arc::new(Metrics::new()), Lifecycle::new());
        let policy = RingPolicy::until(
            Duration::from_secs(config.gateway.ring_deadline_secs),
            config.pool.orphan_deadline(),
        );
        let dispatcher = Dispatcher::new(
            store.clone(),
            Projects::new(&config.livekit, None),
            policy,
            config.pool.clone(),
            Arc::clone(&metrics),
            lifecycle.clone(),
        );
        let parts = Parts {
            store: store.clone(),
            db: db.clone(),
            dispatcher: dispatcher.clone(),
            metrics,
            drain: lifecycle.drain(),
        };
        lifecycle.spawn(dispatcher.keep());
        lifecycle.spawn(serve(listener, Arc::new(Gateway::new(&config, parts))));
        Self {
            base,
            http: client(),
            store,
            db,
            database,
            clinic,
            dialled,
            config,
            lifecycle,
            _keys: keys,
        }
    }

    fn tenant(&self) -> TenantId {
        self.clinic.profile.id
    }

    /// Posts a form as Twilio would.
    async fn twilio(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let url = format!("{}{target}", self.base);
        let signature = sign(TOKEN, &url, fields);
        self.post(&url, fields, Some(&signature)).await
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)], signature: Option<&str>) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some(signature) = signature {
            request = request.header("x-twilio-signature", signature);
        }
        Answer::of(request).await
    }

    async fn voice(&self, sid: &str) -> Answer {
        self.twilio(
            "/voice",
            &[("CallSid", sid), ("From", CALLER), ("To", &self.dialled)],
        )
        .await
    }

    /// A new call; its id and the query that names it.
    async fn admitted(&self) -> (CallId, String) {
        let answer = self.voice(&sid()).await;
        let query = answer
            .text
            .split("dial-done?")
            .nth(1)
            .expect("action URL")
            .split('"')
            .next()
            .expect("end");
        let query = query.replace("&amp;", "&");
        let call = query
            .split("call=")
            .nth(1)
            .expect("call")
            .parse()
            .expect("call id");
        (call, query)
    }

    async fn record(&self, call: CallId) -> StoredCall {
        self.store
            .load(self.tenant(), call)
            .await
            .expect("load")
            .expect("record")
    }

    /// Result and number of a transfer, as the call's row has them.
    async fn transfer_of(&self, call: CallId) -> Option<(String, Option<String>)> {
        let sql = format!(
            "SELECT transfer_result, transferred_to FROM calls WHERE call_id = '{call}' AND transfer_result IS NOT NULL"
        );
        let row = shared::postgres().psql(self.database.name(), &sql);
        let row = row.expect("psql");
        let (result, to) = row.trim().split_once('|')?;
        let to = Some(to.to_owned()).filter(|to| !to.is_empty());
        Some((result.to_owned(), to))
    }

    async fn slots(&self) -> usize {
        self.store
            .slots_in_use(self.tenant(), now())
            .await
            .expect("slots")
    }

    async fn get(&self, target: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{target}", self.base))).await
    }
}

/// A response, read.
#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
    took: Duration,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let began = tokio::time::Instant::now();
        let response = request.send().await.expect("the gateway answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("body");
        Self {
            status,
            text,
            took: began.elapsed(),
        }
    }

    #[track_caller]
    fn assert_twiml(&self, response: &str) {
        assert_eq!(
            (self.status, self.text.as_str()),
            (
                200,
                format!("{HEAD}<Response>{response}</Response>").as_str()
            )
        );
    }

    #[track_caller]
    fn assert_falls_back(&self, rig: &Rig) {
        let action = format!("{}/twilio/person-done", rig.base);
        self.assert_twiml(&format!(
            r#"<Dial timeout="30" timeLimit="7200" action="{action}"><Number>{FALLBACK}</Number></Dial>"#
        ));
    }
}

/// The algorithm as Twilio publishes it, written apart from the gateway's.
fn sign(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("any key");
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fn client() -> reqwest::Client {
    crate::support::http(Duration::from_secs(20))
        .build()
        .expect("client")
}

fn sid() -> String {
    format!("CA{}", CallId::generate().as_uuid().simple())
}

fn clinic_file(max_concurrent_calls: u32) -> (ClinicFile, String) {
    let id = TenantId::generate();
    let dialled = format!("+1555{:010}", rand::random_range(0..10_000_000_000_u64));
    let yaml = format!(
        r#"
id: {id}
name: Test Clinic
time_zone: America/New_York
greeting: Hello.
fallback_number: "{FALLBACK}"
transfer: {{ number: "{DESK}" }}
max_concurrent_calls: {max_concurrent_calls}
max_calls_per_minute: 60
numbers: ["{dialled}"]
locations: [{{ name: Main, address: "1 Main Street" }}]
procedures: [{{ code: D0120, name: exam, minutes: 30 }}]
practitioners:
  - name: Dr. Test
    location: Main
    procedures: [D0120]
    hours: [{{ days: [mon], opens: "09:00", closes: "17:00" }}]
"#
    );
    (ClinicFile::parse(&yaml).expect("clinic file"), dialled)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests play the edge of the process"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
