//! A time-out, a client that hangs up, a task that is aborted: any future may be dropped wherever it waits.
//!
//! Each public future of `Payments` is dropped at each of these points, on each store, and so is each future of the store
//! beneath it. After each: no connection is inside a transaction, the payment's history is whole, and whoever does it
//! again, a minute later, has it done. On the memory store nothing ever waits; there the list is run without a cut.

pub(crate) mod cut;
mod points;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use ucanpay_storefront::{PostgresStore, SqliteStore};

use crate::invariants;
use crate::shop::{Database, Shop, shops};
use cut::{Cut, Cutting, dropped_after};
use points::{Bench, Point, points};

/// How often a call is made again that did not wait even once: SQLite's thread may have been quicker than the first look.
const AT_ONCE: usize = 20;

/// Longer than a lease.
const MINUTE: Duration = Duration::from_secs(61);

async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for shop in shops().await {
        benches.push(Bench::of(shop).await);
    }
    benches
}

impl Bench {
    async fn of(shop: Shop) -> Self {
        let pool = match &shop.database {
            Some(Database::Postgres { url }) => {
                let options = PostgresStore::pool_options();
                Some(options.connect(url).await.unwrap())
            }
            _ => None,
        };
        let plain = Arc::clone(&shop.store);
        Self { shop, plain, pool }
    }

    /// The same shop, whose store can be told to drop a future.
    async fn cutting(shop: Shop) -> (Self, Arc<Cutting>) {
        let cutting = Cutting::over(&shop.store);
        let plain = Arc::clone(&shop.store);
        let front = Shop::with(cutting.clone(), shop.gateway, shop.clock, shop.database);
        let bench = Self::of(front).await;
        (Self { plain, ..bench }, cutting)
    }

    /// What a dropped future may have left behind: a transaction that is open, a history that is not whole.
    async fn nothing_is_left_open(&self, order: &str) {
        if let Some(pool) = &self.pool {
            invariants::assert_no_connection_waits_inside_a_transaction(pool).await;
        }
        if let Some(Database::Sqlite { url, .. }) = &self.shop.database {
            another_may_write(url).await;
        }
        let history = self.shop.store.history(&self.shop.key(order)).await;
        if let Some(history) = history.unwrap() {
            invariants::check_history(&history);
        }
    }

    /// A minute later it is done again, with the reconciler behind it; and once more where the first is still under way by
    /// itself.
    async fn again(&self, point: &Point, order: &str, told: &str) {
        for _ in 0..5 {
            self.shop.clock.advance(MINUTE);
            (point.act)(self, order).await;
            self.shop.payments.reconcile().await.unwrap();
            if (point.settled)(self, order).await {
                break;
            }
        }
        assert!((point.settled)(self, order).await, "not settled: {told}");
        self.nothing_is_left_open(order).await;
    }
}

