//! What the café sells. Prices live here and nowhere else: no price ever comes from a browser.

use std::fmt;

/// Something on the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name in the form.
    pub sku: &'static str,
    /// What the menu calls it. It also goes to the gateway, which forbids `/`, `=` and `&`.
    pub name: &'static str,
    /// The price of one, in cents.
    pub price: i64,
}

/// The menu, in the order it is shown.
pub const MENU: &[Product] = &[
    Product {
        sku: "latte",
        name: "Latte",
        price: 450,
    },
    Product {
        sku: "maple-latte",
        name: "Maple Latte",
        price: 525,
    },
    Product {
        sku: "croissant",
        name: "Butter Croissant",
        price: 375,
    },
];

/// The most of one product in one order.
pub const MOST: u32 = 9;

/// What somebody wants: at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket(Vec<(u32, Product)>);

impl Basket {
    /// What a form asks for. `None` if it asks for nothing, for something that is not on the menu, or for too much.
    pub fn from_form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut basket: Vec<(u32, Product)> = Vec::new();
        for (sku, quantity) in fields {
            let product = MENU.iter().find(|product| product.sku == sku)?;
            let there = basket.iter().any(|(_, wanted)| wanted == product);
            match quantity.trim().parse() {
                _ if there => return None,
                Ok(0) => {}
                Ok(quantity @ 1..=MOST) => basket.push((quantity, *product)),
                _ => return None,
            }
        }
        (!basket.is_empty()).then_some(Self(basket))
    }

    /// What it costs, in cents.
    pub fn cents(&self) -> i64 {
        let lines = self.0.iter();
        lines
            .map(|(quantity, product)| i64::from(*quantity) * product.price)
            .sum()
    }
}

/// As `2 Latte, 1 Butter Croissant`: short enough for the gateway's 64 characters, whatever is ordered.
impl fmt::Display for Basket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (quantity, product)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{quantity} {}", product.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_menu_can_be_ordered_and_not_too_much_of_it() {
        let basket =
            Basket::from_form([("latte", "2"), ("maple-latte", "0"), ("croissant", "1")]).unwrap();
        assert_eq!(basket.to_string(), "2 Latte, 1 Butter Croissant");
        assert_eq!(basket.cents(), 1275);
        for fields in [
            vec![],
            vec![("latte", "0")],
            vec![("tea", "1")],
            vec![("latte", "10")],
            vec![("latte", "-1")],
            vec![("latte", "1"), ("latte", "1")],
        ] {
            assert_eq!(Basket::from_form(fields.clone()), None, "{fields:?}");
        }
    }

    #[test]
    fn the_whole_menu_fits_the_gateways_description() {
        let everything = MENU.iter().map(|product| (product.sku, "9"));
        let text = Basket::from_form(everything).unwrap().to_string();
        assert!(
            ucanpay_core::Description::new(text.clone()).is_ok(),
            "{text}"
        );
    }
}
