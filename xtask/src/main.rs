//! The project's own commands. `cargo xtask test` runs every check that a change has to pass.
//!
//! | file | story |
//! |---|---|
//! | `args.rs` | what was asked for |
//! | `steps.rs` | the checks, in order |
//! | `tools.rs` | what they need on this machine |
//! | `features.rs` | which features a crate has |
//! | `light_build.rs` | what a build must not pull in |
//! | `workspace.rs` | where the project is, and how a command is run in it |
//! | `report.rs` | the table at the end |

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on the terminal"
)]

mod args;
mod features;
mod light_build;
mod report;
mod steps;
mod tools;
mod workspace;

use std::env;
use std::process::ExitCode;

use args::{HELP, Task};
use workspace::Workspace;

fn main() -> ExitCode {
    let words = env::args_os().skip(1);
    let task = match args::read(words.map(|word| word.to_string_lossy().into_owned())) {
        Ok(task) => task,
        Err(problem) => {
            eprintln!("{problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match task {
        Task::Help => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Task::Test { install } => test(install),
    }
}

fn test(install: bool) -> ExitCode {
    let workspace = match Workspace::find() {
        Ok(workspace) => workspace,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let report = steps::run(&workspace, install);
    println!("\n{report}");
    if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
