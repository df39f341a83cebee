//! The pages in both languages: which one is shown, and that they say the same.

use axum::http::StatusCode;

use crate::shop::{Answer, TestShop};

async fn in_french(shop: &TestShop, path: &str, cookie: &str) -> Answer {
    let headers = [("accept-language", "fr-CA,fr;q=0.9"), ("cookie", cookie)];
    shop.request("GET", path, &headers).await
}

#[tokio::test]
async fn the_browsers_language_is_spoken_until_another_is_chosen() {
    let shop = TestShop::open().await;
    let menu = in_french(&shop, "/", "").await;
    assert!(menu.text.contains("<html lang=\"fr\">") && menu.text.contains("5,25\u{a0}$"));
    assert!(menu.text.contains("Latte à l’érable"));

    let form = "language=en&back=/cart?changed=1";
    let chosen = shop.post_form("/language", "", form).await;
    assert_eq!(chosen.location(), "/cart?changed=1");
    assert_eq!(chosen.cookie(), "language=en");
    let cart = in_french(&shop, "/cart", "language=en; cart=latte:2").await;
    assert!(cart.text.contains("<html lang=\"en\">") && cart.text.contains("Pay $9.00"));
    let cart = in_french(&shop, "/cart", "cart=latte:2").await;
    assert!(cart.text.contains("Payer 9,00\u{a0}$ avec UCanPay"));

    let away = shop
        .post_form("/language", "", "language=fr&back=//evil.example")
        .await;
    assert_eq!(away.location(), "/");
    let unknown = shop.post_form("/language", "", "language=xx&back=/").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_order_is_followed_in_the_language_of_its_page() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let page = in_french(&shop, &format!("/orders/{order}"), "").await;
    assert!(page.text.contains("Payé, merci!") && page.text.contains("4,50\u{a0}$"));
    let unpaid = shop.latte().await;
    let page = in_french(&shop, &format!("/orders/{unpaid}"), "").await;
    assert!(page.text.contains("Numérisez avec l’application UCanPay"));
}

#[tokio::test]
async fn the_merchant_refunds_in_french() {
    let shop = TestShop::open().await;
    let order = shop.paid_latte().await;
    let cookie = format!("{}; language=fr", shop.log_in().await);
    let list = shop.get_as("/admin", &cookie).await;
    assert!(
        list.text.contains("Montant, jusqu’à 4,50\u{a0}$"),
        "{}",
        list.text
    );
    let (csrf, number) = (list.field("csrf"), list.field("number"));
    // The reason that stands in the form is one that the gateway takes.
    let (_, reason) = list.text.split_once("name=\"reason\"").unwrap();
    assert!(reason.contains("Quelque chose n’allait pas"));
    let form = format!(
        "csrf={csrf}&number={number}&amount=1,50&reason=Quelque+chose+n%E2%80%99allait+pas"
    );
    let path = format!("/admin/orders/{order}/refund");
    let done = shop.post_form(&path, &cookie, &form).await;
    let list = shop.get_as(done.location(), &cookie).await;
    assert!(
        list.text
            .contains("Remboursement de 1,50\u{a0}$ enregistré"),
        "{}",
        list.text
    );
    shop.order_when(&order, |order| order["refunded"] == 150)
        .await;
    let refunds = shop.get_as("/admin/refunds", &cookie).await;
    assert!(refunds.text.contains("Remboursement de 1,50\u{a0}$"));
}

#[tokio::test]
async fn errors_speak_the_visitors_language() {
    let shop = TestShop::open().await;
    for path in ["/nowhere", "/orders/NONE", "/orders/NONE/events"] {
        let page = in_french(&shop, path, "").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text.contains("<h1>Rien ici</h1>"), "{path}");
    }
}
