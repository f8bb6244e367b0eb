//! Processes: a thread to spawn from, signals, and who is alive. Linux only, by `/proc`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{StackError, doing};

/// A signal that the stack sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Thaw a stopped process.
    Continue,
    /// End at once; cannot be refused.
    Kill,
    /// Postgres: immediate shutdown.
    Quit,
    /// Freeze; cannot be refused.
    Stop,
    /// Please end.
    Terminate,
}

impl Signal {
    /// The name without `SIG`, as `kill` and `setpriv` take it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Continue => "CONT",
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
            Self::Stop => "STOP",
            Self::Terminate => "TERM",
        }
    }
}

/// Spawns `command` from one thread that lives as long as this process.
///
/// The parent-death signal fires when the *thread* that forked ends, not the process. A test's thread or one of tokio's blocking
/// pool ends long before its server should, so nobody else may spawn a server.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    type Job = (Command, mpsc::SyncSender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::SyncSender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, inbox) = mpsc::sync_channel::<Job>(16);
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                // The asker waits for the reply; if its thread died meanwhile, the dropped Child is harmless.
                let _ = reply.send(command.spawn());
            }
        });
        jobs
    });
    let (reply, answer) = mpsc::sync_channel(1);
    let gone = || io::Error::other("the spawner thread is gone");
    spawner.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

/// Sends `signal` to the processes; those already gone are no error.
///
/// By the shell's built-in `kill`: the system call itself would need `unsafe`.
pub(super) fn send(signal: Signal, pids: &[u32]) -> Result<(), StackError> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "kill -s \"$@\"", "sh", signal.name()])
        .args(pids.iter().map(u32::to_string));
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    shell
        .status()
        .map_err(doing(format!("send {}", signal.name())))
        .map(drop)
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessId {
    pub(super) pid: u32,
    /// Clock ticks from boot to its start.
    started: u64,
}

impl ProcessId {
    /// The process that has this number now.
    pub(super) fn of(pid: u32) -> Option<Self> {
        Stat::of(pid)
            .filter(|stat| stat.state != 'Z')
            .map(|stat| Self {
                pid,
                started: stat.started,
            })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    pub(super) fn write(self, path: &Path) -> Result<(), StackError> {
        fs::write(path, format!("{} {}\n", self.pid, self.started))
            .map_err(doing(format!("write {}", path.display())))
    }

    /// What [`Self::write`] wrote; `None` if it is not there or cut short.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let (pid, started) = text.trim_end_matches('\n').split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
    }
}

/// The process and all that descend from it, parents first.
pub(super) fn family(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::of(pid)?.parent)))
        .collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(
            all.iter()
                .filter(|(_, its_parent)| *its_parent == parent)
                .map(|(child, _)| child),
        );
        next += 1;
    }
    family
}

/// Polls `done` until it holds or `limit` has passed; says whether it held.
pub(super) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether this process runs as root.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The parts of `/proc/<pid>/stat` that we use.
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let path: PathBuf = ["/proc", &pid.to_string(), "stat"].iter().collect();
        let text = fs::read_to_string(path).ok()?;
        // The second field is the program's name in brackets and may hold blanks and brackets itself.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}
