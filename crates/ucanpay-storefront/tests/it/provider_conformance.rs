//! The suite for providers: met by the scripted gateway and by the one of these tests, and sharp enough to find a wrapper
//! that breaks any one rule.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::conformance::{self, ProviderUnderTest, Standing, TestError};
use ucanpay_storefront::provider::{
    Acknowledgement, Cancellation, Capabilities, Claim, Effect, Fact, FrozenRequest, NextCall,
    NotificationRefused, NumberRule, PaymentIntent, PaymentStatus, PrepareError, ProviderError,
    ProviderErrorKind, RefundInquiry, RefundIntent, RefundLimits, ScriptedProvider, Source,
};
use ucanpay_storefront::{PaymentProvider, ProviderId, RawNotification, RefundNumber, Reply};

/// The scripted gateway, as it is or behind a wrapper.
struct Scripted {
    gateway: ScriptedProvider,
    provider: Arc<dyn PaymentProvider>,
}

impl Scripted {
    fn whole() -> Self {
        let gateway = ScriptedProvider::new();
        let provider = Arc::new(gateway.clone());
        Self { gateway, provider }
    }

    fn with(fault: Fault) -> Self {
        let gateway = ScriptedProvider::new();
        let provider = Arc::new(Faulty {
            inner: gateway.clone(),
            fault,
            elsewhere: ScriptedProvider::new(),
            last: Mutex::default(),
        });
        Self { gateway, provider }
    }
}

#[async_trait]
impl ProviderUnderTest for Scripted {
    fn provider(&self) -> Arc<dyn PaymentProvider> {
        Arc::clone(&self.provider)
    }

    async fn pay(&self, payment: &PaymentIntent) -> Result<(), TestError> {
        Ok(self.gateway.pay(&payment.reference)?)
    }

    async fn notifications(&self) -> Result<Vec<RawNotification>, TestError> {
        Ok(self.gateway.notifications())
    }

    async fn settle_refund(&self, refund: &RefundNumber) -> Result<(), TestError> {
        Ok(self.gateway.succeed_refund(refund)?)
    }

    async fn lose_next_answer(&self) -> bool {
        self.gateway.next_call(NextCall::AnswerLost);
        true
    }
}

#[tokio::test]
async fn the_scripted_provider_meets_every_expectation() {
    let report = conformance::provider(&Scripted::whole()).await;
    report.assert_met();
    let all = report.expectations();
    assert!(
        all.iter().all(|one| one.standing == Standing::Met),
        "{report}"
    );
    assert!(all.len() > 25, "{report}");
}

/// One rule broken, all others kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Preparing sends.
    SendsWhenPreparing,
    /// Everything is signed anew, always.
    RenewsAlways,
    /// A repeat goes out as another order.
    NewOrderEachTime,
    /// An unknown number is said to be unpaid.
    UnknownIsNotPaid,
    /// Paid as soon as it is placed.
    PaidAtOnce,
    /// A query answers with what was true when it was placed.
    NeverPaid,
    /// The amount is in dollars.
    Dollars,
    /// A time-out is said to have had no effect.
    LostMeansNothing,
    /// Every notification is believed.
    VerifiesNothing,
    /// The amount of a notification is read beside the signed text.
    SignatureOfAnother,
    /// A notification is said to be the answer to a query.
    WrongSource,
    /// Refusals are worded as acknowledgements.
    AlwaysTaken,
    /// Refunds are taken, and the capabilities say that none is.
    DeniesRefunds,
    /// A refund is not numbered as it was asked for.
    LosesRefundNumber,
    /// A close is confirmed without asking.
    ClosesBlindly,
    /// A fact carries no signed text.
    NoProof,
    /// The capabilities name no flow, and there is a link.
    HidesLink,
    /// The capabilities allow shorter numbers than the ledger makes.
    ShortNumbers,
    /// The capabilities allow more than is taken: longer numbers, larger amounts, another currency.
    BoastsNumbers,
    BoastsAmounts,
    BoastsCurrency,
}

#[derive(Debug)]
struct Faulty {
    inner: ScriptedProvider,
    fault: Fault,
    elsewhere: ScriptedProvider,
    last: Mutex<Option<Fact>>,
}

