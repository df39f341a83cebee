//! What the café sells. Prices live here and nowhere else: no price ever comes from a browser.

use serde::Serialize;

/// Something on the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its short name in carts, orders and the JSON API.
    pub sku: &'static str,
    /// What the menu calls it. It also goes to the gateway, which forbids `/`, `=` and `&`.
    pub name: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// The price of one, in cents.
    pub price: i64,
}

/// The menu, in the order it is shown.
pub const MENU: &[Product] = &[
    Product {
        sku: "espresso",
        name: "Espresso",
        description: "A double shot, dark and syrupy.",
        price: 325,
    },
    Product {
        sku: "latte",
        name: "Latte",
        description: "Two shots under silky steamed milk.",
        price: 450,
    },
    Product {
        sku: "maple-latte",
        name: "Maple Latte",
        description: "The house latte, sweetened with dark maple syrup.",
        price: 525,
    },
    Product {
        sku: "cold-brew",
        name: "Cold Brew",
        description: "Steeped for eighteen hours, served over ice.",
        price: 475,
    },
    Product {
        sku: "chai",
        name: "Masala Chai",
        description: "Black tea, cardamom, ginger and milk.",
        price: 425,
    },
    Product {
        sku: "croissant",
        name: "Butter Croissant",
        description: "Laminated overnight, baked at six.",
        price: 375,
    },
    Product {
        sku: "butter-tart",
        name: "Butter Tart",
        description: "Runny in the middle, as it should be.",
        price: 350,
    },
    Product {
        sku: "cookie",
        name: "Oat Cookie",
        description: "Rolled oats, brown butter, sea salt.",
        price: 275,
    },
];

/// The product of this sku.
pub fn find(sku: &str) -> Option<&'static Product> {
    MENU.iter().find(|product| product.sku == sku)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sku_is_unique_and_fits_into_a_cookie_and_a_file_name() {
        for product in MENU {
            assert_eq!(find(product.sku), Some(product));
            assert!(
                product
                    .sku
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-')
            );
        }
    }

    #[test]
    fn every_name_may_stand_in_an_order_at_the_gateway() {
        for product in MENU {
            assert!(
                ucanpay_core::Description::new(product.name).is_ok(),
                "{}",
                product.name
            );
            assert!(product.price > 0);
        }
    }
}
