//! Every text of the pages, once a language: `english.rs` and `french.rs` are the two tables, and a text that one of them
//! lacks does not compile. What the ledger and the gateway say (reasons, evidence) stays English.

mod english;
mod french;

use ucanpay_storefront::{PaymentState, RefundState};

use crate::catalogue::Product;

pub(crate) use english::ENGLISH;
pub(crate) use french::FRENCH;

/// The texts of one language.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) frame: Frame,
    pub(crate) menu: Menu,
    pub(crate) cart: Cart,
    pub(crate) order: Order,
    pub(crate) history: History,
    pub(crate) login: Login,
    pub(crate) merchant: Merchant,
    pub(crate) refund: Refund,
    pub(crate) review: Review,
    pub(crate) timeline: Timeline,
    pub(crate) health: Health,
    pub(crate) errors: Errors,
    pub(crate) payment_state: fn(PaymentState) -> &'static str,
    pub(crate) refund_state: fn(RefundState) -> &'static str,
    /// Name and description by sku, where they are not the catalogue's own.
    products: &'static [(&'static str, &'static str, &'static str)],
}

impl Words {
    /// A product's name and description.
    pub(crate) fn product(&self, product: &Product) -> (&'static str, &'static str) {
        let there = self.products.iter().find(|(sku, ..)| *sku == product.sku);
        there.map_or((product.name, product.description), |(_, name, text)| {
            (name, text)
        })
    }

    /// What a line of an order is called: by its sku, or as it was written down if it is not on the menu any more.
    pub(crate) fn line<'a>(&self, line: &'a crate::basket::Line) -> &'a str {
        let there = self.products.iter().find(|(sku, ..)| *sku == line.sku);
        there.map_or(&*line.name, |(_, name, _)| name)
    }
}

/// Around every page.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) skip: &'static str,
    pub(crate) navigation: &'static str,
    pub(crate) language: &'static str,
    pub(crate) footer: &'static str,
    pub(crate) for_the_merchant: &'static str,
    pub(crate) to_the_menu: &'static str,
    /// Between what something is and what it says.
    pub(crate) colon: &'static str,
    pub(crate) items: fn(i64) -> String,
}

/// The menu.
#[derive(Debug)]
pub(crate) struct Menu {
    pub(crate) title: &'static str,
    pub(crate) open_until: &'static str,
    pub(crate) headline: [&'static str; 2],
    pub(crate) invitation: &'static str,
    pub(crate) view_cart: &'static str,
    pub(crate) in_the_cart: &'static str,
    pub(crate) add: &'static str,
    pub(crate) add_to_the_cart: fn(&str) -> String,
}

/// The cart.
#[derive(Debug)]
pub(crate) struct Cart {
    pub(crate) title: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) ordered_before: &'static str,
    pub(crate) changed: &'static str,
    pub(crate) nothing_yet: &'static str,
    pub(crate) items: &'static str,
    pub(crate) payment: &'static str,
    pub(crate) total: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) add_something: &'static str,
    pub(crate) pay: fn(&str) -> String,
    pub(crate) each: fn(&str) -> String,
    pub(crate) one_less: fn(&str) -> String,
    pub(crate) one_more: fn(&str) -> String,
}

/// A title, and what to say below it.
pub(crate) type Message = (&'static str, &'static str);

/// The buyer's page of one order.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) title: &'static str,
    pub(crate) number: &'static str,
    pub(crate) ending: Message,
    pub(crate) ended: Message,
    pub(crate) ended_after_review: Message,
    pub(crate) looked_into: Message,
    pub(crate) almost_there: Message,
    pub(crate) preparing: Message,
    pub(crate) pay_now: fn(&str) -> String,
    pub(crate) to_pay: &'static str,
    pub(crate) in_progress: &'static str,
    pub(crate) declined: &'static str,
    pub(crate) code: &'static str,
    pub(crate) scan: &'static str,
    pub(crate) pay: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) paid: &'static str,
    pub(crate) thanks: &'static str,
    pub(crate) received: fn(&str) -> String,
    pub(crate) ticket: &'static str,
    pub(crate) called: &'static str,
    pub(crate) to_the_kitchen: &'static str,
    pub(crate) refunded: &'static str,
    pub(crate) all_went_back: fn(&str) -> String,
    pub(crate) refund_done: &'static str,
    pub(crate) refund_failed: &'static str,
    pub(crate) refund_coming: &'static str,
}

