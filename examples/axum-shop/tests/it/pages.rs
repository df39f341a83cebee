//! The buyer's pages, used as a browser would.

use axum::http::StatusCode;
use ucanpay_storefront::{Closing, Reference};

use crate::shop::TestShop;

#[tokio::test]
async fn a_buyer_goes_from_the_menu_to_a_paid_order() {
    let shop = TestShop::open().await;
    let menu = shop.get("/").await;
    assert!(menu.text.contains("Maple Latte") && menu.text.contains("$5.25"));

    let added = shop.post_form("/cart/add", "", "sku=latte").await;
    assert_eq!(added.location(), "/#latte");
    let added = shop
        .post_form("/cart/add", &added.cookie(), "sku=latte")
        .await;
    let cart = shop.get_as("/cart", &added.cookie()).await;
    assert!(cart.text.contains("Pay $9.00 with UCanPay"));

    let form = format!(
        "order={}&total={}",
        cart.field("order"),
        cart.field("total")
    );
    let placed = shop.post_form("/checkout", &added.cookie(), &form).await;
    assert_eq!(placed.cookie(), "cart=");
    let page = shop.get(placed.location()).await;
    assert!(page.text.contains("<svg") && page.text.contains("Pay with UCanPay"));
    assert!(page.text.contains(r#"data-status="awaiting_payment""#));

    let order = placed.location().strip_prefix("/orders/").unwrap();
    shop.approve(order).await;
    shop.order_when(order, |order| order["status"] == "paid")
        .await;
    for _ in 0..100 {
        let page = shop.get(placed.location()).await;
        assert!(page.text.contains("Paid, thank you!"));
        assert!(!page.text.contains("Scan with"));
        if page.text.contains("Your ticket") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the kitchen was not told");
}

#[tokio::test]
async fn pressing_pay_twice_is_one_order() {
    let shop = TestShop::open().await;
    let cart = "cart=latte:1";
    let page = shop.get_as("/cart", cart).await;
    let form = format!("order={}&total=450", page.field("order"));
    let (one, two) = tokio::join!(
        shop.post_form("/checkout", cart, &form),
        shop.post_form("/checkout", cart, &form)
    );
    assert_eq!(one.location(), two.location());
    // Once more, from the page that the browser still had: the cart is empty by now.
    let three = shop.post_form("/checkout", "", &form).await;
    assert_eq!(three.location(), one.location());
    assert_eq!(shop.orders_at_gateway().await, 1);
}

#[tokio::test]
async fn nobody_pays_for_a_cart_other_than_the_one_shown() {
    let shop = TestShop::open().await;
    let page = shop.get_as("/cart", "cart=latte:1").await;
    let number = page.field("order");
    let form = format!("order={number}&total=450");
    // Something was added in another tab.
    let answer = shop.post_form("/checkout", "cart=latte:2", &form).await;
    assert_eq!(answer.location(), "/cart?changed=1");
    // A price from the browser is no price.
    let cheap = format!("order={number}&total=1");
    let answer = shop.post_form("/checkout", "cart=latte:1", &cheap).await;
    assert_eq!(answer.location(), "/cart?changed=1");
    // The number was used already, for something else that costs the same.
    let answer = shop.post_form("/checkout", "cart=latte:1", &form).await;
    assert_eq!(answer.location(), format!("/orders/{number}"));
    let same_price = format!("order={number}&total=900");
    let answer = shop
        .post_form("/checkout", "cart=latte:2", &same_price)
        .await;
    assert_eq!(answer.location(), "/cart?changed=1");
    let answer = shop
        .post_form("/checkout", "cart=latte:1", "order=../x&total=450")
        .await;
    assert_eq!(answer.location(), "/cart?changed=1");
    assert_eq!(shop.orders_at_gateway().await, 1);
}

#[tokio::test]
async fn garbage_in_the_cart_cookie_is_an_empty_cart() {
    let shop = TestShop::open().await;
    for cookie in [
        "cart=gold:1",
        "cart=latte:-1",
        "cart=<script>",
        "cart=",
        "x",
    ] {
        let page = shop.get_as("/cart", cookie).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("There is nothing in it yet"), "{cookie}");
        let answer = shop
            .post_form("/checkout", cookie, "order=N1&total=0")
            .await;
        assert_eq!(answer.location(), "/cart?changed=1");
    }
    assert_eq!(shop.orders_at_gateway().await, 0);
}

#[tokio::test]
async fn every_answer_keeps_the_browser_on_the_safe_side() {
    let shop = TestShop::open().await;
    for path in [
        "/",
        "/cart",
        "/admin/login",
        "/nowhere",
        "/orders/NONE",
        "/api/catalogue",
        "/assets/shop.css",
    ] {
        let headers = shop.get(path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "same-origin", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("unsafe"), "{path}");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    }
    let asset = shop.get("/assets/../Cargo.toml").await;
    assert_eq!(asset.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_order_stands_while_the_gateway_cannot_be_reached() {
    let shop = TestShop::open_without_gateway().await;
    let body = r#"{"items":[{"sku":"latte","quantity":1}]}"#;
    let placed = shop.post_json("/api/orders", body).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.text);
    let order = placed.json();
    assert_eq!(order["status"], "created");
    assert!(order["pay_url"].is_null() && order["qr"].is_null());

    let number = order["order"].as_str().unwrap();
    let page = shop.get(&format!("/orders/{number}")).await;
    assert!(page.text.contains("Preparing your payment"));
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    assert!(list.text.contains("could not be reached"), "{}", list.text);
}

#[tokio::test]
async fn a_wrong_amount_leaves_the_order_unpaid_and_asks_nobody_to_pay_again() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    shop.approve_with(&order, r#"{"amount":449}"#).await;
    let view = shop
        .order_when(&order, |order| order["needs_review"] == true)
        .await;
    assert_ne!(view["status"], "paid");
    let page = shop.get(&format!("/orders/{order}")).await;
    assert!(page.text.contains("We are looking into it"));
    assert!(!page.text.contains("<figure"), "no code to pay by");
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    assert!(list.text.contains("needs review"));
    assert!(
        list.text
            .contains("Compare this order with the merchant portal")
    );
    assert!(list.text.contains("To be looked at"), "{}", list.text);
    assert!(list.text.contains("449"), "the reason: {}", list.text);
    let form = format!("csrf={}&discrepancy=1&note=a+test", list.field("csrf"));
    let path = format!("/admin/orders/{order}/review");
    let done = shop.post_form(&path, &cookie, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let list = shop.get_as("/admin", &cookie).await;
    assert!(!list.text.contains("needs review"), "{}", list.text);
    assert!(!list.text.contains("To be looked at"), "{}", list.text);
}

#[tokio::test]
async fn a_closed_order_for_which_money_came_is_not_told_that_nothing_was_taken() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let key = shop.payments.key(Reference::new(&*order).unwrap());
    let closing = shop.payments.close(&key).await.unwrap();
    assert!(matches!(closing, Closing::Closed(_)), "{closing:?}");
    let path = format!("/orders/{order}");
    let closed = shop.get(&path).await;
    assert!(closed.text.contains("Nothing was taken"), "{}", closed.text);

    shop.approve_with(&order, r#"{"late":true,"amount":449}"#)
        .await;
    let view = shop
        .order_when(&order, |order| order["needs_review"] == true)
        .await;
    assert_eq!(view["status"], "closed");
    let page = shop.get(&path).await;
    assert!(
        page.text.contains("We are looking into it"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("Nothing was taken"), "{}", page.text);

    // Nor is it once somebody has looked: the page does not know what they found.
    shop.payments
        .settle_review(&key, 1, "a test")
        .await
        .unwrap();
    let page = shop.get(&path).await;
    assert!(
        page.text.contains("looked into its payment"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("Nothing was taken"), "{}", page.text);
}

#[tokio::test]
async fn after_a_reversal_everybody_reads_that_the_money_went_back() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let key = shop.payments.key(Reference::new(&*order).unwrap());
    shop.payments.reverse(&key).await.unwrap();
    let view = shop
        .order_when(&order, |order| order["refunded"] == 450)
        .await;
    assert_eq!(view["status"], "paid", "its state is for good");
    let page = shop.get(&format!("/orders/{order}")).await;
    assert!(page.text.contains("<h1>Refunded</h1>"), "{}", page.text);
    assert!(!page.text.contains("Paid, thank you!"), "{}", page.text);
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    assert!(list.text.contains(">Refunded<"), "{}", list.text);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let shop = TestShop::open().await;
    for path in ["/cart/add", "/cart", "/checkout", "/admin/login"] {
        let headers = [
            ("sec-fetch-site", "cross-site"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = shop.request("POST", path, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("came from another site"));
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    // A link may lead here from anywhere.
    let menu = shop
        .request("GET", "/", &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(menu.status, StatusCode::OK);
}

#[tokio::test]
async fn every_refusal_is_a_page() {
    let shop = TestShop::open().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (method, path, headers, status) in [
        ("GET", "/checkout", &[][..], 405),
        ("DELETE", "/cart", &[], 405),
        ("POST", "/cart/add", &[], 415),
        ("POST", "/cart/add", &[form], 403),
    ] {
        let answer = shop.request(method, path, headers).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert!(answer.text.contains("<h1>"), "{method} {path}");
    }
    for path in ["/cart/add", "/admin/login"] {
        let answer = shop.post_form(path, "", "nothing=0").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("<h1>"), "{path}");
    }
    let odd = shop.get("/cart?changed=1&changed=2").await;
    assert_eq!(odd.status, StatusCode::OK);
}

#[tokio::test]
async fn the_way_back_to_the_buyers_orders_is_kept() {
    let shop = TestShop::open().await;
    let page = shop.get_as("/cart", "cart=latte:1").await;
    let form = format!("order={}&total=450", page.field("order"));
    let placed = shop.post_form("/checkout", "cart=latte:1", &form).await;
    let cookies: Vec<_> = placed.headers.get_all("set-cookie").iter().collect();
    let orders = cookies[1].to_str().unwrap();
    assert!(orders.contains("HttpOnly; SameSite=Lax"), "{orders}");
    let (orders, _) = orders.split_once(';').unwrap();
    let link = format!("<a href=\"{}\">Your last order</a>", placed.location());
    for path in ["/", "/cart", "/cart?changed=1"] {
        let page = shop.get_as(path, orders).await;
        assert!(page.text.contains(&link), "{path}");
    }
    let number = placed.location().strip_prefix("/orders/").unwrap();
    // A number that is nobody's is left out.
    let history = shop.get_as("/orders", &format!("{orders}.NONE")).await;
    assert_eq!(history.text.matches("<article").count(), 1);
    assert!(history.text.contains(number) && history.text.contains("awaiting payment"));
    let page = shop.get_as("/", "orders=\"><script>").await;
    assert!(!page.text.contains("Your last order"));
    let none = shop.get("/orders").await;
    assert!(none.text.contains("No orders yet from this browser"));
}

#[tokio::test]
async fn every_page_weighs_less_than_fifty_kibibytes() {
    let shop = TestShop::open().await;
    let mut numbers = Vec::new();
    for _ in 0..21 {
        numbers.push(shop.paid_latte().await);
    }
    let cookie = shop.log_in().await;
    let full: Vec<_> = axum_shop::catalogue::MENU
        .iter()
        .map(|product| format!("{}:20", product.sku))
        .collect();
    let history = numbers.join(".");
    let cart = full.join(".");
    let cookie = format!("{cookie}; cart={cart}; orders={history}; language=fr");
    let order = format!("/orders/{}", numbers[0]);
    let of_merchant = format!("/admin{order}");
    for path in [
        "/",
        "/cart",
        "/orders",
        &order,
        "/admin/login",
        "/admin",
        &of_merchant,
        "/admin/refunds",
        "/admin/review",
        "/admin/health",
        "/nowhere",
    ] {
        let page = shop.get_as(path, &cookie).await;
        println!("{path}: {} bytes", page.text.len());
        assert!(page.text.contains("<html lang=\"fr\">"), "{path}");
        assert!(
            page.text.len() < 50 * 1024,
            "{path}: {} bytes",
            page.text.len()
        );
    }
}
