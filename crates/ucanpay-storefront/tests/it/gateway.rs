//! A gateway that does exactly what a test tells it to, and remembers every byte it was sent.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use ucanpay_core::Amount;
use ucanpay_storefront::provider::{
    Acknowledgement, Cancellation, Capabilities, Claim, Effect, Evidence, Fact, FrozenRequest,
    NotificationRefused, PaymentIntent, PaymentStatus, PrepareError, ProviderError,
    ProviderErrorKind, RefundClaim, RefundInquiry, RefundIntent, RefundLimits, RefundStatus,
    Source,
};
use ucanpay_storefront::{PaymentProvider, ProviderId, RawNotification, Reply};

/// How long a call hangs that is told to: time enough for a slow disk to commit what comes before it.
pub(crate) const HANG: Duration = Duration::from_secs(4);

pub(crate) const MERCHANT: &str = "2000000010";

/// What happens to the next call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// All goes well: it is a later call that does not.
    Nothing,
    /// Nothing arrives.
    Unreachable,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// An unsigned error name of this kind comes back; nothing takes effect.
    Says(ProviderErrorKind),
    /// It takes effect, and an unsigned SYSTEMERROR comes back.
    DoneButSays(ProviderErrorKind),
    /// The answer is about another amount.
    WrongAmount,
    /// The answer is genuine, and about another payment.
    AnotherPayment,
    /// The answer does not come for a long time.
    Hangs,
    /// Likewise, and then it is an unsigned error name of this kind.
    HangsAndSays(ProviderErrorKind),
}

#[derive(Clone)]
pub(crate) struct Gateway {
    id: ProviderId,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    orders: HashMap<String, Order>,
    refunds: HashMap<String, RefundOrder>,
    faults: VecDeque<Fault>,
    placed: Vec<Arc<[u8]>>,
    queries: usize,
    calls: usize,
    closes: usize,
    reversals: usize,
    gates: Vec<Gate>,
    before_the_slow_one: Option<usize>,
    hanging: usize,
    most_hanging: usize,
    nonce: u64,
    /// The merchant's present key, where it has changed.
    key: Option<&'static str>,
    /// The key whose signatures the gateway no longer takes.
    revoked: Option<&'static str>,
    /// What it can do, where that is not everything.
    narrowed: Option<Capabilities>,
}

/// A call that waits at the gateway until the test lets it go on.
pub(crate) struct Gate {
    /// It has come.
    arrived: Arc<Notify>,
    /// It may go on.
    go: Arc<Notify>,
}

impl Gate {
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    pub(crate) fn open(&self) {
        self.go.notify_one();
    }
}

struct Order {
    number: String,
    amount: i64,
    status: PaymentStatus,
}

struct RefundOrder {
    number: String,
    reference: String,
    amount: i64,
    status: RefundStatus,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    pub(crate) fn new() -> Self {
        Self {
            id: ProviderId::new("test").unwrap(),
            state: Arc::default(),
        }
    }

