//! From the menu to the ticket.

use axum::http::StatusCode;
use loco_rs::app::Hooks as _;
use loco_shop::App;
use loco_shop::menu::Basket;
use loco_shop::models::orders::{self, Model as Order};
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::Expr;
use ucanpay_storefront::{Closing, Reference};

use crate::shop::Shop;

#[tokio::test]
async fn a_buyer_orders_pays_and_gets_a_ticket() {
    let shop = Shop::open_fresh().await;
    let number = shop.get("/").await.number();
    let form = format!("number={number}&latte=2&maple-latte=0&croissant=1");
    let placed = shop.post("/orders", &form).await.location();
    assert_eq!(placed, format!("/orders/{number}"));

    let page = shop.get(&placed).await;
    assert!(
        page.has("2 Latte, 1 Butter Croissant, CAD 12.75"),
        "{}",
        page.text
    );
    assert!(page.has("Pay CAD 12.75"), "{}", page.text);
    let code = shop.get(&format!("/ucanpay/status/{number}/qr.svg")).await;
    assert!(code.has("<svg"), "{}", code.text);

    shop.pay(&number).await;
    let page = shop
        .page_with(&placed, "Your ticket: <strong class=\"ticket\">1</strong>")
        .await;
    assert!(page.has("Paid. Thank you!"), "{}", page.text);
    App::on_shutdown(&shop.ctx).await;
}

#[tokio::test]
async fn a_paid_order_without_its_ticket_yet_looks_again_by_itself() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    let form = format!("number={number}&latte=1");
    let placed = shop.post("/orders", &form).await.location();
    shop.pay(&number).await;
    let ready = shop.page_with(&placed, "Your ticket: ").await;
    assert!(!ready.has("http-equiv"), "{}", ready.text);
    // As it is in the moment between the payment and the worker.
    orders::Entity::update_many()
        .col_expr(orders::Column::Ticket, Expr::value(None::<i64>))
        .exec(&shop.ctx.db)
        .await
        .unwrap();
    let page = shop.get(&placed).await;
    assert!(page.has("ticket is being written"), "{}", page.text);
    assert!(page.has("http-equiv=\"refresh\""), "{}", page.text);
    assert!(!page.has("<noscript>"), "{}", page.text);
}

#[tokio::test]
async fn a_payment_that_somebody_must_look_at_is_not_asked_for_again() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    let form = format!("number={number}&latte=1");
    let placed = shop.post("/orders", &form).await.location();
    shop.pay_as(&number, r#"{"amount":449}"#).await;
    let page = shop.page_with(&placed, "being looked into").await;
    assert!(!page.has("Pay CAD"), "{}", page.text);
    assert!(!page.has("qr.svg"), "{}", page.text);
}

#[tokio::test]
async fn an_order_is_not_said_to_be_closed_before_the_gateway_has_closed_it() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    let form = format!("number={number}&latte=1");
    let placed = shop.post("/orders", &form).await.location();
    shop.page_with(&placed, "qr.svg").await;
    shop.lose_gateway().await;
    let payments = ucanpay_loco::payments(&shop.ctx).unwrap();
    let [view] = &payments.payments(9).await.unwrap()[..] else {
        panic!("one payment")
    };
    let ended = payments.close(&view.payment.key).await.unwrap();
    assert!(matches!(ended, Closing::StillOpen(_)), "{ended:?}");
    let page = shop.page_with(&placed, "data-state=\"expired\"").await;
    assert!(page.has("being closed. Please do not pay"), "{}", page.text);
    assert!(page.has("<noscript>"), "it goes on: {}", page.text);
    for wrong in ["Pay CAD", "qr.svg", "Nothing is to be paid"] {
        assert!(!page.has(wrong), "{wrong}: {}", page.text);
    }
}

