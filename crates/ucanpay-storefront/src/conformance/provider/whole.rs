//! One payment through the ledger: started twice, notified twice, refunded; and one whose notification never comes.

use std::sync::Arc;

use ucanpay_core::Amount;

use super::subject::{LOOK, LOOKS, Subject, theirs};
use crate::conformance::report::{Report, Shortfall, must};
use crate::id::{PaymentKey, RefundNumber};
use crate::ledger::{EventKind, History, PaymentState, PaymentView, RefundState};
use crate::payments::{Payments, RefundRequest, StartPayment};
use crate::provider::{PaymentIntent, PaymentRegistry, RawNotification};
use crate::store::{MemoryStore, PaymentStore as _};

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect(
            "a payment notified twice is one payment in the ledger, and its refund one refund",
            notified(subject),
        )
        .await;
    report
        .expect(
            "a payment whose notification is lost is found by asking",
            missed(subject),
        )
        .await;
    report
        .expect(
            "a payment that is closed in time has its proof",
            closed(subject),
        )
        .await;
}

struct Shop {
    payments: Payments,
    store: Arc<MemoryStore>,
    intent: PaymentIntent,
    key: PaymentKey,
}

impl Shop {
    async fn open(subject: &Subject<'_>) -> Result<Self, Shortfall> {
        let registry = PaymentRegistry::builder()
            .register_shared(Arc::clone(&subject.provider))
            .build()?;
        let store = Arc::new(MemoryStore::new());
        let intent = subject.under_test.intent();
        let shop = Self {
            payments: Payments::new(Arc::clone(&store) as _, registry),
            store,
            key: PaymentKey {
                provider: subject.provider.id().clone(),
                reference: intent.reference.clone(),
            },
            intent,
        };
        for _ in 0..2 {
            let view = shop.start().await?;
            must!(
                view.payment.state == PaymentState::AwaitingPayment,
                "started, the payment is {}: {:?}",
                view.payment.state,
                view.payment.trouble
            );
        }
        Ok(shop)
    }

    async fn start(&self) -> Result<PaymentView, Shortfall> {
        let intent = self.intent.clone();
        let start = StartPayment {
            provider: None,
            reference: intent.reference,
            amount: intent.amount,
            currency: intent.currency,
            subject: intent.subject,
            description: intent.description,
            expires_after: None,
        };
        Ok(self.payments.start(start).await?)
    }

    async fn state(&self) -> Result<Option<PaymentState>, Shortfall> {
        let view = self.payments.payment(&self.key).await?;
        Ok(view.map(|view| view.payment.state))
    }

    /// Hands in what came, each one twice.
    async fn hand_in(&self, came: Vec<RawNotification>) -> Result<(), Shortfall> {
        for notification in came {
            for _ in 0..2 {
                let _receipt = self
                    .payments
                    .handle_notification(notification.clone())
                    .await?;
            }
        }
        Ok(())
    }

    /// What the ledger kept, which must be without a gap and without a doubt.
    async fn history(&self, paid: usize) -> Result<History, Shortfall> {
        let history = self.store.history(&self.key).await?;
        let history = history.ok_or_else(|| Shortfall::NotMet("the ledger lost it".into()))?;
        let doubts: Vec<&str> = history
            .view
            .open_discrepancies()
            .map(|row| row.note.as_str())
            .collect();
        must!(
            doubts.is_empty(),
            "a person would have to look: {}",
            doubts.join("; ")
        );
        let succeeded = history
            .events
            .iter()
            .filter(|kept| kept.event.kind == EventKind::PaymentSucceeded)
            .count();
        must!(
            succeeded == paid,
            "PaymentSucceeded was told {succeeded} times"
        );
        let in_order = (1..)
            .zip(&history.events)
            .all(|(nth, kept)| kept.event.sequence == nth);
        must!(in_order, "the events are not numbered without a gap");
        Ok(history)
    }
}

async fn notified(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let shop = Shop::open(subject).await?;
    theirs(subject.under_test.pay(&shop.intent).await, "pay")?;
    for _ in 0..LOOKS {
        shop.hand_in(subject.come().await?).await?;
        if shop.state().await? == Some(PaymentState::Paid) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let history = shop.history(1).await?;
    let state = history.view.payment.state;
    must!(
        state == PaymentState::Paid,
        "paid and notified, it is {state}"
    );

    let number = RefundNumber::random();
    for _ in 0..2 {
        let request = RefundRequest {
            number: Some(number.clone()),
            amount: Amount::new(1)?,
            reason: "spilt".into(),
        };
        shop.payments.refund(&shop.key, request).await?;
    }
    theirs(
        subject.under_test.settle_refund(&number).await,
        "settle_refund",
    )?;
    shop.hand_in(subject.come().await?).await?;
    shop.payments.refresh(&shop.key).await?;
    let history = shop.history(1).await?;
    let [refund] = history.view.refunds.as_slice() else {
        return Err(Shortfall::NotMet(format!(
            "one refund was asked for, and the ledger has {}",
            history.view.refunds.len()
        )));
    };
    must!(
        refund.state == RefundState::Succeeded,
        "settled, the refund is {}: {:?}",
        refund.state,
        refund.trouble
    );
    let left = history.view.refundable();
    let expected = shop.intent.amount.cents() - 1;
    must!(
        left == expected,
        "{left} cents can be refunded, not {expected}"
    );
    Ok(())
}

async fn missed(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let shop = Shop::open(subject).await?;
    theirs(subject.under_test.pay(&shop.intent).await, "pay")?;
    let view = shop.payments.refresh(&shop.key).await?;
    let state = view.payment.state;
    must!(state == PaymentState::Paid, "asked for, it is {state}");
    shop.history(1).await?;
    // If it comes after all, it says nothing new.
    shop.hand_in(subject.come().await?).await?;
    shop.history(1).await.map(drop)
}

async fn closed(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let shop = Shop::open(subject).await?;
    let closing = shop.payments.close(&shop.key).await?;
    let view = closing.view();
    must!(
        view.payment.state == PaymentState::Closed,
        "closed, it is {}: {:?}",
        view.payment.state,
        view.payment.trouble
    );
    shop.history(0).await.map(drop)
}
