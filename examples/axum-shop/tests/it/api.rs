//! The JSON API.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::shop::{TOKEN, TestShop};

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

#[tokio::test]
async fn the_catalogue_lists_skus_and_prices() {
    let shop = TestShop::open().await;
    let answer = shop.get("/api/catalogue").await;
    assert_eq!(answer.status, StatusCode::OK);
    let products = answer.json()["products"].clone();
    let latte = products.as_array().unwrap().iter();
    let latte = latte
        .clone()
        .find(|product| product["sku"] == "latte")
        .unwrap();
    assert_eq!(
        (&latte["price"], &latte["name"]),
        (&json!(450), &json!("Latte"))
    );
}

#[tokio::test]
async fn an_order_comes_with_its_link_as_text_and_as_qr_code() {
    let shop = TestShop::open().await;
    let answer = shop
        .post_json(
            "/api/orders",
            // The price is nobody's business but the shop's.
            r#"{"items":[{"sku":"latte","quantity":2,"price":1},{"sku":"cookie","quantity":1}]}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let order = answer.json();
    assert_eq!(order["amount"], 2 * 450 + 275);
    assert_eq!(order["currency"], "CAD");
    assert_eq!(order["status"], "awaiting_payment");
    assert!(
        order["pay_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert!(order["qr"].as_str().unwrap().starts_with("<svg"));
    let number = order["order"].as_str().unwrap();
    assert_eq!(
        shop.get(&format!("/api/orders/{number}")).await.json(),
        json!({
            "order": number, "amount": 1175, "currency": "CAD", "status": "awaiting_payment",
            "refunded": 0, "needs_review": false, "refunds": [],
        })
    );
}

#[tokio::test]
async fn a_paid_order_turns_paid_by_its_notification_and_can_be_refunded() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let path = format!("/api/orders/{order}/refunds");
    let answer = shop
        .post_json_as(&path, &bearer(), r#"{"amount":150,"reason":"cold"}"#)
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(answer.json()["amount"], 150);
    let number = answer.json()["number"].clone();
    let order = shop
        .order_when(&order, |order| order["refunded"] == 150)
        .await;
    assert_eq!(order["status"], "paid");
    assert_eq!(
        order["refunds"],
        json!([{"number": number, "amount": 150, "status": "succeeded"}])
    );
}

#[tokio::test]
async fn a_refund_under_the_same_number_is_one_refund() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let path = format!("/api/orders/{order}/refunds");
    let refund = r#"{"amount":100,"reason":"cold","number":"R1"}"#;
    let bearer = bearer();
    let (one, two) = tokio::join!(
        shop.post_json_as(&path, &bearer, refund),
        shop.post_json_as(&path, &bearer, refund)
    );
    assert_eq!(one.status, StatusCode::ACCEPTED, "{}", one.text);
    assert_eq!(two.status, StatusCode::ACCEPTED, "{}", two.text);
    let order = shop
        .order_when(&order, |order| order["refunded"] != 0)
        .await;
    assert_eq!(order["refunded"], 100);
    assert_eq!(order["refunds"].as_array().unwrap().len(), 1);
    let other = r#"{"amount":101,"reason":"cold","number":"R1"}"#;
    let answer = shop.post_json_as(&path, &bearer, other).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.error(), "refund_number_taken");
}

#[tokio::test]
async fn only_the_admin_token_refunds() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let path = format!("/api/orders/{order}/refunds");
    for wrong in ["", "Bearer", "Bearer ", "Bearer wrong", "Basic abc", TOKEN] {
        let answer = shop
            .post_json_as(&path, wrong, r#"{"amount":1,"reason":"x"}"#)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(answer.error(), "unauthorized");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let order = shop.get(&format!("/api/orders/{order}")).await.json();
    assert_eq!(order["refunds"], json!([]));
}

#[tokio::test]
async fn a_refund_that_cannot_be_made_says_why() {
    let shop = TestShop::open().await;
    let (paid, unpaid) = (shop.paid_latte().await, shop.latte().await);
    for (order, body, status, code) in [
        (
            &*unpaid,
            r#"{"amount":1,"reason":"x"}"#,
            409,
            "refund_not_possible",
        ),
        (
            &paid,
            r#"{"amount":451,"reason":"x"}"#,
            409,
            "refund_not_possible",
        ),
        (&paid, r#"{"amount":0,"reason":"x"}"#, 422, "invalid_amount"),
        (
            &paid,
            r#"{"amount":-5,"reason":"x"}"#,
            422,
            "invalid_amount",
        ),
        (&paid, r#"{"amount":1,"reason":""}"#, 422, "invalid_refund"),
        (
            &paid,
            r#"{"amount":1,"reason":"a=b&c"}"#,
            422,
            "invalid_refund",
        ),
        (
            &paid,
            r#"{"amount":1,"reason":"x","number":"a b"}"#,
            422,
            "invalid_refund",
        ),
        (
            &paid,
            r#"{"amount":1,"reason":"x","number":"a-b"}"#,
            422,
            "invalid_refund",
        ),
        (
            &paid,
            r#"{"amount":1.5,"reason":"x"}"#,
            422,
            "invalid_request",
        ),
        (&paid, r#"{"amount":1}"#, 422, "invalid_request"),
        (&paid, "{", 400, "invalid_json"),
        (
            "NONE",
            r#"{"amount":1,"reason":"x"}"#,
            404,
            "order_not_found",
        ),
    ] {
        let path = format!("/api/orders/{order}/refunds");
        let answer = shop.post_json_as(&path, &bearer(), body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert_eq!(answer.error(), code, "{body}");
    }
    let order = shop.get(&format!("/api/orders/{paid}")).await.json();
    assert_eq!(order["refunds"], json!([]));
}

#[tokio::test]
async fn an_order_that_cannot_be_placed_says_why() {
    let shop = TestShop::open().await;
    for (body, status, code) in [
        (r#"{"items":[]}"#, 422, "empty_order"),
        (
            r#"{"items":[{"sku":"gold","quantity":1}]}"#,
            422,
            "unknown_sku",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":0}]}"#,
            422,
            "invalid_quantity",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":21}]}"#,
            422,
            "invalid_quantity",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":-1}]}"#,
            422,
            "invalid_quantity",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":1}],"order":"a-b"}"#,
            422,
            "invalid_order_number",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":1}],"order":""}"#,
            422,
            "invalid_order_number",
        ),
        (
            r#"{"items":[{"sku":"latte","quantity":1.5}]}"#,
            422,
            "invalid_request",
        ),
        (r#"{"items":[{"sku":"latte"}]}"#, 422, "invalid_request"),
        ("{}", 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ("", 400, "invalid_json"),
        ("[", 400, "invalid_json"),
    ] {
        let answer = shop.post_json("/api/orders", body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert_eq!(answer.error(), code, "{body}");
    }
    assert_eq!(shop.orders_at_gateway().await, 0);
}

#[tokio::test]
async fn requests_that_lead_nowhere_are_answered_in_json() {
    let shop = TestShop::open().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/orders/a/b/c"] {
        let answer = shop.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.error()),
            (404, "not_found"),
            "{path}"
        );
    }
    for path in ["/api/orders/NONE", "/api/orders/%ff", "/api/orders/%00"] {
        let answer = shop.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.error()),
            (404, "order_not_found"),
            "{path}"
        );
    }
    let answer = shop.get("/api/orders").await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.error()),
        (405, "method_not_allowed")
    );
    let request = Request::post("/api/orders").header(CONTENT_TYPE, "text/plain");
    let answer = shop.send(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.error()),
        (415, "unsupported_media_type")
    );
    let large = format!(r#"{{"items":[],"x":"{}"}}"#, "x".repeat(3_000_000));
    let answer = shop.post_json("/api/orders", &large).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.error()),
        (413, "unreadable_body")
    );
}

#[tokio::test]
async fn an_order_under_the_same_number_is_one_order() {
    let shop = TestShop::open().await;
    let latte = r#"{"items":[{"sku":"latte","quantity":1}],"order":"MINE1"}"#;
    let (one, two) = tokio::join!(
        shop.post_json("/api/orders", latte),
        shop.post_json("/api/orders", latte)
    );
    assert_eq!(
        (one.status, two.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    let again = shop.post_json("/api/orders", latte).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.json()["order"], "MINE1");
    assert!(again.json()["pay_url"].is_string());
    assert_eq!(shop.orders_at_gateway().await, 1);

    let other = r#"{"items":[{"sku":"chai","quantity":1}],"order":"MINE1"}"#;
    let answer = shop.post_json("/api/orders", other).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.error()),
        (409, "order_number_taken")
    );
}

#[tokio::test]
async fn orders_and_their_gateway_survive_a_restart() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let shop = shop.reopen().await;
    assert_eq!(shop.orders_at_gateway().await, 1);
    shop.approve(&order).await;
    // The notification goes to the port of before; the shop asks by itself.
    let path = format!("/api/orders/{order}");
    for _ in 0..60 {
        if shop.get(&path).await.json()["status"] == "paid" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("still {}", shop.get(&path).await.text);
}