#[tokio::test]
async fn a_form_sent_twice_is_one_order_and_a_number_stands_for_one_order_only() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    let form = format!("number={number}&latte=1");
    for _ in 0..2 {
        shop.post("/orders", &form).await.location();
    }
    let payments = ucanpay_loco::payments(&shop.ctx).unwrap();
    assert_eq!(payments.payments(9).await.unwrap().len(), 1);
    let other = shop
        .post("/orders", &format!("number={number}&latte=2"))
        .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.has("has become an order already"), "{}", other.text);
}

#[tokio::test]
async fn each_paid_order_has_a_ticket_of_its_own_also_after_a_restart() {
    let shop = Shop::open().await;
    let order = async |shop: &Shop| {
        let number = shop.get("/").await.number();
        let form = format!("number={number}&latte=1");
        shop.post("/orders", &form).await.location();
        number
    };
    let (first, second) = (order(&shop).await, order(&shop).await);
    shop.pay(&first).await;
    shop.page_with(&format!("/orders/{first}"), ">1</strong>")
        .await;
    let shop = shop.reopen().await;
    shop.pay(&second).await;
    shop.page_with(&format!("/orders/{second}"), ">2</strong>")
        .await;
    shop.page_with(&format!("/orders/{first}"), ">1</strong>")
        .await;
}

#[tokio::test]
async fn an_order_whose_gateway_is_away_is_kept_and_the_buyer_is_told_to_wait() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    shop.lose_gateway().await;
    let form = format!("number={number}&latte=1");
    let placed = shop.post("/orders", &form).await.location();
    let page = shop.get(&placed).await;
    assert!(page.has("on its way to the gateway"), "{}", page.text);
}

#[tokio::test]
async fn an_order_without_a_payment_can_be_paid_later() {
    let shop = Shop::open().await;
    // As if the shop had died between the order and its payment.
    let number = Reference::random();
    let basket = Basket::from_form([("latte", "1")]).unwrap();
    Order::place(&shop.ctx.db, &number, &basket).await.unwrap();
    let path = format!("/orders/{number}");
    assert!(shop.get(&path).await.has("Pay now"));
    let again = shop.post(&format!("{path}/payment"), "").await.location();
    assert_eq!(again, path);
    assert!(shop.get(&path).await.has("Pay CAD 4.50"));
}

#[tokio::test]
async fn what_cannot_be_an_order_is_refused_in_words() {
    let shop = Shop::open().await;
    let number = shop.get("/").await.number();
    for form in [
        format!("number={number}"),
        format!("number={number}&latte=99"),
        format!("number={number}&tea=1"),
        "latte=1".to_owned(),
        "number=../../etc&latte=1".to_owned(),
    ] {
        let page = shop.post("/orders", &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(page.has("Back to the menu"), "{form}");
    }
    for page in [
        shop.get("/orders/nobody").await,
        shop.post("/orders/nobody/payment", "").await,
    ] {
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.has("There is no such order"), "{}", page.text);
    }
    let nowhere = shop.get("/nowhere").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    assert!(nowhere.has("There is no such page"), "{}", nowhere.text);
    let payments = ucanpay_loco::payments(&shop.ctx).unwrap();
    assert_eq!(payments.payments(9).await.unwrap(), []);
}

#[tokio::test]
async fn pages_name_no_other_site_and_cannot_be_framed() {
    let shop = Shop::open().await;
    let page = shop.get("/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn an_order_that_is_told_twice_to_be_paid_keeps_its_ticket() {
    let shop = Shop::open().await;
    let db = &shop.ctx.db;
    let basket = Basket::from_form([("latte", "1")]).unwrap();
    for ticket in 1..=2 {
        let number = Reference::random();
        Order::place(db, &number, &basket).await.unwrap();
        for told in 1..=2 {
            let given = Order::give_ticket(db, number.as_str()).await.unwrap();
            assert_eq!(given, told == 1);
            let order = Order::find(db, number.as_str()).await.unwrap().unwrap();
            assert_eq!(order.ticket, Some(ticket));
        }
    }
}
