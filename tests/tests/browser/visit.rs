//! What goes well: bought at a desk and on a phone, in two tabs, without scripts, by keyboard, and refunded.

use thirtyfour::Key;

use crate::chromium::{Browser, Device, Taste, browse};
use crate::shop::{Cafe, number};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_buyer_at_a_desk_pays_by_the_code_on_the_screen() {
    let cafe = Cafe::open().await;
    browse("desk", Device::Desk, Taste::default(), async |browser| {
        browser.open(&cafe.url("/")).await;
        browser.picture("1-menu").await;
        browser.press("#latte button").await;
        browser.see("#latte .in-cart").await;
        browser.press("#cookie button").await;
        browser.see("#cookie .in-cart").await;
        browser.press(".bar .button").await;
        browser.read("Pay $7.25 with UCanPay").await;
        browser.picture("2-cart").await;
        browser.press("button.primary").await;
        browser.see("#panel .qr svg").await;
        let screen = browser.picture("3-to-pay").await;
        let order = browser.driver().window().await.unwrap();
        browser.content().await;

        // A phone sees nothing but the screen.
        let link = code(&screen);
        browser.driver().new_tab().await.unwrap();
        let phone = browser.driver().windows().await.unwrap();
        let phone = phone.into_iter().find(|tab| *tab != order).unwrap();
        browser.driver().switch_to_window(phone).await.unwrap();
        browser.open(&link).await;
        browser.read("$7.25").await;
        browser.press("button.approve").await;
        browser.read("Paid to merchant").await;

        browser.driver().switch_to_window(order).await.unwrap();
        browser.read("Paid, thank you!").await;
        browser.see("#panel .ticket").await;
        browser.picture("4-paid").await;
        browser.content().await;
    })
    .await;
}

