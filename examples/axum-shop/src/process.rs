//! The shop as a process of its own: environment, log, terminal, signals and exit status around a [`Program`].

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::program::{OpenError, Program};
use crate::settings::{Settings, in_one_line};

/// Runs the shop as the environment says, until it is interrupted: what `main` does.
///
/// Exit status: 0 after an orderly stop, 2 if a setting is wrong, 1 for any other trouble.
pub fn main_with_env() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A test may have set up its own already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(in_colour())
        .try_init();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(from_env()),
        Err(error) => failed(&error, 1),
    }
}

/// For a person at a terminal who did not ask for none (<https://no-color.org>); a file gets plain text.
fn in_colour() -> bool {
    let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !asked_for_none
}

async fn from_env() -> ExitCode {
    let program = match Settings::from_env() {
        Ok(settings) => Program::open(settings).await,
        Err(error) => Err(error.into()),
    };
    let program = match program {
        Ok(program) => program,
        Err(OpenError::Setting(error)) => return failed(&error, 2),
        Err(error) => return failed(&error, 1),
    };
    // A closed standard output has nobody to tell.
    let _ = io::stdout().write_all(program.greeting().as_bytes());
    let _ = io::stdout().flush();
    program.run(interrupted()).await;
    ExitCode::SUCCESS
}

fn failed(error: &dyn std::error::Error, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "axum-shop: {}", in_one_line(error));
    ExitCode::from(status)
}

/// Ctrl-C, or the signal that service managers send.
async fn interrupted() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal there is nothing to wait for: run until killed.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return ctrl_c.await;
        };
        tokio::select! {
            () = ctrl_c => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    ctrl_c.await;
}
