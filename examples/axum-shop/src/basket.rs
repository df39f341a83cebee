//! What somebody wants to buy: products that exist, in quantities that make sense, at the shop's prices.
//!
//! Untrusted lines come in from a cart cookie or the JSON API; a [`Basket`] goes on to [`crate::orders`].

use serde::{Deserialize, Serialize};
use ucanpay_core::Amount;

use crate::catalogue;

/// How many of one product an order may hold.
pub const MAX_QUANTITY: i64 = 20;

/// A line of an order: a product with the name and price it had when the order was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product's short name.
    pub sku: String,
    /// Its name on the menu.
    pub name: String,
    /// The price of one, in cents.
    pub price: i64,
    /// How many, 1 to [`MAX_QUANTITY`].
    pub quantity: i64,
}

impl Line {
    /// The price of all of them, in cents.
    pub fn total(&self) -> i64 {
        self.price * self.quantity
    }
}

/// At least one line, and no sku twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    lines: Vec<Line>,
    total: Amount,
}

/// Lines that cannot be ordered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BasketError {
    /// Nothing is in it.
    #[error("an order needs at least one item")]
    Empty,
    /// The menu has no such product.
    #[error("{0:?} is not on the menu; GET /api/catalogue lists what is")]
    UnknownSku(String),
    /// None, less than none, or too many.
    #[error("the quantity of {sku:?} must be 1 to {MAX_QUANTITY}")]
    Quantity {
        /// The product asked for.
        sku: String,
    },
}

impl Basket {
    /// Looks up each sku and its price. Lines of the same sku become one.
    ///
    /// # Errors
    /// [`BasketError`] for the first line that cannot be ordered, or if there is none.
    pub fn new<'a>(wanted: impl IntoIterator<Item = (&'a str, i64)>) -> Result<Self, BasketError> {
        let mut lines: Vec<Line> = Vec::new();
        for (sku, quantity) in wanted {
            let product = catalogue::find(sku)
                .ok_or_else(|| BasketError::UnknownSku(sku.chars().take(40).collect()))?;
            let there = lines.iter().position(|line| line.sku == sku);
            let before = there.map_or(0, |at| lines[at].quantity);
            let quantity = Some(quantity)
                .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
                .map(|quantity| before + quantity)
                .filter(|sum| *sum <= MAX_QUANTITY)
                .ok_or_else(|| BasketError::Quantity {
                    sku: sku.to_owned(),
                })?;
            match there {
                Some(at) => lines[at].quantity = quantity,
                None => lines.push(Line {
                    sku: sku.to_owned(),
                    name: product.name.to_owned(),
                    price: product.price,
                    quantity,
                }),
            }
        }
        let cents = lines.iter().map(Line::total).sum();
        // Zero cents is what no lines cost; the menu is far too short for the upper limit.
        let total = Amount::new(cents).map_err(|_| BasketError::Empty)?;
        Ok(Self { lines, total })
    }

    /// The lines, in the order they were first asked for.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What all of it costs, in cents.
    pub fn total(&self) -> Amount {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_come_from_the_menu() {
        let basket = Basket::new([("latte", 2), ("cookie", 1)]).unwrap();
        assert_eq!(basket.total().cents(), 2 * 450 + 275);
    }

    #[test]
    fn the_same_product_twice_is_one_line() {
        let basket = Basket::new([("latte", 1), ("chai", 1), ("latte", 3)]).unwrap();
        assert_eq!(basket.lines().len(), 2);
        assert_eq!(basket.lines()[0].quantity, 4);
    }

    #[test]
    fn what_cannot_be_ordered_is_named() {
        let quantity = || BasketError::Quantity {
            sku: "latte".into(),
        };
        assert_eq!(Basket::new([]), Err(BasketError::Empty));
        assert_eq!(
            Basket::new([("gold", 1)]),
            Err(BasketError::UnknownSku("gold".into()))
        );
        for wrong in [0, -1, 21, i64::MAX, i64::MIN] {
            assert_eq!(Basket::new([("latte", wrong)]), Err(quantity()), "{wrong}");
        }
        assert_eq!(Basket::new([("latte", 15), ("latte", 6)]), Err(quantity()));
    }

    #[test]
    fn the_fullest_basket_still_has_an_amount() {
        let everything = catalogue::MENU
            .iter()
            .map(|product| (product.sku, MAX_QUANTITY));
        assert!(Basket::new(everything).is_ok());
    }
}
