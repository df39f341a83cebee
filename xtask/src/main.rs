//! The project's own commands. `cargo xtask test` runs every check that a change has to pass.
//!
//! | file | story |
//! |---|---|
//! | `args.rs` | what was asked for |
//! | `steps.rs` | the checks, in order |
//! | `tools.rs` | what they need on this machine |
//! | `deny.rs` | what may come into the build |
//! | `features.rs` | which features a crate has |
//! | `light_build.rs` | what a build must not pull in |
//! | `workspace.rs` | where the project is, and how a command is run in it |
//! | `report.rs` | the table at the end |
//! | `fuzz.rs` | the search for inputs that break something, apart from the checks |
//! | `bench/` | every benchmark and what it must reach, apart from the checks |
//! | `prove/` | the long proofs, apart from the checks |
//! | `defences/` | each defence removed, to see its test fail, apart from the checks |
//! | `book.rs` | the guides as a book |
//! | `mutants.rs` | the ledger broken in many ways, to see the histories find it, apart from the checks |

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on the terminal"
)]

mod args;
mod bench;
mod book;
mod defences;
mod deny;
mod features;
mod fuzz;
mod light_build;
mod mutants;
mod prove;
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
    let passed = match task {
        Task::Help => {
            println!("{HELP}");
            Ok(true)
        }
        Task::Test { install } => Workspace::find().map(|workspace| test(&workspace, install)),
        Task::Fuzz(bound) => Workspace::find()
            .and_then(|workspace| fuzz::run(&workspace, &bound))
            .map(|()| true),
        Task::Bench { only } => {
            Workspace::find().and_then(|workspace| bench::run(&workspace, only.as_deref()))
        }
        Task::Prove { quick, only } => {
            Workspace::find().and_then(|workspace| prove::run(&workspace, quick, only.as_deref()))
        }
        Task::Defences { only } => Workspace::find()
            .and_then(|workspace| defences::run(&workspace, only.as_deref()))
            .map(|()| true),
        Task::Book => Workspace::find()
            .and_then(|workspace| book::run(&workspace))
            .map(|()| true),
        Task::Mutants { only } => Workspace::find()
            .and_then(|workspace| mutants::run(&workspace, only.as_deref()))
            .map(|()| true),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn test(workspace: &Workspace, install: bool) -> bool {
    let report = steps::run(workspace, install);
    println!("\n{report}");
    report.passed()
}
