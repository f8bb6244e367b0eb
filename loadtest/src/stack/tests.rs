//! The stack on real servers.

use std::{
    env, fs, io,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Lifetime, LiveKit, LiveKitOptions, Postgres, Redis, StackDir, StackError,
    process::{ProcessId, wait_until},
    shared,
};

const SOON: Duration = Duration::from_secs(10);
/// Set in the environment of a copy of this test binary that plays a run which gets killed.
const VICTIM: &str = "NEURALITY_STACK_TEST_VICTIM";

#[test]
fn the_application_login_is_neither_owner_nor_superuser() {
    let postgres = shared::postgres();
    let roles = postgres
        .psql("postgres", "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'neurality%' ORDER BY 1")
        .expect("the superuser reads pg_roles");
    assert_eq!(
        roles,
        "neurality_app|f|f\nneurality_owner|f|f\nneurality_resolver|f|f"
    );
}

#[test]
fn each_test_gets_a_database_that_the_owner_fills_and_the_application_may_enter() {
    let postgres = shared::postgres();
    let (one, other) = (
        postgres.fresh_database().expect("database"),
        postgres.fresh_database().expect("database"),
    );
    assert_ne!(one.name(), other.name());
    psql(
        one.owner_url(),
        "CREATE EXTENSION btree_gist; CREATE TABLE t (n int); INSERT INTO t VALUES (7)",
    )
    .expect("owner creates");
    let refused =
        psql(one.app_url(), "SELECT n FROM t").expect_err("nothing was granted to the application");
    assert!(refused.contains("permission denied"), "{refused}");
    psql(one.owner_url(), "GRANT SELECT ON t TO neurality_app").expect("owner grants");
    assert_eq!(
        psql(one.app_url(), "SELECT n FROM t").expect("application reads"),
        "7"
    );
    let refused =
        psql(one.app_url(), "CREATE TABLE u ()").expect_err("the application owns nothing");
    assert!(refused.contains("permission denied"), "{refused}");
    assert_eq!(
        psql(one.superuser_url(), "SELECT n FROM t").expect("superuser reads"),
        "7"
    );
    let copy = postgres
        .fresh_database_from(one.name())
        .expect("copy of a database nobody uses");
    assert_eq!(
        psql(copy.app_url(), "SELECT n FROM t").expect("application reads the copy"),
        "7"
    );
}

#[test]
fn roles_sql_runs_twice() {
    let postgres = shared::postgres();
    postgres
        .create_roles()
        .expect("a second run of roles.sql changes nothing");
    let database = postgres.fresh_database().expect("database");
    assert_eq!(
        psql(database.app_url(), "SELECT 1").expect("the password still holds"),
        "1"
    );
}

#[test]
fn committed_rows_survive_a_kill_of_postgres() {
    let dir = StackDir::for_this_process("kill-postgres").expect("dir");
    let postgres = Postgres::start(&dir).expect("start");
    let database = postgres.create_database("kept").expect("database");
    psql(
        database.owner_url(),
        "CREATE TABLE t (n int); INSERT INTO t VALUES (7)",
    )
    .expect("write");
    postgres.server().restart().expect("same port, same data");
    assert_eq!(
        psql(database.owner_url(), "SELECT n FROM t").expect("read"),
        "7"
    );
}

#[test]
fn a_frozen_postgres_keeps_connections_open_and_answers_after_the_thaw() {
    let dir = StackDir::for_this_process("freeze-postgres").expect("dir");
    let postgres = Postgres::start(&dir).expect("start");
    let database = postgres.database("postgres");
    let mut session = psql_command(database.superuser_url(), "SELECT pg_sleep(1.5)")
        .spawn()
        .expect("psql");
    std::thread::sleep(Duration::from_millis(150));
    postgres.server().freeze().expect("freeze");
    let ended = wait_until(Duration::from_secs(1), || {
        matches!(session.try_wait(), Ok(Some(_)))
    });
    assert!(!ended, "a session ended while its backend was frozen");
    postgres.server().thaw().expect("thaw");
    assert!(session.wait().expect("psql ends").success());
}

#[test]
fn redis_tests_do_not_see_each_other() {
    let redis = shared::redis();
    assert_ne!(redis.fresh_url(), redis.fresh_url());
    assert!(redis.url().ends_with("/0"));
    assert_eq!(
        redis
            .command("CONFIG GET maxmemory-policy")
            .expect("config"),
        "maxmemory-policy\nnoeviction"
    );
    let error = redis.command("NONSENSE").expect_err("unknown command");
    assert!(
        matches!(&error, StackError::Command { output, .. } if output.contains("unknown command")),
        "{error}"
    );
}

#[test]
fn redis_freezes_thaws_and_keeps_its_data_over_a_restart() {
    let dir = StackDir::for_this_process("redis").expect("dir");
    let redis = Redis::start(&dir).expect("start");
    redis.command("SET k v").expect("set");
    redis.server().freeze().expect("freeze");
    redis
        .command("GET k")
        .expect_err("a frozen server does not answer");
    redis.server().thaw().expect("thaw");
    assert_eq!(redis.command("GET k").expect("get"), "v");
    redis.server().stop().expect("stop");
    assert!(matches!(
        redis.server().pid(),
        Err(StackError::NotRunning { .. })
    ));
    redis.server().start_again().expect("start again");
    assert_eq!(
        redis
            .command("GET k")
            .expect("the append-only file kept it"),
        "v"
    );
}

