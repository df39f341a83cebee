//! Signals between instances, by LISTEN and NOTIFY.
//!
//! They go out in a transaction of their own, after the one that they tell of, and wait for no disk: PostgreSQL lets the
//! transactions that notify commit one after the other, and a payment is not to stand in that line.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgListener, PgNotification, PgPool, PgPoolOptions};

use super::PostgresStore;
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::store::{Listener, Signals, StoreError};

/// The channel; like the tables, it lives in one database with a shop's own.
const CHANNEL: &str = "ucanpay_changed";

/// A connection that has been silent for so long is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(10);

#[async_trait]
impl Signals for PostgresStore {
    async fn send(&self, changed: &[PaymentKey]) -> Result<(), StoreError> {
        let messages: Vec<_> = changed
            .iter()
            .map(|key| format!("{} {key}", self.origin))
            .collect();
        let mut tx = self
            .pool
            .begin_with("BEGIN; SET LOCAL synchronous_commit = off")
            .await?;
        sqlx::query("SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message")
            .bind(CHANNEL)
            .bind(messages)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// On a connection of its own: it would keep one of the pool's for good.
    async fn listen(&self) -> Result<Box<dyn Listener>, StoreError> {
        let options = PgPool::connect_options(&self.pool);
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with((*options).clone());
        let mut listener = PgListener::connect_with(&own).await?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await?;
        Ok(Box::new(Ear {
            listener,
            own: self.origin.to_string(),
        }))
    }
}

struct Ear {
    listener: PgListener,
    own: String,
}

#[async_trait]
impl Listener for Ear {
    async fn next(&mut self) -> Result<PaymentKey, StoreError> {
        loop {
            let Ok(heard) = tokio::time::timeout(SILENCE, self.listener.try_recv()).await else {
                self.ask().await?;
                continue;
            };
            // It has connected again meanwhile, or would: what was missed is looked for all the same.
            let message = heard?.ok_or_else(broken_off)?;
            if let Some(key) = read(&message, &self.own) {
                return Ok(key);
            }
        }
    }
}

impl Ear {
    /// A connection whose other end has vanished is silent, too.
    async fn ask(&mut self) -> Result<(), StoreError> {
        let question = sqlx::query("SELECT 1").execute(&mut self.listener);
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(broken_off()),
        }
    }
}

fn broken_off() -> StoreError {
    let error = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    sqlx::Error::from(error).into()
}

/// The payment that another instance tells of.
fn read(message: &PgNotification, own: &str) -> Option<PaymentKey> {
    let (origin, key) = message.payload().split_once(' ')?;
    let (provider, reference) = key.split_once('/')?;
    let key = PaymentKey {
        provider: ProviderId::new(provider).ok()?,
        reference: Reference::new(reference).ok()?,
    };
    (origin != own).then_some(key)
}
