//! The command `ucanpay-sandbox`: its arguments, its keys, and the running of it.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::net::TcpListener;
use ucanpay_core::{KeyError, PrivateKey, PublicKey};

use crate::config::{SandboxConfig, State};
use crate::duration::duration;
use crate::error::{SandboxError, in_one_line};
use crate::sandbox::Sandbox;
use crate::seed::Seed;
use crate::switches::Switches;

const USAGE: &str = "\
Usage: ucanpay-sandbox --merchant-id ID --merchant-public-key FILE --platform-private-key FILE [options]

A UCanPay gateway on this machine, for development. No real money moves.

  --merchant-id ID             the merchant it knows
  --merchant-public-key FILE   checks what the merchant sends
  --platform-private-key FILE  signs what the gateway sends
  --listen ADDRESS             default 127.0.0.1:8090
  --state FILE                 keep orders in this SQLite file; without it they are gone at the end
  --seed FILE                  begin with the orders and faults of this JSON file; docs/sandbox.md has the format
  --notify-interval TIME       between attempts to deliver a notification, default 15s
  --set NAME=VALUE             one point that the reference leaves open, such as name-in=code; may be given
                               several times; docs/sandbox.md has the table
  --clock real|driven          driven: it stands until POST /_sandbox/clock moves it on; default real
  --allow-remote               listen on, and notify, other addresses than this machine's own
  --help                       show this
";

/// Does what the arguments (without the program's name) ask for, and says on standard error what is
/// wrong with them.
///
/// Exit status 2: the arguments cannot be followed. 1: a key, the state file or the address cannot be used.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Command::parse(arguments) {
        Err(error) => failed(&error, 2),
        Ok(Command::Help) => {
            // A closed standard output has nobody to tell.
            let _ = write!(std::io::stdout(), "{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Run(arguments)) => match arguments.run().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error, 1),
        },
    }
}

fn failed(error: &dyn std::error::Error, status: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "ucanpay-sandbox: {}", in_one_line(error));
    ExitCode::from(status)
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Command {
    Help,
    Run(Arguments),
}

/// The arguments of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Arguments {
    listen: SocketAddr,
    merchant_id: String,
    merchant_public_key: PathBuf,
    platform_private_key: PathBuf,
    state: State,
    seed: Option<PathBuf>,
    notify_interval: Duration,
    clock: ClockKind,
    switches: Switches,
    allow_remote: bool,
}

/// Whether time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClockKind {
    Real,
    Driven,
}

/// The command line cannot be followed: the exit status is 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}; --help shows how the command is used")]
struct UsageError(String);

/// The sandbox could not be run: the exit status is 1.
#[derive(Debug, Error)]
enum RunError {
    #[error("--{option} {} cannot be read", path.display())]
    KeyFile {
        option: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("--{option} {} does not hold the key that is needed", path.display())]
    Key {
        option: &'static str,
        path: PathBuf,
        source: KeyError,
    },
    #[error("--seed {} cannot be read", path.display())]
    SeedFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the sandbox cannot be opened")]
    Open(#[from] SandboxError),
    #[error("cannot serve on {listen}; is another program using the port?")]
    Serve {
        listen: SocketAddr,
        source: std::io::Error,
    },
}

impl Command {
    /// Reads the arguments; an error says which one is missing, unknown or not understood.
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 8090));
        let mut merchant_id = None;
        let mut merchant_public_key = None;
        let mut platform_private_key = None;
        let mut state = State::Memory;
        let mut seed = None;
        let mut notify_interval = Duration::from_secs(15);
        let mut clock = ClockKind::Real;
        let mut switches = Switches::default();
        let mut allow_remote = false;

        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let option = text(&argument)?;
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| UsageError(format!("{option} needs a value")))
            };
            match option {
                "--help" | "-h" => return Ok(Self::Help),
                "--allow-remote" => allow_remote = true,
                "--merchant-id" => merchant_id = Some(text(&value()?)?.to_owned()),
                "--merchant-public-key" => merchant_public_key = Some(PathBuf::from(value()?)),
                "--platform-private-key" => platform_private_key = Some(PathBuf::from(value()?)),
                "--seed" => seed = Some(PathBuf::from(value()?)),
                "--state" => state = State::File(PathBuf::from(value()?)),
                "--listen" => {
                    let address = value()?;
                    listen = text(&address)?.parse().map_err(|_| {
                        UsageError(
                            "--listen needs an address with a port, such as 127.0.0.1:8090"
                                .to_owned(),
                        )
                    })?;
                }
                "--set" => {
                    let setting = value()?;
                    switches
                        .set(text(&setting)?)
                        .map_err(|error| UsageError(format!("--set: {error}")))?;
                }
                "--clock" => {
                    clock = match text(&value()?)? {
                        "real" => ClockKind::Real,
                        "driven" => ClockKind::Driven,
                        _ => return Err(UsageError("--clock is real or driven".to_owned())),
                    };
                }
                "--notify-interval" => {
                    let interval =
                        duration(text(&value()?)?).filter(|interval| !interval.is_zero());
                    notify_interval = interval.ok_or_else(|| {
                        UsageError("--notify-interval needs a time such as 15s or 500ms".to_owned())
                    })?;
                }
                _ => return Err(UsageError(format!("unknown argument {option}"))),
            }
        }
        let missing = |option: &str| UsageError(format!("{option} is missing"));
        let run = Arguments {
            listen,
            merchant_id: merchant_id.ok_or_else(|| missing("--merchant-id"))?,
            merchant_public_key: merchant_public_key
                .ok_or_else(|| missing("--merchant-public-key"))?,
            platform_private_key: platform_private_key
                .ok_or_else(|| missing("--platform-private-key"))?,
            state,
            seed,
            notify_interval,
            clock,
            switches,
            allow_remote,
        };
        if !run.listen.ip().is_loopback() && !run.allow_remote {
            return Err(UsageError(format!(
                "--listen {listen} would open the sandbox, where anyone may approve payments, to other machines; add --allow-remote if that is meant"
            )));
        }
        Ok(Self::Run(run))
    }
}

