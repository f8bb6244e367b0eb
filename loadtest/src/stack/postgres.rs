//! PostgreSQL on a loopback port, with the roles of `deploy/postgres/roles.sql`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    Service, ServiceSpec, Signal, StackDir, StackError, doing, free_tcp_port, process::is_root,
    tools, workspace_root,
};

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
/// Several test threads with a small pool each, beside a gateway and a few workers.
const MAX_CONNECTIONS: u32 = 300;

/// A running PostgreSQL server. It forgets nothing on a kill, as a real one; it may on a power cut (`fsync` is off).
#[derive(Debug)]
pub struct Postgres {
    server: Service,
    /// Data and socket.
    pub(super) home: PathBuf,
    port: u16,
    owner_password: String,
    app_password: String,
    next_database: AtomicU32,
}

impl Postgres {
    /// Initialises a cluster and starts it with the product's roles: about two seconds.
    ///
    /// # Errors
    /// As [`Service::start`]; [`StackError::Command`] if `initdb` or `psql` fails.
    pub fn start(dir: &StackDir) -> Result<Self, StackError> {
        let account = ServerAccount::choose()?;
        let home = dir.outside()?;
        account.own(&home)?;
        initdb(&account, &home.join("data"))?;
        let (server, port) = Self::start_server(dir, &account, &home)?;
        let postgres = Self {
            server,
            home,
            port,
            owner_password: password(),
            app_password: password(),
            next_database: AtomicU32::new(0),
        };
        postgres.create_roles()?;
        Ok(postgres)
    }

    /// The process, to freeze, kill and restart.
    pub fn server(&self) -> &Service {
        &self.server
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Creates an empty database that belongs to `neurality_owner`.
    ///
    /// # Errors
    /// [`StackError::Command`], for example if it exists.
    pub fn create_database(&self, name: &str) -> Result<Database, StackError> {
        self.create_database_from(name, "template1")
    }

    /// Creates a copy of a database to which nobody is connected: the quick way to many migrated ones.
    ///
    /// # Errors
    /// As [`Self::create_database`].
    pub fn create_database_from(&self, name: &str, template: &str) -> Result<Database, StackError> {
        self.psql(
            "postgres",
            &format!("CREATE DATABASE \"{name}\" OWNER neurality_owner TEMPLATE \"{template}\""),
        )?;
        self.psql(
            "postgres",
            &format!("REVOKE ALL ON DATABASE \"{name}\" FROM PUBLIC"),
        )?;
        self.psql(
            "postgres",
            &format!("GRANT CONNECT ON DATABASE \"{name}\" TO neurality_app"),
        )?;
        Ok(self.database(name))
    }

    /// An empty database of its own for one test.
    ///
    /// # Errors
    /// As [`Self::create_database`].
    pub fn fresh_database(&self) -> Result<Database, StackError> {
        self.create_database(&self.next_name())
    }

    /// A copy of `template` of its own for one test.
    ///
    /// # Errors
    /// As [`Self::create_database_from`].
    pub fn fresh_database_from(&self, template: &str) -> Result<Database, StackError> {
        self.create_database_from(&self.next_name(), template)
    }

    /// How to reach the database called `name`, whether or not it exists.
    pub fn database(&self, name: &str) -> Database {
        let address = format!("127.0.0.1:{}/{name}", self.port);
        Database {
            name: name.to_owned(),
            owner_url: format!(
                "postgres://neurality_owner:{}@{address}",
                self.owner_password
            ),
            app_url: format!("postgres://neurality_app:{}@{address}", self.app_password),
            superuser_url: format!(
                "postgres://postgres@localhost:{}/{name}?host={}",
                self.port,
                self.home.display()
            ),
        }
    }

    /// Runs SQL as the superuser and returns the rows, columns split by `|`. Several statements run one by one.
    ///
    /// # Errors
    /// [`StackError::Command`] with what the server said.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, StackError> {
        let mut psql = self.psql_command(database)?;
        run("psql", psql.args(["-A", "-t", "-c", sql]))
    }

    fn start_server(
        dir: &StackDir,
        account: &ServerAccount,
        home: &Path,
    ) -> Result<(Service, u16), StackError> {
        let program = tools::postgres_program("postgres")?;
        let probe = tools::postgres_program("pg_isready")?;
        let mut attempt = 1;
        loop {
            let port = free_tcp_port()?;
            let (probe, socket) = (probe.clone(), home.to_owned());
            let spec = ServiceSpec::new("postgres", &program)
                .args([
                    "-D".as_ref(),
                    home.join("data").as_os_str(),
                    "-k".as_ref(),
                    home.as_os_str(),
                ])
                .args(settings(port))
                .user(account.name.clone())
                // Immediate shutdown: it gives its shared memory back, and the data is not to be kept tidy.
                .stop(Signal::Quit, STOP_LIMIT)
                .ready(START_LIMIT, move || answers(&probe, &socket, port));
            match Service::start(dir, spec) {
                Err(error) if error.is_port_taken() && attempt < ATTEMPTS => attempt += 1,
                result => return Ok((result?, port)),
            }
        }
    }

