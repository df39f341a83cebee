//! Cents, and how people read and write them.

use ucanpay_core::Amount;

/// Cents as a customer reads them: `$4.50`.
pub fn dollars(cents: i64) -> String {
    let text = plain(cents);
    match text.strip_prefix('-') {
        Some(owed) => format!("-${owed}"),
        None => format!("${text}"),
    }
}

/// Cents without a sign of the currency: `4.50`.
pub(crate) fn plain(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Reads what a person typed: `4.50`, `4.5`, `4`, `$4.50`, and `4,50 $`: a comma before one or two digits separates no
/// thousands. `None` for anything else, and for nothing at all.
pub(crate) fn read(text: &str) -> Option<Amount> {
    let text = text.trim();
    let text = text.strip_prefix('$').unwrap_or(text);
    let text = text.strip_suffix('$').map_or(text, str::trim_end);
    let (dollars, cents) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(dollars) || !digits(cents) || cents.len() > 2 {
        return None;
    }
    let tens = if cents.len() == 1 { 10 } else { 1 };
    let cents = cents.parse::<i64>().ok()? * tens;
    let sum = dollars
        .parse::<i64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(cents)?;
    Amount::new(sum).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_decimals() {
        for (cents, text) in [
            (450, "$4.50"),
            (5, "$0.05"),
            (0, "$0.00"),
            (123_456, "$1234.56"),
            (-150, "-$1.50"),
            (i64::MIN, "-$92233720368547758.08"),
        ] {
            assert_eq!(dollars(cents), text);
        }
    }

    #[test]
    fn what_a_person_types_is_read_to_the_cent() {
        for (text, cents) in [
            ("4.50", 450),
            ("4.5", 450),
            ("4", 400),
            (" $4.05 ", 405),
            ("0.01", 1),
            ("4,50", 450),
            ("4,5\u{a0}$", 450),
        ] {
            assert_eq!(read(text).map(Amount::cents), Some(cents), "{text}");
        }
        for text in [
            "",
            ".",
            "4.",
            ".5",
            "-1",
            "+1",
            "4.505",
            "4,500",
            "1,234.50",
            "$",
            "4.5.0",
            "1e2",
            "0",
            "0.00",
            "٤",
            "99999999999999999999",
            "92233720368547758.08",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
