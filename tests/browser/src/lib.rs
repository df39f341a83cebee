//! Looks for a browser to test with, so that tests that cannot run are listed as ignored, with the reason. For build scripts.
//!
//! `cfg(browser)`: Chromium and its driver are at hand. In CI they are taken for granted, so that a missing one is a
//! failure.

#![expect(
    clippy::print_stdout,
    reason = "a build script speaks to cargo on its standard output"
)]

use std::env;
use std::path::{Path, PathBuf};

/// What each is called: by Debian, and elsewhere.
const PROGRAMS: [(&str, &[&str]); 2] = [
    (
        "CHROMIUM",
        &["chromium", "chromium-browser", "google-chrome"],
    ),
    ("CHROMEDRIVER", &["chromedriver"]),
];

/// Tells cargo, from a build script: sets `cfg(browser)`, and `CHROMIUM` and `CHROMEDRIVER` for `env!`.
pub fn tell_cargo() {
    println!("cargo::rustc-check-cfg=cfg(browser)");
    for name in ["CI", "PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let mut complete = true;
    for (variable, names) in PROGRAMS {
        match find(names) {
            Some(program) => {
                println!("cargo::rustc-env={variable}={}", program.display());
                println!("cargo::rerun-if-changed={}", program.display());
            }
            None => {
                complete = false;
                println!("cargo::rustc-env={variable}={}", names[0]);
            }
        }
    }
    // Changes whenever Debian installs something: it may be this.
    let installed = Path::new("/var/lib/dpkg/status");
    if !complete && installed.exists() {
        println!("cargo::rerun-if-changed={}", installed.display());
    }
    let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    if complete || in_ci {
        println!("cargo::rustc-cfg=browser");
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.into_iter().find(|program| program.is_file())
}
