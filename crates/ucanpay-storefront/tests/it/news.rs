//! What one instance commits reaches the others at once, and nothing rests on it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sqlx::postgres::PgPool;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{
    Changes, EventHandler, HandlerError, MemoryStore, PaymentState, PaymentStore as _,
    PostgresStore,
};

use crate::gateway::Gateway;
use crate::shop::{Shop, clock};

private_postgres::tests! {
    what_another_instance_commits_is_heard_at_once;
    nobody_hears_itself_and_two_that_change_one_payment_are_heard_both;
    a_listener_that_was_cut_off_hears_again;
    an_event_that_another_instance_wrote_is_delivered_at_once;
    a_payment_does_not_wait_for_its_signal;
}

/// Longer than any of it takes; less than the fifteen seconds after which a row is asked for, which would tell, too.
const SOON: Duration = Duration::from_secs(10);

struct Told(mpsc::UnboundedSender<Event>);

#[async_trait]
impl EventHandler for Told {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        Ok(self.0.send(event.clone())?)
    }
}

/// A shop at work, on a clock that stands still: no row of its ledger ever becomes due.
struct AtWork {
    shop: Shop,
    told: mpsc::UnboundedReceiver<Event>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl AtWork {
    fn new(shop: Shop) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let payments = shop.payments.clone();
        let running = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            payments.run(Arc::new(Told(tell)), stopped).await;
        });
        Self {
            shop,
            told,
            stop,
            running,
        }
    }

    async fn stop(self) -> Shop {
        self.stop.send(()).unwrap();
        tokio::time::timeout(SOON, self.running)
            .await
            .expect("it stops")
            .unwrap();
        self.shop
    }
}

/// Two instances, the second one at work and listening.
async fn two() -> (Shop, AtWork, PgPool) {
    let shop = Shop::on_postgres().await;
    let store = Arc::new(PostgresStore::open(shop.url()).await.unwrap());
    let other = Shop::with(store, shop.gateway.clone(), Arc::clone(&shop.clock), None);
    let other = AtWork::new(other);
    let pool = PgPool::connect(shop.url()).await.unwrap();
    listening(&pool).await;
    (shop, other, pool)
}

