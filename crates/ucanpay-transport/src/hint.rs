//! When the gateway wants to be asked again.
//!
//! The standard `Retry-After`, in seconds, comes first; the operator's other documentation shows
//! `X-RateLimit-Reset`, whose unit it leaves open: a number that could be a date is read as seconds since the Unix
//! epoch, a smaller one as seconds from now. An unreadable hint counts as none.

use http::{HeaderMap, header::RETRY_AFTER};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait when a limit was hit and nothing says how long: the reference's one minute.
pub(crate) const ONE_MINUTE: Duration = Duration::from_secs(60);

/// No hint may silence a merchant for longer.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The first second that is taken for a date: in the year 2001.
const FIRST_DATE: u64 = 1_000_000_000;

/// What the answer's headers say, at most an hour.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    wait_at(headers, now)
}

fn wait_at(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let seconds = number(RETRY_AFTER.as_str()).or_else(|| match number("x-ratelimit-reset")? {
        date @ FIRST_DATE.. => Some(date.saturating_sub(now)),
        seconds => Some(seconds),
    })?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const NOW: u64 = 1_772_366_400;

    fn read(lines: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = lines
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        wait_at(&headers, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_goes_before_the_rate_limit_reset() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", " 7 ")]), Some(7));
        assert_eq!(
            read(&[("x-ratelimit-reset", "9"), ("retry-after", "7")]),
            Some(7)
        );
    }

    #[test]
    fn a_reset_may_be_a_date_or_a_number_of_seconds() {
        assert_eq!(read(&[("x-ratelimit-reset", "30")]), Some(30));
        assert_eq!(read(&[("x-ratelimit-reset", "1772366445")]), Some(45));
        assert_eq!(read(&[("x-ratelimit-reset", "1772366300")]), Some(0));
    }

    #[test]
    fn no_hint_silences_a_merchant_for_long() {
        assert_eq!(read(&[("retry-after", "18446744073709551615")]), Some(3600));
        for unreadable in ["-1", "soon", "Sun, 01 Mar 2026 12:00:00 GMT", "1.5", ""] {
            assert_eq!(read(&[("retry-after", unreadable)]), None, "{unreadable}");
        }
    }
}
