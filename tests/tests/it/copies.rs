//! Four shops on one PostgreSQL database, and sixty-four copies of each notification, spread over all of them at once: that
//! each order is paid, then that a cent of each went back through the merchant portal, which no refund of ours asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use crate::gateway_apart::{Place, gateway_number};
use crate::processes::{Log, Shop, free_address, size, word};
use crate::signed::{payment_notification, refund_notification};

private_postgres::tests! {
    sixty_four_copies_of_each_notification_to_four_shops_have_one_effect_each;
}

const SHOPS: usize = 4;
const COPIES: usize = 64;

/// How many of them are on their way at the same time.
const AT_ONCE: usize = 128;

async fn sixty_four_copies_of_each_notification_to_four_shops_have_one_effect_each() {
    let payments = size("COPIES_PAYMENTS", 8);
    let database = private_postgres::database().await;
    let place = Place::new().with_log(Log::Off);
    let (_gateway, _) = place.start_gateway().await;
    let mut shops: Vec<Arc<Shop>> = Vec::new();
    let mut processes = Vec::new();
    for _ in 0..SHOPS {
        let address = free_address();
        let (process, shop) = place.start_shop_on(address, &database, address).await;
        processes.push(process);
        shops.push(Arc::new(shop));
    }
    let (mut paid, mut returned) = (Vec::new(), Vec::new());
    for n in 0..payments {
        let order = shops[n % SHOPS].order().await;
        let of_it = json!({
            "outTradeNo": word(&order), "ucpOrderNo": gateway_number(&order), "totalAmt": order["amount"],
        });
        paid.push(payment_notification(&of_it));
        let mut refund = of_it;
        refund["outRefundNo"] = json!(format!("PORTAL{n}"));
        refund["ucpRefundNo"] = json!(n.to_string());
        refund["refundAmt"] = json!(1);
        returned.push(refund_notification(&refund));
    }
    let mut acknowledged = send_copies(&shops, "/ucanpay/payment", &paid).await;
    acknowledged += send_copies(&shops, "/ucanpay/refund", &returned).await;

    let pool = PgPool::connect(&database).await.unwrap();
    until_all_have_their_ticket(&pool).await;
    let once = i64::try_from(payments).unwrap();
    let told: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT kind, count(*), count(DISTINCT reference) FROM ucanpay_outbox
          WHERE kind NOT IN ('payment_created', 'action_required') GROUP BY kind",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let told: BTreeMap<_, _> = told
        .iter()
        .map(|(kind, count, of)| (kind.as_str(), (*count, *of)))
        .collect();
    let effects = ["money_returned", "payment_succeeded", "review_required"];
    assert_eq!(told, effects.map(|kind| (kind, (once, once))).into());
    let refunds: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "SELECT state, amount, count(*), count(DISTINCT reference) FROM ucanpay_refund GROUP BY state, amount",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(refunds, [("succeeded".to_owned(), 1, once, once)]);
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT seen FROM ucanpay_evidence WHERE source = 'notification'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(
        seen,
        vec![i64::try_from(COPIES).unwrap(); 2 * payments],
        "each was counted"
    );
    let mut tickets: Vec<i64> = sqlx::query_scalar("SELECT ticket FROM shop_order")
        .fetch_all(&pool)
        .await
        .unwrap();
    tickets.sort_unstable();
    assert!(tickets.into_iter().eq(1..=once), "one each, no gap");
    pool.close().await;
    println!(
        "proved: copies payments={payments} refunds={payments} copies={COPIES} shops={SHOPS} \
         acknowledged={acknowledged} effects={}",
        2 * payments
    );
}

/// Copy after copy of one message, so that those of one reach all shops together. Says how many were acknowledged: all.
async fn send_copies(shops: &[Arc<Shop>], path: &str, notes: &[String]) -> usize {
    let copies = notes
        .iter()
        .flat_map(|note| (0..COPIES).map(move |copy| (note, copy)));
    let answers = copies.map(|(note, copy)| {
        let (shop, note) = (Arc::clone(&shops[copy % SHOPS]), note.clone());
        async move { shop.notify_at(path, note).await }
    });
    let answers: Vec<(StatusCode, Value)> = stream::iter(answers)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (status, reply) in &answers {
        assert_eq!(
            (*status, &reply["return_code"]),
            (StatusCode::OK, &json!("SUCCESS"))
        );
    }
    answers.len()
}

async fn until_all_have_their_ticket(pool: &PgPool) {
    let without = "SELECT count(*) FROM shop_order WHERE ticket IS NULL";
    for _ in 0..600 {
        let waiting: i64 = sqlx::query_scalar(without).fetch_one(pool).await.unwrap();
        if waiting == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("an order has no ticket");
}
