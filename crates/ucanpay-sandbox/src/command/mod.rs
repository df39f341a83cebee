//! The command `ucanpay-sandbox`, which is also `ucanpay sandbox serve`: one set of arguments ([`Serve`]), one way to run it.

mod keys;
mod merchant;
mod serve;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use self::serve::is_contents;
pub use self::serve::{Serve, ServeError};
use crate::error::in_one_line;

/// A UCanPay gateway on this machine, for development. No real money moves.
#[derive(Debug, Parser)]
#[command(name = "ucanpay-sandbox", version)]
struct Program {
    #[command(flatten)]
    serve: Serve,
}

/// Does what the arguments (without the program's name) ask for, and says on standard error what is
/// wrong with them.
///
/// Exit status 2: the arguments cannot be followed. 1: a key, the state file or the address cannot be used.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     ucanpay_sandbox::command::log_to_stderr();
///     ucanpay_sandbox::command::run(std::env::args_os().skip(1)).await
/// }
/// ```
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let name = OsString::from("ucanpay-sandbox");
    let arguments: Vec<OsString> = std::iter::once(name).chain(arguments).collect();
    let holds_contents = arguments.iter().any(|one| is_contents(one.as_ref()));
    match Program::try_parse_from(arguments) {
        Ok(program) => ended(program.serve.run().await),
        // The parser repeats what it does not understand, which must not be a key.
        Err(error) if error.use_stderr() && holds_contents => {
            let text = "ucanpay-sandbox: one of the arguments looks like a key itself: give a file that holds it";
            let _ = writeln!(std::io::stderr(), "{text}; --help tells the rest");
            ExitCode::from(2)
        }
        Err(error) => {
            // A closed standard output or error has nobody to tell.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { 2 } else { 0 })
        }
    }
}

/// The exit status of a sandbox that has ended, after saying on standard error why.
fn ended(result: Result<(), ServeError>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let _ = writeln!(
        std::io::stderr(),
        "ucanpay-sandbox: {}",
        in_one_line(&error)
    );
    ExitCode::from(error.exit_status())
}

/// Logs to standard error, with the level that `RUST_LOG` names, `info` without it; in colour on a terminal.
///
/// ```no_run
/// ucanpay_sandbox::command::log_to_stderr(); // RUST_LOG=debug tells more
/// ```
///
/// # Panics
/// If this process logs already.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal() && !plain)
        .with_writer(std::io::stderr)
        .init();
}
