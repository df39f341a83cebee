//! What a benchmark says of a row: a line of JSON, as `tests/figures` writes it.

use serde::{Deserialize, Serialize};

/// One row's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) row: String,
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Measured {
    /// Of two things that took turns.
    Ratio {
        unit: String,
        ours: f64,
        yardstick: f64,
        ratio: f64,
        low: f64,
        high: f64,
    },
    Value {
        unit: String,
        value: f64,
    },
    Not {
        not_measured: String,
    },
}

impl Figure {
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| format!("not a figure: {json} ({error})"))
    }
}

impl Measured {
    /// What a bound is about.
    pub(crate) fn result(&self) -> Option<f64> {
        match self {
            Self::Ratio { ratio, .. } => Some(*ratio),
            Self::Value { value, .. } => Some(*value),
            Self::Not { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read() {
        for json in [
            r#"{"row":"a","unit":"µs","ours":2,"yardstick":1.5,"ratio":1.33,"low":1.1,"high":1.5}"#,
            r#"{"row":"a","unit":"MiB","value":41.5}"#,
            r#"{"row":"a","not_measured":"no java"}"#,
        ] {
            assert!(Figure::read(json).is_ok(), "{json}");
        }
        for json in ["", r#"{"row":"a"}"#, r#"{"row":"a","ratio":1}"#] {
            assert!(Figure::read(json).is_err(), "{json}");
        }
    }
}