/// What is under way by itself may write for a moment; what was left behind would stand in the way for ever.
async fn another_may_write(url: &str) {
    let options: SqliteConnectOptions = url.parse().unwrap();
    let options = options.busy_timeout(Duration::from_secs(5));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for sql in ["BEGIN IMMEDIATE", "ROLLBACK"] {
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn each_future_of_the_ledger_may_be_dropped_wherever_it_waits() {
    let (mut runs, mut cut) = (0, 0);
    for point in points() {
        for bench in benches().await {
            for waits in 0.. {
                runs += 1;
                let order = format!("A{waits}");
                (point.before)(&bench, &order).await;
                let done = dropped_after(waits, (point.act)(&bench, &order)).await;
                bench.nothing_is_left_open(&order).await;
                let told = format!("{} dropped after {waits} waits", point.name);
                bench.again(&point, &order, &told).await;
                if done.is_some() {
                    break;
                }
                cut += 1;
            }
            bench.shop.check().await;
        }
    }
    assert!(cut > points().len(), "only {cut} of {runs} runs were cut");
    println!(
        "proved: await-points-ledger futures={} runs={runs} dropped={cut}",
        points().len()
    );
}

#[tokio::test]
async fn each_future_of_a_store_may_be_dropped_wherever_it_waits() {
    for shop in [Shop::on_sqlite().await]
        .into_iter()
        .chain(on_postgres().await)
    {
        let mut dropped = BTreeSet::new();
        let mut runs = 0;
        for point in points() {
            let fresh = match &shop.database {
                Some(Database::Sqlite { .. }) => Shop::on_sqlite().await,
                _ => Shop::on_postgres().await,
            };
            let (bench, cutting) = Bench::cutting(fresh).await;
            let mut orders = 0;
            for calls in 0.. {
                let mut reached = true;
                let (mut waits, mut at_once) = (0, 0);
                loop {
                    orders += 1;
                    let order = format!("A{orders}");
                    (point.before)(&bench, &order).await;
                    cutting.plan(Cut::At { calls, waits });
                    (point.act)(&bench, &order).await;
                    let became = cutting.plan(Cut::No);
                    bench.nothing_is_left_open(&order).await;
                    let told = format!("{}: call {calls} dropped after {waits} waits", point.name);
                    bench.again(&point, &order, &told).await;
                    match became {
                        Cut::Done => waits += 1,
                        Cut::Ended if waits == 0 && at_once < AT_ONCE => at_once += 1,
                        Cut::Ended | Cut::No => break,
                        Cut::At { .. } => {
                            reached = false;
                            break;
                        }
                    }
                }
                if !reached {
                    break;
                }
            }
            runs += orders;
            dropped.extend(cutting.dropped());
            bench.shop.check().await;
        }
        let methods = methods_of_a_store();
        assert_eq!(dropped.len(), methods.len(), "{dropped:?} of {methods:?}");
        let store = match &shop.database {
            Some(Database::Sqlite { .. }) => "sqlite",
            _ => "postgresql",
        };
        println!(
            "proved: await-points-store store={store} methods={} runs={runs}",
            methods.len()
        );
    }
}

async fn on_postgres() -> Option<Shop> {
    if private_postgres::WANTED {
        Some(Shop::on_postgres().await)
    } else {
        None
    }
}

#[tokio::test]
async fn a_ledger_whose_opening_was_dropped_is_opened_the_next_time() {
    for waits in 0.. {
        let folder = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.sqlite").display());
        let opened = dropped_after(waits, SqliteStore::open(&url)).await;
        let store = SqliteStore::open(&url).await.unwrap();
        another_may_write(&url).await;
        let _ = dropped_after(waits, store.close()).await;
        SqliteStore::open_migrated(&url).await.unwrap();
        if opened.is_some() {
            break;
        }
    }
    if !private_postgres::WANTED {
        return;
    }
    for waits in 0.. {
        let url = private_postgres::database().await;
        let opened = dropped_after(waits, PostgresStore::open(&url)).await;
        let store = PostgresStore::open(&url).await.unwrap();
        let pool = PostgresStore::pool_options().connect(&url).await.unwrap();
        invariants::assert_no_connection_waits_inside_a_transaction(&pool).await;
        let _ = dropped_after(waits, PostgresStore::migrate(&pool)).await;
        let _ = dropped_after(waits, PostgresStore::open_migrated(&url)).await;
        let _ = dropped_after(waits, store.close()).await;
        let proven = dropped_after(waits, PostgresStore::from_pool(pool.clone())).await;
        if proven.is_none() {
            PostgresStore::from_pool(pool.clone()).await.unwrap();
        }
        invariants::assert_no_connection_waits_inside_a_transaction(&pool).await;
        pool.close().await;
        if opened.is_some() && proven.is_some() {
            break;
        }
    }
}

#[test]
fn no_public_future_is_missing_from_the_list() {
    let of_payments = declared("src/payments", "    pub async fn ");
    let mut listed: BTreeSet<_> = points().iter().map(|point| point.name.to_owned()).collect();
    // `from_env` opens a store, which has a test of its own below; `Running::stop` waits for a task that `run` is, and
    // which has been told to end before that; `Changes::next` waits for news, and asks the ledger nothing.
    listed.extend(["from_env", "stop", "next"].map(str::to_owned));
    assert_eq!(listed, of_payments);
    // Those of the stores themselves, beside the trait's: the test of their opening drops each.
    let tested = ["close", "from_pool", "migrate", "open", "open_migrated"];
    let of_stores = declared("src/store", "    pub async fn ");
    assert_eq!(of_stores, tested.map(str::to_owned).into());
}

fn methods_of_a_store() -> BTreeSet<String> {
    let text = read(Path::new("src/store/mod.rs"));
    let (_, declaration) = text.split_once("pub trait PaymentStore").unwrap();
    let (methods, _) = declaration.split_once("\n}").unwrap();
    names(methods, "    async fn ")
}

/// The functions that begin so, in the source files of a folder and the folders in it.
fn declared(folder: &str, beginning: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.extend(names(&read(&path), beginning));
            }
        }
    }
    assert!(!found.is_empty(), "nothing begins with {beginning:?}");
    found
}

fn names(text: &str, beginning: &str) -> BTreeSet<String> {
    let lines = text.lines();
    let functions = lines.filter_map(|line| line.strip_prefix(beginning));
    let word = |text: &str| text.split(['(', '<']).next().unwrap_or_default().to_owned();
    functions.map(word).collect()
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}
