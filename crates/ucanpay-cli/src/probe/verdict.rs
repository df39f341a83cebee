//! What was found: a table with what to do about it, or JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::cases::{Expected, Order};
use crate::{
    outcome::Done,
    style::{Colour, Style},
};

/// What one case brought.
pub(super) struct Finding {
    pub(super) name: &'static str,
    pub(super) expected: Expected,
    pub(super) leaves: Order,
    pub(super) answer: String,
    /// What the order's page says afterwards; `None` without one.
    pub(super) order: Option<Order>,
    /// `None`: it cannot be told.
    pub(super) met: Option<bool>,
    pub(super) otherwise: &'static str,
}

/// All of them, in the order in which they were tried.
#[derive(Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.all.push(finding);
    }

    /// Something that was answered and should not have paid the order has done so late: nobody can say which it was.
    pub(super) fn blame_late(&mut self, now: Option<Order>) {
        if now == Some(Order::Paid)
            && let Some(last) = self.all.last_mut()
        {
            last.order = now;
            last.met = Some(false);
            last.otherwise = "this, or something before it, has paid the order a moment later";
        }
    }

    pub(super) fn shown(&self, as_json: bool) -> Done {
        let text = if as_json {
            format!("{}\n", self.to_json())
        } else {
            self.to_table(Style::of_stdout())
        };
        let code = u8::from(self.count(Some(false)) > 0);
        Done { text, code }
    }

    fn count(&self, met: Option<bool>) -> usize {
        let alike = self.all.iter().filter(|finding| finding.met == met);
        alike.count()
    }

    fn to_json(&self) -> Value {
        let cases: Vec<Value> = self.all.iter().map(Finding::to_json).collect();
        json!({
            "cases": cases,
            "met": self.count(Some(true)),
            "notMet": self.count(Some(false)),
            "notTold": self.count(None),
        })
    }

    fn to_table(&self, style: Style) -> String {
        const INVARIANT: &str = "writing to a String cannot fail";
        let mut table = String::new();
        for finding in &self.all {
            let (word, colour) = match finding.met {
                Some(true) => ("met", Colour::Good),
                Some(false) => ("NOT MET", Colour::Bad),
                None => ("not told", Colour::Doubtful),
            };
            let word = style.paint(word, 8, colour);
            let order = finding.order.map_or("", in_a_word);
            let Finding { name, answer, .. } = finding;
            let line = format!("{word}  {name:18}  {order:6}  {answer}");
            writeln!(table, "{}", line.trim_end()).expect(INVARIANT);
        }
        let (met, not_met, not_told) = (
            self.count(Some(true)),
            self.count(Some(false)),
            self.count(None),
        );
        writeln!(table, "\n{met} met, {not_met} not met, {not_told} not told").expect(INVARIANT);
        for finding in self.all.iter().filter(|finding| finding.met == Some(false)) {
            let Finding {
                name, otherwise, ..
            } = finding;
            writeln!(
                table,
                "\n{name}: expected {}.\n  {otherwise}",
                finding.expectation()
            )
            .expect(INVARIANT);
        }
        if self.all.iter().any(|finding| finding.order.is_none()) {
            let hint = "Only answers were judged: with --order-url and --paid the order is looked at as well.";
            writeln!(table, "\n{hint}").expect(INVARIANT);
        } else if not_told > 0 {
            let hint = "Not told: something before it had left the order as it should not be. Mend that first.";
            writeln!(table, "\n{hint}").expect(INVARIANT);
        }
        table
    }
}

impl Finding {
    fn expectation(&self) -> String {
        let answer = match self.expected {
            Expected::Success => "SUCCESS",
            Expected::NoSuccess => "anything but SUCCESS",
            Expected::Answer => "SUCCESS or FAIL",
            Expected::InTime => "an answer in time",
            Expected::Refusal => "a refusal, or a closed connection",
        };
        format!("{answer}, and an order that is {}", in_a_word(self.leaves))
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "expected": self.expectation(),
            "answer": self.answer,
            "order": self.order.map(in_a_word),
            "met": self.met,
            "otherwise": if self.met == Some(false) { Some(self.otherwise) } else { None },
        })
    }
}

fn in_a_word(order: Order) -> &'static str {
    match order {
        Order::Unpaid => "unpaid",
        Order::Paid => "paid",
    }
}