/// The buyer's orders.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) title: &'static str,
    pub(crate) link: &'static str,
    pub(crate) last: &'static str,
    pub(crate) none: &'static str,
    pub(crate) kept: &'static str,
    pub(crate) open: &'static str,
}

/// The door to the merchant's pages.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) title: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) token: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) enter: &'static str,
}

/// The merchant's orders.
#[derive(Debug)]
pub(crate) struct Merchant {
    pub(crate) pages: &'static str,
    pub(crate) orders: &'static str,
    pub(crate) log_out: &'static str,
    pub(crate) logged_out: &'static str,
    pub(crate) log_in_again: &'static str,
    pub(crate) none: &'static str,
    pub(crate) needs_review: &'static str,
    pub(crate) paid_late: &'static str,
    pub(crate) ticket: &'static str,
    pub(crate) pages_of_list: &'static str,
    pub(crate) newer: &'static str,
    pub(crate) older: &'static str,
    pub(crate) buyers_page: &'static str,
}

/// The merchant's refunds.
#[derive(Debug)]
pub(crate) struct Refund {
    pub(crate) title: &'static str,
    pub(crate) none: &'static str,
    pub(crate) refund: &'static str,
    pub(crate) recorded: fn(&str) -> String,
    pub(crate) of: fn(&str) -> String,
    pub(crate) one_at_a_time: &'static str,
    pub(crate) try_again: &'static str,
    pub(crate) amount_up_to: fn(&str) -> String,
    pub(crate) reason: &'static str,
    pub(crate) usual_reason: &'static str,
    pub(crate) refused: fn(&str) -> String,
    pub(crate) bad_amount: &'static str,
    pub(crate) bad_reason: &'static str,
    /// What was asked for, and what is left.
    pub(crate) too_much: fn(&str, &str) -> String,
    pub(crate) may_go_through: &'static str,
    pub(crate) used: &'static str,
    pub(crate) unsure: &'static str,
}

/// What a person must look at.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) title: &'static str,
    pub(crate) none: &'static str,
    pub(crate) to_look_at: &'static str,
    pub(crate) money_went_back: &'static str,
    pub(crate) paid_late: &'static str,
    pub(crate) compare: &'static str,
    pub(crate) found: &'static str,
    pub(crate) example: &'static str,
    pub(crate) done: &'static str,
    pub(crate) say_what: &'static str,
    pub(crate) parked: &'static str,
    pub(crate) try_again: &'static str,
    pub(crate) seen_to: &'static str,
    pub(crate) skip: &'static str,
}

/// What happened to one payment.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) title: &'static str,
    pub(crate) none: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) left_out: fn(usize) -> String,
}

/// How the payments do.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) title: &'static str,
    pub(crate) well: &'static str,
    pub(crate) look_into: &'static str,
    pub(crate) what: &'static str,
    pub(crate) how_many: &'static str,
    pub(crate) since: &'static str,
    pub(crate) payments: &'static str,
    pub(crate) refunds: &'static str,
    pub(crate) due: fn(u64) -> String,
    pub(crate) reviews: &'static str,
    pub(crate) undelivered: &'static str,
    pub(crate) parked: &'static str,
    pub(crate) paid: &'static str,
    pub(crate) recovered: &'static str,
}

/// Pages that cannot be shown.
#[derive(Debug)]
pub(crate) struct Errors {
    pub(crate) not_found: Message,
    pub(crate) foreign: Message,
    pub(crate) other_site: Message,
    pub(crate) method: Message,
    pub(crate) unreadable: Message,
    pub(crate) unavailable: Message,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::MENU;

    #[test]
    fn the_whole_menu_is_translated() {
        for product in MENU {
            let (name, text) = FRENCH.product(product);
            assert!(!name.is_empty() && text != product.description, "{name}");
            assert_eq!(
                ENGLISH.product(product),
                (product.name, product.description)
            );
        }
    }
}
