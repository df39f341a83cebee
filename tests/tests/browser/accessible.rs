//! That everybody can read and use the pages: contrast, labels, languages, on both kinds of paper.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chromium::{Browser, Device, Taste, browse};
use crate::shop::Cafe;

/// Every piece of text with less contrast to what lies behind it than WCAG 2.2 asks for: 4.5, or 3 where it is large.
const FAINT: &str = r#"
const parse = (text) => {
  const part = text.match(/[\d.]+/g).map(Number);
  return { rgb: part.slice(0, 3), alpha: part[3] ?? 1 };
};
const over = (front, back) =>
  front.rgb.map((value, i) => value * front.alpha + back[i] * (1 - front.alpha));
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    layers.push(parse(getComputedStyle(at).backgroundColor));
  }
  return layers.reverse().reduce((back, layer) => over(layer, back), [255, 255, 255]);
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const faint = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode.data.trim();
  const element = texts.currentNode.parentElement;
  if (!text || element.closest("script, noscript, svg, button:disabled")) continue;
  if (!element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const back = behind(element);
  const [a, b] = [light(over(parse(style.color), back)), light(back)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) faint.push(`${text} (${ratio.toFixed(2)})`);
}
return faint;
"#;

/// Everything that can be used and has no name, or cannot be told from the others on the page.
const NAMELESS: &str = r#"
const nameless = [];
const named = (element) =>
  element.getAttribute("aria-label") || element.labels?.length || element.textContent.trim();
for (const element of document.querySelectorAll("a, button, summary, input:not([type=hidden])")) {
  if (!named(element)) nameless.push(element.outerHTML);
}
for (const element of document.querySelectorAll("img:not([alt])")) nameless.push(element.outerHTML);
if (document.querySelectorAll("h1").length !== 1) nameless.push("one heading of the page");
if (!document.querySelector("main") || !document.documentElement.lang) nameless.push("main or lang");
const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
if (new Set(ids).size !== ids.length) nameless.push("an id stands twice");
return nameless;
"#;

async fn check(browser: &Browser, picture: &str) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        // Colours pass over into each other in a tenth of a second.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let faint = browser.ask(FAINT).await;
        assert_eq!(faint, json!([]), "{picture} {scheme}");
        browser.picture(&format!("{picture}-{scheme}")).await;
    }
    let nameless = browser.ask(NAMELESS).await;
    assert_eq!(nameless, json!([]), "{picture}");
    browser.fits().await;
}

async fn every_page_is_readable(name: &'static str, device: Device, language: &'static str) {
    let cafe = Cafe::open().await;
    let paid = place(&cafe).await;
    cafe.approve(&paid).await;
    let ticket = |status: &Value| status["status"] == "paid";
    let order = json!({"order": paid});
    let soon = Duration::from_secs(20);
    cafe.shop.until(&order, soon, ticket).await;
    let refunded = cafe.shop.refund(&order, 150).await;
    assert!(refunded.status().is_success());
    let back = |status: &Value| status["refunded"] == 150;
    cafe.shop.until(&order, soon, back).await;
    let doubtful = place(&cafe).await;
    let wrong = json!({"amount": 1});
    cafe.gateway.pay(&json!({"order": doubtful}), &wrong).await;
    let review = |status: &Value| status["needs_review"] == true;
    cafe.shop
        .until(&json!({"order": doubtful}), soon, review)
        .await;
    let taste = Taste {
        language: Some(language),
        ..Taste::default()
    };
    browse(name, device, taste, async |browser| {
        let unpaid = cafe.order_latte(browser).await;
        browser.open(&cafe.url("/")).await;
        browser.press("#croissant button").await;
        browser.see("#croissant .in-cart").await;
        cafe.log_in(browser).await;
        let merchants = format!("/admin/orders/{paid}");
        let of = |number: &str| format!("/orders/{number}");
        for (picture, path) in [
            ("menu", "/"),
            ("cart", "/cart"),
            ("orders", "/orders"),
            ("order-unpaid", &of(&unpaid)),
            ("order-paid", &of(&paid)),
            ("order-doubtful", &of(&doubtful)),
            ("nothing", "/nowhere"),
            ("login", "/admin/login"),
            ("merchant-orders", "/admin"),
            ("merchant-order", &merchants),
            ("merchant-refunds", "/admin/refunds"),
            ("merchant-review", "/admin/review"),
            ("merchant-health", "/admin/health"),
        ] {
            browser.open(&cafe.url(path)).await;
            check(browser, picture).await;
        }
    })
    .await;
}

async fn place(cafe: &Cafe) -> String {
    let order = cafe.shop.order().await;
    crate::processes::word(&order).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn every_page_is_readable_at_a_desk_in_english() {
    every_page_is_readable("pages-desk-en", Device::Desk, "en-CA").await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn every_page_is_readable_on_a_phone_in_french() {
    every_page_is_readable("pages-phone-fr", Device::Phone, "fr-CA").await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(browser), ignore = "chromium or chromedriver is not installed")]
async fn the_language_is_switched_on_the_page_and_stays() {
    let cafe = Cafe::open().await;
    browse(
        "language",
        Device::Desk,
        Taste::default(),
        async |browser| {
            browser.open(&cafe.url("/cart")).await;
            browser.read("Your cart").await;
            browser.press("button[lang=fr]").await;
            browser.read("Votre panier").await;
            browser.open(&cafe.url("/")).await;
            browser.read("Du bon café").await;
            browser.press("button[lang=en]").await;
            browser.read("Good coffee").await;
            browser.content().await;
        },
    )
    .await;
}
