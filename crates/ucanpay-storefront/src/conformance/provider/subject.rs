//! The provider as the checks use it: one step each, and what every fact must say.

use std::sync::Arc;
use std::time::Duration;

use super::{ProviderUnderTest, TestError};
use crate::conformance::report::{Shortfall, must};
use crate::id::RefundNumber;
use crate::payments::words;
use crate::provider::{
    Claim, Fact, FrozenRequest, PaymentIntent, PaymentProvider, PaymentStatus, RawNotification,
    RefundClaim, RefundInquiry, RefundIntent, RefundStatus, Source,
};

/// How often, and after what wait, notifications are looked for: five seconds.
pub(super) const LOOKS: usize = 100;
pub(super) const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Subject<'a> {
    pub(super) under_test: &'a dyn ProviderUnderTest,
    pub(super) provider: Arc<dyn PaymentProvider>,
}

/// A payment that the gateway has taken.
pub(super) struct Placed {
    pub(super) intent: PaymentIntent,
    pub(super) request: FrozenRequest,
    /// The gateway's number.
    pub(super) number: String,
}

/// A refund that the gateway has taken.
pub(super) struct Asked {
    pub(super) intent: RefundIntent,
    pub(super) request: FrozenRequest,
    /// The gateway's number of the refund.
    pub(super) number: String,
}

impl<'a> Subject<'a> {
    pub(super) fn new(under_test: &'a dyn ProviderUnderTest) -> Self {
        Self {
            under_test,
            provider: under_test.provider(),
        }
    }

    pub(super) async fn place(&self) -> Result<Placed, Shortfall> {
        let intent = self.under_test.intent();
        let request = self.provider.prepare_payment(&intent)?;
        let fact = self.provider.create_payment(&intent, &request).await?;
        self.about(&fact, &intent, Source::Answer)?;
        let number = numbered(&fact)?;
        Ok(Placed {
            intent,
            request,
            number,
        })
    }

    pub(super) async fn paid(&self) -> Result<Placed, Shortfall> {
        let placed = self.place().await?;
        theirs(self.under_test.pay(&placed.intent).await, "pay")?;
        Ok(placed)
    }

    pub(super) async fn query(
        &self,
        intent: &PaymentIntent,
        number: Option<&str>,
    ) -> Result<(Fact, PaymentStatus), Shortfall> {
        let fact = self.provider.query_payment(intent, number).await?;
        self.about(&fact, intent, Source::Query)?;
        match fact.claim.clone() {
            Claim::Payment(status) => Ok((fact, status)),
            other => Err(Shortfall::NotMet(format!(
                "the answer to a query claims {other:?}"
            ))),
        }
    }

    pub(super) async fn refund(&self, placed: &Placed, cents: i64) -> Result<Asked, Shortfall> {
        let intent = RefundIntent {
            reference: placed.intent.reference.clone(),
            gateway_number: placed.number.clone(),
            total: placed.intent.amount,
            number: RefundNumber::random(),
            amount: ucanpay_core::Amount::new(cents)?,
            reason: "spilt".into(),
        };
        let request = self.provider.prepare_refund(&intent)?;
        let fact = self.provider.refund_payment(&request).await?;
        let claim = refund_claim(&fact)?;
        self.about_refund(&fact, claim, placed, &intent, Source::Answer)?;
        let number = claim.gateway_number.clone();
        let number = number
            .ok_or_else(|| Shortfall::NotMet("the answer brings no number of the refund".into()))?;
        Ok(Asked {
            intent,
            request,
            number,
        })
    }

    pub(super) async fn query_refund(
        &self,
        placed: &Placed,
        asked: &Asked,
        known: bool,
    ) -> Result<RefundStatus, Shortfall> {
        let inquiry = RefundInquiry {
            reference: placed.intent.reference.clone(),
            gateway_number: Some(placed.number.clone()),
            number: asked.intent.number.clone(),
            refund_gateway_number: known.then(|| asked.number.clone()),
        };
        let fact = self.provider.query_refund(&inquiry).await?;
        let claim = refund_claim(&fact)?;
        self.about_refund(&fact, claim, placed, &asked.intent, Source::Query)?;
        match &fact.claim {
            Claim::Refund(_, status) => Ok(status.clone()),
            other => Err(Shortfall::NotMet(format!(
                "the answer to a query claims {other:?}"
            ))),
        }
    }

