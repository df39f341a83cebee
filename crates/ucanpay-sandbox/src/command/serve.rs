//! The arguments of a sandbox, and the running of it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use thiserror::Error;
use tokio::net::TcpListener;
use ucanpay_core::KeyError;

use super::merchant::{Keys, Merchant, greeting};
use crate::config::{SandboxConfig, State};
use crate::duration::duration;
use crate::error::SandboxError;
use crate::sandbox::Sandbox;
use crate::seed::Seed;
use crate::switches::Switches;

/// The arguments of a sandbox that serves; [`run`](Self::run) does so.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct Serve {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090", value_parser = address)]
    listen: SocketAddr,
    /// The merchant it knows
    #[arg(long, value_name = "ID", default_value = "2000000010")]
    merchant_id: String,
    /// Checks what the merchant sends; when left out, a key is made for the merchant
    #[arg(long, value_name = "FILE")]
    merchant_public_key: Option<PathBuf>,
    /// Signs what the gateway sends; when left out, one is made
    #[arg(long, value_name = "FILE")]
    platform_private_key: Option<PathBuf>,
    /// Where keys that are made are kept, and found again at the next start
    #[arg(long, value_name = "FOLDER", default_value = "ucanpay-sandbox")]
    keys: PathBuf,
    /// The size of keys that are made, in bits: 1024 (as live keys are likely to be) to 4096
    #[arg(long, value_name = "BITS", default_value_t = 2048, value_parser = key_bits)]
    key_bits: usize,
    /// Sign by keyed MD5 in place of RSA, in both directions, with the secret that this file holds and nothing else but a
    /// line break
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    md5_secret_file: Option<PathBuf>,
    /// Keep orders in this SQLite file; without it they are gone at the end
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Begin with the orders and faults of this JSON file; docs/sandbox.md has the format
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Between attempts to deliver a notification
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = interval)]
    notify_interval: Duration,
    /// One point that the reference leaves open, such as name-in=code; may be given several times; docs/sandbox.md has
    /// the table
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<String>,
    /// Whether time goes by, or stands until POST /_sandbox/clock moves it on
    #[arg(long, value_name = "KIND", value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// Listen on, and notify, other addresses than this machine's own
    #[arg(long)]
    allow_remote: bool,
}

/// Whether time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    Real,
    Driven,
}

/// The sandbox could not be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Other machines were about to be let in unasked.
    #[error(
        "--listen {0} would open the sandbox, where anyone may approve payments, to other machines; add --allow-remote if that is meant"
    )]
    Remote(SocketAddr),
    /// A key file that was named cannot be read.
    #[error("--{option} {} cannot be read", shown(path))]
    KeyFile {
        /// The option that named it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key file does not hold the key that is needed.
    #[error("--{option} {} does not hold the key that is needed", shown(path))]
    Key {
        /// The option that named it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// Keys cannot be made or kept: name another folder, or name keys.
    #[error("--keys {} cannot be used", path.display())]
    KeysFolder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file with the MD5 secret cannot be read, or holds none. What the option named is not repeated: it may be the
    /// secret.
    #[error(
        "--md5-secret-file: {problem}; give a file that holds the secret, never the secret itself"
    )]
    Md5Secret {
        /// What is wrong.
        problem: String,
    },
    /// The seed file cannot be read.
    #[error("--seed {} cannot be read", path.display())]
    SeedFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sandbox does not open.
    #[error("the sandbox cannot be opened")]
    Open(#[from] SandboxError),
    /// The address cannot be listened on.
    #[error("cannot serve on {listen}; is another program using the port?")]
    Serve {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl ServeError {
    /// 2 when the arguments cannot be followed, otherwise 1.
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            Self::Remote(_) => 2,
            _ => 1,
        }
    }
}

impl Serve {
    /// Runs the sandbox until the program is interrupted; where it is, and where keys that were made are, is told on
    /// standard output.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use clap::Parser;
    /// use ucanpay_sandbox::command::{Serve, ServeError};
    ///
    /// /// A program of your own that serves a sandbox, too.
    /// #[derive(Parser)]
    /// struct Program {
    ///     #[command(flatten)]
    ///     sandbox: Serve,
    /// }
    ///
    /// let open_to_all = Program::parse_from(["dev", "--listen", "0.0.0.0:8090"]);
    /// let refused = open_to_all.sandbox.run().await;
    /// assert!(matches!(refused, Err(ServeError::Remote(_))));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ServeError`] says which file or address cannot be used.
    pub async fn run(self) -> Result<(), ServeError> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            return Err(ServeError::Remote(self.listen));
        }
        let keys = Keys::open(
            self.merchant_public_key,
            self.platform_private_key,
            &self.keys,
            self.key_bits,
        )?;
        let mut config = SandboxConfig::new(
            self.merchant_id.clone(),
            keys.merchant_key.clone(),
            keys.platform_key.clone(),
        )
        .with_state(self.state.map_or(State::Memory, State::File))
        .with_notify_interval(self.notify_interval)
        .with_allow_remote(self.allow_remote);
        for setting in &self.settings {
            // Each was tried when the arguments were read.
            let _ = config.switches.set(setting);
        }
        if let Some(path) = &self.md5_secret_file {
            config = config.with_md5_secret(md5_secret(path)?);
        }
        let switches = config.switches;
        if let Some(path) = self.seed {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ServeError::SeedFile { path, source })?;
            config = config.with_seed(Seed::from_json(&text)?);
        }
        if self.clock == ClockKind::Driven {
            config = config.with_driven_clock(SystemTime::now());
        }
        let sandbox = Sandbox::open(config).await?;
        let serve_error = |source| ServeError::Serve {
            listen: self.listen,
            source,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(serve_error)?;
        let address = listener.local_addr().map_err(serve_error)?;
        let merchant = Merchant {
            id: &self.merchant_id,
            switches,
            md5_secret_file: self.md5_secret_file.as_deref(),
        };
        let greeting = greeting(address, &keys.kept(&self.keys, &merchant, address)?);
        // A closed standard output is no reason not to run.
        let _ = write!(io::stdout(), "{greeting}");
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Without the signal there is nothing to wait for: run until killed.
                std::future::pending::<()>().await;
            }
        };
        let served = sandbox.serve(listener, interrupted).await;
        served.map_err(serve_error)
    }
}

