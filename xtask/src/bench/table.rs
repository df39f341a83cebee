//! All rows with their verdicts, for people and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::figure::{Figure, Measured};
use super::rows::{Bound, ROWS, Row};

/// What was measured in this run.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Figure>);

impl Table {
    pub(crate) fn add(&mut self, figures: Vec<Figure>) {
        self.0.extend(figures);
    }

    /// Each row of which something is known, with what it must reach, if anything.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (&Figure, Option<&'static Row>)> {
        let row = |figure: &Figure| ROWS.iter().find(|row| row.name == figure.row);
        self.0.iter().map(move |figure| (figure, row(figure)))
    }

    /// Whether nothing that was measured misses its bound.
    pub(crate) fn reached(&self) -> bool {
        !self
            .figures()
            .any(|(figure, row)| verdict(figure, row) == Some(false))
    }

    /// For whoever wants to draw or compare it.
    pub(crate) fn json(&self) -> String {
        let figures = self.figures().map(|(figure, row)| {
            let mut object = json!(figure);
            if let (Value::Object(object), Some(row)) = (&mut object, row) {
                let (kind, bound) = match row.bound {
                    Bound::AtMost(bound) => ("at_most", bound),
                    Bound::AtLeast(bound) => ("at_least", bound),
                };
                object.insert(kind.to_owned(), json!(bound));
                object.insert("reached".to_owned(), json!(verdict(figure, Some(row))));
            }
            object
        });
        let figures: Vec<Value> = figures.collect();
        format!("{:#}\n", Value::from(figures))
    }
}

/// `None` where nothing was asked or nothing measured.
pub(crate) fn verdict(figure: &Figure, row: Option<&Row>) -> Option<bool> {
    let result = figure.measured.result()?;
    row.map(|row| row.bound.holds(result))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | yardstick | ours | yardstick's | result | asked for | |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for (figure, row) in self.figures() {
            let what = row.map_or(&*figure.row, |row| row.what);
            let yardstick = row.map_or("", |row| row.yardstick);
            write!(f, "| {what} | {yardstick} ")?;
            match &figure.measured {
                Measured::Ratio {
                    unit,
                    ours,
                    yardstick,
                    ratio,
                    low,
                    high,
                } => write!(
                    f,
                    "| {} {unit} | {} {unit} | {ratio:.2} ({low:.2} to {high:.2}) ",
                    rounded(*ours),
                    rounded(*yardstick)
                )?,
                Measured::Value { unit, value } => write!(f, "| | | {} {unit} ", rounded(*value))?,
                Measured::Not { not_measured } => {
                    writeln!(f, "| | | NOT MEASURED: {not_measured} | | |")?;
                    continue;
                }
            }
            match row.map(|row| row.bound) {
                Some(Bound::AtMost(bound)) => write!(f, "| ≤ {bound} ")?,
                Some(Bound::AtLeast(bound)) => write!(f, "| ≥ {bound} ")?,
                None => write!(f, "| ")?,
            }
            writeln!(
                f,
                "| {} |",
                match verdict(figure, row) {
                    Some(true) => "reached",
                    Some(false) => "**missed**",
                    None => "",
                }
            )?;
        }
        let silent: Vec<&str> = ROWS
            .iter()
            .filter(|row| !self.0.iter().any(|figure| figure.row == row.name))
            .map(|row| row.name)
            .collect();
        if !silent.is_empty() {
            writeln!(f, "\nNot in this run: {}.", silent.join(", "))?;
        }
        Ok(())
    }
}

/// Three digits that say something.
fn rounded(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &[&str]) -> Table {
        Table(
            lines
                .iter()
                .map(|line| Figure::read(line).unwrap())
                .collect(),
        )
    }

    #[test]
    fn a_missed_bound_is_seen_and_what_was_not_measured_is_no_success() {
        let missed = table(&[r#"{"row":"shop idle","unit":"MiB","value":65}"#]);
        assert!(!missed.reached());
        assert!(missed.to_string().contains("**missed**"));
        let reached = table(&[r#"{"row":"shop idle","unit":"MiB","value":64}"#]);
        assert!(reached.reached());
        let not = table(&[r#"{"row":"shop idle","not_measured":"no /proc"}"#]);
        assert!(not.to_string().contains("NOT MEASURED: no /proc"));
        assert!(
            not.to_string()
                .contains("Not in this run: verify aws-lc 2048")
        );
        assert!(!not.to_string().contains("reached"));
    }
}
