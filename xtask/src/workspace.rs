//! Where the project is, and how a command is run in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The project's root, and the cargo that started us.
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// Asks cargo's own variables, which it sets for what it runs.
    pub(crate) fn find() -> Result<Self, String> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = manifest.as_deref().and_then(Path::parent);
        let root = root.ok_or("the project cannot be found: run this as `cargo xtask test`")?;
        Ok(Self {
            root: root.to_owned(),
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A cargo command at the project's root, its words separated by spaces.
    pub(crate) fn cargo(&self, line: &str) -> Command {
        let mut command = Command::new(&self.cargo);
        command
            .args(line.split_whitespace())
            .current_dir(&self.root)
            // A check is a check of every store.
            .env_remove("UCANPAY_TEST_STORES");
        command
    }

    /// Runs `cargo {line}` with its output on the terminal.
    pub(crate) fn run_cargo(&self, line: &str) -> Result<(), String> {
        run(&format!("cargo {line}"), &mut self.cargo(line))
    }
}

/// Runs a command with its output on the terminal. `shown` is what a person would type.
pub(crate) fn run(shown: &str, command: &mut Command) -> Result<(), String> {
    println!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` failed ({status})")),
        Err(error) => Err(format!("`{shown}` could not be started: {error}")),
    }
}

/// Runs a command for what it prints.
pub(crate) fn output(shown: &str, command: &mut Command) -> Result<String, String> {
    println!("$ {shown}");
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be run here at all.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