/// The path of a key file, for people. What is long and no file may be the key itself, and is not repeated.
fn shown(path: &Path) -> String {
    if is_contents(path) {
        return "(what looks like the key itself: give a file that holds it)".to_owned();
    }
    path.display().to_string()
}

/// Whether what should name a file is probably its contents: long, and no file.
pub(super) fn is_contents(path: &Path) -> bool {
    const LONGEST: usize = 100;
    path.to_string_lossy().chars().count() > LONGEST && !path.exists()
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address is written in numbers, with a port: 127.0.0.1:8090".to_owned())
}

fn md5_secret(path: &Path) -> Result<String, ServeError> {
    let wrong = |problem: String| ServeError::Md5Secret { problem };
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("what it names cannot be read: {error}")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        return Err(wrong("the file is empty".to_owned()));
    }
    Ok(secret.to_owned())
}

fn key_bits(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|bits| (1024..=4096).contains(bits))
        .ok_or_else(|| "a whole number from 1024 to 4096".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|interval| !interval.is_zero())
        .ok_or_else(|| "a time is written such as 15s or 500ms".to_owned())
}

fn setting(text: &str) -> Result<String, String> {
    match Switches::default().set(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::command::keys::KeptKey;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    fn parse(arguments: &[&str]) -> Result<Serve, String> {
        Line::try_parse_from([&["serve"], arguments].concat())
            .map(|line| line.serve)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Line::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_loopback_memory_and_fifteen_seconds() {
        let run = parse(&[]).unwrap();
        assert_eq!(run.listen, "127.0.0.1:8090".parse().unwrap());
        assert_eq!(run.state, None);
        assert_eq!(run.notify_interval, Duration::from_secs(15));
        assert_eq!(run.clock, ClockKind::Real);
        assert!(!run.allow_remote);
    }

    #[test]
    fn every_option_is_read() {
        let run = parse(&[
            "--listen",
            "0.0.0.0:1",
            "--allow-remote",
            "--state",
            "s.db",
            "--seed",
            "s.json",
            "--notify-interval",
            "500ms",
            "--clock",
            "driven",
            "--set",
            "name-in=code",
            "--set",
            "block-after=5",
            "--key-bits",
            "1024",
            "--md5-secret-file",
            "secret.txt",
        ])
        .unwrap();
        assert_eq!(run.key_bits, 1024);
        assert_eq!(run.md5_secret_file, Some("secret.txt".into()));
        assert_eq!(run.listen, "0.0.0.0:1".parse().unwrap());
        assert_eq!(run.state, Some("s.db".into()));
        assert_eq!(run.notify_interval, Duration::from_millis(500));
        assert_eq!(run.seed, Some("s.json".into()));
        assert_eq!(run.clock, ClockKind::Driven);
        assert_eq!(run.settings, ["name-in=code", "block-after=5"]);
        assert!(run.allow_remote);
    }

    #[tokio::test]
    async fn other_machines_are_let_in_only_when_asked() {
        let run = parse(&["--listen", "0.0.0.0:8090"]).unwrap();
        let error = run.run().await.unwrap_err();
        assert!(error.to_string().contains("--allow-remote"), "{error}");
        assert_eq!(error.exit_status(), 2);
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (arguments, expected) in [
            (&["--frobnicate"][..], "--frobnicate"),
            (&["--set", "name-in"], "a setting is written name=value"),
            (&["--clock", "fast"], "possible values: real, driven"),
            (&["--state"], "a value is required"),
            (&["--listen", "8090"], "written in numbers, with a port"),
            (&["--notify-interval", "soon"], "such as 15s or 500ms"),
            (&["--notify-interval", "0s"], "such as 15s or 500ms"),
            (&["--key-bits", "512"], "from 1024 to 4096"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_key_given_in_place_of_its_file_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptKey::open(folder.path(), "merchant", 1024).unwrap();
        let pem = kept.key.to_pkcs8_pem();
        for option in ["--platform-private-key", "--merchant-public-key"] {
            let keys = folder.path().join("keys");
            let given = format!("{option}={}", *pem);
            let arguments = [&given, "--keys", keys.to_str().unwrap()];
            let error = parse(&arguments).unwrap().run().await.unwrap_err();
            let said = crate::error::in_one_line(&error);
            assert!(said.contains("give a file that holds it"), "{said}");
            assert!(!said.contains(&pem[100..108]), "{said}");
        }
    }

    #[tokio::test]
    async fn a_secret_given_in_place_of_its_file_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let arguments = [
            "--md5-secret-file",
            "s3cret",
            "--keys",
            keys.to_str().unwrap(),
            "--key-bits",
            "1024",
        ];
        let error = parse(&arguments).unwrap().run().await.unwrap_err();
        let said = crate::error::in_one_line(&error);
        assert!(said.contains("never the secret itself"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}
