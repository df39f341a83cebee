//! When the gateway wants to be asked again.
//!
//! | header | read on | what it says |
//! |---|---|---|
//! | `Retry-After` | 429, 5xx | seconds from now, or a date; unreadable, it still says "later": a minute |
//! | `X-RateLimit-Reset` | 429 | the operator's other documentation shows it and leaves its unit open: a number that could be a date is seconds since the Unix epoch, a smaller one seconds from now; unreadable, it is none |
//!
//! `Retry-After` goes first. On any other status both are ignored: a gateway that tells with each answer when its
//! count of requests starts anew asks nobody to wait.

use crate::http_date;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait when a limit was hit and nothing says how long: the reference's one minute.
pub(crate) const ONE_MINUTE: Duration = Duration::from_secs(60);

/// No hint may silence a merchant for longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The first second that is taken for a date: in the year 2001.
const FIRST_DATE: u64 = 1_000_000_000;

/// What the answer's headers ask for, at most an hour. Zero: the time they name is now or over.
pub(crate) fn wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    wait_at(status, headers, now)
}

fn wait_at(status: StatusCode, headers: &HeaderMap, now: u64) -> Option<Duration> {
    let limited = status == StatusCode::TOO_MANY_REQUESTS;
    if !(limited || status.is_server_error()) {
        return None;
    }
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let retry_after = || {
        let text = text(RETRY_AFTER.as_str())?;
        let date = || Some(http_date::parse(text)?.saturating_sub(now));
        Some(Duration::from_secs(text.parse().ok().or_else(date)?))
    };
    let reset = || {
        let seconds = match text("x-ratelimit-reset")?.parse::<u64>().ok()? {
            date @ FIRST_DATE.. => date.saturating_sub(now),
            seconds => seconds,
        };
        Some(Duration::from_secs(seconds))
    };
    retry_after()
        .or_else(|| limited.then(reset)?)
        .or_else(|| headers.contains_key(RETRY_AFTER).then_some(ONE_MINUTE))
        .map(|wait| wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Sun, 01 Mar 2026 12:00:00 GMT
    const NOW: u64 = 1_772_366_400;

    fn read_on(status: StatusCode, lines: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = lines
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        wait_at(status, &headers, NOW).map(|wait| wait.as_secs())
    }

    fn read(lines: &[(&'static str, &'static str)]) -> Option<u64> {
        read_on(StatusCode::TOO_MANY_REQUESTS, lines)
    }

    #[test]
    fn retry_after_goes_before_the_rate_limit_reset() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", " 7 ")]), Some(7));
        let both = |retry_after| [("x-ratelimit-reset", "9"), ("retry-after", retry_after)];
        assert_eq!(read(&both("7")), Some(7));
        assert_eq!(read(&both("soon")), Some(9));
    }

    #[test]
    fn a_reset_may_be_a_date_or_a_number_of_seconds() {
        assert_eq!(read(&[("x-ratelimit-reset", "30")]), Some(30));
        assert_eq!(read(&[("x-ratelimit-reset", "1772366445")]), Some(45));
        assert_eq!(read(&[("x-ratelimit-reset", "1772366300")]), Some(0));
        assert_eq!(read(&[("x-ratelimit-reset", "soon")]), None);
    }

    #[test]
    fn retry_after_may_be_a_date() {
        for (date, wait) in [
            ("Sun, 01 Mar 2026 12:00:45 GMT", 45),
            ("Sun, 01 Mar 2026 11:59:00 GMT", 0),
            ("Mon, 01 Mar 2027 12:00:00 GMT", 3600),
        ] {
            assert_eq!(read(&[("retry-after", date)]), Some(wait), "{date}");
        }
    }

    #[test]
    fn a_hint_counts_only_under_a_status_that_asks_to_come_later() {
        let both = [("x-ratelimit-reset", "9"), ("retry-after", "7")];
        for (status, expected) in [(200, None), (302, None), (400, None), (503, Some(7))] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(read_on(status, &both), expected, "{status}");
            assert_eq!(read_on(status, &both[..1]), None, "{status}");
        }
    }

    #[test]
    fn an_unreadable_retry_after_asks_for_a_minute_and_none_for_more_than_an_hour() {
        assert_eq!(read(&[("retry-after", "18446744073709551615")]), Some(3600));
        for unreadable in ["-1", "soon", "Sunday, 01-Mar-26 12:00:00 GMT", "1.5", ""] {
            assert_eq!(
                read(&[("retry-after", unreadable)]),
                Some(60),
                "{unreadable}"
            );
        }
    }
}
