//! The table at the end: what passed, what failed, what did not run and why.

use std::fmt;
use std::time::Duration;

/// What became of one check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// It could not run on this machine. Never shown as passed.
    NotRun(String),
    /// An earlier one failed.
    NotReached,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// The whole table, and the verdict below it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) entries: Vec<Entry>,
}

impl Report {
    /// Whether nothing failed. What did not run for want of an optional tool is no failure.
    pub(crate) fn passed(&self) -> bool {
        !self
            .entries
            .iter()
            .any(|entry| matches!(entry.outcome, Outcome::Failed(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.entries.iter().map(|entry| entry.name.len()).max();
        let width = widest.unwrap_or_default();
        for Entry {
            name,
            outcome,
            took,
        } in &self.entries
        {
            let seconds = took.as_secs_f64();
            match outcome {
                Outcome::Passed => writeln!(f, "{name:width$}  {seconds:>7.1} s  passed")?,
                Outcome::Failed(_) => writeln!(f, "{name:width$}  {seconds:>7.1} s  FAILED")?,
                Outcome::NotRun(why) => writeln!(f, "{name:width$}          -  NOT RUN: {why}")?,
                Outcome::NotReached => writeln!(f, "{name:width$}          -  not reached")?,
            }
        }
        let count = |wanted: fn(&Outcome) -> bool| {
            let outcomes = self.entries.iter().map(|entry| &entry.outcome);
            outcomes.filter(|outcome| wanted(outcome)).count()
        };
        for Entry { name, outcome, .. } in &self.entries {
            if let Outcome::Failed(why) = outcome {
                return write!(f, "\nFAILED at \"{name}\": {why}");
            }
        }
        let passed = count(|outcome| *outcome == Outcome::Passed);
        let left_out = count(|outcome| matches!(outcome, Outcome::NotRun(_)));
        write!(f, "\n{passed} passed, {left_out} not run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: impl IntoIterator<Item = Outcome>) -> Report {
        let entry = |outcome| Entry {
            name: "lints".to_owned(),
            outcome,
            took: Duration::from_millis(1234),
        };
        Report {
            entries: outcomes.into_iter().map(entry).collect(),
        }
    }

    #[test]
    fn what_did_not_run_is_no_failure_and_is_not_called_passed() {
        let report = report([Outcome::Passed, Outcome::NotRun("no tool".to_owned())]);
        assert!(report.passed());
        let text = report.to_string();
        assert!(text.contains("NOT RUN: no tool"), "{text}");
        assert!(text.ends_with("1 passed, 1 not run"), "{text}");
    }

    #[test]
    fn a_failure_is_the_last_word() {
        let report = report([
            Outcome::Passed,
            Outcome::Failed("two warnings".to_owned()),
            Outcome::NotReached,
        ]);
        assert!(!report.passed());
        let text = report.to_string();
        assert!(text.contains("not reached"), "{text}");
        assert!(
            text.ends_with("FAILED at \"lints\": two warnings"),
            "{text}"
        );
    }
}
