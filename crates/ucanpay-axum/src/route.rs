//! Which requests are notifications: `POST {prefix}[/{account}]/payment|refund`, and nothing else.

use crate::Topic;
use http::Method;

/// A notify address taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    pub(crate) account: Option<&'a str>,
    pub(crate) topic: Topic,
}

/// The longest account name, in characters.
const MAX_ACCOUNT: usize = 32;

impl<'a> Route<'a> {
    /// `prefix` begins with a slash and does not end with one; it may be empty.
    pub(crate) fn find(prefix: &str, method: &Method, path: &'a str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
        let (account, topic) = match rest.split_once('/') {
            Some((account, topic)) => (Some(account), topic),
            None => (None, rest),
        };
        if !account.is_none_or(is_account) {
            return None;
        }
        let topic = match topic {
            "payment" => Topic::Payment,
            "refund" => Topic::Refund,
            _ => return None,
        };
        Some(Self { account, topic })
    }
}

fn is_account(text: &str) -> bool {
    (1..=MAX_ACCOUNT).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Option<Route<'_>> {
        Route::find("/ucanpay", &Method::POST, path)
    }

    #[test]
    fn both_topics_are_found_with_and_without_an_account() {
        let route = |account, topic| Some(Route { account, topic });
        assert_eq!(post("/ucanpay/payment"), route(None, Topic::Payment));
        assert_eq!(post("/ucanpay/refund"), route(None, Topic::Refund));
        assert_eq!(
            post("/ucanpay/till_2-b/refund"),
            route(Some("till_2-b"), Topic::Refund)
        );
        assert_eq!(
            Route::find("", &Method::POST, "/payment"),
            route(None, Topic::Payment)
        );
    }

    #[test]
    fn everything_else_belongs_to_the_shop() {
        let long = format!("/ucanpay/{}/payment", "a".repeat(33));
        for path in [
            "/",
            "/ucanpay",
            "/ucanpay/",
            "/ucanpay/payments",
            "/ucanpay/payment/",
            "/ucanpay//payment",
            "/ucanpay/a/b/payment",
            "/ucanpay/a%2fb/payment",
            "/ucanpay/café/payment",
            "/shop/ucanpay/payment",
            "/ucanpaypayment",
            long.as_str(),
        ] {
            assert_eq!(post(path), None, "{path}");
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT] {
            assert_eq!(Route::find("/ucanpay", &method, "/ucanpay/payment"), None);
        }
    }
}
