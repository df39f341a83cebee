//! Four shops on one PostgreSQL database, and sixty-four copies of each notification, spread over all of them at once.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use crate::gateway_apart::{Place, gateway_number};
use crate::processes::{Log, Shop, free_address, size, word};
use crate::signed::payment_notification;

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
    let mut notes = Vec::new();
    for n in 0..payments {
        let order = shops[n % SHOPS].order().await;
        notes.push(payment_notification(&json!({
            "outTradeNo": word(&order), "ucpOrderNo": gateway_number(&order), "totalAmt": order["amount"],
        })));
    }
    // Copy after copy of one payment, so that those of one reach all shops together.
    let copies = notes
        .iter()
        .flat_map(|note| (0..COPIES).map(move |copy| (note, copy)));
    let answers = copies.map(|(note, copy)| {
        let (shop, note) = (Arc::clone(&shops[copy % SHOPS]), note.clone());
        async move { shop.notify(note).await }
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

    let pool = PgPool::connect(&database).await.unwrap();
    until_all_have_their_ticket(&pool).await;
    let told: Vec<i64> = sqlx::query_scalar(
        "SELECT count(*) FROM ucanpay_outbox WHERE kind = 'payment_succeeded' GROUP BY reference",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(told, vec![1; payments]);
    let seen: Vec<i64> =
        sqlx::query_scalar("SELECT seen FROM ucanpay_evidence WHERE source = 'notification'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(
        seen,
        vec![i64::try_from(COPIES).unwrap(); payments],
        "each was counted"
    );
    let mut tickets: Vec<i64> = sqlx::query_scalar("SELECT ticket FROM shop_order")
        .fetch_all(&pool)
        .await
        .unwrap();
    tickets.sort_unstable();
    assert!(
        tickets.into_iter().eq(1..=i64::try_from(payments).unwrap()),
        "one each, no gap"
    );
    pool.close().await;
    println!(
        "proved: copies payments={payments} copies={COPIES} shops={SHOPS} acknowledged={} effects={payments}",
        answers.len()
    );
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
