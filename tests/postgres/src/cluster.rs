//! A server made from the installed programs, in a folder of its own, reached through a socket in that folder.
//!
//! A small shell script makes it, and then reads from a pipe that this process holds. When this process ends, by a
//! return, a panic or `kill -9`, the pipe ends, and the script stops the server and removes the folder. Nothing is left
//! to be cleaned up by the next run.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Run with the folder of the programs as `$1`. All settings are in the file, so that a restart has them too.
const SCRIPT: &str = r#"
set -e
trap 'exit 1' HUP INT TERM
folder=$(mktemp -d /tmp/ucanpay-postgres.XXXXXX)
trap '"$1/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
cat >> "$folder/data/postgresql.conf" <<EOF
listen_addresses = ''
port = 5432
unix_socket_directories = '$folder'
max_connections = 300
shared_buffers = 32MB
fsync = $2
EOF
"$1/pg_ctl" -D "$folder/data" -l "$folder/log" -s -w start
echo "$folder"
cat >/dev/null
"#;

/// The folder of the programs, as the build script found it.
const PROGRAMS: Option<&str> = option_env!("POSTGRES_PROGRAMS");

/// A private server. Dropped, it is gone.
#[derive(Debug)]
pub struct Cluster {
    script: Child,
    programs: &'static str,
    folder: String,
}

impl Cluster {
    /// A server that may forget everything when the power goes, as no test's does: quick.
    ///
    /// # Panics
    /// If it cannot be started; says why.
    pub fn start() -> Self {
        Self::with_fsync("off")
    }

    /// A server with the durability of a shop's.
    ///
    /// # Panics
    /// If it cannot be started; says why.
    pub fn durable() -> Self {
        Self::with_fsync("on")
    }

    fn with_fsync(fsync: &str) -> Self {
        let programs = PROGRAMS.expect(
            "PostgreSQL's initdb and pg_ctl are neither on the path nor under /usr/lib/postgresql; install them \
             (Debian: `apt-get install postgresql`), or name a server in UCANPAY_TEST_POSTGRES_URL",
        );
        let mut script = unprivileged("sh")
            .args(["-c", SCRIPT, "private-postgres", programs, fsync])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for the tests; the script follows when they have ended.
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let mut folder = String::new();
        let mut stdout = BufReader::new(script.stdout.take().expect("it is piped"));
        stdout.read_line(&mut folder).expect("a line, or the end");
        if folder.is_empty() {
            let mut said = String::new();
            let mut stderr = script.stderr.take().expect("it is piped");
            let _ = stderr.read_to_string(&mut said);
            panic!("PostgreSQL does not start: {said}");
        }
        Self {
            script,
            programs,
            folder: folder.trim_end().to_owned(),
        }
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost:5432/postgres?host={}",
            self.folder
        )
    }

    /// Stops the server as a crash would: no connection is told, nothing is tidied up.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn crash(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// Starts it again on what it had.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self) {
        let log = format!("{}/log", self.folder);
        self.control(&["-l", &log, "-w", "start"]);
    }

    fn control(&self, words: &[&str]) {
        let status = unprivileged(&format!("{}/pg_ctl", self.programs))
            .args(["-s", "-D", &format!("{}/data", self.folder)])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("pg_ctl starts");
        assert!(status.success(), "pg_ctl {words:?}: {status}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// PostgreSQL does not run as root; Debian's package brings a user for it.
fn unprivileged(program: &str) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            program,
        ]);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id starts");
    id.stdout.trim_ascii() == b"0"
}
