//! What the checks need on this machine beside cargo: a C compiler, rustfmt, clippy.
//!
//! All three are needed, so a missing one is a failure that says what to install. rustfmt and clippy are installed here
//! when rustup is at hand; a C compiler is the system's affair (and cargo could hardly have linked this program without).

use std::env;
use std::process::Command;

use crate::workspace::{Workspace, run, works};

/// Checks for all of them, and adds a missing component if it may.
pub(crate) fn provide(workspace: &Workspace, install: bool) -> Result<(), String> {
    c_compiler()?;
    component(workspace, "rustfmt", "fmt", install)?;
    component(workspace, "clippy", "clippy", install)
}

/// SQLite and the TLS library are compiled from C.
fn c_compiler() -> Result<(), String> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    if works(Command::new(&compiler).arg("--version")) {
        return Ok(());
    }
    Err(format!(
        "no C compiler: {} does not run. Install one (Debian, Ubuntu: `apt-get install gcc libc6-dev`; \
         Fedora: `dnf install gcc`; macOS: `xcode-select --install`), or name one in CC",
        compiler.display()
    ))
}

fn component(
    workspace: &Workspace,
    name: &str,
    subcommand: &str,
    install: bool,
) -> Result<(), String> {
    let works_now = || works(workspace.cargo(subcommand).arg("--version"));
    if works_now() {
        return Ok(());
    }
    let line = format!("rustup component add {name}");
    if install && works(Command::new("rustup").arg("--version")) {
        run(
            &line,
            Command::new("rustup").args(["component", "add", name]),
        )?;
        if works_now() {
            return Ok(());
        }
    }
    Err(format!(
        "{name} is missing: install it with `{line}`, or with the package manager that Rust came from"
    ))
}