    /// Runs `deploy/postgres/roles.sql`; a second time is harmless.
    pub(super) fn create_roles(&self) -> Result<(), StackError> {
        let mut psql = self.psql_command("postgres")?;
        psql.arg("-v")
            .arg(format!("owner_password={}", self.owner_password));
        psql.arg("-v")
            .arg(format!("app_password={}", self.app_password));
        psql.arg("-f")
            .arg(workspace_root().join("deploy/postgres/roles.sql"));
        run("create the database roles", &mut psql).map(drop)
    }

    fn psql_command(&self, database: &str) -> Result<Command, StackError> {
        let mut psql = Command::new(tools::postgres_program("psql")?);
        psql.args([
            "-X",
            "-w",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-p",
            &self.port.to_string(),
        ]);
        psql.arg("-h").arg(&self.home);
        Ok(psql)
    }

    fn next_name(&self) -> String {
        format!(
            "test_{}",
            self.next_database.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// How to reach one database, by role.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    owner_url: String,
    app_url: String,
    superuser_url: String,
}

impl Database {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As `neurality_owner`: for migrations.
    pub fn owner_url(&self) -> &str {
        &self.owner_url
    }

    /// As `neurality_app`: how the product connects; row level security binds it.
    pub fn app_url(&self) -> &str {
        &self.app_url
    }

    /// As the superuser, over the Unix socket: sees every row whatever the policies say. For assertions.
    pub fn superuser_url(&self) -> &str {
        &self.superuser_url
    }
}

/// The account that runs the server: Postgres refuses root.
#[derive(Debug)]
struct ServerAccount {
    /// `None`: ourselves.
    name: Option<String>,
    ids: Option<(u32, u32)>,
}

impl ServerAccount {
    fn choose() -> Result<Self, StackError> {
        if !is_root() {
            return Ok(Self {
                name: None,
                ids: None,
            });
        }
        let accounts = fs::read_to_string("/etc/passwd").map_err(doing("read /etc/passwd"))?;
        let find = |name: &str| {
            let line = accounts
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut ids = line.split(':').skip(2).map(str::parse);
            Some(Self {
                name: Some(name.to_owned()),
                ids: Some((ids.next()?.ok()?, ids.next()?.ok()?)),
            })
        };
        let missing = || StackError::Missing {
            what: "a user `postgres` to run the database as".to_owned(),
        };
        find("postgres").ok_or_else(missing)
    }

    fn own(&self, folder: &Path) -> Result<(), StackError> {
        let what = format!("hand {} to the database server", folder.display());
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(doing(&what))?;
        match self.ids {
            Some((user, group)) => chown(folder, Some(user), Some(group)).map_err(doing(&what)),
            None => Ok(()),
        }
    }

    fn command(&self, program: &Path) -> Result<Command, StackError> {
        let Some(name) = &self.name else {
            return Ok(Command::new(program));
        };
        let mut command = Command::new(tools::on_path("setpriv")?);
        command
            .args(["--reuid", name, "--regid", name, "--clear-groups", "--"])
            .arg(program);
        Ok(command)
    }
}

fn initdb(account: &ServerAccount, data: &Path) -> Result<(), StackError> {
    let mut initdb = account.command(&tools::postgres_program("initdb")?)?;
    // The account may not be allowed into our working directory. Over TCP passwords count, as in production.
    initdb.current_dir("/").args([
        "--no-sync",
        "--username=postgres",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]);
    initdb
        .args(["--auth-local=trust", "--auth-host=scram-sha-256", "-D"])
        .arg(data);
    run("initdb", &mut initdb).map(drop)
}

fn settings(port: u16) -> Vec<String> {
    let settings = [
        format!("port={port}"),
        format!("max_connections={MAX_CONNECTIONS}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "fsync=off".to_owned(),
        "full_page_writes=off".to_owned(),
        // Compiling a plan costs more than our short queries save.
        "jit=off".to_owned(),
    ];
    settings
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

fn answers(probe: &Path, socket: &Path, port: u16) -> bool {
    let mut command = Command::new(probe);
    command
        .args(["-q", "-p", &port.to_string(), "-h"])
        .arg(socket);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Runs a command to its end and returns what it printed.
fn run(what: &str, command: &mut Command) -> Result<String, StackError> {
    let output = command.stdin(Stdio::null()).output().map_err(doing(what))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(StackError::Command {
        what: what.to_owned(),
        output: String::from_utf8_lossy(&text).into_owned(),
    })
}