    pub(crate) fn rename(&mut self, id: ProviderId) {
        self.id = id;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The merchant has another key from now on, and the gateway takes no signature of the old one.
    pub(crate) fn change_key(&self) {
        let mut state = self.state();
        state.revoked = Some(state.key.unwrap_or("key"));
        state.key = Some("new key");
    }

    /// From now on it can do this, and no more.
    pub(crate) fn narrow(&self, capabilities: Capabilities) {
        self.state().narrowed = Some(capabilities);
    }

    /// The gateway forgets the new key, too.
    pub(crate) fn take_no_key(&self) {
        let mut state = self.state();
        state.revoked = Some(state.key.unwrap_or("key"));
    }

    fn refused_signature(&self, request: &FrozenRequest) -> Option<ProviderError> {
        let revoked = self.state().revoked == Some(request.key.as_str());
        revoked.then(|| ProviderError::new(ProviderErrorKind::BadSignature, "SIGNERROR"))
    }

    pub(crate) fn next_call(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    pub(crate) fn set_status(&self, reference: &str, status: PaymentStatus) {
        self.state()
            .orders
            .get_mut(reference)
            .expect("order")
            .status = status;
    }

    pub(crate) fn set_refund(&self, number: &str, status: RefundStatus) {
        self.state().refunds.get_mut(number).expect("refund").status = status;
    }

    /// The gateway takes a refund that failed for a new one, with a number of its own.
    pub(crate) fn renumber_refund(&self, refund: &str, number: &str) {
        let mut state = self.state();
        let stands = state.refunds.get_mut(refund).expect("refund");
        number.clone_into(&mut stands.number);
        stands.status = RefundStatus::Processing;
    }

    /// Where an order stands; `None` if none has come.
    pub(crate) fn order(&self, reference: &str) -> Option<PaymentStatus> {
        let state = self.state();
        state
            .orders
            .get(reference)
            .map(|order| order.status.clone())
    }

    /// Number, status and cents of an order's refunds, by number.
    pub(crate) fn refunds_of(&self, reference: &str) -> Vec<(String, RefundStatus, i64)> {
        let state = self.state();
        let refunds = state.refunds.iter();
        let refunds = refunds.filter(|(_, refund)| refund.reference == reference);
        let refunds =
            refunds.map(|(number, refund)| (number.clone(), refund.status.clone(), refund.amount));
        let mut refunds: Vec<_> = refunds.collect();
        refunds.sort_by(|one, two| one.0.cmp(&two.0));
        refunds
    }

    /// From now on every call goes well.
    pub(crate) fn no_more_faults(&self) {
        self.state().faults.clear();
    }

    /// The bodies of all calls that place a payment or a refund, in order.
    pub(crate) fn placed(&self) -> Vec<Arc<[u8]>> {
        self.state().placed.clone()
    }

    pub(crate) fn closes(&self) -> usize {
        self.state().closes
    }

    pub(crate) fn reversals(&self) -> usize {
        self.state().reversals
    }

    pub(crate) fn status(&self, reference: &str) -> PaymentStatus {
        self.state().orders[reference].status.clone()
    }

    /// The next close or reversal waits, before it takes effect.
    pub(crate) fn hold_next_cancellation(&self) -> Gate {
        let (arrived, go) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let gate = || Gate {
            arrived: Arc::clone(&arrived),
            go: Arc::clone(&go),
        };
        self.state().gates.push(gate());
        gate()
    }

    /// How many calls came in, of whatever kind.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    pub(crate) fn queries(&self) -> usize {
        self.state().queries
    }

    /// How many queries had been answered when the call that hung came to its end.
    pub(crate) fn finished_before_the_slow_one(&self) -> usize {
        self.state().before_the_slow_one.expect("a slow call")
    }

    /// How many calls hung at once, at most.
    pub(crate) fn most_hanging(&self) -> usize {
        self.state().most_hanging
    }

    pub(crate) fn executed_refunds(&self) -> usize {
        self.state().refunds.len()
    }

    /// A genuine payment notification, with some members altered.
    pub(crate) fn payment_note(&self, reference: &str, alter: &Value) -> Vec<u8> {
        let mut state = self.state();
        state.nonce += 1;
        let order = state.orders.get(reference);
        let mut note = json!({
            "nonce": state.nonce, "merchant": MERCHANT, "reference": reference, "currency": "CAD",
            "number": order.map_or("G-unknown", |order| &order.number),
            "amount": order.map_or(1, |order| order.amount), "status": "SUCCESS",
        });
        merge(&mut note, alter);
        note.to_string().into_bytes()
    }

    /// A genuine refund notification, with some members altered.
    pub(crate) fn refund_note(&self, reference: &str, refund: &str, alter: &Value) -> Vec<u8> {
        let mut note: Value =
            serde_json::from_slice(&self.payment_note(reference, &json!({}))).unwrap();
        let state = self.state();
        let stands = state.refunds.get(refund);
        merge(
            &mut note,
            &json!({
                "refund": refund, "refund_number": stands.map_or("R-portal", |r| &r.number),
                "refund_amount": stands.map_or(1, |r| r.amount),
            }),
        );
        merge(&mut note, alter);
        note.to_string().into_bytes()
    }

    async fn fault(&self) -> Option<Fault> {
        self.state().calls += 1;
        let fault = self.state().faults.pop_front();
        if let Some(Fault::Hangs | Fault::HangsAndSays(_)) = fault {
            {
                let mut state = self.state();
                state.hanging += 1;
                state.most_hanging = state.most_hanging.max(state.hanging);
            }
            tokio::time::sleep(HANG).await;
            let mut state = self.state();
            state.hanging -= 1;
            state.before_the_slow_one = Some(state.queries);
        }
        fault
    }

    fn fact(&self, source: Source, reference: &str, claim: Claim) -> Fact {
        let mut state = self.state();
        state.nonce += 1;
        let nonce = state.nonce;
        let order = &state.orders[reference];
        Fact {
            source,
            merchant: Some(MERCHANT.into()),
            reference: Some(reference.into()),
            gateway_number: Some(order.number.clone()),
            amount: Amount::new(order.amount).ok(),
            currency: Some("CAD".into()),
            pay_link: Some(format!("https://pay.example/{}", order.number).into()),
            claim,
            missing: Vec::new(),
            evidence: evidence(format!("{reference} {nonce}")),
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn evidence(signed_text: String) -> Evidence {
    Evidence {
        signed_text,
        signature: "sig".into(),
        key: "key".into(),
    }
}

fn before(fault: Option<Fault>) -> Result<(), ProviderError> {
    match fault {
        Some(Fault::Unreachable) => Err(ProviderError::new(
            ProviderErrorKind::Unreachable,
            "connection refused",
        )
        .with_effect(Effect::None)),
        Some(Fault::Says(kind) | Fault::HangsAndSays(kind)) => {
            Err(ProviderError::new(kind, "an error name"))
        }
        _ => Ok(()),
    }
}

fn after(fault: Option<Fault>, mut fact: Fact) -> Result<Fact, ProviderError> {
    match fault {
        Some(Fault::AnswerLost) => Err(ProviderError::new(
            ProviderErrorKind::Unclear,
            "the answer was lost",
        )),
        Some(Fault::DoneButSays(kind)) => Err(ProviderError::new(kind, "an error name")),
        Some(Fault::WrongAmount) => {
            fact.amount = Amount::new(1).ok();
            Ok(fact)
        }
        Some(Fault::AnotherPayment) => {
            fact.reference = Some("A99".into());
            Ok(fact)
        }
        _ => Ok(fact),
    }
}

#[async_trait::async_trait]
impl PaymentProvider for Gateway {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn merchant(&self) -> &str {
        MERCHANT
    }

    fn capabilities(&self) -> Capabilities {
        if let Some(narrowed) = &self.state().narrowed {
            return narrowed.clone();
        }
        Capabilities::new(RefundLimits {
            count: 10,
            window: Duration::from_secs(365 * 86_400),
        })
        .with_reversal_window(Duration::from_secs(7 * 86_400))
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        if intent.subject.is_empty() {
            return Err(PrepareError::new("subject must have 1 to 30 characters"));
        }
        let mut state = self.state();
        state.nonce += 1;
        let body = json!({"reference": intent.reference.as_str(), "amount": intent.amount.cents(), "nonce": state.nonce});
        Ok(FrozenRequest {
            path: "/order".into(),
            body: body.to_string().into_bytes().into(),
            key: state.key.unwrap_or("key").into(),
        })
    }

    async fn create_payment(
        &self,
        _: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        let fault = self.fault().await;
        self.state().placed.push(Arc::clone(&request.body));
        before(fault)?;
        if let Some(refused) = self.refused_signature(request) {
            return Err(refused);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let reference = body["reference"].as_str().unwrap();
        {
            let mut state = self.state();
            let number = format!("G{}", state.orders.len() + 1);
            state
                .orders
                .entry(reference.to_owned())
                .or_insert_with(|| Order {
                    number,
                    amount: body["amount"].as_i64().unwrap(),
                    status: PaymentStatus::NotPaid,
                });
        }
        after(fault, self.fact(Source::Answer, reference, Claim::Placed))
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        _: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        let fault = self.fault().await;
        self.state().queries += 1;
        before(fault)?;
        let reference = intent.reference.as_str();
        let status = match self.state().orders.get(reference) {
            Some(order) => order.status.clone(),
            None => {
                return Err(ProviderError::new(
                    ProviderErrorKind::AskFirst,
                    "ORDERNOTEXIST",
                ));
            }
        };
        after(
            fault,
            self.fact(Source::Query, reference, Claim::Payment(status)),
        )
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        _: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        let gate = self.state().gates.pop();
        if let Some(gate) = gate {
            gate.arrived.notify_one();
            gate.go.notified().await;
        }
        let fault = self.fault().await;
        match how {
            Cancellation::Close => self.state().closes += 1,
            Cancellation::Reverse => self.state().reversals += 1,
        }
        before(fault)?;
        let reference = intent.reference.as_str();
        let says = |kind, name: &'static str| Err(ProviderError::new(kind, name));
        let status = {
            let mut state = self.state();
            let Some(order) = state.orders.get_mut(reference) else {
                return says(ProviderErrorKind::AskFirst, "ORDERNOTEXIST");
            };
            order.status = match (&order.status, how) {
                (PaymentStatus::Closed | PaymentStatus::Reversed, _) => {
                    return says(ProviderErrorKind::AskFirst, "ORDERCLOSED");
                }
                (PaymentStatus::Paid | PaymentStatus::PaidAndReturned, Cancellation::Close) => {
                    return says(ProviderErrorKind::NotThisWay, "ORDERPAID");
                }
                (_, Cancellation::Close) => PaymentStatus::Closed,
                (_, Cancellation::Reverse) => PaymentStatus::Reversed,
            };
            order.status.clone()
        };
        let mut fact = self.fact(Source::Answer, reference, Claim::Payment(status));
        // Their tables list no amount and no currency.
        (fact.amount, fact.currency, fact.pay_link) = (None, None, None);
        after(fault, fact)
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        let mut state = self.state();
        state.nonce += 1;
        let body = json!({"reference": intent.reference.as_str(), "refund": intent.number.as_str(),
            "amount": intent.amount.cents(), "nonce": state.nonce});
        Ok(FrozenRequest {
            path: "/refund".into(),
            body: body.to_string().into_bytes().into(),
            key: state.key.unwrap_or("key").into(),
        })
    }

    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        let mut state = self.state();
        let key = state.key.unwrap_or("key");
        if request.key == key {
            return Ok(None);
        }
        state.nonce += 1;
        let mut body: Value = serde_json::from_slice(&request.body).map_err(PrepareError::new)?;
        body["nonce"] = state.nonce.into();
        Ok(Some(FrozenRequest {
            path: request.path.clone(),
            body: body.to_string().into_bytes().into(),
            key: key.into(),
        }))
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        let fault = self.fault().await;
        self.state().placed.push(Arc::clone(&request.body));
        before(fault)?;
        if let Some(refused) = self.refused_signature(request) {
            return Err(refused);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let (reference, refund) = (
            body["reference"].as_str().unwrap(),
            body["refund"].as_str().unwrap(),
        );
        let claim = {
            let mut state = self.state();
            let number = format!("R{}", state.refunds.len() + 1);
            let stands = state
                .refunds
                .entry(refund.to_owned())
                .or_insert_with(|| RefundOrder {
                    number,
                    reference: reference.to_owned(),
                    amount: body["amount"].as_i64().unwrap(),
                    status: RefundStatus::Processing,
                });
            if stands.status == RefundStatus::Failed {
                // Submitted again.
                stands.status = RefundStatus::Processing;
            }
            RefundClaim {
                number: Some(refund.to_owned()),
                gateway_number: Some(stands.number.clone()),
                amount: Amount::new(stands.amount).ok(),
            }
        };
        after(
            fault,
            self.fact(Source::Answer, reference, Claim::RefundAccepted(claim)),
        )
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        let fault = self.fault().await;
        self.state().queries += 1;
        before(fault)?;
        let (reference, claim, status) = {
            let state = self.state();
            let Some(stands) = state.refunds.get(refund.number.as_str()) else {
                return Err(ProviderError::new(
                    ProviderErrorKind::AskFirst,
                    "REFUNDNOTEXIST",
                ));
            };
            let claim = RefundClaim {
                number: Some(refund.number.to_string()),
                gateway_number: Some(stands.number.clone()),
                amount: Amount::new(stands.amount).ok(),
            };
            (stands.reference.clone(), claim, stands.status.clone())
        };
        after(
            fault,
            self.fact(Source::Query, &reference, Claim::Refund(claim, status)),
        )
    }

    fn parse_notification(&self, raw: &RawNotification) -> Result<Fact, NotificationRefused> {
        let note: Value = serde_json::from_slice(&raw.body).map_err(NotificationRefused::new)?;
        let text = |name: &str| note[name].as_str().map(str::to_owned);
        let claim = match text("refund") {
            None => Claim::Payment(match note["status"].as_str().unwrap() {
                "SUCCESS" => PaymentStatus::Paid,
                "REFUND" => PaymentStatus::PaidAndReturned,
                "NOTPAY" => PaymentStatus::NotPaid,
                "PAYERROR" => PaymentStatus::Failed,
                "CLOSED" => PaymentStatus::Closed,
                "REVOKED" => PaymentStatus::Reversed,
                other => PaymentStatus::Other(other.to_owned()),
            }),
            Some(refund) => Claim::Refund(
                RefundClaim {
                    number: Some(refund),
                    gateway_number: text("refund_number"),
                    amount: note["refund_amount"]
                        .as_i64()
                        .and_then(|cents| Amount::new(cents).ok()),
                },
                match note["status"].as_str().unwrap() {
                    "SUCCESS" => RefundStatus::Succeeded,
                    "FAIL" => RefundStatus::Failed,
                    "REFUNDCLOSE" => RefundStatus::Closed,
                    _ => RefundStatus::Processing,
                },
            ),
        };
        Ok(Fact {
            source: Source::Notification,
            merchant: text("merchant"),
            reference: text("reference"),
            gateway_number: text("number"),
            amount: note["amount"]
                .as_i64()
                .and_then(|cents| Amount::new(cents).ok()),
            currency: text("currency"),
            pay_link: None,
            claim,
            missing: Vec::new(),
            evidence: evidence(String::from_utf8_lossy(&raw.body).into_owned()),
        })
    }

    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        Reply {
            content_type: "text/plain",
            body: format!("{verdict:?}"),
        }
    }
}
