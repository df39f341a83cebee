//! The pages, used as a browser would.

use axum::http::StatusCode;

use crate::shop::{TOKEN, TestShop};

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
async fn the_merchants_list_opens_with_the_token_only() {
    let shop = TestShop::open().await;
    for cookie in ["", "merchant=", "merchant=guess"] {
        let answer = shop.get_as("/admin", cookie).await;
        assert_eq!(answer.location(), "/admin/login");
    }
    let wrong = shop.post_form("/admin/login", "", "token=wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("not the admin token"));
    assert!(!wrong.text.contains(TOKEN) && !wrong.headers.contains_key("set-cookie"));

    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    assert_eq!(list.status, StatusCode::OK);
    let form = format!("csrf={}", list.field("csrf"));
    let left = shop.post_form("/admin/logout", &cookie, &form).await;
    assert_eq!(left.location(), "/admin/login");
    assert_eq!(
        shop.get_as("/admin", &cookie).await.location(),
        "/admin/login"
    );
}

#[tokio::test]
async fn pressing_refund_twice_is_one_refund() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    assert!(
        list.text.contains(r#"value="4.50""#),
        "all of it is proposed"
    );
    let (csrf, number) = (list.field("csrf"), list.field("number"));
    let form = format!("csrf={csrf}&number={number}&amount=1.50&reason=cold");
    let path = format!("/admin/orders/{order}/refund");
    let (one, two) = tokio::join!(
        shop.post_form(&path, &cookie, &form),
        shop.post_form(&path, &cookie, &form)
    );
    assert_eq!(one.location(), format!("/admin?refund={number}"));
    assert_eq!(two.location(), one.location());
    let page = shop.get_as(one.location(), &cookie).await;
    assert!(page.text.contains("Refund of $1.50 recorded"));
    let refunded = shop
        .order_when(&order, |order| order["refunded"] != 0)
        .await;
    assert_eq!(refunded["refunded"], 150);
    assert_eq!(refunded["refunds"].as_array().unwrap().len(), 1);
    let list = shop.get_as("/admin", &cookie).await;
    assert!(list.text.contains("up to $3.00"));
}

#[tokio::test]
async fn a_refund_that_failed_is_tried_again_under_its_own_number() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    shop.let_the_next_refund_fail(&order).await;

    let path = format!("/admin/orders/{order}/refund");
    let list = shop.get_as("/admin", &cookie).await;
    let (csrf, number) = (list.field("csrf"), list.field("number"));
    let form = format!("csrf={csrf}&number={number}&amount=1.50&reason=cold");
    shop.post_form(&path, &cookie, &form).await;
    shop.order_when(&order, |order| order["refunds"][0]["status"] == "failed")
        .await;

    let list = shop.get_as("/admin", &cookie).await;
    let (_, again) = list
        .text
        .split_once("<li>")
        .expect("the refund stands in the list");
    let (again, _) = again.split_once("Try again").expect("a button");
    assert!(again.contains(&number));
    let form = format!("csrf={csrf}&number={number}&amount=1.50&reason=cold");
    let back = shop.post_form(&path, &cookie, &form).await;
    assert_eq!(back.location(), format!("/admin?refund={number}"));
    let refunded = shop
        .order_when(&order, |order| order["refunded"] == 150)
        .await;
    assert_eq!(refunded["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refund_needs_the_form_of_this_login_and_a_proper_amount() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let csrf = shop.get_as("/admin", &cookie).await.field("csrf");
    let path = format!("/admin/orders/{order}/refund");

    let form = "csrf=guess&number=R1&amount=1.50&reason=cold";
    assert_eq!(
        shop.post_form(&path, "", form).await.location(),
        "/admin/login"
    );
    assert_eq!(
        shop.post_form(&path, &cookie, form).await.status,
        StatusCode::FORBIDDEN
    );

    for (fields, message) in [
        (
            "amount=4.51&reason=cold",
            "$4.51 is more than the $4.50 that can still be refunded",
        ),
        (
            "amount=1,500&reason=cold",
            "the amount is written like 4.50",
        ),
        ("amount=1.50&reason=", "the reason has 1 to 64 characters"),
        ("amount=1.50&reason=%3Cb%3E%26", "value=\"&lt;b&gt;&amp;\""),
    ] {
        let form = format!("csrf={csrf}&number=R1&{fields}");
        let answer = shop.post_form(&path, &cookie, &form).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{fields}");
        assert!(answer.text.contains(message), "{fields}: {}", answer.text);
        // What was typed is still there, under the same number.
        assert!(answer.text.contains("<details open>"));
        assert!(answer.text.contains(r#"name="number" value="R1""#));
    }
    let form = format!("csrf={csrf}&number=R1&amount=1.50&reason=cold");
    let unknown = shop
        .post_form("/admin/orders/NONE/refund", &cookie, &form)
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let order = shop.get(&format!("/api/orders/{order}")).await.json();
    assert_eq!(order["refunds"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_a_person_typed_is_shown_as_text() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let csrf = shop.get_as("/admin", &cookie).await.field("csrf");
    let form = format!("csrf={csrf}&number=R1&amount=1&reason=%3Cscript%3Ealert(1)%3C/script%3E");
    let path = format!("/admin/orders/{order}/refund");
    let done = shop.post_form(&path, &cookie, &form).await;
    let list = shop.get_as(done.location(), &cookie).await;
    assert!(list.text.contains("&lt;script&gt;alert(1)"));
    assert!(!list.text.contains("<script>alert"));
    let page = shop.get(&format!("/orders/{order}")).await;
    assert!(page.text.contains("&lt;script&gt;alert(1)") && !page.text.contains("<script>alert"));
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

#[tokio::test]
async fn the_merchants_list_is_sent_only_when_it_has_changed() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    let etag = list.headers["etag"].to_str().unwrap().to_owned();
    let headers = [("cookie", &*cookie), ("if-none-match", &*etag)];
    let same = shop.request("GET", "/admin", &headers).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert!(same.text.is_empty());

    shop.approve(&order).await;
    shop.order_when(&order, |order| order["status"] == "paid")
        .await;
    let changed = shop.request("GET", "/admin", &headers).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.headers["etag"], etag);
}

#[tokio::test]
async fn after_a_full_refund_the_buyer_reads_so() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let list = shop.get_as("/admin", &cookie).await;
    let (csrf, number) = (list.field("csrf"), list.field("number"));
    let form = format!("csrf={csrf}&number={number}&amount=4.50&reason=cold");
    shop.post_form(&format!("/admin/orders/{order}/refund"), &cookie, &form)
        .await;
    let list = shop.get_as("/admin", &cookie).await;
    assert!(list.text.contains("One refund at a time"));
    shop.order_when(&order, |order| order["refunded"] == 450)
        .await;
    let page = shop.get(&format!("/orders/{order}")).await;
    assert!(page.text.contains("<h1>Refunded</h1>"));
    assert!(!page.text.contains("We call it at the counter"));
}

#[tokio::test]
async fn the_merchant_leafs_through_the_orders() {
    let shop = TestShop::open().await;
    let oldest = shop.latte().await;
    for _ in 0..20 {
        shop.latte().await;
    }
    let cookie = shop.log_in().await;
    let first = shop.get_as("/admin", &cookie).await;
    assert_eq!(first.text.matches("<article").count(), 20);
    assert!(!first.text.contains(&oldest) && first.text.contains("/admin?page=2"));
    let second = shop.get_as("/admin?page=2", &cookie).await;
    assert_eq!(second.text.matches("<article").count(), 1);
    assert!(second.text.contains(&oldest) && second.text.contains("/admin?page=1"));
    for odd in ["0", "-1", "99999999999", "x", ""] {
        let page = shop.get_as(&format!("/admin?page={odd}"), &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{odd}");
    }
}

#[tokio::test]
async fn the_review_queue_holds_what_is_open_and_nothing_else() {
    let shop = TestShop::open().await;
    shop.paid_latte().await;
    let order = shop.latte().await;
    shop.approve_with(&order, r#"{"amount":449}"#).await;
    shop.order_when(&order, |order| order["needs_review"] == true)
        .await;
    let cookie = shop.log_in().await;
    let queue = shop.get_as("/admin/review", &cookie).await;
    assert_eq!(queue.text.matches("<article").count(), 1);
    assert!(queue.text.contains(&order) && queue.text.contains("To be looked at"));

    let path = format!("/admin/orders/{order}/review");
    let csrf = queue.field("csrf");
    let empty = format!("csrf={csrf}&discrepancy=1&note=+");
    let refused = shop.post_form(&path, &cookie, &empty).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("Say what was found."));
    let found = format!("csrf={csrf}&discrepancy=1&note=a+test");
    let done = shop.post_form(&path, &cookie, &found).await;
    assert_eq!(done.location(), format!("/admin/orders/{order}"));
    let queue = shop.get_as("/admin/review", &cookie).await;
    assert!(queue.text.contains("Nothing to look at."));
    for path in [
        "/admin/review",
        "/admin/refunds",
        "/admin/health",
        done.location(),
    ] {
        assert_eq!(shop.get(path).await.location(), "/admin/login", "{path}");
    }
}

#[tokio::test]
async fn the_merchant_reads_what_happened_to_a_payment() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let page = shop
        .get_as(&format!("/admin/orders/{order}"), &cookie)
        .await;
    let (_, timeline) = page.text.split_once("<h2 id=\"timeline\">").unwrap();
    let place = |what: &str| {
        timeline
            .find(what)
            .unwrap_or_else(|| panic!("{what}: {timeline}"))
    };
    let recorded = place("payment recorded as created (asked for here)");
    let paid = place("payment from awaiting_payment to paid");
    assert!(recorded < paid && paid < place("event payment_succeeded"));
    let none = shop.get_as("/admin/orders/NONE", &cookie).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_merchant_sees_how_the_payments_do() {
    let shop = TestShop::open().await;
    shop.paid_latte().await;
    let cookie = shop.log_in().await;
    let well = shop.get_as("/admin/health", &cookie).await;
    assert!(well.text.contains("All is well."), "{}", well.text);
    assert!(well.text.contains("Paid within a day</th><td>1</td>"));

    let order = shop.latte().await;
    shop.approve_with(&order, r#"{"amount":449}"#).await;
    shop.order_when(&order, |order| order["needs_review"] == true)
        .await;
    let not_well = shop.get_as("/admin/health", &cookie).await;
    assert!(!not_well.text.contains("All is well."));
    assert!(not_well.text.contains("Please look into this:"));
    assert!(
        not_well.text.contains("To be looked at</th><td>1<span"),
        "{}",
        not_well.text
    );
}