/// Waits until one connection to this database listens, and says which.
async fn listening(pool: &PgPool) -> i32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for _ in 0..200 {
        if let Some(pid) = sqlx::query_scalar(sql).fetch_optional(pool).await.unwrap() {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens");
}

/// Waits for news of A1 until it stands so, as a page does.
async fn next(other: &AtWork, changes: &mut Changes, state: PaymentState) {
    let key = other.shop.key("A1");
    loop {
        let view = other.shop.payments.payment(&key).await.unwrap();
        if view.is_some_and(|view| view.payment.state == state) {
            return;
        }
        let change = tokio::time::timeout(SOON, changes.next()).await;
        change.expect("it is heard");
    }
}

async fn what_another_instance_commits_is_heard_at_once() {
    let (shop, other, pool) = two().await;
    let mut changes = other.shop.payments.changes_of(&shop.key("A1"));
    shop.start("A1", 450).await.unwrap();
    next(&other, &mut changes, PaymentState::AwaitingPayment).await;
    let note = shop.gateway.payment_note("A1", &json!({}));
    let _receipt = shop.note(note).await.unwrap();
    next(&other, &mut changes, PaymentState::Paid).await;
    other.stop().await;
    pool.close().await;
    shop.check().await;
}

async fn nobody_hears_itself_and_two_that_change_one_payment_are_heard_both() {
    let shop = Shop::on_postgres().await;
    let one = PostgresStore::open(shop.url()).await.unwrap();
    let two = PostgresStore::open(shop.url()).await.unwrap();
    let signals = one.clone().signals().unwrap();
    let mut listener = signals.listen().await.unwrap();
    let (mine, theirs) = ([shop.key("A1")], [shop.key("A2"), shop.key("odd/number")]);
    signals.send(&mine).await.unwrap();
    two.signals().unwrap().send(&theirs).await.unwrap();
    for key in theirs {
        let heard = tokio::time::timeout(SOON, listener.next()).await;
        assert_eq!(heard.expect("it is heard").unwrap(), key);
    }
    shop.check().await;
}

async fn a_listener_that_was_cut_off_hears_again() {
    let (shop, other, pool) = two().await;
    let mut changes = other.shop.payments.changes_of(&shop.key("A1"));
    let pid = listening(&pool).await;
    let cut = "SELECT pg_terminate_backend($1)";
    let cut = sqlx::query_scalar::<_, bool>(cut).bind(pid);
    assert!(cut.fetch_one(&pool).await.unwrap());
    // What happens meanwhile may be missed; what happens once it listens again is not.
    while listening(&pool).await == pid {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shop.start("A1", 450).await.unwrap();
    next(&other, &mut changes, PaymentState::AwaitingPayment).await;
    other.stop().await;
    pool.close().await;
    shop.check().await;
}

async fn an_event_that_another_instance_wrote_is_delivered_at_once() {
    let (shop, mut other, pool) = two().await;
    shop.paid("A1", 450).await;
    loop {
        let told = tokio::time::timeout(SOON, other.told.recv()).await;
        if told.expect("it is told").unwrap().kind == EventKind::PaymentSucceeded {
            break;
        }
    }
    other.stop().await;
    pool.close().await;
    shop.check().await;
}

/// A pool with one connection, which a commit has given back before its signal asks for it.
async fn a_payment_does_not_wait_for_its_signal() {
    let shop = Shop::on_postgres().await;
    let options = shop.url().parse().unwrap();
    let narrow = PostgresStore::pool_options().max_connections(1);
    let store = PostgresStore::from_pool(narrow.connect_lazy_with(options));
    let store = Arc::new(store.await.unwrap());
    let front = Shop::with(store, shop.gateway.clone(), Arc::clone(&shop.clock), None);
    for n in 0..20 {
        front.paid(&format!("A{n}"), 450).await;
    }
    drop(front);
    shop.check().await;
}

#[tokio::test]
async fn a_ledger_that_one_process_has_to_itself_signals_nothing() {
    assert!(MemoryStore::new().signals().is_none());
    let shop = Shop::on_sqlite().await;
    assert!(shop.store.signals().is_none());
    let shop = AtWork::new(Shop::with(
        shop.store.clone(),
        Gateway::new(),
        clock(),
        shop.database,
    ));
    shop.stop().await.check().await;
}

/// Says that it has an event, and takes it once it may.
struct Held(mpsc::UnboundedSender<EventKind>, Arc<Semaphore>);

#[async_trait]
impl EventHandler for Held {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        self.0.send(event.kind)?;
        self.1.acquire().await?.forget();
        Ok(())
    }
}

#[tokio::test]
async fn a_page_hears_when_the_handler_has_taken_an_event_and_of_no_other_payment() {
    let shop = Shop::in_memory();
    let (tell, mut told) = mpsc::unbounded_channel();
    let may = Arc::new(Semaphore::new(0));
    let (stop, stopped) = oneshot::channel::<()>();
    let (payments, handler) = (
        shop.payments.clone(),
        Arc::new(Held(tell, Arc::clone(&may))),
    );
    let running = tokio::spawn(async move {
        payments.run(handler, async { drop(stopped.await) }).await;
    });
    let mut other = shop.payments.changes_of(&shop.key("A2"));
    shop.start("A1", 450).await.unwrap();
    for expected in [EventKind::PaymentCreated, EventKind::ActionRequired] {
        assert_eq!(told.recv().await, Some(expected));
        // Whatever was committed was told before this.
        let mut changes = shop.payments.changes_of(&shop.key("A1"));
        may.add_permits(1);
        let news = tokio::time::timeout(SOON, changes.next()).await;
        news.expect("the shop may have written something");
    }
    let news = tokio::time::timeout(Duration::ZERO, other.next()).await;
    assert!(news.is_err(), "nothing has happened to it");
    stop.send(()).unwrap();
    running.await.unwrap();
}
