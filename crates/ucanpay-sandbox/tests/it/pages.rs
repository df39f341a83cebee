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
