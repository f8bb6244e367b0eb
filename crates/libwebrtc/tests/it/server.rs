//! LiveKit servers as child processes.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use livekit_api::access_token::{AccessToken, VideoGrants};

const KEY: &str = "APItest";
const SECRET: &str = "a secret that is only ever used on loopback";

/// A running server. It dies with this object, and with this process however that ends: its shell waits for the
/// end of our pipe.
pub(crate) struct Server {
    port: u16,
    pid: u32,
    /// Closed first when dropped, which ends the shell.
    stdin: Option<ChildStdin>,
    shell: Child,
}

/// Which media paths a server offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    UdpAndTcp,
    TcpOnly,
}

impl Server {
    pub(crate) fn start(paths: Paths) -> Self {
        let binary = binary();
        let port = free_tcp_port();
        let config = configuration(port, paths);
        // The shell stays between us so that the server cannot outlive this process.
        let script = r#""$0" --config-body "$1" >"$2" 2>&1 & echo $!; cat >/dev/null; kill -9 $!"#;
        let log = std::env::temp_dir().join(format!("livekit-test-{port}.log"));
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .args([binary.as_os_str(), config.as_ref(), log.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let stdout = shell.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the shell prints the process id");
        let pid = line.trim().parse().expect("a process id");
        let stdin = shell.stdin.take();
        let server = Self {
            port,
            pid,
            stdin,
            shell,
        };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < limit, "livekit-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub(crate) fn token(&self, room: &str, identity: &str) -> String {
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        };
        AccessToken::with_api_key(KEY, SECRET)
            .with_identity(identity)
            .with_grants(grants)
            .to_jwt()
            .expect("a token can be signed")
    }

    /// Stops the process where it is: sockets stay open, nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.pid.to_string();
        let sent = Command::new("kill")
            .args([signal, &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "kill {signal} {pid}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.shell.wait().expect("the shell ends with its input");
    }
}

/// The server that tests share if they do it no harm.
pub(crate) fn shared(paths: Paths) -> &'static Server {
    static BOTH: OnceLock<Server> = OnceLock::new();
    static TCP: OnceLock<Server> = OnceLock::new();
    let server = if paths == Paths::TcpOnly { &TCP } else { &BOTH };
    server.get_or_init(|| Server::start(paths))
}

fn binary() -> PathBuf {
    let default =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/livekit-server");
    let path = std::env::var_os("LIVEKIT_SERVER_BIN").map_or(default, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run make setup, or set LIVEKIT_SERVER_BIN",
        path.display()
    );
    path
}

fn configuration(port: u16, paths: Paths) -> String {
    let (udp, tcp) = (free_udp_port(), free_tcp_port());
    let force_tcp = paths == Paths::TcpOnly;
    format!(
        "port: {port}\n\
         bind_addresses: [127.0.0.1]\n\
         keys: {{ {KEY}: {SECRET} }}\n\
         logging: {{ level: {level}, json: true }}\n\
         rtc:\n\
         \x20 use_external_ip: false\n\
         \x20 node_ip: 127.0.0.1\n\
         \x20 udp_port: {udp}\n\
         \x20 tcp_port: {tcp}\n\
         \x20 force_tcp: {force_tcp}\n\
         \x20 enable_loopback_candidate: true\n\
         \x20 interfaces: {{ includes: [lo] }}\n\
         \x20 ips: {{ includes: [127.0.0.1/32] }}\n\
         \x20 stun_servers: [127.0.0.1:3478]\n",
        level = std::env::var("LIVEKIT_LOG").as_deref().unwrap_or("warn"),
    )
}

fn free_tcp_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    socket
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
