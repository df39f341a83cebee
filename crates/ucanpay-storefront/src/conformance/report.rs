//! What a suite found: each expectation by name, met or not, with the reason.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::payments::words;

/// What a suite found.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use ucanpay_storefront::MemoryStore;
/// use ucanpay_storefront::conformance::{self, Standing};
///
/// let report = conformance::store(async || MemoryStore::new()).await;
/// println!("{report}"); // a line for each expectation
/// assert!(report.is_met() && report.not_met().next().is_none());
/// let tried = report.expectations().iter().filter(|row| !matches!(row.standing, Standing::NotTried(_)));
/// assert!(tried.count() > 10, "a suite that tries nothing says nothing");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a report says nothing until it is read: call `assert_met`"]
pub struct Report {
    subject: String,
    expectations: Vec<Expectation>,
}

/// One sentence that is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expectation {
    /// The sentence.
    pub name: &'static str,
    /// Whether it holds.
    pub standing: Standing,
}

/// Whether an expectation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It holds.
    Met,
    /// It does not, for this reason.
    NotMet(String),
    /// It could not be tried with what the author provides. Not a failure, and not a proof either.
    NotTried(String),
}

/// How long one expectation may take.
const PATIENCE: Duration = Duration::from_secs(180);

impl Report {
    pub(super) fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            expectations: Vec::new(),
        }
    }

    /// Tries one expectation and notes what came of it.
    pub(super) async fn expect(
        &mut self,
        name: &'static str,
        check: impl Future<Output = Result<(), Shortfall>>,
    ) {
        let standing = match tokio::time::timeout(PATIENCE, check).await {
            Ok(Ok(())) => Standing::Met,
            Ok(Err(Shortfall::NotMet(reason))) => Standing::NotMet(reason),
            Ok(Err(Shortfall::NotTried(reason))) => Standing::NotTried(reason),
            Err(_) => Standing::NotMet(format!("no end after {} s", PATIENCE.as_secs())),
        };
        self.expectations.push(Expectation { name, standing });
    }

    /// Everything that was expected, in the order in which it was tried.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// The names of what was expected and is not so.
    pub fn not_met(&self) -> impl Iterator<Item = &'static str> {
        self.expectations
            .iter()
            .filter(|expectation| matches!(expectation.standing, Standing::NotMet(_)))
            .map(|expectation| expectation.name)
    }

    /// Whether nothing was found wanting. What was [not tried](Standing::NotTried) does not count against it.
    pub fn is_met(&self) -> bool {
        self.not_met().next().is_none()
    }

    /// Ends a test: does nothing if [nothing was found wanting](Self::is_met).
    ///
    /// # Panics
    /// If something was, with the whole report.
    #[track_caller]
    pub fn assert_met(&self) {
        assert!(self.is_met(), "{self}");
    }
}

/// One line for each expectation.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanting = self.not_met().count();
        let total = self.expectations.len();
        writeln!(
            f,
            "{}: {wanting} of {total} expectations not met",
            self.subject
        )?;
        for Expectation { name, standing } in &self.expectations {
            match standing {
                Standing::Met => writeln!(f, "  met        {name}")?,
                Standing::NotMet(reason) => writeln!(f, "  NOT MET    {name}: {reason}")?,
                Standing::NotTried(reason) => writeln!(f, "  not tried  {name}: {reason}")?,
            }
        }
        Ok(())
    }
}

/// Why a check ends before its end.
#[derive(Debug)]
pub(super) enum Shortfall {
    NotMet(String),
    NotTried(String),
}

/// An error where there should have been none.
impl<E: Error> From<E> for Shortfall {
    fn from(error: E) -> Self {
        Self::NotMet(words(&error))
    }
}

/// Ends the check where something does not hold.
macro_rules! must {
    ($holds:expr, $($reason:tt)+) => {
        if !$holds {
            return Err($crate::conformance::report::Shortfall::NotMet(format!($($reason)+)));
        }
    };
}

pub(super) use must;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_met_is_listed_with_its_reason_and_what_hangs_is_not_met() {
        let mut report = Report::new("a thing");
        report.expect("holds", async { Ok(()) }).await;
        let later = Shortfall::NotTried("no network".into());
        report.expect("is left out", async { Err(later) }).await;
        assert!(report.is_met());
        report.assert_met();
        report
            .expect("counts", async {
                must!(1 > 2, "one is less than {}", 2);
                Ok(())
            })
            .await;
        report.expect("ends", std::future::pending()).await;
        assert_eq!(report.not_met().collect::<Vec<_>>(), ["counts", "ends"]);
        let text = report.to_string();
        assert!(text.starts_with("a thing: 2 of 4"), "{text}");
        assert!(
            text.contains("NOT MET    counts: one is less than 2"),
            "{text}"
        );
    }

    #[test]
    #[should_panic(expected = "NOT MET    holds: no")]
    fn asserting_panics_with_the_report() {
        let standing = Standing::NotMet("no".into());
        let expectations = vec![Expectation {
            name: "holds",
            standing,
        }];
        let subject = "a thing".to_owned();
        Report {
            subject,
            expectations,
        }
        .assert_met();
    }
}