impl Faulty {
    fn spoil(&self, mut fact: Fact) -> Fact {
        match self.fault {
            Fault::Dollars => {
                fact.amount = fact
                    .amount
                    .and_then(|amount| Amount::new(amount.cents() / 100).ok());
            }
            Fault::WrongSource if fact.source == Source::Notification => {
                fact.source = Source::Query;
            }
            Fault::NoProof => fact.evidence.signed_text = String::new(),
            Fault::NeverPaid if fact.source == Source::Query => {
                if let Claim::Payment(PaymentStatus::Paid) = fact.claim {
                    fact.claim = Claim::Payment(PaymentStatus::NotPaid);
                }
            }
            Fault::PaidAtOnce => {
                if let Claim::Payment(PaymentStatus::NotPaid) = fact.claim {
                    fact.claim = Claim::Payment(PaymentStatus::Paid);
                }
            }
            Fault::LosesRefundNumber => {
                if let Claim::RefundAccepted(claim) = &mut fact.claim {
                    claim.number = claim.gateway_number.clone();
                }
            }
            _ => {}
        }
        if fact.source == Source::Notification {
            *self.last.lock().unwrap() = Some(fact.clone());
        }
        fact
    }

    fn answered(&self, answer: Result<Fact, ProviderError>) -> Result<Fact, ProviderError> {
        match answer {
            Err(error) if self.fault == Fault::LostMeansNothing => {
                Err(error.with_effect(Effect::None))
            }
            answer => answer.map(|fact| self.spoil(fact)),
        }
    }
}

#[async_trait]
impl PaymentProvider for Faulty {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn merchant(&self) -> &str {
        self.inner.merchant()
    }

    fn capabilities(&self) -> Capabilities {
        match self.fault {
            Fault::DeniesRefunds => Capabilities::new(RefundLimits {
                count: 0,
                ..self.inner.capabilities().refunds
            }),
            Fault::HidesLink => self.inner.capabilities().with_flows([]),
            Fault::ShortNumbers => {
                let short = NumberRule::alphanumeric(20);
                self.inner.capabilities().with_numbers(short)
            }
            Fault::BoastsCurrency => {
                let named = ["CAD", "USD"].map(|letters| Currency::new(letters).unwrap());
                self.inner.capabilities().with_currencies(named)
            }
            _ => self.inner.capabilities(),
        }
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        let refused = match self.fault {
            Fault::BoastsNumbers => intent.reference.as_str().len() > 32,
            Fault::BoastsAmounts => intent.amount.cents() > 1_000_000,
            Fault::BoastsCurrency => intent.currency != Currency::CAD,
            _ => false,
        };
        if refused {
            return Err(PrepareError::new("not here"));
        }
        let request = self.inner.prepare_payment(intent)?;
        if self.fault == Fault::SendsWhenPreparing {
            // The scripted gateway answers at once, so that one look is enough.
            let mut sent = std::pin::pin!(self.inner.create_payment(intent, &request));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = std::future::Future::poll(sent.as_mut(), &mut context);
        }
        Ok(request)
    }

    async fn create_payment(
        &self,
        intent: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        let mut answer = self.inner.create_payment(intent, request).await;
        if self.fault == Fault::NewOrderEachTime
            && let Ok(fact) = &mut answer
        {
            let now = std::time::Instant::now();
            fact.gateway_number = Some(format!("G{now:?}"));
        }
        self.answered(answer)
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        let answer = self.inner.query_payment(intent, gateway_number).await;
        if self.fault == Fault::UnknownIsNotPaid && answer.is_err() {
            let request = self.elsewhere.prepare_payment(intent).unwrap();
            self.elsewhere.create_payment(intent, &request).await?;
            return self.elsewhere.query_payment(intent, None).await;
        }
        self.answered(answer)
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        gateway_number: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        if self.fault == Fault::ClosesBlindly {
            let mut fact = self.inner.query_payment(intent, gateway_number).await?;
            fact.source = Source::Answer;
            fact.claim = Claim::Payment(PaymentStatus::Closed);
            return Ok(fact);
        }
        self.answered(self.inner.cancel_payment(intent, gateway_number, how).await)
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        self.inner.prepare_refund(intent)
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        self.answered(self.inner.refund_payment(request).await)
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        self.answered(self.inner.query_refund(refund).await)
    }

    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        Ok((self.fault == Fault::RenewsAlways).then(|| request.clone()))
    }

    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused> {
        let read = self.inner.parse_notification(notification);
        let last = self.last.lock().unwrap().clone();
        match (self.fault, read, last) {
            (Fault::VerifiesNothing, Err(_), Some(last)) => Ok(last),
            (Fault::SignatureOfAnother, Err(_), Some(mut last))
                if notification.body.windows(7).any(|word| word == b"amount=") =>
            {
                last.amount = Amount::new(1).ok();
                Ok(last)
            }
            (_, read, _) => read.map(|fact| self.spoil(fact)),
        }
    }

    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        match self.fault {
            Fault::AlwaysTaken => self.inner.acknowledge(Acknowledgement::Committed),
            _ => self.inner.acknowledge(verdict),
        }
    }
}

