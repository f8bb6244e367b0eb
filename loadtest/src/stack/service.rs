//! One server as a child process: start, readiness, freeze, kill, restart.

use std::{
    ffi::{OsStr, OsString},
    fmt, fs,
    fs::OpenOptions,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    Lifetime, StackDir, StackError, doing,
    process::{ProcessId, Signal, family, send, spawn, wait_until},
    tools,
};

const LOG_TAIL_LINES: usize = 20;
const RESTARTS: u32 = 10;

/// What to run and how to know that it is ready.
pub struct ServiceSpec {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    user: Option<String>,
    stop: Signal,
    stop_within: Duration,
    ready: Box<dyn Fn() -> bool + Send + Sync>,
    ready_within: Duration,
}

impl ServiceSpec {
    /// A service that is ready as soon as it runs, has 15 s to get there where [`Self::ready`] says otherwise, is stopped by
    /// SIGTERM and killed if that took more than 5 s. `name` is unique in its stack and names the log and pid files.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            user: None,
            stop: Signal::Terminate,
            stop_within: Duration::from_secs(5),
            ready: Box::new(|| true),
            ready_within: Duration::from_secs(15),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs
            .push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs as another user (only root may).
    #[must_use]
    pub(super) fn user(mut self, user: Option<String>) -> Self {
        self.user = user;
        self
    }

    /// The signal that stops it, and how long it may take before it is killed.
    #[must_use]
    pub fn stop(mut self, signal: Signal, within: Duration) -> Self {
        (self.stop, self.stop_within) = (signal, within);
        self
    }

    /// The service is up once `probe` says so. The probe is called every 20 ms and must itself return soon.
    #[must_use]
    pub fn ready(
        mut self,
        within: Duration,
        probe: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        (self.ready, self.ready_within) = (Box::new(probe), within);
        self
    }

    fn command(&self, dir: &StackDir) -> Result<Command, StackError> {
        let log = dir.log_file(&self.name);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(doing(format!("open {}", log.display())))?;
        let mut command = Command::new(tools::on_path("setpriv")?);
        if dir.lifetime() == Lifetime::Parent {
            command.args(["--pdeathsig", self.stop.name()]);
        }
        if let Some(user) = &self.user {
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        command.arg("--").arg(&self.program).args(&self.args);
        command.envs(self.envs.iter().map(|(key, value)| (key, value)));
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone().map_err(doing("share a log file"))?)
            .stdout(log);
        // A Ctrl-C at the terminal is for us: we then stop the servers in order.
        command.process_group(0);
        Ok(command)
    }
}

impl fmt::Debug for ServiceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and environment may hold keys.
        f.debug_struct("ServiceSpec")
            .field("name", &self.name)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// A server process of a stack. Dropping it stops it, unless the stack is detached.
#[derive(Debug)]
pub struct Service {
    spec: ServiceSpec,
    dir: StackDir,
    child: Mutex<Option<Child>>,
}

impl Service {
    /// Starts the service and waits until it is ready.
    ///
    /// # Errors
    /// [`StackError::Exited`], [`StackError::NotReady`] with the end of its log; [`StackError::Missing`] without `setpriv`.
    pub fn start(dir: &StackDir, spec: ServiceSpec) -> Result<Self, StackError> {
        let service = Self {
            spec,
            dir: dir.clone(),
            child: Mutex::new(None),
        };
        service.start_again()?;
        Ok(service)
    }

