//! The frame around every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::language::Language;
use crate::visit::Visit;

/// A leaf with a bean's fold, drawn in the text's colour.
const MARK: PreEscaped<&str> = PreEscaped(
    r#"<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M16 2c2 4 4 4 7 3-1 4 1 5 6 6-3 2-4 5-3 9-4-1-6 0-8 3l-1 7h-2l-1-7c-2-3-4-4-8-3 1-4 0-7-3-9 5-1 7-2 6-6 3 1 5 1 7-3z" fill="currentColor"/></svg>"#,
);

/// A page's title with the shop's name, as it stands on the browser's tab.
pub(crate) fn title(of_page: &str) -> String {
    format!("{of_page} · Maple & Bean")
}

/// A page of the shop, with the buyer's cart in the corner.
pub(super) fn page(visit: &Visit, title: &str, content: &Markup) -> Markup {
    page_with(visit, title, &html! {}, content)
}

/// The same with more in its head.
pub(super) fn page_with(visit: &Visit, name: &str, head: &Markup, content: &Markup) -> Markup {
    let words = visit.words();
    let count = visit.cart.count();
    // Among the merchant's pages are other orders.
    let has_orders = !visit.history.numbers().is_empty() && !visit.here.starts_with("/admin");
    html! {
        (DOCTYPE)
        html lang=(visit.language.tag()) {
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
                a.skip href="#content" { (words.frame.skip) }
                header.top {
                    div.wide {
                        a.brand href="/" { (MARK) span { "Maple & Bean" } }
                        nav aria-label=(words.frame.navigation) {
                            a href="/" { (words.menu.title) }
                            @if has_orders { a href="/orders" { (words.history.link) } }
                            a.cart-link href="/cart" {
                                (words.cart.title)
                                @if count > 0 { span.count { (count) span.unseen { " (" ((words.frame.items)(count)) ")" } } }
                            }
                        }
                    }
                }
                main.wide id="content" tabindex="-1" { (content) }
                footer.wide {
                    p { (words.frame.footer) }
                    (languages(visit))
                    a href="/admin" { (words.frame.for_the_merchant) }
                }
            }
        }
    }
}

/// The other languages, each a button named in its own.
fn languages(visit: &Visit) -> Markup {
    html! {
        form.languages method="post" action="/language" aria-label=(visit.words().frame.language) {
            input type="hidden" name="csrf" value=(visit.form_token());
            input type="hidden" name="back" value=(visit.here);
            @for language in Language::ALL {
                @if language == visit.language { span aria-current="true" { (language.name()) } }
                @else { button.link name="language" value=(language.tag()) lang=(language.tag()) { (language.name()) } }
            }
        }
    }
}
