//! What a task was called with: `cargo loco task <task> name:value`.

use crate::one_line::told;
use loco_rs::task::Vars;
use loco_rs::{Error, Result};
use ucanpay_storefront::{PaymentKey, Payments, ProviderId, Reference};

/// Arguments that the task knows, none of them blank.
pub(super) struct Arguments<'a> {
    vars: &'a Vars,
    known: &'static [&'static str],
}

impl<'a> Arguments<'a> {
    /// Refuses a name that the task does not know: a misspelt one would be left out silently. Likewise a name without a
    /// value, as `number:$NUMBER` is where the variable is not set: taken for "not given" it would be a second refund.
    pub(super) fn of(vars: &'a Vars, known: &'static [&'static str]) -> Result<Self> {
        for (name, value) in &vars.cli {
            if !known.contains(&name.as_str()) {
                return Err(Error::Message(format!(
                    "the argument {name} is not known; the arguments are {}, written as name:value",
                    known.join(", ")
                )));
            }
            if value.trim().is_empty() {
                return Err(Error::Message(format!(
                    "the argument {name} is empty; write {name}:… with its value, or leave it out"
                )));
            }
        }
        Ok(Self { vars, known })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        debug_assert!(self.known.contains(&name));
        self.vars.cli.get(name).map(|text| text.trim())
    }

    pub(super) fn need(&self, name: &str) -> Result<&'a str> {
        self.get(name).ok_or_else(|| {
            Error::Message(format!("the argument {name} is missing; write {name}:…"))
        })
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Result<N> {
        let text = self.need(name)?;
        text.parse().map_err(|_| {
            Error::Message(format!(
                "the argument {name} is {text:?}; write a whole number"
            ))
        })
    }

    /// The payment of `reference`, at `provider` or else the default one.
    pub(super) fn payment(&self, payments: &Payments) -> Result<PaymentKey> {
        let reference = Reference::new(self.need("reference")?).map_err(told)?;
        let mut key = payments.key(reference);
        if let Some(provider) = self.get("provider") {
            key.provider = ProviderId::new(provider).map_err(told)?;
        }
        Ok(key)
    }
}