    /// Starts it again, with the same ports and data, after [`Self::stop`] or [`Self::kill`]. Does nothing if it runs.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_again(&self) -> Result<(), StackError> {
        let mut child = self.child.lock();
        if child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
        {
            return Ok(());
        }
        let mut started = spawn(self.spec.command(&self.dir)?)
            .map_err(doing(format!("start {}", self.spec.name)))?;
        if let Some(id) = ProcessId::of(started.id()) {
            id.write(&self.dir.pid_file(&self.spec.name))?;
        }
        let result = self.wait_ready(&mut started);
        if result.is_err() {
            end(&mut started, Signal::Kill, Duration::ZERO)?;
        } else {
            *child = Some(started);
        }
        result
    }

    /// [`Self::kill`], then [`Self::start_again`], repeated while what the dead one held is still being released.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&self) -> Result<(), StackError> {
        self.kill()?;
        let mut result = self.start_again();
        for _ in 0..RESTARTS {
            if !matches!(result, Err(StackError::Exited { .. })) {
                break;
            }
            thread::sleep(Duration::from_millis(200));
            result = self.start_again();
        }
        result
    }

    /// Freezes the process and its children (SIGSTOP): connections stay open, nothing answers.
    ///
    /// # Errors
    /// [`StackError::NotRunning`], [`StackError::Io`].
    pub fn freeze(&self) -> Result<(), StackError> {
        send(Signal::Stop, &family(self.pid()?))
    }

    /// Ends a [`Self::freeze`].
    ///
    /// # Errors
    /// As [`Self::freeze`].
    pub fn thaw(&self) -> Result<(), StackError> {
        send(Signal::Continue, &family(self.pid()?))
    }

    /// Sends any signal to the process itself.
    ///
    /// # Errors
    /// As [`Self::freeze`].
    pub fn signal(&self, signal: Signal) -> Result<(), StackError> {
        send(signal, &[self.pid()?])
    }

    /// Stops it as its spec says.
    ///
    /// # Errors
    /// [`StackError::Io`].
    pub fn stop(&self) -> Result<(), StackError> {
        self.end(self.spec.stop, self.spec.stop_within)
    }

    /// Kills it (SIGKILL): what it had not written is gone.
    ///
    /// # Errors
    /// [`StackError::Io`].
    pub fn kill(&self) -> Result<(), StackError> {
        self.end(Signal::Kill, Duration::from_secs(5))
    }

    /// Waits until the process ends by itself; `None` if it still runs after `limit`.
    ///
    /// # Errors
    /// [`StackError::NotRunning`], [`StackError::Io`].
    pub fn wait(&self, limit: Duration) -> Result<Option<std::process::ExitStatus>, StackError> {
        let start = Instant::now();
        loop {
            let mut child = self.child.lock();
            let running = child.as_mut().ok_or_else(|| self.not_running())?;
            if let Some(status) = running
                .try_wait()
                .map_err(doing(format!("wait for {}", self.spec.name)))?
            {
                return Ok(Some(status));
            }
            drop(child);
            if start.elapsed() >= limit {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The number of the running process.
    ///
    /// # Errors
    /// [`StackError::NotRunning`].
    pub fn pid(&self) -> Result<u32, StackError> {
        let mut child = self.child.lock();
        match child.as_mut().map(|child| (child.id(), child.try_wait())) {
            Some((pid, Ok(None))) => Ok(pid),
            _ => Err(self.not_running()),
        }
    }

    /// Where its output goes.
    pub fn log_file(&self) -> PathBuf {
        self.dir.log_file(&self.spec.name)
    }

    fn not_running(&self) -> StackError {
        StackError::NotRunning {
            name: self.spec.name.clone(),
        }
    }

    fn end(&self, signal: Signal, within: Duration) -> Result<(), StackError> {
        match self.child.lock().take() {
            Some(mut child) => end(&mut child, signal, within),
            None => Ok(()),
        }
    }

    fn wait_ready(&self, child: &mut Child) -> Result<(), StackError> {
        let mut ended = None;
        let ready = wait_until(self.spec.ready_within, || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || (self.spec.ready)()
        });
        let name = self.spec.name.clone();
        match ended {
            Some(status) => Err(StackError::Exited {
                name,
                status,
                log: log_tail(&self.log_file()),
            }),
            None if ready => Ok(()),
            None => Err(StackError::NotReady {
                name,
                waited: self.spec.ready_within,
                log: log_tail(&self.log_file()),
            }),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.dir.lifetime() == Lifetime::Detached {
            return;
        }
        if let Err(error) = self.stop() {
            tracing::warn!(service = %self.spec.name, %error, "could not stop a server of the stack");
        }
    }
}

/// Sends the signal, thaws the process so that it hears it, and kills it if it still runs after `within`.
fn end(child: &mut Child, signal: Signal, within: Duration) -> Result<(), StackError> {
    let pids = family(child.id());
    send(signal, &pids[..1])?;
    send(Signal::Continue, &pids)?;
    let gone = wait_until(within, || matches!(child.try_wait(), Ok(Some(_))));
    if !gone {
        child.kill().map_err(doing("kill a server"))?;
        child.wait().map_err(doing("wait for a killed server"))?;
    }
    Ok(())
}

fn log_tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| format!("(no log: {error})"));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