#[test]
fn the_cluster_shares_the_slots_among_three_nodes() {
    let cluster = shared::redis_cluster();
    let nodes = cluster.nodes()[2].command("CLUSTER NODES").expect("nodes");
    assert_eq!(
        nodes
            .lines()
            .filter(|line| line.contains("master") && line.contains("connected"))
            .count(),
        3,
        "{nodes}"
    );
    assert!(nodes.contains("0-5460"), "{nodes}");
    let moved = cluster
        .nodes()
        .iter()
        .filter(|node| node.command("SET {tenant}:k v").is_err())
        .count();
    assert_eq!(moved, 2, "one node owns the key, the others point to it");
}

#[test]
fn livekit_serves_and_comes_back_on_the_same_port() {
    let dir = StackDir::for_this_process("livekit").expect("dir");
    let begin = Instant::now();
    let livekit = LiveKit::start(&dir, LiveKitOptions::default()).expect("start");
    assert!(begin.elapsed() < SOON);
    let url = livekit.http_url();
    livekit.server().restart().expect("restart");
    assert_eq!(url, livekit.http_url());
    assert!(livekit.api_secret().len() >= 32);
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let dir = StackDir::for_this_process("bad-livekit").expect("dir");
    let nobody = (std::net::Ipv4Addr::LOCALHOST, 1).into();
    let options = LiveKitOptions {
        redis: Some(nobody),
        ..LiveKitOptions::default()
    };
    let error = LiveKit::start(&dir, options).expect_err("no Redis listens on port 1");
    assert!(
        matches!(&error, StackError::Exited { log, .. } if log.contains("redis")),
        "{error}"
    );
}

#[test]
fn servers_and_files_are_gone_when_their_owner_lets_go() {
    let dir = StackDir::for_this_process("drop").expect("dir");
    let path = dir.path().to_owned();
    let postgres = Postgres::start(&dir).expect("start");
    let (home, server) = (
        postgres.home.clone(),
        process(postgres.server().pid().expect("it runs")),
    );
    drop((postgres, dir));
    assert!(!server.is_alive() && !path.exists() && !home.exists());
}

#[test]
fn a_stack_of_a_running_process_is_not_taken_over() {
    let dir = StackDir::exclusive("test-in-use", Lifetime::Parent).expect("dir");
    let error = StackDir::exclusive("test-in-use", Lifetime::Parent).expect_err("we are alive");
    assert!(matches!(error, StackError::InUse { pid, .. } if pid == std::process::id()));
    StackDir::sweep("test-in-use").expect_err("we are alive");
    drop(dir);
}

#[test]
fn a_killed_run_leaves_no_server_and_the_next_run_sweeps_its_files() {
    let (mut run, server) = start_victim("test-victim", "parent");
    run.kill().expect("kill the run");
    run.wait().expect("reap the run");
    assert!(
        wait_until(SOON, || !server.is_alive()),
        "redis outlived its parent"
    );
    StackDir::exclusive("test-victim", Lifetime::Parent)
        .expect("a dead owner does not hold the stack");
    StackDir::sweep("test-victim-unknown").expect("nothing to sweep is fine");
}

#[test]
fn a_detached_stack_outlives_its_parent_until_it_is_swept() {
    let (mut run, server) = start_victim("test-detached", "detached");
    run.kill().expect("kill the run");
    run.wait().expect("reap the run");
    assert!(
        !wait_until(Duration::from_millis(500), || !server.is_alive()),
        "a detached server died with its parent"
    );
    StackDir::sweep("test-detached").expect("sweep");
    assert!(!server.is_alive());
}

/// Not a test: the run that gets killed. Starts Redis, says so, and waits to die.
#[test]
#[ignore = "a helper process of two other tests"]
fn victim() {
    let Ok(lifetime) = env::var(VICTIM) else {
        return;
    };
    let (name, lifetime) = lifetime.split_once(' ').expect("name and lifetime");
    let lifetime = if lifetime == "detached" {
        Lifetime::Detached
    } else {
        Lifetime::Parent
    };
    let dir = StackDir::exclusive(name, lifetime).expect("dir");
    // From a thread that ends at once: the server must not end with it.
    let redis = std::thread::spawn(move || Redis::start(&dir).expect("start"))
        .join()
        .expect("thread");
    std::thread::sleep(Duration::from_millis(200));
    redis
        .command("PING")
        .expect("the server outlives the thread that asked for it");
    let up = super::workspace_root()
        .join("target/stack")
        .join(name)
        .join("up");
    fs::write(up, "").expect("say that it is up");
    std::thread::sleep(Duration::from_secs(60));
}

/// Starts [`victim`] in a process of its own and waits for its server.
fn start_victim(name: &str, lifetime: &str) -> (std::process::Child, ProcessId) {
    StackDir::sweep(name).expect("nobody else uses the name");
    let run = Command::new(env::current_exe().expect("own path"))
        .args(["stack::tests::victim", "--exact", "--ignored"])
        .env(VICTIM, format!("{name} {lifetime}"))
        .stdout(Stdio::null())
        .spawn()
        .expect("start a copy of this test binary");
    let dir = super::workspace_root().join("target/stack").join(name);
    assert!(
        wait_until(SOON, || dir.join("up").exists()),
        "the helper process did not start its server"
    );
    (
        run,
        ProcessId::read(&dir.join("redis.pid")).expect("pid file"),
    )
}

fn process(pid: u32) -> ProcessId {
    ProcessId::of(pid).expect("it runs")
}

fn psql_command(url: &str, sql: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-w",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
        url,
    ]);
    psql.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    psql
}

/// Runs SQL as whom the URL says; the error is what the server said.
fn psql(url: &str, sql: &str) -> Result<String, String> {
    let output = psql_command(url, sql)
        .output()
        .map_err(|error: io::Error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
