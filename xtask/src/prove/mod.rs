//! Runs the long proofs of `tests/proofs.toml`, one after the other, and then the fuzz targets; what they print is streamed.
//! Ends with a table, and leaves the same in `target/prove.json`.
//!
//! It is no part of `cargo xtask test`, where the same tests run at small sizes.

mod list;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::Bound;
use crate::fuzz;
use crate::report::{Entry, Outcome, Report};
use crate::workspace::Workspace;
use list::{LIST, Proof};

/// Where the figures are left.
const FIGURES: &str = "target/prove.json";

/// What a proof says of itself begins with this.
const PROVED: &str = "proved: ";

/// How many inputs each fuzz target tries.
const INPUTS: u32 = 10_000_000;
const FEW_INPUTS: u32 = 100_000;

const FUZZING: &str = "fuzz targets";

/// Proves what there is, and those only whose name contains `only`, if it is given. Goes on after a failure: the others may
/// hold all the same.
pub(crate) fn run(workspace: &Workspace, quick: bool, only: Option<&str>) -> Result<bool, String> {
    let chosen = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut proofs = list::read(workspace.root())?;
    let packages = packages(&proofs);
    proofs.retain(|proof| chosen(&proof.name));
    if proofs.is_empty() && !chosen(FUZZING) {
        return Err(format!("no proof of {LIST} has such a name"));
    }
    let mut report = Report::default();
    let mut results = Vec::new();
    for proof in &proofs {
        println!("\n== {}", proof.name);
        let begun = Instant::now();
        let (outcome, figures) = prove(workspace, &packages, proof, quick);
        let took = begun.elapsed();
        results.push(Proven::of(&proof.name, &outcome, took, figures));
        report.entries.push(Entry {
            name: proof.name.clone(),
            outcome,
            took,
        });
    }
    if chosen(FUZZING) {
        println!("\n== {FUZZING}");
        let begun = Instant::now();
        let inputs = if quick { FEW_INPUTS } else { INPUTS };
        let outcome = match fuzz::run(workspace, &Bound::Runs(inputs)) {
            Ok(()) => Outcome::Passed,
            Err(why) if why.starts_with("cargo-fuzz") => Outcome::NotRun(why),
            Err(why) => Outcome::Failed(why),
        };
        let figures = match outcome {
            Outcome::Passed => vec![Figures::of("fuzz", [("inputs_each", inputs.to_string())])],
            _ => Vec::new(),
        };
        let took = begun.elapsed();
        results.push(Proven::of(FUZZING, &outcome, took, figures));
        report.entries.push(Entry {
            name: FUZZING.to_owned(),
            outcome,
            took,
        });
    }
    println!("\n{report}\n");
    for result in &results {
        print!("{result}");
    }
    leave(workspace, quick, &results)?;
    Ok(report.passed())
}

/// All packages of the list, in the order in which they first come: they are always built together, with one set of features.
fn packages(proofs: &[Proof]) -> Vec<String> {
    let mut packages = Vec::new();
    for Proof { package, .. } in proofs {
        if !packages.contains(package) {
            packages.push(package.clone());
        }
    }
    packages
}

/// Runs one test, and reads what it says it has proved.
fn prove(
    workspace: &Workspace,
    packages: &[String],
    proof: &Proof,
    quick: bool,
) -> (Outcome, Vec<Figures>) {
    // The tests' own profile for a quick one: it is built already.
    let profile = if quick { "" } else { "--profile prove " };
    let packages: Vec<_> = packages.iter().map(|name| format!("-p {name}")).collect();
    let target = match proof.target.as_str() {
        "lib" => "--lib".to_owned(),
        name => format!("--test {name}"),
    };
    let line = format!(
        "test {profile}{} --all-features {target} -- --exact {} --include-ignored --nocapture",
        packages.join(" "),
        proof.test
    );
    let settings = proof.settings(quick);
    let shown: String = settings
        .iter()
        .map(|(name, size)| format!("{name}={size} "))
        .collect();
    println!("$ {shown}cargo {line}");
    let mut command = workspace.cargo(&line);
    command.envs(settings).stdout(Stdio::piped());
    match follow(&mut command) {
        Ok((true, figures)) if figures.is_empty() => {
            let why = format!("{} printed no line `{PROVED}…`: was it run?", proof.test);
            (Outcome::Failed(why), figures)
        }
        Ok((true, figures)) => (Outcome::Passed, figures),
        Ok((false, figures)) => {
            let why = format!("`{shown}cargo {line}` failed");
            (Outcome::Failed(why), figures)
        }
        Err(error) => {
            let why = format!("`cargo {line}` could not be run: {error}");
            (Outcome::Failed(why), Vec::new())
        }
    }
}

