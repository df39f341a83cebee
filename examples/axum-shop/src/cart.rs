//! The cart, kept in a cookie: `latte:2.cookie:1`. Skus and quantities only; a cookie that does not read is an empty cart.

use axum::http::HeaderMap;

use crate::basket::{Basket, MAX_QUANTITY};
use crate::cookie::{self, SetCookie};

const NAME: &str = "cart";

/// How long a browser keeps a cart, in seconds: a day.
const MAX_AGE: u32 = 24 * 60 * 60;

/// Products on the menu with quantities of 1 to [`MAX_QUANTITY`], no sku twice; possibly nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<(String, i64)>,
}

impl Cart {
    /// The cart that a browser sends along.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        cookie::read(headers, NAME).map_or_else(Self::default, Self::read)
    }

    /// Reads the cookie's value. Anything that a cart of ours could not say is an empty cart.
    pub fn read(value: &str) -> Self {
        let lines: Option<Vec<_>> = value
            .split('.')
            .map(|line| {
                let (sku, quantity) = line.split_once(':')?;
                Some((sku, quantity.parse().ok()?))
            })
            .collect();
        let basket = lines.and_then(|lines| Basket::new(lines).ok());
        let lines = basket.map(|basket| {
            let line = |line: &crate::basket::Line| (line.sku.clone(), line.quantity);
            basket.lines().iter().map(line).collect()
        });
        Self {
            lines: lines.unwrap_or_default(),
        }
    }

    /// How many of this product are in it.
    pub fn quantity(&self, sku: &str) -> i64 {
        let line = self.lines.iter().find(|(there, _)| there == sku);
        line.map_or(0, |(_, quantity)| *quantity)
    }

    /// How many things are in it.
    pub fn count(&self) -> i64 {
        self.lines.iter().map(|(_, quantity)| quantity).sum()
    }

    /// Sets the quantity of a product: at most [`MAX_QUANTITY`]; 0 or less takes it out. The sku must be on the menu.
    pub fn set(&mut self, sku: &'static str, quantity: i64) {
        let quantity = quantity.clamp(0, MAX_QUANTITY);
        match self.lines.iter_mut().find(|(there, _)| there == sku) {
            Some(line) => line.1 = quantity,
            None => self.lines.push((sku.to_owned(), quantity)),
        }
        self.lines.retain(|(_, quantity)| *quantity > 0);
    }

    /// The cart at the shop's prices; `None` if it is empty.
    pub fn basket(&self) -> Option<Basket> {
        let lines = self.lines.iter().map(|(sku, quantity)| (&**sku, *quantity));
        Basket::new(lines).ok()
    }

    /// The header that leaves this cart with the browser.
    pub(crate) fn into_header(self) -> SetCookie {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|(sku, quantity)| format!("{sku}:{quantity}"))
            .collect();
        let (value, age) = match lines.is_empty() {
            true => (String::new(), 0),
            false => (lines.join("."), MAX_AGE),
        };
        cookie::set(NAME, &value, age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::AppendHeaders;

    #[test]
    fn what_was_written_is_read_again() {
        let mut cart = Cart::default();
        cart.set("latte", 2);
        cart.set("cookie", 99);
        cart.set("chai", 1);
        cart.set("chai", 0);
        let AppendHeaders([(_, header)]) = cart.clone().into_header();
        let value = header
            .strip_prefix("cart=")
            .and_then(|rest| rest.split(';').next());
        assert_eq!(value, Some("latte:2.cookie:20"));
        assert_eq!(Cart::read("latte:2.cookie:20"), cart);
        assert_eq!(cart.count(), 22);
        assert!(header.contains("HttpOnly") && header.contains("SameSite=Lax"));
    }

    #[test]
    fn a_cookie_that_does_not_read_is_an_empty_cart() {
        for garbage in [
            "",
            ".",
            ":",
            "latte",
            "latte:",
            "latte:0",
            "latte:-1",
            "latte:21",
            "latte:1.",
            "gold:1",
            "latte:1.gold:1",
            "latte:9999999999999999999999",
            "<script>",
            "\u{fffd}",
        ] {
            assert_eq!(Cart::read(garbage), Cart::default(), "{garbage:?}");
        }
    }
}
