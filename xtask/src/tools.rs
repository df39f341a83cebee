//! What the checks need on this machine beside cargo: a C compiler, rustfmt, clippy, PostgreSQL, Chromium, Python,
//! cargo-deny.
//!
//! All are needed, so a missing one is a failure that says what to install; cargo-deny alone, which is brought into
//! `target/`, may be missing where nothing may be installed, and its checks then say that they did not run. rustfmt and clippy are installed here when
//! rustup is at hand, PostgreSQL, Chromium and Python when this is root on a Debian; a C compiler is the system's affair (and cargo could
//! hardly have linked this program without).

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::deny;
use crate::workspace::{Workspace, run, works};

/// Checks for all of them, and adds a missing component if it may.
pub(crate) fn provide(workspace: &Workspace, install: bool) -> Result<(), String> {
    c_compiler()?;
    component(workspace, "rustfmt", "fmt", install)?;
    component(workspace, "clippy", "clippy", install)?;
    postgres(install)?;
    chromium(install)?;
    python(install)?;
    if install {
        deny::install(workspace)?;
    }
    Ok(())
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

/// The tests make a server of their own from its programs (`tests/postgres`), unless one is named. The tests are run with
/// those that are ignored otherwise, so it is needed here.
fn postgres(install: bool) -> Result<(), String> {
    let named = env::var_os("UCANPAY_TEST_POSTGRES_URL").is_some_and(|url| !url.is_empty());
    if named || has_postgres() {
        return Ok(());
    }
    let line = "apt-get install --yes --no-install-recommends postgresql";
    if install && apt_get(line)? && has_postgres() {
        return Ok(());
    }
    Err(format!(
        "PostgreSQL's initdb and pg_ctl are missing: install them (Debian, Ubuntu: `{line}`; Fedora: `dnf install \
         postgresql-server`; macOS: `brew install postgresql`), or name a server for tests in UCANPAY_TEST_POSTGRES_URL"
    ))
}

/// On the path, or where Debian keeps them: `tests/postgres/build.rs` looks there, too.
fn has_postgres() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = versions.flatten().map(|version| version.path().join("bin"));
    let complete = |folder: PathBuf| {
        let has = |program: &str| folder.join(program).is_file();
        has("initdb") && has("pg_ctl")
    };
    on_path.chain(debian).any(complete)
}

/// The browser tests of the example shop: `tests/browser` looks for the same programs.
fn chromium(install: bool) -> Result<(), String> {
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let complete = || browsers.into_iter().any(on_path) && on_path("chromedriver");
    if complete() {
        return Ok(());
    }
    let line = "apt-get install --yes --no-install-recommends chromium chromium-driver";
    if install && apt_get(line)? && complete() {
        return Ok(());
    }
    Err(format!(
        "Chromium and its driver are missing: install them (Debian: `{line}`; Fedora: `dnf install chromium \
         chromedriver`; elsewhere chromium, chromium-browser or google-chrome, and chromedriver, on the path)"
    ))
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Peers in another language (`tests/peers`) speak with the sandbox; their cryptography is a package of Python's, or the
/// program `openssl`.
fn python(install: bool) -> Result<(), String> {
    let works_now = || {
        let has = |program: &str, arguments: &[&str]| works(Command::new(program).args(arguments));
        has("python3", &["--version"])
            && (has("python3", &["-c", "import cryptography"]) || has("openssl", &["version"]))
    };
    if works_now() {
        return Ok(());
    }
    let line = "apt-get install --yes --no-install-recommends python3 openssl";
    if install && apt_get(line)? && works_now() {
        return Ok(());
    }
    Err(format!(
        "python3 is missing, or both its package cryptography and the program openssl: install them (Debian, Ubuntu: \
         `{line}`; Fedora: `dnf install python3 openssl`; macOS: `brew install python openssl`)"
    ))
}

/// Runs this `apt-get` line where that is ours to do: false if it is not.
fn apt_get(line: &str) -> Result<bool, String> {
    if !is_root() || !works(Command::new("apt-get").arg("--version")) {
        return Ok(false);
    }
    run("apt-get update", Command::new("apt-get").arg("update"))?;
    run(
        line,
        Command::new("apt-get")
            .args(line.split_whitespace().skip(1))
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(true)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
