//! The checks, in order: quick ones first, the tests last, so that their results stand right above the table.

use std::time::{Duration, Instant};

use crate::deny::Deny;
use crate::report::{Entry, Outcome, Report};
use crate::workspace::Workspace;
use crate::{features, light_build, tools};

type Check = fn(&Workspace) -> Result<Done, String>;

/// How a check ended that did not fail.
enum Done {
    Passed,
    NotRun(&'static str),
}

const CHECKS: &[(&str, Check)] = &[
    ("formatting", formatting),
    ("lints", lints),
    ("light builds", light_builds),
    ("licences, bans, sources", dependencies),
    ("advisories", advisories),
    ("features apart", features_apart),
    ("documentation", documentation),
    ("packages", packages),
    ("tests", tests),
];

/// Runs them all, stopping at the first that fails. What they print is streamed.
pub(crate) fn run(workspace: &Workspace, install: bool) -> Report {
    let mut report = Report::default();
    step(&mut report, "tools", || {
        passed(tools::provide(workspace, install))
    });
    for (name, check) in CHECKS {
        step(&mut report, name, || check(workspace));
    }
    report
}

fn step(report: &mut Report, name: &str, check: impl FnOnce() -> Result<Done, String>) {
    if !report.passed() {
        report.entries.push(Entry {
            name: name.to_owned(),
            outcome: Outcome::NotReached,
            took: Duration::ZERO,
        });
        return;
    }
    println!("\n== {name}");
    let begun = Instant::now();
    let outcome = match check() {
        Ok(Done::Passed) => Outcome::Passed,
        Ok(Done::NotRun(why)) => {
            println!("NOT RUN: {why}");
            Outcome::NotRun(why.to_owned())
        }
        Err(why) => Outcome::Failed(why),
    };
    report.entries.push(Entry {
        name: name.to_owned(),
        outcome,
        took: begun.elapsed(),
    });
}

fn passed(result: Result<(), String>) -> Result<Done, String> {
    result.map(|()| Done::Passed)
}

fn formatting(workspace: &Workspace) -> Result<Done, String> {
    passed(workspace.run_cargo("fmt --all --check"))
}

fn lints(workspace: &Workspace) -> Result<Done, String> {
    passed(workspace.run_cargo("clippy --workspace --all-targets --all-features -- -D warnings"))
}

fn light_builds(workspace: &Workspace) -> Result<Done, String> {
    passed(light_build::check(workspace))
}

fn dependencies(workspace: &Workspace) -> Result<Done, String> {
    match Deny::find(workspace) {
        Some(deny) => passed(deny.check(workspace)),
        None => Ok(Done::NotRun("cargo-deny is not installed")),
    }
}

/// A new one fails without a change of ours: mend it, or accept it in `deny.toml` with a reason and a date.
fn advisories(workspace: &Workspace) -> Result<Done, String> {
    match Deny::find(workspace) {
        Some(deny) if deny.check_advisories(workspace)? => Ok(Done::Passed),
        Some(_) => Ok(Done::NotRun("their database could not be fetched")),
        None => Ok(Done::NotRun("cargo-deny is not installed")),
    }
}

/// Each library with none of its features, and with each one alone.
fn features_apart(workspace: &Workspace) -> Result<Done, String> {
    for library in features::libraries(workspace)? {
        let name = library.name;
        let check = |features: &str| {
            workspace.run_cargo(&format!(
                "clippy -p {name} --no-default-features{features} -- -D warnings"
            ))
        };
        check("")?;
        for feature in library.features {
            check(&format!(" --features {feature}"))?;
        }
    }
    Ok(Done::Passed)
}

fn documentation(workspace: &Workspace) -> Result<Done, String> {
    let line = "doc --workspace --no-deps --all-features";
    let mut command = workspace.cargo(line);
    command.env("RUSTDOCFLAGS", "-D warnings");
    passed(crate::workspace::run(
        &format!("RUSTDOCFLAGS='-D warnings' cargo {line}"),
        &mut command,
    ))
}

/// What would be published can be packaged, and cargo has nothing to say about it. Each package is built in
/// `cargo publish --workspace --dry-run`, which needs the network.
fn packages(workspace: &Workspace) -> Result<Done, String> {
    let mut line = "package --no-verify --allow-dirty --offline".to_owned();
    for library in features::libraries(workspace)? {
        line += &format!(" -p {}", library.name);
    }
    println!("$ cargo {line}");
    let output = workspace.cargo(&line).output();
    let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    if output.status.success() && !said.contains("warning") {
        return Ok(Done::Passed);
    }
    Err(format!(
        "`cargo {line}` does not package all of them without a word"
    ))
}

/// The long ones too, which plain `cargo test` lists as ignored, each with its reason. What follows a guide in an empty folder
/// builds everything once more, and is left to `cargo xtask prove`.
///
/// What is made with loco is tested apart: loco asks more of sqlx, rustls and axum than the others do, and in one build they
/// would have it as well, and not be missed where they forgot to ask.
fn tests(workspace: &Workspace) -> Result<Done, String> {
    workspace.run_cargo(
        "test --workspace --exclude ucanpay-loco --exclude loco-shop --all-features -- --include-ignored \
         --skip empty_folder::",
    )?;
    passed(
        workspace
            .run_cargo("test -p ucanpay-loco -p loco-shop --all-features -- --include-ignored"),
    )
}
