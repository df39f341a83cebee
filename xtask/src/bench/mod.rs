//! Every benchmark in one run, and the table of what was asked for: `cargo xtask bench`.
//!
//! | file | story |
//! |---|---|
//! | `rows.rs` | what is measured, by which command, and what it must reach |
//! | `figure.rs` | what a benchmark says of a row |
//! | `table.rs` | all rows with their verdicts, for people and as JSON |
//! | `plot.rs` | the same as a picture |
//!
//! Ratios are of things that took turns within one process; still, run it on a machine that does nothing else.

mod figure;
mod plot;
mod rows;
mod table;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use self::figure::Figure;
use self::rows::COMMANDS;
use self::table::Table;
use crate::workspace::Workspace;

/// Runs the benchmarks whose command contains `only`, or all; true if every row that was measured reaches its bound.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<bool, String> {
    let wanted = |line: &&str| only.is_none_or(|part| line.contains(part));
    let lines: Vec<&str> = COMMANDS.iter().copied().filter(wanted).collect();
    if lines.is_empty() {
        return Err(format!(
            "no benchmark's command contains {:?}; there are:\n  {}",
            only.unwrap_or_default(),
            COMMANDS.join("\n  ")
        ));
    }
    let mut table = Table::default();
    for (number, line) in lines.iter().enumerate() {
        println!("\n== {} of {}", number + 1, lines.len());
        table.add(measure(workspace, line)?);
    }
    println!("\n{table}");
    if only.is_none() {
        let folder = workspace.root().join("docs/performance");
        let write = |name: &str, text: String| {
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(folder.join(name), text))
                .map_err(|error| format!("docs/performance/{name} cannot be written: {error}"))
        };
        write("results.json", table.json())?;
        write("ratios.svg", plot::ratios(&table))?;
        write("memory.svg", plot::memory(&table))?;
        println!("written: docs/performance/{{results.json,ratios.svg,memory.svg}}");
    }
    Ok(table.reached())
}

/// Runs one, with its output on the terminal, and keeps what it says of its rows.
fn measure(workspace: &Workspace, line: &str) -> Result<Vec<Figure>, String> {
    println!("$ cargo {line}");
    let mut child = workspace
        .cargo(line)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`cargo {line}` could not be started: {error}"))?;
    let mut figures = Vec::new();
    if let Some(output) = child.stdout.take() {
        for said in BufReader::new(output).lines() {
            let said = said.map_err(|error| format!("what `cargo {line}` prints: {error}"))?;
            match said.strip_prefix("figure: ") {
                Some(figure) => figures.push(Figure::read(figure)?),
                None => println!("{said}"),
            }
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("`cargo {line}` failed ({status})"));
    }
    Ok(figures)
}
