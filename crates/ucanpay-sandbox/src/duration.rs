//! Durations as people write them: `15s`, `500ms`, `2m`, `7d`.

use std::time::Duration;

/// A whole number with a unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    u64::try_from(duration_ms(text)?)
        .ok()
        .map(Duration::from_millis)
}

/// Milliseconds of a whole number with a unit.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, expected) in [
            ("15s", Some(15_000)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("2h", Some(7_200_000)),
            ("7d", Some(604_800_000)),
            ("0s", Some(0)),
            ("15", None),
            ("s", None),
            ("1.5s", None),
            ("-1s", None),
            ("1w", None),
            ("", None),
            ("99999999999999999999s", None),
            ("9223372036854775807m", None),
        ] {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }
}