#[tokio::test]
async fn a_wrapper_that_breaks_one_rule_is_found_by_the_expectation_that_says_so() {
    for (fault, name) in [
        (
            Fault::SendsWhenPreparing,
            "preparing a payment places nothing",
        ),
        (
            Fault::RenewsAlways,
            "a request under the present key is not signed anew",
        ),
        (
            Fault::NewOrderEachTime,
            "the same bytes sent again are the same order",
        ),
        (
            Fault::UnknownIsNotPaid,
            "a number the gateway does not know is an error",
        ),
        (
            Fault::PaidAtOnce,
            "an unpaid payment is not said to be paid",
        ),
        (Fault::NeverPaid, "a paid payment is found paid by asking"),
        (
            Fault::Dollars,
            "a placed payment is answered with the gateway's number",
        ),
        (
            Fault::LostMeansNothing,
            "a lost answer leaves the effect unknown, and the same bytes bring the order",
        ),
        (
            Fault::VerifiesNothing,
            "no altered payment notification is believed",
        ),
        (
            Fault::SignatureOfAnother,
            "no altered payment notification is believed",
        ),
        (
            Fault::WrongSource,
            "a payment is notified, and the notification is taken",
        ),
        (
            Fault::AlwaysTaken,
            "taken and refused notifications are answered differently",
        ),
        (
            Fault::DeniesRefunds,
            "a payment takes as many refunds as the capabilities say",
        ),
        (
            Fault::LosesRefundNumber,
            "a refund is taken and found by asking",
        ),
        (Fault::ClosesBlindly, "a paid payment is not closed"),
        (
            Fault::NoProof,
            "a placed payment is answered with the gateway's number",
        ),
        (
            Fault::HidesLink,
            "there is a pay link if, and only if, there is a flow",
        ),
        (Fault::ShortNumbers, "the ledger's own numbers are allowed"),
        (
            Fault::BoastsNumbers,
            "the longest number with every character that is allowed is taken",
        ),
        (
            Fault::BoastsAmounts,
            "the smallest and the largest amount that are allowed are taken",
        ),
        (
            Fault::BoastsCurrency,
            "every currency that is named is taken",
        ),
    ] {
        let report = conformance::provider(&Scripted::with(fault)).await;
        let found: Vec<_> = report.not_met().collect();
        assert!(found.contains(&name), "{fault:?} was not found: {report}");
    }
}

#[tokio::test]
async fn the_script_can_spoil_a_call_in_every_way() {
    let gateway = ScriptedProvider::new();
    let intent = Scripted::whole().intent();
    let request = gateway.prepare_payment(&intent).unwrap();
    let busy = ProviderErrorKind::Later;
    for (next, kind, effect, placed) in [
        (
            NextCall::Unreachable,
            ProviderErrorKind::Unreachable,
            Effect::None,
            false,
        ),
        (NextCall::Says(busy), busy, Effect::None, false),
        (NextCall::DoneButSays(busy), busy, Effect::Unknown, true),
        (
            NextCall::AnswerLost,
            ProviderErrorKind::Unclear,
            Effect::Unknown,
            true,
        ),
    ] {
        gateway.next_call(next);
        let error = gateway.create_payment(&intent, &request).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{next:?}");
        let known = gateway.query_payment(&intent, None).await.is_ok();
        assert_eq!(known, placed, "{next:?}");
    }
    assert_eq!(gateway.calls(), 8);
    assert!(gateway.fail_refund(&RefundNumber::random()).is_err());
    gateway.pay(&intent.reference).unwrap();
    assert!(gateway.close(&intent.reference).is_err());
    assert!(!format!("{gateway:?}").contains("key"));
}
