//! The binary, the shared test keys and the shared vectors.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ucanpay");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program with these environment variables and no others.
pub(crate) fn run_in(variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program with `stdin` as its standard input.
pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(arguments: &[A], stdin: &[u8]) -> Run {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn key(name: &str) -> String {
    format!("{FIXTURES}/keys/{name}")
}

pub(crate) fn vectors(name: &str) -> serde_json::Value {
    let path = PathBuf::from(FIXTURES).join(format!("vectors/{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
