//! Which language a page is shown in, and how money and moments are written in it.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use crate::cookie;
use crate::money;
use crate::words::{ENGLISH, FRENCH, Words};

/// The cookie that keeps what somebody chose.
pub(crate) const COOKIE: &str = "language";

/// A language of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// In the order they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::French];

    /// The one that was chosen on a page, or else the one that the browser likes best.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let chosen = cookie::read(headers, COOKIE).and_then(Self::read);
        chosen.unwrap_or_else(|| {
            let accepted = headers.get(ACCEPT_LANGUAGE);
            let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
            accepted.map(Self::preferred).unwrap_or_default()
        })
    }

    /// `fr`, `fr-CA`, `FR`. `None` for languages that the shop does not speak.
    pub(crate) fn read(tag: &str) -> Option<Self> {
        let language = tag.split('-').next()?;
        Self::ALL
            .into_iter()
            .find(|known| known.tag().eq_ignore_ascii_case(language))
    }

    /// The first of the highest quality in `Accept-Language`: `fr-CA, en;q=0.8`.
    fn preferred(accepted: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for entry in accepted.split(',') {
            let (tag, quality) = entry.split_once(";q=").unwrap_or((entry, "1"));
            let quality = quality.trim().parse().unwrap_or(0.0);
            if let Some(language) = Self::read(tag.trim())
                && quality > best.1
            {
                best = (language, quality);
            }
        }
        best.0
    }

    /// As it stands in `lang` and in the cookie.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// What its speakers call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// Its texts.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        }
    }

    /// Cents as a customer reads them: `$4.50`, `4,50 $`.
    pub(crate) fn money(self, cents: i64) -> String {
        match self {
            Self::English => money::dollars(cents),
            Self::French => format!("{}\u{a0}$", money::plain(cents).replace('.', ",")),
        }
    }

    /// Cents as they stand in a form: `4.50`, `4,50`.
    pub(crate) fn amount(self, cents: i64) -> String {
        match self {
            Self::English => money::plain(cents),
            Self::French => money::plain(cents).replace('.', ","),
        }
    }

    /// `Nov 23, 12:18 UTC`, `23 nov., 12 h 18 UTC`, of milliseconds since the Unix epoch.
    pub(crate) fn time(self, millis: i64) -> String {
        const MONTHS: [&str; 12] = [
            "janv.", "févr.", "mars", "avr.", "mai", "juin", "juill.", "août", "sept.", "oct.",
            "nov.", "déc.",
        ];
        let moment = moment(millis);
        match self {
            Self::English => moment.strftime("%b %-d, %H:%M UTC").to_string(),
            Self::French => {
                let month = moment.strftime("%-m").to_string().parse();
                let month = month.map_or("", |month: usize| MONTHS[month - 1]);
                let (day, clock) = (
                    moment.strftime("%-d"),
                    moment.strftime("%-H\u{a0}h\u{a0}%M UTC"),
                );
                format!("{day}\u{a0}{month}, {clock}")
            }
        }
    }
}

/// `2026-11-23 12:18:07 UTC`, the same in every language, of milliseconds since the Unix epoch.
pub(crate) fn to_the_second(millis: i64) -> String {
    moment(millis).strftime("%F %T UTC").to_string()
}

fn moment(millis: i64) -> jiff::Timestamp {
    let moment = jiff::Timestamp::from_millisecond(millis);
    moment.unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_browser_is_answered_in_the_language_that_it_likes_best() {
        for (accepted, language) in [
            ("fr-CA, fr;q=0.9, en;q=0.8", Language::French),
            ("en-CA,fr;q=0.9", Language::English),
            ("en;q=0.5, FR", Language::French),
            ("de, fr;q=0.3", Language::French),
            ("de", Language::English),
            ("fr;q=0", Language::English),
            ("fr;q=x, ;;q=1,", Language::English),
            ("", Language::English),
        ] {
            let asked = Language::of(&headers(&[("accept-language", accepted)]));
            assert_eq!(asked, language, "{accepted:?}");
        }
    }

    #[test]
    fn what_was_chosen_counts_more_than_what_the_browser_likes() {
        let of = |cookie| Language::of(&headers(&[("accept-language", "fr"), ("cookie", cookie)]));
        assert_eq!(of("language=en"), Language::English);
        assert_eq!(of("language=xx"), Language::French);
    }

    #[test]
    fn money_and_moments_are_written_as_in_the_language() {
        assert_eq!(Language::French.money(123_456), "1234,56\u{a0}$");
        assert_eq!(Language::French.money(-5), "-0,05\u{a0}$");
        assert_eq!(Language::English.money(450), "$4.50");
        let moment = 1_763_900_280_000;
        assert_eq!(Language::English.time(moment), "Nov 23, 12:18 UTC");
        assert_eq!(
            Language::French.time(moment),
            "23\u{a0}nov., 12\u{a0}h\u{a0}18 UTC"
        );
        assert_eq!(to_the_second(moment), "2025-11-23 12:18:00 UTC");
        // Whatever a clock said.
        for odd in [i64::MIN, i64::MAX] {
            assert_eq!(Language::English.time(odd), "Jan 1, 00:00 UTC");
        }
    }
}
