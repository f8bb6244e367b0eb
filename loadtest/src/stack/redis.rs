//! Redis: a single server, and a cluster of three.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    Service, ServiceSpec, Signal, StackDir, StackError, doing, free_tcp_port, process::wait_until,
    tools,
};

const LIMIT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 3;
const DATABASES: u32 = 1024;
const SLOTS: u32 = 16_384;

/// A running Redis server, set up as production should be: append-only file, no eviction.
#[derive(Debug)]
pub struct Redis {
    server: Service,
    port: u16,
    next_database: AtomicU32,
}

impl Redis {
    /// Starts a single server, named `redis` in its stack.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn start(dir: &StackDir) -> Result<Self, StackError> {
        Self::start_named(dir, "redis")
    }

    /// As [`Self::start`], by another name: for a stack with several.
    ///
    /// # Errors
    /// As [`Service::start`].
    pub fn start_named(dir: &StackDir, name: &str) -> Result<Self, StackError> {
        Self::start_node(dir, name, false)
    }

    /// The process, to freeze, kill and restart.
    pub fn server(&self) -> &Service {
        &self.server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `redis://127.0.0.1:port/0`.
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address())
    }

    /// A database index of its own for one test. There are 1023; then they come again.
    pub fn fresh_url(&self) -> String {
        let index = 1 + self.next_database.fetch_add(1, Ordering::Relaxed) % (DATABASES - 1);
        format!("redis://{}/{index}", self.address())
    }

    /// Runs one command given as words split by blanks; the answer as text, an array as lines.
    ///
    /// # Errors
    /// [`StackError::Command`] with the server's error; [`StackError::Io`] if it does not answer within 2 s.
    pub fn command(&self, command: &str) -> Result<String, StackError> {
        run(self.address(), command)
    }

    fn start_node(dir: &StackDir, name: &str, in_cluster: bool) -> Result<Self, StackError> {
        let mut attempt = 1;
        loop {
            let port = free_tcp_port()?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let data = dir.path().join(format!("{name}-{port}"));
            std::fs::create_dir(&data).map_err(doing(format!("create {}", data.display())))?;
            let spec = ServiceSpec::new(name, tools::on_path("redis-server")?)
                .args(
                    [
                        ["--port", &port.to_string()],
                        ["--databases", &DATABASES.to_string()],
                    ]
                    .concat(),
                )
                .args([
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "yes",
                    "--maxmemory-policy",
                    "noeviction",
                ])
                .args(["--dir".as_ref(), data.as_os_str()])
                .args(if in_cluster {
                    cluster_options(free_tcp_port()?)
                } else {
                    Vec::new()
                })
                .stop(Signal::Terminate, LIMIT)
                .ready(LIMIT, move || {
                    run(address, "PING").is_ok_and(|answer| answer == "PONG")
                });
            match Service::start(dir, spec) {
                Err(error) if error.is_port_taken() && attempt < ATTEMPTS => attempt += 1,
                result => {
                    return Ok(Self {
                        server: result?,
                        port,
                        next_database: AtomicU32::new(0),
                    });
                }
            }
        }
    }
}

/// Three Redis primaries that share the hash slots.
#[derive(Debug)]
pub struct RedisCluster {
    /// The first primaries, then their replicas in the same order.
    nodes: Vec<Redis>,
}

/// Primaries of a cluster.
const PRIMARIES: usize = 3;

impl RedisCluster {
    /// Starts the nodes and waits until each sees the whole cluster: about two seconds.
    ///
    /// # Errors
    /// As [`Service::start`]; [`StackError::NotReady`] if the nodes do not find each other.
    pub fn start(dir: &StackDir) -> Result<Self, StackError> {
        Self::start_nodes(dir, PRIMARIES)
    }

