//! What does not go well: declined, gone back, reloaded too early, the shop killed under an open page.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::{Browser, Device, Taste, browse};
use crate::processes::client;
use crate::shop::{Cafe, number};

/// How many orders the gateway knows.
async fn orders_at_gateway(cafe: &Cafe) -> usize {
    let url = format!("{}/_sandbox/orders", cafe.gateway.url);
    let orders: Value = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    orders["orders"].as_array().unwrap().len()
}

/// Opens the pay link in this tab and presses a button of the phone page there, until it says this.
async fn on_the_phone(browser: &Browser, button: &str, until: &str) {
    let link = browser.see("#panel .pay").await;
    let link = link.attr("href").await.unwrap().unwrap();
    browser.open(&link).await;
    browser.press(button).await;
    browser.read(until).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_declined_payment_is_said_to_be_so_and_can_be_tried_again() {
    let cafe = Cafe::open().await;
    browse(
        "declined",
        Device::Phone,
        Taste::default(),
        async |browser| {
            let order = cafe.order_latte(browser).await;
            let page = browser.url().await;
            on_the_phone(browser, "form[action$='/decline'] button", "Declined").await;
            browser.open(&page).await;
            browser.read("That attempt did not go through").await;
            browser.picture("1-again").await;
            browser.fits().await;
            on_the_phone(browser, "button.approve", "Paid to merchant").await;
            browser.open(&page).await;
            browser.read("Paid, thank you!").await;
            let status = cafe.shop.status(&json!({"order": order})).await;
            assert_eq!(status["status"], "paid");
            assert_eq!(orders_at_gateway(&cafe).await, 1);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn the_back_button_orders_nothing_twice() {
    let cafe = Cafe::open().await;
    browse("back", Device::Desk, Taste::default(), async |browser| {
        let order = cafe.order_latte(browser).await;
        browser.driver().back().await.unwrap();
        // Back at the cart: it was ordered, and says so or is as it was; pressing the button again is the same order.
        browser.see("h1").await;
        browser.picture("1-back").await;
        if let Ok(button) = browser
            .driver()
            .find(thirtyfour::By::Css("button.primary"))
            .await
        {
            button.click().await.unwrap();
            browser.see("#panel .qr svg").await;
            assert_eq!(number(&browser.url().await), order);
        } else {
            browser.press("main a[href^='/orders/']").await;
            assert_eq!(number(&browser.url().await), order);
        }
        assert_eq!(orders_at_gateway(&cafe).await, 1);
        browser.driver().forward().await.unwrap();
        cafe.approve(&order).await;
        browser.open(&cafe.url(&format!("/orders/{order}"))).await;
        browser.read("Paid, thank you!").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn a_page_that_is_reloaded_while_the_buyer_pays_goes_on() {
    let cafe = Cafe::open().await;
    browse("reload", Device::Desk, Taste::default(), async |browser| {
        let order = cafe.order_latte(browser).await;
        let page = browser.url().await;
        on_the_phone(
            browser,
            "form[action$='/stall'] button",
            "The payment has begun",
        )
        .await;
        browser.open(&page).await;
        // The shop asks the gateway now and then while nothing comes.
        browser.read("Payment in progress on your phone").await;
        browser.picture("1-paying").await;
        for _ in 0..3 {
            browser.driver().refresh().await.unwrap();
            browser.see("#panel").await;
        }
        cafe.approve(&order).await;
        browser.driver().refresh().await.unwrap();
        browser.read("Paid, thank you!").await;
        assert_eq!(orders_at_gateway(&cafe).await, 1);
        browser.content().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn an_open_page_outlives_a_shop_that_was_killed() {
    let mut cafe = Cafe::open().await;
    browse("restart", Device::Desk, Taste::default(), async |browser| {
        let order = cafe.order_latte(browser).await;
        cafe.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        browser.read("Waiting for your payment").await;
        cafe.start_again().await;
        cafe.approve(&order).await;
        // The page was not touched.
        browser.read("Paid, thank you!").await;
        browser.see("#panel .ticket").await;
        // Its forms are still taken.
        browser.open(&cafe.url("/")).await;
        browser.press("#chai button").await;
        browser.see("#chai .in-cart").await;
        cafe.kill();
        cafe.start_again().await;
        browser.press("#chai button").await;
        browser.press(".bar .button").await;
        browser.read("Pay $8.50 with UCanPay").await;
        browser.content().await;
    })
    .await;
}