impl Arguments {
    /// Runs the sandbox until the program is interrupted; an error says which file or address cannot be used.
    async fn run(self) -> Result<(), RunError> {
        let merchant_key = key(
            "merchant-public-key",
            self.merchant_public_key,
            PublicKey::from_bytes,
        )?;
        let platform_key = key(
            "platform-private-key",
            self.platform_private_key,
            PrivateKey::from_bytes,
        )?;
        let mut config = SandboxConfig::new(self.merchant_id, merchant_key, platform_key)
            .with_state(self.state)
            .with_notify_interval(self.notify_interval)
            .with_allow_remote(self.allow_remote);
        config.switches = self.switches;
        if let Some(path) = self.seed {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| RunError::SeedFile { path, source })?;
            config = config.with_seed(Seed::from_json(&text)?);
        }
        if self.clock == ClockKind::Driven {
            config = config.with_driven_clock(SystemTime::now());
        }
        let sandbox = Sandbox::open(config).await?;
        let serve_error = |source| RunError::Serve {
            listen: self.listen,
            source,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(serve_error)?;
        let address = listener.local_addr().map_err(serve_error)?;
        // A closed standard output is no reason not to run.
        let _ = writeln!(
            std::io::stdout(),
            "UCanPay sandbox (no real money moves)\n  \
             dashboard  http://{address}/\n  \
             gateway    http://{address}/payment/…\n  \
             control    http://{address}/_sandbox/orders"
        );
        sandbox
            .serve(listener, async {
                if tokio::signal::ctrl_c().await.is_err() {
                    // Without the signal there is nothing to wait for: run until killed.
                    std::future::pending::<()>().await;
                }
            })
            .await
            .map_err(serve_error)
    }
}

fn text(argument: &OsString) -> Result<&str, UsageError> {
    argument
        .to_str()
        .ok_or_else(|| UsageError("an argument is not UTF-8".to_owned()))
}

fn key<K>(
    option: &'static str,
    path: PathBuf,
    read: impl FnOnce(&[u8]) -> Result<K, KeyError>,
) -> Result<K, RunError> {
    let bytes = std::fs::read(&path).map_err(|source| RunError::KeyFile {
        option,
        path: path.clone(),
        source,
    })?;
    read(&bytes).map_err(|source| RunError::Key {
        option,
        path,
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::switches::NameIn;

    const NEEDED: [&str; 6] = [
        "--merchant-id",
        "2000000010",
        "--merchant-public-key",
        "m.pem",
        "--platform-private-key",
        "p.pem",
    ];

    fn parse(more: &[&str]) -> Result<Command, UsageError> {
        Command::parse(NEEDED.iter().chain(more).map(OsString::from))
    }

    #[test]
    fn the_defaults_are_loopback_memory_and_fifteen_seconds() {
        let Command::Run(run) = parse(&[]).unwrap() else {
            panic!("help")
        };
        assert_eq!(run.listen, "127.0.0.1:8090".parse().unwrap());
        assert_eq!(run.state, State::Memory);
        assert_eq!(run.notify_interval, Duration::from_secs(15));
        assert_eq!(run.clock, ClockKind::Real);
        assert!(!run.allow_remote);
    }

    #[test]
    fn every_option_is_read() {
        let Command::Run(run) = parse(&[
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
        ])
        .unwrap() else {
            panic!("help")
        };
        assert_eq!(run.listen, "0.0.0.0:1".parse().unwrap());
        assert_eq!(run.state, State::File("s.db".into()));
        assert_eq!(run.notify_interval, Duration::from_millis(500));
        assert_eq!(run.seed, Some("s.json".into()));
        assert_eq!(run.clock, ClockKind::Driven);
        assert_eq!(run.switches.name_in, NameIn::Code);
        assert_eq!(run.switches.block_after, NonZeroU32::new(5));
        assert!(run.allow_remote);
    }

    #[test]
    fn other_machines_are_let_in_only_when_asked() {
        assert!(
            parse(&["--listen", "0.0.0.0:8090"])
                .unwrap_err()
                .to_string()
                .contains("--allow-remote")
        );
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (more, expected) in [
            (&["--frobnicate"][..], "unknown argument --frobnicate"),
            (
                &["--set", "name-in"],
                "--set: a setting is written name=value",
            ),
            (&["--clock", "fast"], "--clock is real or driven"),
            (&["--state"], "--state needs a value"),
            (&["--listen", "8090"], "--listen needs an address"),
            (
                &["--notify-interval", "soon"],
                "--notify-interval needs a time",
            ),
            (
                &["--notify-interval", "0s"],
                "--notify-interval needs a time",
            ),
        ] {
            assert!(
                parse(more).unwrap_err().to_string().contains(expected),
                "{more:?}"
            );
        }
        assert!(
            Command::parse([])
                .unwrap_err()
                .to_string()
                .contains("--merchant-id is missing")
        );
        assert_eq!(Command::parse(["--help".into()]), Ok(Command::Help));
    }
}
