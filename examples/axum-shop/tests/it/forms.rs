//! Forms that change something are taken only from the shop's own pages, in the browser they were made for.

use axum::http::StatusCode;

use crate::shop::{FORM_TOKEN, TestShop};

const PATHS: [&str; 6] = [
    "/cart/add",
    "/cart",
    "/checkout",
    "/language",
    "/orders/NONE/payment",
    "/admin/login",
];

#[tokio::test]
async fn a_form_without_the_browsers_token_changes_nothing() {
    let shop = TestShop::open().await;
    let cookie = format!("form={FORM_TOKEN}");
    let fields = "sku=latte&quantity=1&order=N1&total=450&token=x&language=fr&back=/";
    let other = FORM_TOKEN.replace('0', "1");
    for path in PATHS {
        for (cookie, token) in [
            (&*cookie, String::new()),
            (&*cookie, "csrf=&".to_owned()),
            (&*cookie, format!("csrf={other}&")),
            // Nothing was left with this browser yet.
            ("", "csrf=&".to_owned()),
            ("", format!("csrf={FORM_TOKEN}&")),
            ("form=", "csrf=&".to_owned()),
            ("form=x", "csrf=x&".to_owned()),
        ] {
            let form = format!("{token}{fields}");
            let answer = shop.post_bare_form(path, cookie, &form).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{path} {cookie} {token}"
            );
            assert!(answer.text.contains("That form is too old"), "{path}");
            assert!(!answer.headers.contains_key("set-cookie"), "{path}");
        }
    }
}

#[tokio::test]
async fn every_form_on_a_page_carries_the_token_that_the_browser_is_left() {
    let shop = TestShop::open().await;
    let first = shop.get("/").await;
    let cookie = first.cookie();
    let token = cookie.strip_prefix("form=").expect("a form token");
    assert_eq!(
        first.headers["set-cookie"]
            .to_str()
            .unwrap()
            .split("; ")
            .last(),
        Some("SameSite=Lax")
    );
    assert_eq!(first.field("csrf"), token);
    for path in ["/", "/cart", "/admin/login", "/nowhere", "/orders"] {
        let page = shop.get_as(path, &format!("{cookie}; cart=latte:1")).await;
        let forms = page.text.matches("<form").count();
        let carried = format!("name=\"csrf\" value=\"{token}\"");
        assert_eq!(page.text.matches(&carried).count(), forms, "{path}");
        assert!(!page.headers.contains_key("set-cookie"), "one is enough");
    }
    let form = format!("csrf={token}&sku=latte");
    let added = shop.post_bare_form("/cart/add", &cookie, &form).await;
    assert_eq!(added.location(), "/#latte");
}

#[tokio::test]
async fn the_merchants_forms_carry_the_logins_own_token() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let login = shop.login().await;
    let left = login.headers["set-cookie"].to_str().unwrap();
    assert!(left.ends_with("; HttpOnly; SameSite=Strict"), "{left}");
    let cookie = login.cookie();
    for path in ["refund", "review"] {
        let path = format!("/admin/orders/{order}/{path}");
        let form = format!("csrf={FORM_TOKEN}&number=R1&amount=1&reason=x&discrepancy=1&note=x");
        let with_form_token = format!("{cookie}; form={FORM_TOKEN}");
        let answer = shop.post_bare_form(&path, &with_form_token, &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let answer = shop.post_bare_form("/admin/logout", &cookie, "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.get_as("/admin", &cookie).await.status, StatusCode::OK);
}
