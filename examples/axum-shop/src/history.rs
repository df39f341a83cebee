//! The buyer's newest orders, remembered in a cookie: the way back to a page that was closed too early.

use axum::http::HeaderMap;
use ucanpay_core::OutTradeNo;
use ucanpay_storefront::Reference;

use crate::cookie::{self, SetCookie};

const NAME: &str = "orders";

/// How long a browser remembers them, in seconds: thirty days.
const MAX_AGE: u32 = 30 * 24 * 60 * 60;

/// How many it remembers.
const MOST: usize = 12;

/// What the browser says were its orders, newest first. Each number opens its order's page anyway: the cookie is no key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History(Vec<String>);

impl History {
    /// Reads the cookie; what cannot be a number is left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let numbers = cookie::read(headers, NAME).unwrap_or_default().split('.');
        let numbers = numbers.filter(|number| OutTradeNo::new(*number).is_ok());
        Self(numbers.take(MOST).map(str::to_owned).collect())
    }

    /// The numbers, newest first.
    pub(crate) fn numbers(&self) -> &[String] {
        &self.0
    }

    /// The header that leaves it with the browser, this order first.
    pub(crate) fn with(mut self, number: &Reference) -> SetCookie {
        self.0.retain(|there| there != number.as_str());
        self.0.insert(0, number.to_string());
        self.0.truncate(MOST);
        cookie::set(NAME, &self.0.join("."), MAX_AGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;
    use axum::response::AppendHeaders;

    fn history(cookie: &str) -> History {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("{NAME}={cookie}").parse().unwrap());
        History::of(&headers)
    }

    #[test]
    fn the_newest_order_comes_first_and_the_oldest_is_forgotten() {
        let mut history = History::default();
        for n in 0..=MOST {
            let AppendHeaders([(_, header)]) =
                history.with(&Reference::new(format!("N{n}")).unwrap());
            let value = header.split(['=', ';']).nth(1).unwrap();
            history = self::history(value);
        }
        assert_eq!(history.numbers().len(), MOST);
        assert_eq!(history.numbers()[0], format!("N{MOST}"));
        assert_eq!(history.numbers().last().unwrap(), "N1");
    }

    #[test]
    fn garbage_is_left_out() {
        assert_eq!(history("\"><script>.N1..../x").numbers(), ["N1"]);
        assert!(history("").numbers().is_empty());
        assert_eq!(history(&"N1.".repeat(100)).numbers().len(), MOST);
    }
}