    /// The notification that says this, among those that come.
    pub(super) async fn notified(
        &self,
        placed: &Placed,
        says: impl Fn(&Claim) -> bool,
    ) -> Result<(RawNotification, Fact), Shortfall> {
        let mut count = 0;
        for _ in 0..LOOKS {
            for notification in self.come().await? {
                count += 1;
                let fact = self.provider.parse_notification(&notification)?;
                let ours = fact.reference.as_deref() == Some(placed.intent.reference.as_str());
                if ours && says(&fact.claim) {
                    self.about(&fact, &placed.intent, Source::Notification)?;
                    return Ok((notification, fact));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(Shortfall::NotMet(format!(
            "none of the {count} notifications that came says so"
        )))
    }

    /// The notifications that have come since.
    pub(super) async fn come(&self) -> Result<Vec<RawNotification>, Shortfall> {
        theirs(self.under_test.notifications().await, "notifications")
    }

    /// A fact must be about the payment in every member that it states, and must state what the ledger matches by.
    pub(super) fn about(
        &self,
        fact: &Fact,
        intent: &PaymentIntent,
        source: Source,
    ) -> Result<(), Shortfall> {
        must!(
            fact.source == source,
            "a fact from a {} says that it came by {}",
            source.as_str(),
            fact.source.as_str()
        );
        must!(
            fact.missing.is_empty(),
            "the message leaves out {}",
            fact.missing.join(", ")
        );
        let merchant = fact.merchant.as_deref();
        must!(
            merchant.is_none_or(|merchant| merchant == self.provider.merchant()),
            "the merchant is {merchant:?}, and the provider's is {:?}",
            self.provider.merchant()
        );
        must!(
            fact.reference.as_deref() == Some(intent.reference.as_str()),
            "the number is {:?}, and the payment's is {}",
            fact.reference,
            intent.reference
        );
        let amount = fact.amount.map(ucanpay_core::Amount::cents);
        must!(
            amount.is_none_or(|cents| cents == intent.amount.cents()),
            "the amount is {amount:?} cents, and the payment's is {}",
            intent.amount.cents()
        );
        must!(
            fact.currency
                .as_deref()
                .is_none_or(|currency| currency == intent.currency.as_str()),
            "the currency is {:?}, and the payment's is {}",
            fact.currency,
            intent.currency.as_str()
        );
        must!(
            !fact.evidence.signed_text.is_empty(),
            "the fact carries no proof: its signed text is empty"
        );
        if source != Source::Answer {
            must!(
                amount.is_some(),
                "a message that can say paid must state the amount"
            );
        }
        Ok(())
    }

    pub(super) fn about_refund(
        &self,
        fact: &Fact,
        claim: &RefundClaim,
        placed: &Placed,
        intent: &RefundIntent,
        source: Source,
    ) -> Result<(), Shortfall> {
        let mut of_payment = fact.clone();
        // A message about a refund need not repeat the amount of the payment.
        of_payment.amount = fact.amount.or(Some(placed.intent.amount));
        self.about(&of_payment, &placed.intent, source)?;
        must!(
            claim.number.as_deref() == Some(intent.number.as_str()),
            "the refund's number is {:?}, and it was asked for as {}",
            claim.number,
            intent.number
        );
        let amount = claim.amount.map(ucanpay_core::Amount::cents);
        must!(
            amount.is_none_or(|cents| cents == intent.amount.cents()),
            "the refund is of {amount:?} cents, and {} were asked for",
            intent.amount.cents()
        );
        Ok(())
    }
}

pub(super) fn numbered(fact: &Fact) -> Result<String, Shortfall> {
    let number = fact.gateway_number.clone().filter(|text| !text.is_empty());
    number.ok_or_else(|| Shortfall::NotMet("the answer brings no gateway's number".into()))
}

pub(super) fn refund_claim(fact: &Fact) -> Result<&RefundClaim, Shortfall> {
    match &fact.claim {
        Claim::RefundAccepted(claim) | Claim::Refund(claim, _) => Ok(claim),
        other => Err(Shortfall::NotMet(format!(
            "a message about a refund claims {other:?}"
        ))),
    }
}

/// A step that the author takes.
pub(super) fn theirs<T>(taken: Result<T, TestError>, step: &str) -> Result<T, Shortfall> {
    taken.map_err(|error| {
        let reason = words(&*error);
        Shortfall::NotMet(format!("`ProviderUnderTest::{step}` failed: {reason}"))
    })
}
