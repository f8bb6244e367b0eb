//! The folder of one stack: logs, pid files and data, swept of what a killed run left.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    StackError, doing,
    process::{ProcessId, Signal, send, wait_until},
    workspace_root,
};

const OWNER: &str = "owner";
const OUTSIDE: &str = "outside";
const DEATH_LIMIT: Duration = Duration::from_secs(5);

/// How long the servers of a stack live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// No longer than this process, however it ends.
    Parent,
    /// Until [`StackDir::sweep`], or until the next stack of the same name.
    Detached,
}

/// The folder `target/stack/<name>` of one stack. Cheap to clone; each service holds one, so files go last.
#[derive(Debug, Clone)]
pub struct StackDir(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    lifetime: Lifetime,
    /// Remove the folder itself at the end: not where a person may want to read the logs.
    remove: bool,
    outside: AtomicU32,
}

impl StackDir {
    /// The one stack called `name` in this workspace. Servers and files of an earlier run are ended and removed first.
    /// Logs stay until the next run.
    ///
    /// # Errors
    /// [`StackError::InUse`] while another process uses it; [`StackError::Io`].
    pub fn exclusive(name: &str, lifetime: Lifetime) -> Result<Self, StackError> {
        let path = all_stacks().join(name);
        if let Some(owner) = live_owner(&path) {
            return Err(StackError::InUse {
                dir: path,
                pid: owner.pid,
            });
        }
        sweep(&path)?;
        Self::create(path, lifetime, false)
    }

    /// A stack of this process alone, `<prefix>-<pid>`; removed at the end, or by a later call in another process if this one
    /// is killed. Two calls with one prefix in one process would meet: use one each.
    ///
    /// # Errors
    /// [`StackError::Io`]; [`StackError::InUse`] for the second of two such calls.
    pub fn for_this_process(prefix: &str) -> Result<Self, StackError> {
        for entry in fs::read_dir(all_stacks()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours = name
                .to_str()
                .and_then(|name| name.strip_prefix(prefix)?.strip_prefix('-'))
                .is_some_and(is_number);
            if ours && live_owner(&entry.path()).is_none() {
                sweep(&entry.path())?;
            }
        }
        Self::create(
            all_stacks().join(format!("{prefix}-{}", process::id())),
            Lifetime::Parent,
            true,
        )
    }

    /// Ends the servers of the stack called `name` and removes its files, if there is one.
    ///
    /// # Errors
    /// As [`Self::exclusive`].
    pub fn sweep(name: &str) -> Result<(), StackError> {
        let path = all_stacks().join(name);
        match live_owner(&path) {
            Some(owner) => Err(StackError::InUse {
                dir: path,
                pid: owner.pid,
            }),
            None => sweep(&path),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        self.0.lifetime
    }

    pub(super) fn log_file(&self, service: &str) -> PathBuf {
        self.0.path.join(format!("{service}.log"))
    }

    pub(super) fn pid_file(&self, service: &str) -> PathBuf {
        self.0.path.join(format!("{service}.pid"))
    }

    /// A folder of this stack under the temporary directory, for a server that runs as another user (who may not be allowed
    /// into this workspace) or whose socket path must be short.
    pub(super) fn outside(&self) -> Result<PathBuf, StackError> {
        let number = self.0.outside.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!(
            "neurality-{}-{:08x}",
            process::id(),
            rand::random::<u32>()
        ));
        // Recorded before it exists, so that a kill in between leaves nothing that no run knows of.
        let record = self.0.path.join(format!("{OUTSIDE}.{number}"));
        fs::write(&record, folder.as_os_str().as_encoded_bytes())
            .map_err(doing(format!("write {}", record.display())))?;
        fs::create_dir(&folder).map_err(doing(format!("create {}", folder.display())))?;
        Ok(folder)
    }

    /// Appears under its name only with the owner's mark in it: a sweep by another process never finds it ownerless.
    fn create(path: PathBuf, lifetime: Lifetime, remove: bool) -> Result<Self, StackError> {
        let what = || format!("create {}", path.display());
        let draft = all_stacks().join(format!(
            ".draft-{}-{:08x}",
            process::id(),
            rand::random::<u32>()
        ));
        fs::create_dir_all(&draft).map_err(doing(what()))?;
        let own = ProcessId::of(process::id()).ok_or_else(|| StackError::Missing {
            what: "/proc".to_owned(),
        })?;
        own.write(&draft.join(OWNER))?;
        if let Err(error) = fs::rename(&draft, &path) {
            fs::remove_dir_all(&draft).map_err(doing(format!("remove {}", draft.display())))?;
            return Err(match live_owner(&path) {
                Some(owner) => StackError::InUse {
                    dir: path,
                    pid: owner.pid,
                },
                None => doing(what())(error),
            });
        }
        Ok(Self(Arc::new(Inner {
            path,
            lifetime,
            remove,
            outside: AtomicU32::new(0),
        })))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.lifetime == Lifetime::Detached {
            return;
        }
        let mut result = remove_outside(&self.path);
        if self.remove {
            result = result.and_then(|()| remove(&self.path));
        }
        if let Err(error) = result {
            // The next run's sweep tries again.
            tracing::warn!(%error, "stack files stay behind");
        }
    }
}

fn all_stacks() -> PathBuf {
    workspace_root().join("target/stack")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn live_owner(path: &Path) -> Option<ProcessId> {
    ProcessId::read(&path.join(OWNER)).filter(|owner| owner.is_alive())
}

/// Ends the servers whose pid files are in `path` and removes the folder and its outside folders.
fn sweep(path: &Path) -> Result<(), StackError> {
    let servers: Vec<ProcessId> = files_with(path, |name| name.ends_with(".pid"))
        .filter_map(|file| ProcessId::read(&file))
        .filter(|server| server.is_alive())
        .collect();
    if !servers.is_empty() {
        // Quit first: Postgres then gives its shared memory back. Frozen ones only hear it once thawed.
        let pids: Vec<u32> = servers.iter().map(|server| server.pid).collect();
        send(Signal::Quit, &pids)?;
        send(Signal::Continue, &pids)?;
        let all_gone = || servers.iter().all(|server| !server.is_alive());
        if !wait_until(DEATH_LIMIT, all_gone) {
            send(Signal::Kill, &pids)?;
            wait_until(DEATH_LIMIT, all_gone);
        }
    }
    remove_outside(path)?;
    remove(path)
}

fn remove_outside(path: &Path) -> Result<(), StackError> {
    for record in files_with(path, |name| name.starts_with(OUTSIDE)) {
        let folder =
            fs::read_to_string(&record).map_err(doing(format!("read {}", record.display())))?;
        if !folder.is_empty() {
            remove(Path::new(&folder))?;
        }
    }
    Ok(())
}

/// Removes a folder in which a dying server may still be writing.
fn remove(path: &Path) -> Result<(), StackError> {
    let mut last = Ok(());
    wait_until(DEATH_LIMIT, || {
        last = match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        last.is_ok()
    });
    last.map_err(doing(format!("remove {}", path.display())))
}

fn files_with(path: &Path, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(move |entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
}
