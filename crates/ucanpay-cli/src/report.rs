//! What a command found out: a table for people, an object for programs, with the gateway's own names.

use std::fmt::{Display, Write as _};

use serde_json::{Map, Value};

use crate::outcome::{Done, Failure};

/// Names and values, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<(&'static str, Value)>,
    /// What it means, in one sentence.
    note: Option<String>,
    code: u8,
}

impl Report {
    /// With a row, unless there is no value.
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.rows.extend(value.map(|value| (name, value.into())));
        self
    }

    /// With a row of text.
    pub(crate) fn with_text(self, name: &'static str, value: Option<impl Display>) -> Self {
        self.with(name, value.map(|value| value.to_string()))
    }

    /// With a sentence behind the table.
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// An answer that is not what was asked for: the exit code tells.
    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    fn to_json(&self) -> Value {
        let mut object: Map<String, Value> = self
            .rows
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let result = match self.code {
            0 => "done",
            1 => "refused",
            _ => "unknown",
        };
        object.insert("result".to_owned(), result.into());
        if let Some(note) = &self.note {
            object.insert("note".to_owned(), note.as_str().into());
        }
        object.into()
    }

    fn to_table(&self) -> String {
        let width = self.rows.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        let mut table = String::new();
        for (name, value) in &self.rows {
            let value = match value {
                Value::String(text) => printable(text),
                other => other.to_string(),
            };
            writeln!(table, "{name:width$}  {value}").expect("writing to a String cannot fail");
        }
        if let Some(note) = &self.note {
            writeln!(table, "\n{note}").expect("writing to a String cannot fail");
        }
        table
    }
}

/// What somebody else wrote must not move the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The end of a command that can be shown both ways.
pub(crate) fn end(result: Result<Report, Failure>, as_json: bool) -> Result<Done, Failure> {
    match result {
        Ok(report) if as_json => Ok(Done {
            text: format!("{}\n", report.to_json()),
            code: report.code,
        }),
        Ok(report) => Ok(Done {
            text: report.to_table(),
            code: report.code,
        }),
        Err(failure) if as_json => Ok(Done {
            text: format!("{}\n", failure.to_json()),
            code: failure.code(),
        }),
        Err(failure) => Err(failure),
    }
}