    /// As [`Self::start`], each primary with a replica that takes its place some three seconds after its death.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_replicated(dir: &StackDir) -> Result<Self, StackError> {
        let cluster = Self::start_nodes(dir, 2 * PRIMARIES)?;
        for (primary, replica) in cluster.nodes.iter().zip(&cluster.nodes[PRIMARIES..]) {
            let id = primary.command("CLUSTER MYID")?;
            replica.command(&format!("CLUSTER REPLICATE {id}"))?;
        }
        let linked = || cluster.nodes[PRIMARIES..].iter().all(Redis::is_in_step);
        if wait_until(LIMIT, linked) {
            return Ok(cluster);
        }
        Err(StackError::NotReady {
            name: "redis replicas".to_owned(),
            waited: LIMIT,
            log: cluster.nodes[PRIMARIES].command("INFO replication")?,
        })
    }

    /// The node that is primary for a key now.
    ///
    /// # Errors
    /// [`StackError`] if no node knows, as during a failover.
    pub fn primary_of(&self, key: &str) -> Result<&Redis, StackError> {
        let is_primary = |node: &&Redis| {
            // Elsewhere it answers MOVED, and a replica of its slot does so, too.
            node.command(&format!("TYPE {key}")).is_ok()
        };
        self.nodes
            .iter()
            .find(is_primary)
            .ok_or_else(|| StackError::NotRunning {
                name: format!("the primary of {key}"),
            })
    }

    fn start_nodes(dir: &StackDir, count: usize) -> Result<Self, StackError> {
        let start = |number| Redis::start_node(dir, &format!("redis-cluster-{number}"), true);
        let cluster = Self {
            nodes: (1..=count).map(start).collect::<Result<_, _>>()?,
        };
        cluster.join()?;
        Ok(cluster)
    }

    /// The nodes, to freeze, kill and restart.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// One URL per node. A cluster has only database 0: tests keep apart by their tenants' ids.
    pub fn urls(&self) -> Vec<String> {
        self.nodes
            .iter()
            .map(|node| format!("redis://{}", node.address()))
            .collect()
    }

    fn join(&self) -> Result<(), StackError> {
        let first = &self.nodes[0];
        let bus = first.command("CONFIG GET cluster-port")?;
        let bus = bus.lines().last().unwrap_or_default();
        let count = PRIMARIES as u32;
        for (number, node) in (0..).zip(&self.nodes) {
            if number < count {
                let (low, high) = (SLOTS * number / count, SLOTS * (number + 1) / count - 1);
                node.command(&format!("CLUSTER ADDSLOTSRANGE {low} {high}"))?;
            }
            // Distinct epochs from the start spare the nodes a collision to settle.
            node.command(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1))?;
            node.command(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", first.port))?;
        }
        let joined = || {
            self.nodes
                .iter()
                .all(|node| node.sees_cluster_of(self.nodes.len()))
        };
        if wait_until(LIMIT, joined) {
            return Ok(());
        }
        let log = first.command("CLUSTER INFO")?;
        Err(StackError::NotReady {
            name: "redis cluster".to_owned(),
            waited: LIMIT,
            log,
        })
    }
}

impl Redis {
    fn sees_cluster_of(&self, nodes: usize) -> bool {
        let Ok(info) = self.command("CLUSTER INFO") else {
            return false;
        };
        let holds = |wanted: &str| info.lines().any(|line| line.trim() == wanted);
        holds("cluster_state:ok") && holds(&format!("cluster_known_nodes:{nodes}"))
    }
}

impl Redis {
    /// Whether this replica follows its primary.
    fn is_in_step(&self) -> bool {
        let Ok(info) = self.command("INFO replication") else {
            return false;
        };
        info.lines()
            .any(|line| line.trim() == "master_link_status:up")
    }
}

fn cluster_options(bus: u16) -> Vec<String> {
    let options = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "2000",
        "--cluster-port",
    ];
    options
        .map(str::to_owned)
        .into_iter()
        .chain([bus.to_string()])
        .collect()
}

/// One command over a connection of its own.
fn run(address: SocketAddr, command: &str) -> Result<String, StackError> {
    let what = || format!("Redis command {command}");
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT).map_err(doing(what()))?;
    stream
        .set_read_timeout(Some(ANSWER_LIMIT))
        .map_err(doing(what()))?;
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .map_err(doing(what()))?;
    let answer = read_answer(&mut BufReader::new(stream)).map_err(doing(what()))?;
    answer.map_err(|output| StackError::Command {
        what: what(),
        output,
    })
}

/// One reply of the Redis protocol, version 2; the inner error is the server's.
fn read_answer(reader: &mut impl BufRead) -> std::io::Result<Result<String, String>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    let length = || line[1..].parse::<usize>().ok();
    match line.chars().next() {
        Some('+' | ':') => Ok(Ok(line[1..].to_owned())),
        Some('$') => {
            let Some(length) = length() else {
                return Ok(Ok(String::new()));
            };
            let mut text = vec![0; length + 2];
            reader.read_exact(&mut text)?;
            Ok(Ok(String::from_utf8_lossy(&text[..length]).into_owned()))
        }
        Some('*') => {
            let items = (0..length().unwrap_or(0)).map(|_| read_answer(reader));
            let items = items.collect::<std::io::Result<Result<Vec<_>, _>>>()?;
            Ok(items.map(|items| items.join("\n")))
        }
        _ => Ok(Err(line.to_owned())),
    }
}
