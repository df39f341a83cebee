//! English, as it is written in Canada.

use ucanpay_storefront::{PaymentState, RefundState};

use super::{
    Cart, Errors, Frame, Health, History, Login, Menu, Merchant, Order, Refund, Review, Timeline,
    Words,
};

pub(crate) const ENGLISH: Words = Words {
    frame: Frame {
        skip: "Skip to content",
        navigation: "Main",
        language: "Language",
        footer: "A small example café. Payments by UCanPay.",
        for_the_merchant: "For the merchant",
        to_the_menu: "To the menu",
        colon: ": ",
        items: |count| match count {
            1 => "1 item".to_owned(),
            count => format!("{count} items"),
        },
    },
    menu: Menu {
        title: "Menu",
        open_until: "Open until six",
        headline: ["Good coffee, ", "a little maple."],
        invitation: "Order here, pay with UCanPay on your phone, and pick it up at the counter.",
        view_cart: "View cart",
        in_the_cart: " in the cart",
        add: "Add",
        add_to_the_cart: |name| format!("Add {name} to the cart"),
    },
    cart: Cart {
        title: "Cart",
        heading: "Your cart",
        ordered_before: "Nothing was ordered just now: this cart was ordered or emptied before.",
        changed: "Your cart has changed in the meantime. Please look at it again before you pay.",
        nothing_yet: "There is nothing in it yet.",
        items: "Items",
        payment: "Payment",
        total: "Total",
        quantity: "Quantity",
        add_something: "Add something else",
        pay: |total| format!("Pay {total} with UCanPay"),
        each: |price| format!("{price} each"),
        one_less: |name| format!("One {name} less"),
        one_more: |name| format!("One {name} more"),
    },
    order: Order {
        title: "Your order",
        number: "Order",
        ending: (
            "The time for this order is up",
            "It is being closed. Please do not pay any more; if you have paid, wait here: this page shows what became of it.",
        ),
        ended: (
            "This order has ended",
            "It can no longer be paid. Nothing was taken; order again whenever you like.",
        ),
        ended_after_review: (
            "This order has ended",
            "It can no longer be paid. We have looked into its payment; if you paid, ask at the counter.",
        ),
        looked_into: (
            "We are looking into it",
            "Something about this payment needs a person's eye. Please do not pay again; ask at the counter.",
        ),
        almost_there: (
            "Almost there",
            "Your order is written down. Go on to its payment:",
        ),
        preparing: (
            "Preparing your payment",
            "We are waiting for UCanPay. This page goes on by itself, and nothing is ordered twice.",
        ),
        pay_now: |total| format!("Pay {total}"),
        to_pay: "To pay",
        in_progress: "Payment in progress on your phone…",
        declined: "That attempt did not go through. You can try again.",
        code: "QR code of the payment link",
        scan: "Scan with the UCanPay app",
        pay: "Pay with UCanPay",
        waiting: "Waiting for your payment. This page updates by itself.",
        paid: "Paid",
        thanks: "Paid, thank you!",
        received: |total| format!("{total} CAD received."),
        ticket: "Your ticket",
        called: "We call it at the counter.",
        to_the_kitchen: "On its way to the kitchen…",
        refunded: "Refunded",
        all_went_back: |total| {
            format!(
                "You paid {total} CAD, and all of it went back to you. Nothing will be called at the counter."
            )
        },
        refund_done: "refunded",
        refund_failed: "could not be refunded yet; we are looking into it",
        refund_coming: "refund on its way",
    },
    history: History {
        title: "Your orders",
        link: "Orders",
        last: "Your last order",
        none: "No orders yet from this browser.",
        kept: "This browser remembers your newest orders for thirty days; nobody else sees the list.",
        open: "Look at it",
    },
    login: Login {
        title: "Merchant",
        wrong: "That is not the admin token of this shop.",
        token: "Admin token",
        hint: "It was printed when the shop started, unless it is set in SHOP_ADMIN_TOKEN.",
        enter: "Open the orders",
    },
    merchant: Merchant {
        pages: "Merchant's pages",
        orders: "Orders",
        log_out: "Log out",
        logged_out: "Logged out: this list is no longer up to date.",
        log_in_again: "Log in again",
        none: "No orders yet. They appear here by themselves.",
        needs_review: "needs review",
        paid_late: "paid late",
        ticket: "ticket",
        pages_of_list: "Pages of the list",
        newer: "Newer",
        older: "Older",
        buyers_page: "The buyer's page",
    },
    refund: Refund {
        title: "Refunds",
        none: "No refunds among the newest orders.",
        refund: "Refund",
        recorded: |amount| format!("Refund of {amount} recorded. The list below follows it."),
        of: |amount| format!("Refund {amount}"),
        one_at_a_time: "One refund at a time: wait for the one under way.",
        try_again: "Try again",
        amount_up_to: |most| format!("Amount, up to {most}"),
        reason: "Reason",
        usual_reason: "Something was not right",
        refused: |why| format!("Not refunded: {why}."),
        bad_amount: "the amount is written like 4.50, and more than nothing",
        bad_reason: "the reason has 1 to 64 characters, without = and &",
        too_much: |asked, left| {
            format!("{asked} is more than the {left} that can still be refunded")
        },
        may_go_through: "an earlier refund of it failed a short while ago and may still go through: \
                         try that one again, or wait a quarter of an hour",
        used: "Not refunded: this form was sent before, with something else in it. \
               Look at the refunds below, and send it again if you mean one more.",
        unsure: "Nobody knows yet whether this refund was recorded. \
                 Send the form again as it is: it is not refunded twice.",
    },
    review: Review {
        title: "Review",
        none: "Nothing to look at.",
        to_look_at: "To be looked at",
        money_went_back: "Money went back",
        paid_late: "Paid late",
        compare: "Compare this order with the merchant portal. Until they agree, do not hand out the goods, \
                  and refund nothing by other ways.",
        found: "What was found",
        example: "compared with the portal: …",
        done: "Looked at",
        say_what: "Say what was found.",
        parked: "The shop failed to take them every time. Later news of the same order wait behind them.",
        try_again: "Deliver again",
        seen_to: "What was done instead",
        skip: "Skip",
    },
    timeline: Timeline {
        title: "What happened",
        none: "The payment was not started yet.",
        ask: "Ask the gateway now",
        asked: "The gateway was asked, unless somebody else is asking. This is what is known now.",
        left_out: |count| format!("{count} earlier entries are left out."),
    },
    health: Health {
        title: "Health",
        well: "All is well.",
        look_into: "Please look into this:",
        what: "What",
        how_many: "How many",
        since: "since",
        payments: "Unsettled payments",
        refunds: "Unsettled refunds",
        due: |count| format!("{count} due"),
        reviews: "To be looked at",
        undelivered: "News not delivered yet",
        parked: "News that could not be delivered",
        paid: "Paid within a day",
        recovered: "Of these found by asking",
    },
    errors: Errors {
        not_found: (
            "Nothing here",
            "This page does not exist, or the order's number was cut off on the way.",
        ),
        foreign: (
            "That form is too old",
            "Nothing was changed. Go back, reload the page and try again. The shop needs its cookies.",
        ),
        other_site: (
            "That came from another site",
            "Nothing was changed. Use the shop's own pages for what you want to do.",
        ),
        method: (
            "Not this way",
            "This address is used by the shop's own forms and links. Nothing was changed.",
        ),
        unreadable: (
            "That form is not complete",
            "Nothing was changed. Go back, reload the page and try again.",
        ),
        unavailable: (
            "One moment, please",
            "Something went wrong on our side. Reload the page: nothing is ordered or paid twice.",
        ),
    },
    payment_state: |state| match state {
        PaymentState::Created => "being placed",
        PaymentState::AwaitingPayment => "awaiting payment",
        other => other.as_str(),
    },
    refund_state: RefundState::as_str,
    products: &[],
};
