//! The shop on a phone, in a real browser. What was seen lies in `target/screenshots`.

use crate::chromium::{Device, Taste, browse};
use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_buyer_on_a_phone_pays_by_the_link_and_sees_the_page_turn_paid() {
    let shop = Shop::open().await;
    let taste = Taste::default();
    browse("loco-phone", Device::Phone, taste, async |browser| {
        browser.open(&shop.url("/")).await;
        browser.picture("1-menu").await;
        browser.fits().await;
        browser.write("input[name=latte]", "2").await;
        browser.write("input[name=croissant]", "1").await;
        browser.press("button").await;
        browser.read("2 Latte, 1 Butter Croissant, CAD 12.75").await;
        browser.see("img").await;
        browser.picture("2-to-pay").await;
        browser.fits().await;

        // It opens in a tab of its own; the order's page waits behind it.
        let order = browser.driver().window().await.unwrap();
        browser.press(".pay").await;
        let phone = browser.other_tab(&order).await;
        browser.driver().switch_to_window(phone).await.unwrap();
        browser.press("button.approve").await;
        browser.read("Paid to merchant").await;
        browser.driver().close_window().await.unwrap();

        browser.driver().switch_to_window(order).await.unwrap();
        browser.read("Paid. Thank you!").await;
        browser.read("Your ticket:\n1").await;
        browser.picture("3-paid").await;
        browser.fits().await;
        browser.content().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_buyer_without_scripts_sees_the_page_turn_paid() {
    let shop = Shop::open().await;
    let taste = Taste {
        without_scripts: true,
        ..Taste::default()
    };
    browse("loco-no-scripts", Device::Desk, taste, async |browser| {
        browser.open(&shop.url("/")).await;
        browser.write("input[name=latte]", "1").await;
        browser.press("button").await;
        browser.see(".pay").await;
        browser.picture("1-to-pay").await;
        let address = browser.url().await;
        let (_, number) = address.rsplit_once('/').unwrap();
        shop.pay(number).await;
        browser.read("Your ticket:\n1").await;
        browser.picture("2-paid").await;
    })
    .await;
}
