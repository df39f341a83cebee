//! A process's calls to the gateway, as its ledger makes them: each is held against what is committed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Block, DiscrepancyKind};
use ucanpay_storefront::provider::{
    Acknowledgement, Cancellation, Capabilities, Fact, FrozenRequest, NotificationRefused,
    PaymentIntent, PrepareError, ProviderError, RefundInquiry, RefundIntent,
};
use ucanpay_storefront::{
    Clock, PaymentKey, PaymentProvider, PaymentState, ProviderId, RawNotification, Reference,
    RefundState, Reply, Reversal, UcanpayProvider,
};

use super::audit::Audit;
use super::laws;

#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) inner: UcanpayProvider,
    pub(crate) audit: Arc<Audit>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Watched {
    fn key(&self, reference: &Reference) -> PaymentKey {
        PaymentKey {
            provider: self.inner.id().clone(),
            reference: reference.clone(),
        }
    }

    /// A call leaves now. It was preceded by a look at the block, and nothing came between.
    async fn leaves(&self, what: &str) {
        let until = self.audit.ledger.blocked_until(self.inner.id()).await;
        let blocked = until.is_ok_and(|until| {
            until.is_some_and(|until| Block::rest(until, self.clock.now()).is_some())
        });
        if blocked {
            self.audit.broke("10: no call inside a block", what);
        }
        self.audit.note(format!("    {what}"));
    }

    fn broke(&self, law: &str, key: &PaymentKey) {
        let told = format!("{key}: {:#?}", self.audit.known(key));
        self.audit.broke(law, &told);
    }
}

#[async_trait]
impl PaymentProvider for Watched {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn merchant(&self) -> &str {
        self.inner.merchant()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        self.inner.prepare_payment(intent)
    }

    async fn create_payment(
        &self,
        intent: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        let key = self.key(&intent.reference);
        self.leaves("place").await;
        self.audit.sends(&key, request);
        self.inner.create_payment(intent, request).await
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        self.leaves("query").await;
        self.inner.query_payment(intent, gateway_number).await
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        let key = self.key(&intent.reference);
        self.leaves("cancel").await;
        if let Some(history) = self.audit.known(&key) {
            let view = &history.view;
            let payment = &view.payment;
            // Another instance may have seen the end meanwhile; but nobody takes back a wish.
            let wanted = match how {
                Cancellation::Reverse => payment.reversal.is_some(),
                Cancellation::Close => {
                    payment.state == PaymentState::Expired || payment.state.is_settled()
                }
            };
            if !wanted {
                self.broke("11: the wish to end is committed before the call", &key);
            }
            // What another instance learns in this moment, this one cannot know.
            let before = self.clock.now().before(Duration::from_secs(90));
            let requested = payment.reversal == Some(Reversal::Requested);
            if how == Cancellation::Reverse && requested && laws::money_had_gone_back(view, before)
            {
                self.broke("9: what went back in part is not reversed", &key);
            }
        }
        self.inner.cancel_payment(intent, gateway_number, how).await
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        self.inner.prepare_refund(intent)
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        self.leaves("refund").await;
        match self.audit.refund_of(request) {
            None => self
                .audit
                .broke("11: what is sent was committed before", &request.path),
            Some((key, number)) => {
                let history = self.audit.known(&key);
                let view = history.as_ref().map(|history| &history.view);
                let row = view.and_then(|view| {
                    let mut refunds = view.refunds.iter();
                    refunds.find(|row| row.number.as_str() == number)
                });
                let (Some(view), Some(row)) = (view, row) else {
                    return self.inner.refund_payment(request).await;
                };
                let paid = view.payment.state == PaymentState::Paid;
                // What another instance has seen the end of meanwhile is harmless: the gateway knows the number.
                let fits = row.state == RefundState::Failed
                    || laws::reserved(view) <= view.payment.amount.cents()
                    || laws::was_raised(view, DiscrepancyKind::RefundedTooMuch);
                if !paid || !fits {
                    self.broke("9: only what was paid, and once, is sent back", &key);
                }
            }
        }
        self.inner.refund_payment(request).await
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        self.leaves("query refund").await;
        self.inner.query_refund(refund).await
    }

    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        self.inner.renew(request)
    }

    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused> {
        self.inner.parse_notification(notification)
    }

    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        self.inner.acknowledge(verdict)
    }
}