/// The link of the one QR code in a picture.
fn code(png: &[u8]) -> String {
    let picture = image::load_from_memory(png).unwrap().to_luma8();
    let mut picture = rqrr::PreparedImage::prepare(picture);
    let codes = picture.detect_grids();
    assert_eq!(codes.len(), 1, "one code on the screen");
    let (_, link) = codes[0].decode().unwrap();
    link
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_buyer_on_a_phone_pays_by_the_button() {
    let cafe = Cafe::open().await;
    let taste = Taste {
        language: Some("fr-CA,fr"),
        ..Taste::default()
    };
    browse("phone", Device::Phone, taste, async |browser| {
        browser.open(&cafe.url("/")).await;
        browser.picture("1-menu").await;
        browser.fits().await;
        browser.press("#maple-latte button").await;
        browser.press(".bar .button").await;
        browser.read("Payer 5,25 $ avec UCanPay").await;
        browser.picture("2-cart").await;
        browser.fits().await;
        browser.press("button.primary").await;
        browser.read("En attente de votre paiement").await;
        browser.picture("3-to-pay").await;
        browser.fits().await;
        let order = browser.driver().window().await.unwrap();
        // It opens in a tab of its own; the order's page waits behind it.
        browser.press("#panel .pay").await;
        let app = browser.other_tab(&order).await;
        browser.driver().switch_to_window(app).await.unwrap();
        browser.press("button.approve").await;
        browser.read("Paid to merchant").await;
        browser.driver().close_window().await.unwrap();
        browser.driver().switch_to_window(order).await.unwrap();
        browser.read("Payé, merci!").await;
        browser.see("#panel .ticket").await;
        browser.picture("4-paid").await;
        browser.fits().await;
        browser.press("nav a[href='/orders']").await;
        browser.read("Vos commandes").await;
        browser.picture("5-orders").await;
        browser.fits().await;
        browser.content().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn two_tabs_of_one_order_both_turn_paid() {
    let cafe = Cafe::open().await;
    browse("tabs", Device::Desk, Taste::default(), async |browser| {
        let order = cafe.order_latte(browser).await;
        let first = browser.driver().window().await.unwrap();
        browser.driver().new_tab().await.unwrap();
        let second = browser.other_tab(&first).await;
        browser
            .driver()
            .switch_to_window(second.clone())
            .await
            .unwrap();
        browser.open(&cafe.url(&format!("/orders/{order}"))).await;
        browser.see("#panel .qr svg").await;
        cafe.approve(&order).await;
        for tab in [second, first] {
            browser.driver().switch_to_window(tab).await.unwrap();
            browser.read("Paid, thank you!").await;
            browser.see("#panel .ticket").await;
        }
        browser.content().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn two_carts_in_two_tabs_are_never_mixed_up() {
    let cafe = Cafe::open().await;
    browse("carts", Device::Desk, Taste::default(), async |browser| {
        browser.open(&cafe.url("/")).await;
        browser.press("#latte button").await;
        browser.press(".bar .button").await;
        browser.read("Pay $4.50 with UCanPay").await;
        let first = browser.driver().window().await.unwrap();
        browser.driver().new_tab().await.unwrap();
        let second = browser.other_tab(&first).await;
        browser.driver().switch_to_window(second).await.unwrap();
        browser.open(&cafe.url("/")).await;
        browser.press("#cookie button").await;
        browser.see("#cookie .in-cart").await;
        browser.driver().switch_to_window(first).await.unwrap();
        // What this tab shows is not what the cart holds by now: nothing is ordered.
        browser.press("button.primary").await;
        browser.read("Your cart has changed in the meantime").await;
        browser.read("Pay $7.25 with UCanPay").await;
        browser.press("button.primary").await;
        browser.read("$7.25 CAD").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_buyer_without_scripts_sees_the_page_turn_paid() {
    let cafe = Cafe::open().await;
    let taste = Taste {
        without_scripts: true,
        ..Taste::default()
    };
    browse("no-scripts", Device::Desk, taste, async |browser| {
        let order = cafe.order_latte(browser).await;
        cafe.approve(&order).await;
        browser.read("Paid, thank you!").await;
        browser.read("Your ticket").await;
        // Without scripts the merchant works as well.
        cafe.log_in(browser).await;
        browser.press("summary").await;
        browser.press("form.refund button").await;
        browser.read("Refund of $4.50 recorded").await;
        browser.read("succeeded").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn everything_can_be_bought_by_keyboard() {
    let cafe = Cafe::open().await;
    browse(
        "keyboard",
        Device::Desk,
        Taste::default(),
        async |browser| {
            browser.open(&cafe.url("/")).await;
            tab_to(browser, "#latte button").await;
            browser.picture("1-focus").await;
            browser.key(Key::Enter).await;
            browser.see(".bar").await;
            tab_to(browser, ".bar a.button").await;
            browser.key(Key::Enter).await;
            browser.read("Pay $4.50 with UCanPay").await;
            tab_to(browser, "button.primary").await;
            browser.key(Key::Enter).await;
            browser.see("#panel .qr svg").await;
            tab_to(browser, "#panel a.pay").await;
            // Where the focus is can be seen.
            let outline = "return getComputedStyle(document.activeElement).outlineStyle";
            assert_eq!(browser.ask(outline).await, "solid");
        },
    )
    .await;
}

/// Presses the tab key until this element has the focus.
async fn tab_to(browser: &Browser, css: &str) {
    let there = format!("return document.activeElement === document.querySelector({css:?})");
    for _ in 0..60 {
        browser.key(Key::Tab).await;
        if browser.ask(&there).await == true {
            return;
        }
    }
    panic!("{css} cannot be reached by the tab key");
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_refund_reaches_the_buyers_open_page() {
    let cafe = Cafe::open().await;
    browse("refund", Device::Desk, Taste::default(), async |browser| {
        let order = cafe.order_latte(browser).await;
        cafe.approve(&order).await;
        browser.read("Paid, thank you!").await;
        let buyer = browser.driver().window().await.unwrap();
        browser.driver().new_tab().await.unwrap();
        let merchant = browser.other_tab(&buyer).await;
        browser
            .driver()
            .switch_to_window(merchant.clone())
            .await
            .unwrap();
        cafe.log_in(browser).await;
        browser.press("summary").await;
        browser
            .write("form.refund input[name=amount]", "1.50")
            .await;
        browser
            .write("form.refund input[name=reason]", "cold")
            .await;
        browser.picture("1-form").await;
        browser.press("form.refund button").await;
        browser.read("Refund of $1.50 recorded").await;
        // The list follows the refund by itself.
        browser.read("succeeded").await;
        browser.picture("2-list").await;
        browser
            .driver()
            .switch_to_window(buyer.clone())
            .await
            .unwrap();
        browser.read("$1.50 refunded").await;
        browser.picture("3-buyer").await;

        browser.driver().switch_to_window(merchant).await.unwrap();
        browser.press("summary").await;
        browser.press("form.refund button").await;
        browser.read("Refund of $3.00 recorded").await;
        browser.driver().switch_to_window(buyer).await.unwrap();
        browser.read("all of it went back to you").await;
        assert_eq!(number(&browser.url().await), order);
        browser.picture("4-refunded").await;
        browser.content().await;
    })
    .await;
}
