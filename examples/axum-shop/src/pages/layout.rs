//! The frame around every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::cart::Cart;

/// A leaf with a bean's fold, drawn in the text's colour.
const MARK: PreEscaped<&str> = PreEscaped(
    r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M16 2c2 4 4 4 7 3-1 4 1 5 6 6-3 2-4 5-3 9-4-1-6 0-8 3l-1 7h-2l-1-7c-2-3-4-4-8-3 1-4 0-7-3-9 5-1 7-2 6-6 3 1 5 1 7-3z" fill="currentColor"/></svg>"#,
);

/// A page's title with the shop's name, as it stands on the browser's tab.
pub(crate) fn title(of_page: &str) -> String {
    format!("{of_page} · Maple & Bean")
}

/// A page of the shop, with the buyer's cart in the corner.
pub(super) fn page(title: &str, cart: &Cart, content: &Markup) -> Markup {
    page_with(title, cart, &html! {}, content)
}

/// The same with more in its head.
pub(super) fn page_with(name: &str, cart: &Cart, head: &Markup, content: &Markup) -> Markup {
    let count = cart.count();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title(name)) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/shop.css";
                (head)
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    div.wide {
                        a.brand href="/" { (MARK) span { "Maple & Bean" } }
                        nav aria-label="Main" {
                            a href="/" { "Menu" }
                            a.cart-link href="/cart" {
                                "Cart"
                                @if count > 0 { span.count aria-label={ (count) " items" } { (count) } }
                            }
                        }
                    }
                }
                main.wide id="content" { (content) }
                footer.wide {
                    p { "A small example café. Payments by UCanPay." }
                    a href="/admin" { "For the merchant" }
                }
            }
        }
    }
}
