//! The merchant's pages, used as a browser would.

use std::time::Duration;

use axum::http::StatusCode;

use ucanpay_storefront::{Closing, Reference};

use crate::shop::{TOKEN, TestShop};

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
async fn the_merchant_asks_the_gateway_for_what_it_has_not_told() {
    let shop = TestShop::open().await;
    let order = shop.latte().await;
    let key = shop.payments.key(Reference::new(&*order).unwrap());
    let closing = shop.payments.close(&key).await.unwrap();
    assert!(matches!(closing, Closing::Closed(_)));
    shop.approve_with(&order, r#"{"late":true,"notify":false}"#)
        .await;
    let cookie = shop.log_in().await;
    let path = format!("/admin/orders/{order}");
    let page = shop.get_as(&path, &cookie).await;
    assert!(page.text.contains("closed") && !page.text.contains("Paid late"));

    let ask = format!("{path}/ask");
    let foreign = shop.post_form(&ask, &cookie, "csrf=0").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let form = format!("csrf={}", page.field("csrf"));
    // Now and then the reconciler has the row at this moment. It asks by itself after fifteen seconds, no sooner.
    for _ in 0..20 {
        let asked = shop.post_form(&ask, &cookie, &form).await;
        assert_eq!(asked.location(), format!("{path}?asked=1"));
        let page = shop.get_as(asked.location(), &cookie).await;
        assert!(page.text.contains("The gateway was asked"));
        if page.text.contains("Paid late") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("what the gateway says is not known");
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

#[tokio::test]
async fn news_that_could_not_be_delivered_are_tried_again_or_skipped_by_a_person() {
    let shop = TestShop::open_deaf().await;
    let order = shop.latte().await;
    let parked = async || {
        for _ in 0..200 {
            let parked = shop.payments.parked_events(9).await.unwrap();
            if let [event] = &*parked {
                return event.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing is parked");
    };
    let first = parked().await;
    let cookie = shop.log_in().await;
    let queue = shop.get_as("/admin/review", &cookie).await;
    assert!(queue.text.contains("out of paper"), "{}", queue.text);
    assert!(queue.text.contains(&order) && !queue.text.contains("Nothing to look at."));

    let (csrf, event) = (
        queue.field("csrf"),
        queue.field("event").replace('/', "%2F"),
    );
    let form = format!("csrf={csrf}&event={event}");
    let again = shop
        .post_form("/admin/parked/release", &cookie, &form)
        .await;
    assert_eq!(again.location(), "/admin/review");
    let second = parked().await;
    assert_eq!(second.event.id, first.event.id);

    let empty = format!("{form}&note=+");
    let refused = shop.post_form("/admin/parked/skip", &cookie, &empty).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("Say what was found."));
    assert_eq!(parked().await.event.id, first.event.id);

    let told = format!("{form}&note=told+the+kitchen");
    for _ in ["skipped", "skipped already"] {
        let skipped = shop.post_form("/admin/parked/skip", &cookie, &told).await;
        assert_eq!(skipped.location(), "/admin/review");
    }
    let queue = shop.get_as("/admin/review", &cookie).await;
    assert!(!queue.text.contains(&first.event.id), "{}", queue.text);
    for path in ["/admin/parked/release", "/admin/parked/skip"] {
        let stranger = shop.post_form(path, "", &told).await;
        assert_eq!(stranger.location(), "/admin/login", "{path}");
    }
}
