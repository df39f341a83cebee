//! What a benchmark measured: printed for people, and in the same breath as one line for `cargo xtask bench`.
//!
//! That line begins with `figure: `, and the rest of it is one JSON object: `row` names the row of the table in
//! `xtask/src/bench/rows.rs`; a comparison has `ours`, `yardstick`, `ratio`, `low` and `high`, a single figure has `value`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's report is what it prints"
)]

use std::fmt::Write as _;

/// Two things that took turns within one run, so that a busy machine slowed both.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    ours: Vec<f64>,
    yardstick: Vec<f64>,
}

/// The ratio of the turns: the median, and the smallest and largest of any turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Of the ratios of all turns.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Turns {
    /// One turn of each.
    pub fn add(&mut self, ours: f64, yardstick: f64) {
        self.ours.push(ours);
        self.yardstick.push(yardstick);
    }

    /// The median of ours.
    pub fn ours(&self) -> f64 {
        median(&self.ours)
    }

    /// The median of the yardstick's.
    pub fn yardstick(&self) -> f64 {
        median(&self.yardstick)
    }

    /// Ours divided by the yardstick's, turn by turn.
    ///
    /// # Panics
    /// If there was no turn.
    pub fn ratio(&self) -> Ratio {
        let pairs = self.ours.iter().zip(&self.yardstick);
        let ratios: Vec<f64> = pairs.map(|(ours, yardstick)| ours / yardstick).collect();
        Ratio {
            median: median(&ratios),
            low: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            high: ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Prints both sides and their ratio; `unit` is theirs.
    pub fn report(&self, row: &str, what: &str, unit: &str) {
        let (ours, yardstick, ratio) = (self.ours(), self.yardstick(), self.ratio());
        let Ratio { median, low, high } = ratio;
        println!(
            "{what}: {ours:.4} {unit}, yardstick {yardstick:.4} {unit}, ratio {median:.3} ({low:.3} to {high:.3})"
        );
        println!(
            r#"figure: {{"row":{},"unit":{},"ours":{ours},"yardstick":{yardstick},"ratio":{median},"low":{low},"high":{high}}}"#,
            quoted(row),
            quoted(unit),
        );
    }
}

/// Prints a figure that is compared with nothing.
pub fn report(row: &str, what: &str, value: f64, unit: &str) {
    println!("{what}: {value:.2} {unit}");
    println!(
        r#"figure: {{"row":{},"unit":{},"value":{value}}}"#,
        quoted(row),
        quoted(unit),
    );
}

/// Says of a row why it was not measured here.
pub fn not_measured(row: &str, why: &str) {
    println!("{row} NOT MEASURED: {why}");
    println!(
        r#"figure: {{"row":{},"not_measured":{}}}"#,
        quoted(row),
        quoted(why)
    );
}

/// # Panics
/// If there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What this process holds in memory, in KiB as the kernel counts it.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At the most, ever.
    pub peak: u64,
}

impl Memory {
    /// `None` where there is no `/proc/self/status`.
    pub fn now() -> Option<Self> {
        Self::of("self")
    }

    /// Another process's, by its number.
    pub fn of(process: &str) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let figure = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Self {
            resident: figure("VmRSS:")?,
            peak: figure("VmHWM:")?,
        })
    }
}

impl Memory {
    /// What is resident now, in MiB.
    pub fn mebibytes(self) -> f64 {
        mebibytes(self.resident)
    }

    /// What was resident at the most, in MiB.
    pub fn peak_mebibytes(self) -> f64 {
        mebibytes(self.peak)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no process holds so many KiB that it would show"
)]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

/// The processor time of all threads of a process so far, in seconds; `None` where the kernel does not tell.
pub fn cpu_of(process: u32) -> Option<f64> {
    let mut seconds = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let times = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let nanoseconds: f64 = times.split_whitespace().next()?.parse().ok()?;
        seconds += nanoseconds / 1e9;
    }
    Some(seconds)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_turns_and_not_of_medians() {
        let mut turns = Turns::default();
        for (ours, yardstick) in [(1.0, 10.0), (20.0, 10.0), (30.0, 20.0)] {
            turns.add(ours, yardstick);
        }
        let expected = Ratio {
            median: 1.5,
            low: 0.1,
            high: 2.0,
        };
        assert_eq!(turns.ratio(), expected);
        assert_eq!((turns.ours(), turns.yardstick()), (20.0, 10.0));
    }

    #[test]
    fn text_is_quoted_as_json_has_it() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\u000ad""#);
    }
}
