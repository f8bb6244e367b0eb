//! Gateways, workers and simulators as processes.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use super::{local, options::Vendors};
use crate::stack::{Service, ServiceSpec, Signal, StackDir, free_tcp_port, workspace_root};

/// The first time, the simulators let the corpus be spoken.
const SIM_START: Duration = Duration::from_secs(180);
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(5);
const PROBE_DEADLINE: Duration = Duration::from_millis(500);

/// What a process of the product does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Webhooks and dispatch.
    Gateway,
    /// Calls.
    Worker,
}

impl Role {
    const fn subcommand(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }

    const fn listen_setting(self) -> &'static str {
        match self {
            Self::Gateway => "NEURALITY__GATEWAY__LISTEN",
            Self::Worker => "NEURALITY__WORKER__LISTEN",
        }
    }
}

/// A gateway or a worker.
#[derive(Debug)]
pub struct Process {
    /// Its name in the stack.
    pub name: String,
    /// The process, to freeze, kill and restart.
    pub service: Service,
    /// Where its probes and metrics are.
    pub port: u16,
}

impl Process {
    pub(super) fn start(
        dir: &StackDir,
        program: &Path,
        config: &Path,
        role: Role,
        name: &str,
        port: u16,
    ) -> anyhow::Result<Self> {
        let spec = ServiceSpec::new(name, program)
            .args([
                "--config".as_ref(),
                config.as_os_str(),
                role.subcommand().as_ref(),
            ])
            .env(role.listen_setting(), local(port).to_string())
            .stop(Signal::Terminate, STOP)
            .ready(START, move || answers(local(port), "/readyz"));
        Ok(Self {
            name: name.to_owned(),
            service: Service::start(dir, spec)?,
            port,
        })
    }

    /// Whether it says that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        answers(local(self.port), "/readyz")
    }

    /// Calls that a worker serves or has promised to; `None` if it does not answer.
    #[must_use]
    pub fn calls(&self) -> Option<u32> {
        calls_at(self.port)
    }
}

/// As [`Process::calls`], of the worker whose probes are at this port.
#[must_use]
pub fn calls_at(port: u16) -> Option<u32> {
    metric(port, "neurality_worker_slots", "state=\"used\"").map(|used| used as u32)
}

/// The sum of all series of a metric whose labels contain `labels`; `None` if nobody answers or has any.
fn metric(port: u16, name: &str, labels: &str) -> Option<f64> {
    let text = get(port, "/metrics").ok()?;
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (series, value) = rest.rsplit_once(' ')?;
        let is_it = series.is_empty() || series.starts_with('{');
        (is_it && series.contains(labels)).then(|| value.parse::<f64>().ok())?
    });
    values.reduce(|sum, value| sum + value)
}

/// The simulators, if they are ours to run, and where Deepgram and OpenAI are.
pub(super) fn vendors(
    dir: &StackDir,
    vendors: &Vendors,
) -> anyhow::Result<(Option<Service>, SocketAddr, SocketAddr)> {
    let (program, config) = match vendors {
        Vendors::Running { deepgram, openai } => return Ok((None, *deepgram, *openai)),
        Vendors::Process { program, config } => (program, config),
    };
    let (deepgram, openai) = (local(free_tcp_port()?), local(free_tcp_port()?));
    let spec = ServiceSpec::new("simulators", program)
        .args(["sim", "--config"])
        .args([workspace_root().join("loadtest/config").join(config)])
        .args([
            "--deepgram",
            &deepgram.to_string(),
            "--openai",
            &openai.to_string(),
        ])
        .stop(Signal::Terminate, STOP)
        .ready(SIM_START, move || answers(deepgram, "/_control/state"));
    Ok((Some(Service::start(dir, spec)?), deepgram, openai))
}

/// Whether a GET is answered with 200.
fn answers(address: SocketAddr, path: &str) -> bool {
    get(address.port(), path).is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

/// A GET on loopback: the whole answer with its head.
///
/// # Errors
/// Nobody answered in time.
pub fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream =
        TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PROBE_DEADLINE)?;
    stream.set_read_timeout(Some(PROBE_DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