/// Passes on what the command prints, line by line, and keeps the figures in it.
fn follow(command: &mut std::process::Command) -> std::io::Result<(bool, Vec<Figures>)> {
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    let mut figures = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        figures.extend(Figures::read(&line));
        println!("{line}");
    }
    Ok((child.wait()?.success(), figures))
}

/// What a line `proved: NAME key=value …` says.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Figures {
    name: String,
    figures: BTreeMap<String, String>,
}

impl Figures {
    fn of<const N: usize>(name: &str, figures: [(&str, String); N]) -> Self {
        Self {
            name: name.to_owned(),
            figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    /// The test's name may stand before it in the same line.
    fn read(line: &str) -> Option<Self> {
        let (_, said) = line.split_once(PROVED)?;
        let mut words = said.split_whitespace();
        let name = words.next()?.to_owned();
        let pairs = words.filter_map(|word| word.split_once('='));
        Some(Self {
            name,
            figures: pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }
}

/// One proof, as it is left for others to read.
#[derive(Debug, Serialize)]
struct Proven {
    name: String,
    outcome: String,
    seconds: f64,
    figures: Vec<Figures>,
}

impl Proven {
    fn of(name: &str, outcome: &Outcome, took: Duration, figures: Vec<Figures>) -> Self {
        let outcome = match outcome {
            Outcome::Passed => "proved".to_owned(),
            Outcome::Failed(why) => format!("failed: {why}"),
            Outcome::NotRun(why) => format!("not run: {why}"),
            Outcome::NotReached => "not reached".to_owned(),
        };
        Self {
            name: name.to_owned(),
            outcome,
            seconds: took.as_secs_f64(),
            figures,
        }
    }
}

impl std::fmt::Display for Proven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.name)?;
        for Figures { name, figures } in &self.figures {
            let pairs: Vec<_> = figures
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            writeln!(f, "  {name}: {}", pairs.join(", "))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    /// Whether the sizes were those of a trial.
    quick: bool,
    proofs: &'a [Proven],
}

fn leave(workspace: &Workspace, quick: bool, proofs: &[Proven]) -> Result<(), String> {
    let whole = Whole { quick, proofs };
    let text = serde_json::to_string_pretty(&whole).map_err(|error| error.to_string())?;
    fs::write(workspace.root().join(FIGURES), text + "\n")
        .map_err(|error| format!("{FIGURES} cannot be written: {error}"))?;
    println!("\nthe same in {FIGURES}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_wherever_they_stand_in_a_line() {
        let expected = Figures::of("kills", [("kills", "50".into()), ("lost", "0".into())]);
        for line in [
            "proved: kills kills=50 lost=0",
            "test a::b ... proved: kills kills=50 lost=0",
        ] {
            assert_eq!(Figures::read(line).as_ref(), Some(&expected));
        }
        assert_eq!(Figures::read("test a::b ... ok"), None);
    }

    #[test]
    fn a_command_that_says_nothing_has_proved_nothing() {
        let mut command = std::process::Command::new("true");
        command.stdout(Stdio::piped());
        let (success, figures) = follow(&mut command).unwrap();
        assert!(success && figures.is_empty());
    }
}
