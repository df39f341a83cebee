//! How many notifications a second two and four instances settle on one PostgreSQL, against one instance: the same number of
//! callers and of connections, shared out among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use async_trait::async_trait;
use figures::Turns;
use private_postgres::Cluster;
use sqlx::{Connection as _, PgConnection};
use ucanpay_storefront::PostgresStore;

use crate::postgres::{Store, turn};
use crate::race::{AT_ONCE, Settle};

const ROUNDS: usize = 7;

pub(crate) async fn compare() {
    if !private_postgres::WANTED {
        for row in ["instances 2", "instances 4"] {
            figures::not_measured(row, "PostgreSQL's initdb and pg_ctl are not installed");
        }
        return;
    }
    let server = Cluster::durable();
    let mut owner = PgConnection::connect(&server.url()).await.unwrap();
    println!("instances on one PostgreSQL, {AT_ONCE} connections among them");
    for number in [2, 4] {
        let one = Arc::new(Instances::open(&server, 1).await);
        let several = Arc::new(Instances::open(&server, number).await);
        let mut turns = Turns::default();
        for round in 0..ROUNDS {
            let (several, one) = if round % 2 == 0 {
                let several = turn(&several, &mut owner).await;
                (several, turn(&one, &mut owner).await)
            } else {
                let one = turn(&one, &mut owner).await;
                (turn(&several, &mut owner).await, one)
            };
            turns.add(several.per_second, one.per_second);
        }
        let row = format!("instances {number}");
        let what = format!("settled by {number} instances, against one");
        turns.report(&row, &what, "/s");
    }
}

/// Stores of one database, as several processes would have; notifications go round.
struct Instances {
    stores: Vec<Store>,
    next: AtomicUsize,
}

impl Instances {
    async fn open(server: &Cluster, number: usize) -> Self {
        let connections = u32::try_from(AT_ONCE / number).unwrap();
        let mut stores = Vec::new();
        for _ in 0..number {
            let pool = PostgresStore::pool_options()
                .max_connections(connections)
                .connect(&server.url())
                .await
                .unwrap();
            stores.push(Store(PostgresStore::from_pool(pool).await.unwrap()));
        }
        Self {
            stores,
            next: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Settle for Instances {
    async fn settle(&self, reference: &str) {
        let turn = self.next.fetch_add(1, Relaxed);
        self.stores[turn % self.stores.len()]
            .settle(reference)
            .await;
    }
}
