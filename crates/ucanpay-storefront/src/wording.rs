//! Text that a buyer reads or wrote.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Text that a buyer reads or wrote: stored, sent and shown, and never printed by `Debug`, so that it stays out of logs.
/// A copy shares the text.
///
/// ```
/// use ucanpay_storefront::Wording;
///
/// let bought = Wording::from("one latte");
/// assert_eq!(bought.as_str(), "one latte");
/// assert_eq!(format!("{bought:?}"), "<9 characters>");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Wording(Arc<str>);

impl Wording {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Wording {
    fn from(text: T) -> Self {
        let text: String = text.into();
        Self(text.into())
    }
}

impl Deref for Wording {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::Wording;

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", Wording::from("café")), "<4 characters>");
        assert_eq!(Wording::from("café").to_string(), "café");
    }
}
