//! The gateway's times, which come in four shapes. The text is always kept: a time nobody can read is no reason to refuse
//! a payment.

use std::fmt;

/// A time as the gateway wrote it.
///
/// The members `tranTime`, `timeEnd`, `refundTime` and `refundSuccesTime`.
///
/// ```
/// use ucanpay_core::GatewayTime;
///
/// let time = GatewayTime::new("20091225091010");
/// let civil = time.civil().expect("one of the documented shapes");
/// assert_eq!((civil.year, civil.hour, civil.offset_minutes), (2009, 9, None));
/// assert_eq!(GatewayTime::new("soon").civil(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayTime {
    text: String,
    civil: Option<CivilTime>,
}

/// A date and a time of day, as written; without an offset nobody knows of which place.
///
/// ```
/// use ucanpay_core::{CivilTime, GatewayTime};
///
/// let time = GatewayTime::new("2026-03-01T09:30:00+08:00").civil().ok_or("no time")?;
/// let CivilTime { year, month, day, hour, minute, .. } = time;
/// assert_eq!(format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"), "2026-03-01 09:30");
/// assert_eq!(time.offset_minutes, Some(8 * 60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CivilTime {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31, and one that the month has.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60.
    pub second: u8,
    /// Minutes east of UTC, when the text says so (`Z` is 0).
    pub offset_minutes: Option<i16>,
}

impl GatewayTime {
    /// Keeps the text, and reads it if it has one of the known shapes: `2021-01-29T03:55:56`, the same with `Z` or an
    /// offset, `20091225091010`, or `2021-01-29 03:55:10`.
    ///
    /// ```
    /// use ucanpay_core::GatewayTime;
    ///
    /// let time = GatewayTime::new("2026-03-01 09:30:00");
    /// assert_eq!(time.as_str(), "2026-03-01 09:30:00");
    /// assert_eq!(time.civil().map(|civil| (civil.hour, civil.minute)), Some((9, 30)));
    /// assert_eq!(GatewayTime::new("2026-02-30 09:30:00").civil(), None);
    /// ```
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let civil = read(&text);
        Self { text, civil }
    }

    /// The text as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts, if the text could be read.
    #[must_use]
    pub fn civil(&self) -> Option<CivilTime> {
        self.civil
    }
}

impl fmt::Display for GatewayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read(text: &str) -> Option<CivilTime> {
    let mut cursor = Cursor(text.as_bytes());
    let compact = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    let separated = |cursor: &mut Cursor<'_>, separator: &[u8]| {
        compact || cursor.take_one_of(separator).is_some()
    };
    let year = cursor.digits(4)?;
    separated(&mut cursor, b"-").then_some(())?;
    let month = cursor.two_digits()?;
    separated(&mut cursor, b"-").then_some(())?;
    let day = cursor.two_digits()?;
    separated(&mut cursor, b"T t").then_some(())?;
    let hour = cursor.two_digits()?;
    separated(&mut cursor, b":").then_some(())?;
    let minute = cursor.two_digits()?;
    separated(&mut cursor, b":").then_some(())?;
    let second = cursor.two_digits()?;
    let time = CivilTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
        offset_minutes: cursor.offset()?,
    };
    let exists = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    exists.then_some(time)
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take_one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digits(&mut self, count: usize) -> Option<u16> {
        (0..count).try_fold(0, |number, _| {
            let digit = self.take_one_of(b"0123456789")?;
            Some(number * 10 + u16::from(digit - b'0'))
        })
    }

    fn two_digits(&mut self) -> Option<u8> {
        self.digits(2).and_then(|number| u8::try_from(number).ok())
    }

    /// A fraction of a second, which is passed over, then nothing, `Z`, or `+hh:mm`. `None` when something else stands there.
    fn offset(&mut self) -> Option<Option<i16>> {
        if self.take_one_of(b".").is_some() {
            self.digits(1)?;
            while self.digits(1).is_some() {}
        }
        let sign = match self.take_one_of(b"Zz+-") {
            None => return self.0.is_empty().then_some(None),
            Some(b'Z' | b'z') => return self.0.is_empty().then_some(Some(0)),
            Some(b'-') => -1,
            Some(_) => 1,
        };
        let hours = i16::from(self.two_digits()?);
        self.take_one_of(b":");
        let minutes = i16::from(self.two_digits()?);
        let readable = self.0.is_empty() && hours <= 23 && minutes <= 59;
        readable.then_some(Some(sign * (hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::{CivilTime, GatewayTime};

    const TIME: CivilTime = CivilTime {
        year: 2021,
        month: 1,
        day: 29,
        hour: 3,
        minute: 55,
        second: 56,
        offset_minutes: None,
    };

    #[test]
    fn each_documented_shape_is_read_and_only_a_written_offset_is_one() {
        for (text, offset_minutes) in [
            ("2021-01-29T03:55:56", None),
            ("2021-01-29 03:55:56", None),
            ("20210129035556", None),
            ("2021-01-29T03:55:56Z", Some(0)),
            ("2021-01-29T03:55:56.123Z", Some(0)),
            ("2021-01-29T03:55:56+08:00", Some(480)),
            ("2021-01-29T03:55:56-0330", Some(-210)),
        ] {
            let expected = CivilTime {
                offset_minutes,
                ..TIME
            };
            assert_eq!(GatewayTime::new(text).civil(), Some(expected), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_kept_unread() {
        for text in [
            "soon",
            "888",
            "2021-01-29",
            "2021-02-29T00:00:00",
            "2021-13-01T00:00:00",
            "2021-00-01T00:00:00",
            "2021-01-29T24:00:00",
            "2021-01-29T03:55:56X",
            "2021-01-29T03:55:56.Z",
            "2021-01-29T03:55:56+25:00",
            "2021012903555",
            "202101290355567",
            "２０２１-01-29T03:55:56",
        ] {
            let time = GatewayTime::new(text);
            assert_eq!((time.as_str(), time.civil()), (text, None));
        }
        assert!(GatewayTime::new("2024-02-29T00:00:00").civil().is_some());
        assert!(GatewayTime::new("1900-02-29T00:00:00").civil().is_none());
    }
}
