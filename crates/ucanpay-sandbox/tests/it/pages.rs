//! The phone page, the dashboard and pay links.

use serde_json::Value;

use crate::merchant::{Served, config, http, order};

async fn get(sandbox: &Served, path: &str) -> (u16, String, String) {
    answer(http().get(format!("{}{path}", sandbox.base))).await
}

async fn press(sandbox: &Served, path: &str) -> (u16, String, String) {
    answer(http().post(format!("{}{path}", sandbox.base))).await
}

/// Status, `Location`, text.
async fn answer(request: reqwest::RequestBuilder) -> (u16, String, String) {
    let response = request.send().await.unwrap();
    let location = response
        .headers()
        .get("location")
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    (
        response.status().as_u16(),
        location,
        response.text().await.unwrap(),
    )
}

#[tokio::test]
async fn a_buyer_declines_and_then_approves_on_the_phone_page() {
    let sandbox = Served::start(config()).await;
    let mut request = order("A1", "http://127.0.0.1:9/x");
    request["subject"] = "<b>coffee</b>".replace('/', "").into();
    let placed = sandbox.data("/payment/unifiedorder", request).await;
    let page = format!("/pay/{}", placed["ucpOrderNo"].as_str().unwrap());

    let (status, _, text) = get(&sandbox, &page).await;
    assert_eq!(status, 200);
    for expected in [
        "$4.50",
        "2000000010",
        "Approve",
        "Decline",
        "&lt;b&gt;coffee",
        "No real money moves",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    assert_eq!(press(&sandbox, &format!("{page}/decline")).await.1, page);
    assert!(get(&sandbox, &page).await.2.contains("Declined"));

    for _ in 0..2 {
        let (status, location, _) = press(&sandbox, &format!("{page}/approve")).await;
        assert_eq!(
            (status, location.as_str()),
            (303, page.as_str()),
            "pressing twice does no harm"
        );
    }
    let text = get(&sandbox, &page).await.2;
    assert!(text.contains("Paid to merchant") && !text.contains("Approve"));
    assert_eq!(
        sandbox.look("orders/A1").await["deliveries"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let (_, _, dashboard) = get(&sandbox, "/").await;
    for expected in [
        "A1",
        "SUCCESS",
        "$4.50",
        page.as_str(),
        "No real money moves",
    ] {
        assert!(dashboard.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn an_unknown_order_has_a_friendly_page() {
    let sandbox = Served::start(config()).await;
    for path in [
        "/pay/1",
        "/pay/x",
        "/pay",
        "/pay?ucpOrderNo=..",
        "/?link=nothing",
        "/nowhere",
    ] {
        let (status, _, text) = get(&sandbox, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(text.contains("No such order here"), "{path}");
    }
    assert_eq!(press(&sandbox, "/pay/1/approve").await.0, 404);
}

#[tokio::test]
async fn every_pay_link_leads_to_its_phone_page() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/vectors/links.json"
    );
    let links: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let links = links["vectors"].as_array().unwrap();
    assert!(links.len() >= 12);
    let sandbox = Served::start(config()).await;
    for link in links {
        let url = link["url"]
            .as_str()
            .unwrap()
            .strip_prefix("https://ucanpaydev.page.link")
            .unwrap();
        let (status, location, _) = get(&sandbox, url).await;
        assert_eq!(status, 303, "{url}");
        assert_eq!(
            location,
            format!("/pay/{}", link["ucpOrderNo"].as_str().unwrap()),
            "{url}"
        );
    }
    let (status, location, _) = get(
        &sandbox,
        "/pay?ucpOrderNo=377654578511872&amount=450&item=coffee",
    )
    .await;
    assert_eq!((status, location.as_str()), (303, "/pay/377654578511872"));
}

#[tokio::test]
async fn the_page_of_an_order_that_the_merchant_ended_offers_no_payment() {
    let sandbox = Served::start(config()).await;
    for (number, path, said) in [
        ("A1", "/payment/closeorder", "Closed by the merchant"),
        ("A2", "/payment/reverse", "Reversed by the merchant"),
    ] {
        let request = order(number, "http://127.0.0.1:9/x");
        let placed = sandbox.data("/payment/unifiedorder", request).await;
        let page = format!("/pay/{}", placed["ucpOrderNo"].as_str().unwrap());
        sandbox
            .data(path, serde_json::json!({ "outTradeNo": number }))
            .await;
        let (status, _, text) = get(&sandbox, &page).await;
        assert_eq!(status, 200);
        assert!(text.contains(said) && !text.contains("Approve"), "{text}");
        let (status, location, _) = press(&sandbox, &format!("{page}/approve")).await;
        assert_eq!((status, location), (303, page));
        let order = sandbox.look(&format!("orders/{number}")).await;
        assert_ne!(order["tradeStatus"], "SUCCESS");
    }
}

#[tokio::test]
async fn a_buyer_begins_without_ending_and_pays_a_closed_order_late() {
    let sandbox = Served::start(config()).await;
    let request = order("A1", "http://127.0.0.1:9/x");
    let placed = sandbox.data("/payment/unifiedorder", request).await;
    let page = format!("/pay/{}", placed["ucpOrderNo"].as_str().unwrap());
    assert_eq!(press(&sandbox, &format!("{page}/stall")).await.1, page);
    assert!(get(&sandbox, &page).await.2.contains("begun and not ended"));
    let named = serde_json::json!({ "outTradeNo": "A1" });
    sandbox.data("/payment/closeorder", named).await;
    assert!(get(&sandbox, &page).await.2.contains("Pay late"));
    assert_eq!(press(&sandbox, &format!("{page}/late")).await.1, page);
    assert!(get(&sandbox, &page).await.2.contains("Paid to merchant"));
}

#[tokio::test]
async fn the_dashboard_tells_what_happened_and_sends_a_notification_again() {
    let shop = crate::shop::Shop::open(1).await;
    let slow = config().with_notify_interval(std::time::Duration::from_secs(3600));
    let sandbox = Served::start(slow).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/decline", "").await;
    let view = sandbox.until("A1", |order| {
        order["deliveries"][0]["attempts"][0]["status"] == 503
    });
    let id = view.await["deliveries"][0]["id"].to_string();
    let (_, _, text) = get(&sandbox, "/").await;
    for expected in [
        "placed",
        "declined by the buyer",
        "payment notification: not accepted, HTTP 503",
        "not accepted yet",
        "next at",
        "&quot;tradeStatus&quot;:&quot;PAYERROR&quot;",
        "return_code",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let number = placed["ucpOrderNo"].as_str().unwrap();
    let button = format!("/orders/{number}/resend/{id}");
    assert!(text.contains(&button));
    let (status, location, _) = press(&sandbox, &button).await;
    assert_eq!((status, location), (303, format!("/#order-{number}")));
    sandbox
        .until("A1", |order| order["deliveries"][0]["accepted"] == true)
        .await;
    for unknown in ["99", "x"] {
        let button = format!("/orders/{number}/resend/{unknown}");
        assert_eq!(press(&sandbox, &button).await.0, 404);
    }
}
