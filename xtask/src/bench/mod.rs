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
        write("growth.svg", plot::growth(&table))?;
        let page = workspace.root().join("docs/performance.md");
        fs::read_to_string(&page)
            .map_err(|error| error.to_string())
            .and_then(|text| with_table(&text, &table.to_string()))
            .and_then(|text| fs::write(&page, text).map_err(|error| error.to_string()))
            .map_err(|error| format!("docs/performance.md: {error}"))?;
        println!(
            "written: docs/performance/{{results.json,ratios.svg,memory.svg,growth.svg}}, and the table in docs/performance.md"
        );
    }
    Ok(table.reached())
}

/// The page with this table in the place of its last one.
fn with_table(page: &str, table: &str) -> Result<String, String> {
    const MARKS: [&str; 2] = [
        "<!-- written by `cargo xtask bench` -->",
        "<!-- until here -->",
    ];
    let [begin, end] = MARKS;
    let (before, rest) = page
        .split_once(begin)
        .ok_or(format!("{begin} is not there"))?;
    let (_, after) = rest.split_once(end).ok_or(format!("{end} is not there"))?;
    Ok(format!(
        "{before}{begin}\n\n{}\n\n{end}{after}",
        table.trim_end()
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_the_place_of_the_last_one() {
        let page = "a\n<!-- written by `cargo xtask bench` -->\nold\n<!-- until here -->\nb\n";
        let new = with_table(page, "| new |\n").unwrap();
        assert!(new.starts_with("a\n") && new.ends_with("\nb\n"), "{new}");
        assert!(new.contains("| new |") && !new.contains("old"), "{new}");
        assert_eq!(with_table(&new, "| new |").unwrap(), new);
        assert!(with_table("no marks", "").is_err());
    }
}
