//! The sandbox's time: asked for by everything that stamps or schedules, so that a test can drive it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Where the sandbox takes its time from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since the Unix epoch, UTC.
    fn now(&self) -> i64;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        // A clock set before 1970 reads as 1970: the sandbox has nothing better to say about it.
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// `2021-01-29T03:55:56Z`: envelopes and `orderquery`.
pub(crate) fn rfc3339(ms: i64) -> String {
    written(ms, "%Y-%m-%dT%H:%M:%SZ")
}

/// `2021-01-29T03:55:56`: the order's answer and `timeEnd`, as their samples have it.
pub(crate) fn without_offset(ms: i64) -> String {
    written(ms, "%Y-%m-%dT%H:%M:%S")
}

/// `2021-01-29 03:55:10`: `refundTime`, as its sample has it.
pub(crate) fn spaced(ms: i64) -> String {
    written(ms, "%Y-%m-%d %H:%M:%S")
}

/// `20091225091010`: `refundSuccesTime`, as its table has it.
pub(crate) fn digits(ms: i64) -> String {
    written(ms, "%Y%m%d%H%M%S")
}

fn written(ms: i64, format: &str) -> String {
    // Only a clock beyond the year 9999 is out of range.
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_each_of_the_reference_s_four_forms() {
        let at = 1_611_892_556_789;
        assert_eq!(rfc3339(at), "2021-01-29T03:55:56Z");
        assert_eq!(without_offset(at), "2021-01-29T03:55:56");
        assert_eq!(spaced(at), "2021-01-29 03:55:56");
        assert_eq!(digits(at), "20210129035556");
    }
}
