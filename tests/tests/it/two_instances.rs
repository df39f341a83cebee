//! Two instances of the shop on one PostgreSQL database, in processes of their own, and the gateway in a third. Its
//! notifications reach now the one, now the other, as through a load balancer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use sqlx::postgres::PgPool;

use crate::gateway_apart::Place;
use crate::processes::{Process, Shop, client, free_address, paid, word};

private_postgres::tests! {
    notifications_split_between_two_shops_pay_each_order_once_even_when_one_is_killed;
}

const SOON: Duration = Duration::from_secs(20);

/// Longer than an instance may keep what it has taken up.
const LEASE: Duration = Duration::from_secs(100);

/// Passes each notification on to the next of the shops; what cannot be passed on is not acknowledged.
#[derive(Clone)]
struct Balancer {
    shops: Arc<Vec<SocketAddr>>,
    passed: Arc<Vec<AtomicUsize>>,
    next: Arc<AtomicUsize>,
    http: reqwest::Client,
}

impl Balancer {
    fn between(shops: Vec<SocketAddr>) -> Self {
        Self {
            passed: Arc::new(shops.iter().map(|_| AtomicUsize::new(0)).collect()),
            shops: Arc::new(shops),
            next: Arc::default(),
            http: client(),
        }
    }

    async fn serve(self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass_on).with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

async fn pass_on(State(to): State<Balancer>, uri: Uri, body: Bytes) -> (StatusCode, Bytes) {
    let turn = to.next.fetch_add(1, Ordering::Relaxed) % to.shops.len();
    let url = format!("http://{}{uri}", to.shops[turn]);
    let Ok(answer) = to.http.post(url).body(body).send().await else {
        return (StatusCode::BAD_GATEWAY, Bytes::new());
    };
    to.passed[turn].fetch_add(1, Ordering::Relaxed);
    let status = answer.status();
    (status, answer.bytes().await.unwrap_or_default())
}

async fn notifications_split_between_two_shops_pay_each_order_once_even_when_one_is_killed() {
    let database = private_postgres::database().await;
    let place = Place::new();
    let (_gateway, gateway) = place.start_gateway().await;
    let addresses = [free_address(), free_address()];
    let balancer = Balancer::between(addresses.to_vec());
    let notified = balancer.clone().serve().await;
    let start = async |address| -> (Process, Shop) {
        place.start_shop_on(address, &database, notified).await
    };
    // Both at the same moment, on an empty database.
    let ((one, first), (_two, second)) = tokio::join!(start(addresses[0]), start(addresses[1]));

    let mut orders = Vec::new();
    for n in 0..8 {
        let placed_at = if n % 2 == 0 { &first } else { &second };
        let order = placed_at.order().await;
        gateway.approve_on_the_phone(&order).await;
        orders.push(order);
    }
    for order in &orders {
        for shop in [&first, &second] {
            shop.until(order, SOON, paid).await;
        }
    }
    for passed in balancer.passed.iter() {
        assert!(passed.load(Ordering::Relaxed) > 0, "one was never notified");
    }

    // What the first began, the second brings to its end.
    let order = first.order().await;
    one.kill();
    gateway.approve_on_the_phone(&order).await;
    second.until(&order, SOON, paid).await;
    orders.push(order);

    // Let copies arrive that may still be on their way.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let pool = PgPool::connect(&database).await.unwrap();
    // What the first was about to tell its kitchen when it was killed is its own until its lease is over.
    let since = Instant::now();
    let without = "SELECT count(*) FROM shop_order WHERE ticket IS NULL";
    while sqlx::query_scalar::<_, i64>(without)
        .fetch_one(&pool)
        .await
        .unwrap()
        > 0
    {
        assert!(since.elapsed() < LEASE, "a ticket is missing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut tickets = Vec::new();
    for order in &orders {
        let times: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM ucanpay_outbox WHERE reference = $1 AND kind = 'payment_succeeded'",
        )
        .bind(word(order))
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(times, 1, "{order}");
        let ticket: Option<i64> =
            sqlx::query_scalar("SELECT ticket FROM shop_order WHERE order_no = $1")
                .bind(word(order))
                .fetch_one(&pool)
                .await
                .unwrap();
        tickets.push(ticket.expect("a ticket"));
    }
    for path in ["/admin", "/admin/refunds"] {
        second.merchants_page(path).await;
    }
    let page = second
        .merchants_page(&format!("/admin/orders/{}", word(&orders[0])))
        .await;
    assert!(page.contains("payment_succeeded"), "its timeline: {page}");
    let empty = second.merchants_page("/admin?page=2").await;
    assert!(!empty.contains("<article"));
    tickets.sort_unstable();
    assert_eq!(tickets, (1..=9).collect::<Vec<i64>>(), "one each, no gap");
    pool.close().await;
}
