//! The role as a whole: what it logs, and how it starts and stops.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use loadtest::stack::free_tcp_port;
use neurality::{lifecycle::Lifecycle, roles, security::Keyring, telemetry::metrics::Metrics};
use tokio::{net::TcpStream, time::Instant};
use tracing_subscriber::fmt::MakeWriter;

use super::{Answer, CALLER, Rig, Secret, Servers, TOKEN, client, sid};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics with it")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The test's runtime has one thread, so its subscriber hears the gateway too.
#[tokio::test]
async fn the_log_names_call_and_tenant_and_nothing_of_the_patient_or_the_secrets() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("info,neurality=trace")
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // With one subscriber alone, tracing asks that of whichever thread meets a log line first, and other tests' threads have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let rig = Rig::new().await;
    let (call, query) = rig.admitted().await;
    let name = [
        ("CallSid", &*sid()),
        ("From", CALLER),
        ("CallerName", "MARIA LOPEZ"),
        ("To", &*rig.dialled),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()));
    let fields: Vec<(&str, &str)> = name.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    rig.twilio(&format!("/twilio/dial-done?{query}"), &fields)
        .await;
    rig.post(
        &format!("{}/voice?{CALLER}", rig.base),
        &fields,
        Some("forged"),
    )
    .await;
    rig.get(&format!("/{CALLER}")).await;
    let text = String::from_utf8(log.0.lock().expect("log").clone()).expect("text");
    assert!(
        text.contains(&call.to_string()) && text.contains(&rig.tenant().to_string()),
        "{text}"
    );
    for secret in [
        &CALLER[1..],
        "MARIA",
        "Maria",
        TOKEN,
        "p&ss",
        rig.config.livekit.api_secret.expose(),
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn the_role_listens_drains_and_stops() {
    let Servers {
        mut config,
        database,
    } = Servers::shared().await;
    let keys = tempfile::tempdir().expect("temp dir");
    config.security.key_file = keys.path().join("master.keys");
    Keyring::generate(&config.security.key_file).expect("key file");
    config.postgres.url = Secret::new(database.app_url());
    let port = free_tcp_port().expect("port");
    config.gateway.listen = ([127, 0, 0, 1], port).into();
    let lifecycle = Lifecycle::new();
    roles::gateway::run(config, Arc::new(Metrics::new()), &lifecycle)
        .await
        .expect("starts");
    let ready =
        || async { Answer::of(client().get(format!("http://127.0.0.1:{port}/readyz"))).await };
    assert_eq!(ready().await.status, 200);

    lifecycle.drain().cancel();
    let draining = ready().await;
    assert_eq!(draining.status, 503);
    assert!(draining.text.contains(r#""draining":true"#), "{draining:?}");
    lifecycle.tasks().close();
    let began = Instant::now();
    tokio::time::timeout(Duration::from_secs(10), lifecycle.tasks().wait())
        .await
        .expect("all tasks end");
    assert!(
        began.elapsed() > Duration::from_secs(1),
        "load balancers get time to learn of it"
    );
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_missing_key_file_stops_the_start_by_name() {
    let Servers { mut config, .. } = Servers::shared().await;
    config.security.key_file = "/nonexistent/master.keys".into();
    let error = roles::gateway::run(config, Arc::new(Metrics::new()), &Lifecycle::new())
        .await
        .expect_err("no keys");
    assert!(
        format!("{error:#}").contains("/nonexistent/master.keys"),
        "{error:#}"
    );
}
