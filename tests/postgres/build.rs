//! Looks for a PostgreSQL to test with, so that tests that cannot run are listed as ignored, with the reason.
//!
//! `cfg(postgres)`: a database is at hand. `cfg(cluster)`: a server can be started and stopped. In CI both are taken for
//! granted, so that a missing one is a failure.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(postgres, cluster)");
    for name in ["CI", "PATH", "UCANPAY_TEST_POSTGRES_URL"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let programs = programs();
    match &programs {
        Some(folder) => {
            println!("cargo::rustc-env=POSTGRES_PROGRAMS={}", folder.display());
            println!(
                "cargo::rerun-if-changed={}",
                folder.join("initdb").display()
            );
        }
        // Changes whenever Debian installs something: it may be this.
        None if Path::new("/var/lib/dpkg/status").exists() => {
            println!("cargo::rerun-if-changed=/var/lib/dpkg/status");
        }
        None => {}
    }
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let cluster = programs.is_some() || is_set("CI");
    if cluster {
        println!("cargo::rustc-cfg=cluster");
    }
    if cluster || is_set("UCANPAY_TEST_POSTGRES_URL") {
        println!("cargo::rustc-cfg=postgres");
    }
}

/// The folder of `initdb` and `pg_ctl`: on the path, or where Debian keeps them; there the newest version.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        std::cmp::Reverse(name.parse::<u32>().unwrap_or(0))
    });
    folders.extend(versions.into_iter().map(|folder| folder.join("bin")));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
