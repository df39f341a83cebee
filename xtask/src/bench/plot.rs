//! The table as a picture: one bar a row, and a mark where the bound is.

use std::fmt::Write as _;

use super::figure::Measured;
use super::rows::{Bound, GROWTH, Row};
use super::table::{Table, verdict};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 430.0;
const LINE: f64 = 26.0;

struct Bar {
    label: String,
    value: f64,
    low: f64,
    high: f64,
    bound: f64,
    at_least: bool,
    good: bool,
}

/// Each ratio as a share of its bound, so that all fit one scale.
pub(crate) fn ratios(table: &Table) -> String {
    let bars = table.figures().filter_map(|(figure, row)| {
        let (
            Measured::Ratio {
                ratio, low, high, ..
            },
            Some(row),
        ) = (&figure.measured, row)
        else {
            return None;
        };
        Some(bar(row, *ratio, (*low, *high), verdict(figure, Some(row))))
    });
    draw(
        "Ratios beside what was asked for",
        &bars.collect::<Vec<_>>(),
    )
}

/// Likewise for what is held in memory, and used while nothing happens.
pub(crate) fn memory(table: &Table) -> String {
    let bars = table.figures().filter_map(|(figure, row)| {
        let (Measured::Value { value, .. }, Some(row)) = (&figure.measured, row) else {
            return None;
        };
        Some(bar(
            row,
            *value,
            (*value, *value),
            verdict(figure, Some(row)),
        ))
    });
    draw(
        "What is held and used beside what was asked for",
        &bars.collect::<Vec<_>>(),
    )
}

/// What each piece of work costs where there is more of everything, as a multiple of what it costs where there is little.
pub(crate) fn growth(table: &Table) -> String {
    const HEIGHT: f64 = 330.0;
    const COLOURS: [&str; 6] = [
        "#2c7a4b", "#1f5fa8", "#b3261e", "#8a5a00", "#6a3d9a", "#18222b",
    ];
    let across = |times: f64| 60.0 + times.log10() / 2.0 * 300.0;
    let up = |cost: f64| HEIGHT - 50.0 - cost.clamp(0.0, 2.0) / 2.0 * 230.0;
    let title = "The cost of each as the work grows";
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\"><title>{title}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"600\">{title}</text>\n"
    );
    let (left, right) = (across(1.0), across(100.0));
    for cost in [0.0, 0.5, 1.0, 1.5, 2.0] {
        let y = up(cost);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\" stroke=\"#d5dbe1\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{cost}</text>",
            left - 8.0,
            y + 4.0
        );
    }
    for times in [1.0, 2.0, 4.0, 10.0, 100.0] {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{times}×</text>",
            across(times),
            HEIGHT - 28.0
        );
    }
    let grown = GROWTH.iter().zip(COLOURS).zip(0_u8..);
    for (((name, label, times), colour), number) in grown {
        let measured = table.figures().find(|(figure, _)| figure.row == *name);
        let Some(Measured::Ratio { unit, ratio, .. }) =
            measured.map(|(figure, _)| &figure.measured)
        else {
            continue;
        };
        // A rate falls as the cost rises.
        let cost = if unit == "/s" { 1.0 / ratio } else { *ratio };
        let (x, y, line) = (across(*times), up(cost), 70.0 + 34.0 * f64::from(number));
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\
             <rect x=\"400\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"420\" y=\"{line}\">{label}: {cost:.2}</text>",
            up(1.0),
            line - 11.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(row: &Row, value: f64, (low, high): (f64, f64), verdict: Option<bool>) -> Bar {
    let (bound, at_least) = match row.bound {
        Bound::AtMost(bound) => (bound, false),
        Bound::AtLeast(bound) => (bound, true),
    };
    Bar {
        label: row.what.to_owned(),
        value,
        low,
        high,
        bound,
        at_least,
        good: verdict == Some(true),
    }
}

/// The bound of every row stands at the same place; a bar beyond the right edge is cut off there.
fn draw(title: &str, bars: &[Bar]) -> String {
    let scale = (WIDTH - LEFT - 70.0) / 2.0;
    let place = |value: f64, bar: &Bar| LEFT + (value / bar.bound).clamp(0.0, 2.0) * scale;
    let height = 64.0 + LINE * f64::from(u16::try_from(bars.len()).unwrap_or(u16::MAX));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\"><title>{title}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut say = |text: String| svg.push_str(&text);
    say(format!(
        "<text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"600\">{title}</text>\n"
    ));
    let edge = LEFT + scale;
    let foot = height - 14.0;
    say(format!(
        "<line x1=\"{edge}\" y1=\"38\" x2=\"{edge}\" y2=\"{foot}\" stroke=\"#18222b\" stroke-dasharray=\"4 3\"/>\n"
    ));
    for (number, bar) in bars.iter().enumerate() {
        let top = 44.0 + LINE * f64::from(u16::try_from(number).unwrap_or(u16::MAX));
        let colour = if bar.good { "#2c7a4b" } else { "#b3261e" };
        let (end, low, high) = (
            place(bar.value, bar),
            place(bar.low, bar),
            place(bar.high, bar),
        );
        let (middle, text) = (top + 8.0, top + 13.0);
        let sign = if bar.at_least { "≥" } else { "≤" };
        let mut line = String::new();
        let written = writeln!(
            line,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{} ({sign} {})</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"16\" fill=\"{colour}\" opacity=\"0.75\"/>\
             <line x1=\"{low:.1}\" y1=\"{middle}\" x2=\"{high:.1}\" y2=\"{middle}\" stroke=\"#18222b\"/>\
             <text x=\"{}\" y=\"{text}\">{:.2}</text>",
            LEFT - 8.0,
            bar.label,
            bar.bound,
            end - LEFT,
            WIDTH - 60.0,
            bar.value,
        );
        written.expect("writing to a String cannot fail");
        say(line);
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::super::figure::Figure;
    use super::*;

    #[test]
    fn a_row_has_its_bar_and_its_bound() {
        let mut table = Table::default();
        let line = r#"{"row":"call","unit":"µs","ours":9.3,"yardstick":340,"ratio":0.027,"low":0.02,"high":0.03}"#;
        table.add(vec![Figure::read(line).unwrap()]);
        let svg = ratios(&table);
        assert!(
            svg.contains("what a client call adds") && svg.contains("(≤ 0.1)"),
            "{svg}"
        );
        assert!(svg.contains("#2c7a4b"), "{svg}");
    }

    #[test]
    fn a_rate_that_falls_is_a_cost_that_rises() {
        let mut table = Table::default();
        let line = r#"{"row":"scale batched","unit":"/s","ours":50,"yardstick":100,"ratio":0.5,"low":0.5,"high":0.5}"#;
        table.add(vec![Figure::read(line).unwrap()]);
        let svg = growth(&table);
        assert!(svg.contains("1,000,000 payments: 2.00"), "{svg}");
        assert!(!svg.contains("overdue:"), "not measured, and drawn: {svg}");
    }
}
