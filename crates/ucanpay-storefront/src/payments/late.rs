//! A payment came after its close, and it was agreed that such a payment is refunded by itself.
//!
//! Nothing is remembered for it but what stands in the ledger: the row is due while the refund is owed, the refund's number
//! follows from the payment's, and it is recorded under the same rules as any other. However often this breaks off or
//! runs twice, there is one refund. The gateway is asked first: the news may be older than a reversal that has returned
//! the money already.

use std::sync::Arc;

use super::gate::Gate;
use super::{Payments, RefundError, RefundRequest, words};
use crate::id::{PaymentKey, RefundNumber};
use crate::ledger::{
    Command, LEASE, Lease, Outcome, PaymentView, RefundRefusal, Target, Tell, Verdict,
};
use crate::provider::{Claim, PaymentStatus};
use crate::store::StoreError;

impl Payments {
    pub(super) async fn refund_late(
        &self,
        key: &PaymentKey,
        view: Arc<PaymentView>,
        lease: Lease,
        gate: Gate<'_>,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let (mut view, mut lease) = (view, lease);
        // Until nothing casts doubt on the answer between its commit and the row's being taken for the refund.
        loop {
            let number = view.payment.gateway_number.as_deref();
            let intent = view.payment.intent();
            let asked = async { gate.open().await?.query_payment(&intent, number).await };
            let fact = match asked.await {
                Ok(fact) => Box::new(fact),
                Err(error) => return self.give_up_on(key, lease, &error, Tell::Nobody).await,
            };
            let paid = matches!(
                fact.claim,
                Claim::Payment(PaymentStatus::Paid | PaymentStatus::PaidAndReturned)
            );
            let applied = self.apply(key, Command::Observe(fact, Some(lease))).await?;
            // An answer that says anything else, or does not fit, returns no money: a person looks, and it is asked again.
            let fits = matches!(
                applied.outcome,
                Outcome::Observed(Verdict::Applied | Verdict::NothingNew)
            );
            // Nor does one that is older than what has come meanwhile: it is due again at once.
            let now = self.now();
            let doubted = |view: &PaymentView| view.payment.schedule.due(now);
            let answered = match applied.view {
                Some(view) if paid && fits && view.owes_late_refund() && !doubted(&view) => view,
                settled => return Ok(settled),
            };
            let claim = Command::Claim(Target::Payment, self.now().after(LEASE));
            let claimed = self.apply(key, claim).await?;
            let (Outcome::Claimed(taken), Some(taken_view)) = (claimed.outcome, claimed.view)
            else {
                return Ok(Some(answered));
            };
            let same = taken.due == answered.payment.schedule.next_check_at;
            (view, lease) = (taken_view, taken);
            if same {
                break;
            }
        }
        let Ok(amount) = ucanpay_core::Amount::new(view.refundable()) else {
            return Ok(self.apply(key, Command::Release(lease)).await?.view);
        };
        let number = RefundNumber::of_late_payment(key);
        let request = RefundRequest {
            number: Some(number.clone()),
            amount,
            reason: "paid after the order was closed".into(),
        };
        // Recorded here, and sent as any refund whose sender went away: by the reconciler, when its time comes.
        let now = self.now();
        match self
            .record_refund(key, number, request, now, Some(lease.clone()))
            .await
        {
            // Not owed: a person decided otherwise, or what cast doubt on the answer is asked about at once.
            Ok(_) | Err(RefundError::Refused(RefundRefusal::NotOwed)) => {
                Ok(self.apply(key, Command::Release(lease)).await?.view)
            }
            Err(RefundError::Store(error)) => Err(error),
            Err(error) => {
                self.give_up(key, lease, words(&error), Tell::Nobody, None)
                    .await
            }
        }
    }
}
