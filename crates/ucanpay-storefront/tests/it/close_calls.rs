//! The database is gone, the caller is gone: nothing is acknowledged that was not committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use ucanpay_storefront::ledger::{Applied, Command, Lease};
use ucanpay_storefront::store::{ClaimedEvent, Delivery};
use ucanpay_storefront::{
    NotificationError, PaymentKey, PaymentState, PaymentStore, PaymentView, StoreError, Timestamp,
};

use crate::shop::{Shop, shops};

/// A store whose database can be taken away.
#[derive(Debug)]
struct Flaky {
    inner: Arc<dyn PaymentStore>,
    gone: AtomicBool,
}

impl Flaky {
    fn there(&self) -> Result<(), StoreError> {
        if self.gone.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl PaymentStore for Flaky {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.there()?;
        self.inner.apply(key, command, now).await
    }
    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.there()?;
        self.inner.load(key).await
    }
    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.there()?;
        self.inner.recent(limit).await
    }
    async fn claim_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        self.there()?;
        self.inner.claim_due(now, until, limit).await
    }
    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.there()?;
        self.inner.claim_events(now, until, limit).await
    }
    async fn settle_event(
        &self,
        event: &ClaimedEvent,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        self.there()?;
        self.inner.settle_event(event, delivery).await
    }
}

#[tokio::test]
async fn while_the_database_is_gone_nothing_is_acknowledged_and_the_next_copy_is() {
    for shop in shops().await {
        let flaky = Arc::new(Flaky {
            inner: Arc::clone(&shop.store),
            gone: AtomicBool::new(false),
        });
        let front = Shop::with(
            flaky.clone(),
            shop.gateway.clone(),
            Arc::clone(&shop.clock),
            None,
        );
        front.start("A1", 450).await.unwrap();
        let note = front.gateway.payment_note("A1", &json!({}));
        flaky.gone.store(true, Ordering::SeqCst);
        let refused = front.note(note.clone()).await;
        assert!(matches!(
            refused,
            Err(NotificationError::Unavailable { .. })
        ));
        flaky.gone.store(false, Ordering::SeqCst);
        assert_eq!(
            front.view("A1").await.payment.state,
            PaymentState::AwaitingPayment
        );
        let _receipt = front.note(note).await.unwrap();
        assert_eq!(front.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_at_any_moment_leaves_a_whole_ledger() {
    for shop in shops().await {
        for polls in 0..40 {
            let reference = format!("A{polls}");
            shop.start(&reference, 450).await.unwrap();
            let note = shop.gateway.payment_note(&reference, &json!({}));
            let mut call = Box::pin(shop.note(note.clone()));
            for _ in 0..polls {
                let waker = std::task::Waker::noop();
                let mut context = std::task::Context::from_waker(waker);
                if std::future::Future::poll(call.as_mut(), &mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(call);
            let _receipt = shop.note(note).await.unwrap();
            assert_eq!(
                shop.view(&reference).await.payment.state,
                PaymentState::Paid
            );
        }
        shop.check().await;
    }
}
