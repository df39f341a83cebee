//! A world of its own for one history: the gateway, the buyers, two instances of a shop on one ledger, and a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Amount, Currency, Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::{
    Clock, Closing, EventHandler, HandlerError, LatePolicy, ManualClock, MemoryStore, PaymentKey,
    PaymentRegistry, PaymentStore, PaymentView, Payments, Policies, Reference, RefundNumber,
    RefundRequest, RefundState, StartPayment, Timestamp, UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::{Client, InProcess};

use super::dice::Dice;
use super::mortal::{Life, MortalService, MortalStore};

const MERCHANT: &str = "2000000010";
const BEGIN: u64 = 1_772_366_400;
const INSTANCES: usize = 2;

/// The keys are expensive, and no part of a history.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) merchant: PrivateKey,
    pub(crate) platform: PrivateKey,
}

/// One history.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) sandbox: Sandbox,
    control: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Arc<dyn PaymentStore>,
    keys: Keys,
    instances: Vec<Instance>,
    pub(crate) shop: Arc<Shop>,
    pub(crate) seen: BTreeSet<String>,
    orders: usize,
    refunds: usize,
    late: LatePolicy,
}

/// One process of the shop.
#[derive(Clone, Debug)]
struct Instance {
    payments: Payments,
    life: Life,
    router: Router,
}

/// What the shop does about events, in one database of its own: each once, whoever delivers it.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    /// By payment: the events handled, in the order of their first delivery.
    pub(crate) handled: Mutex<BTreeMap<String, Vec<Event>>>,
    troubled: Mutex<u32>,
}

struct Handler {
    shop: Arc<Shop>,
    life: Life,
}

#[async_trait]
impl EventHandler for Handler {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        self.life.step(false).await;
        {
            let mut troubled = self.shop.troubled.lock().unwrap();
            if *troubled > 0 {
                *troubled -= 1;
                return Err("no printer".into());
            }
            let payment = event
                .reference
                .as_ref()
                .map_or("", |number| number.as_str());
            let mut handled = self.shop.handled.lock().unwrap();
            let of_it = handled.entry(payment.to_owned()).or_default();
            if of_it.iter().all(|known| known.id != event.id) {
                of_it.push(event.clone());
            }
        }
        self.life.step(true).await;
        Ok(())
    }
}

/// A machine whose clock is a little ahead.
#[derive(Debug)]
struct Ahead(Arc<ManualClock>, Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now().after(self.1)
    }
}

impl World {
    pub(crate) async fn new(seed: u64, keys: &Keys) -> Self {
        let begin = Duration::from_secs(BEGIN);
        let merchant = PublicKey::clone(keys.merchant.public_key());
        let config = SandboxConfig::new(MERCHANT, merchant, keys.platform.clone())
            .with_driven_clock(UNIX_EPOCH + begin);
        let sandbox = Sandbox::open(config).await.unwrap();
        let mut dice = Dice::new(seed);
        let late = match dice.percent(50) {
            true => LatePolicy::AutoRefund,
            false => LatePolicy::Review,
        };
        let mut world = Self {
            dice,
            control: sandbox.router(),
            sandbox,
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(0).after(begin))),
            ledger: Arc::new(MemoryStore::new()),
            keys: keys.clone(),
            instances: Vec::new(),
            shop: Arc::default(),
            seen: BTreeSet::new(),
            orders: 0,
            refunds: 0,
            late,
        };
        for _ in 0..INSTANCES {
            let instance = world.instance();
            world.instances.push(instance);
        }
        world
    }

    fn instance(&mut self) -> Instance {
        let life = Life::new();
        let platform = self.keys.platform.public_key().clone();
        let merchant = Merchant::new(
            MerchantId::new(MERCHANT).unwrap(),
            self.keys.merchant.clone(),
            vec![platform],
        );
        let merchant = merchant.unwrap();
        let service = MortalService {
            inner: InProcess::<_, Body>::new(self.sandbox.router()),
            life: life.clone(),
        };
        let client = Client::builder(merchant).build_with(service).unwrap();
        let settings = UcanpaySettings::new("http://shop.invalid").unwrap();
        let registry = PaymentRegistry::builder()
            .register(UcanpayProvider::new(client, settings))
            .build()
            .unwrap();
        let store = MortalStore {
            inner: Arc::clone(&self.ledger),
            life: life.clone(),
        };
        let ahead = Duration::from_millis(self.dice.next() % 30_000);
        let payments = Payments::new(Arc::new(store), registry)
            .with_clock(Arc::new(Ahead(Arc::clone(&self.clock), ahead)))
            .with_policies(Policies::default().with_late_payment(self.late));
        // The answer leaves the process, or it dies with it.
        let last = life.clone();
        let answer = move |request: Request, next: Next| {
            let last = last.clone();
            async move {
                let answer = next.run(request).await;
                last.step(true).await;
                answer
            }
        };
        let router = Router::new()
            .layer(UcanpayLayer::payments(payments.clone()))
            .layer(from_fn(answer));
        Instance {
            payments,
            life,
            router,
        }
    }

    pub(crate) fn see(&mut self, what: &str) {
        if !self.seen.contains(what) {
            self.seen.insert(what.to_owned());
        }
    }

    pub(crate) fn key(&self, reference: &Reference) -> PaymentKey {
        self.instances[0].payments.key(reference.clone())
    }

    fn some_instance(&mut self) -> usize {
        self.dice.below(self.instances.len())
    }

    pub(crate) fn references(&self) -> Vec<Reference> {
        (1..=self.orders).map(reference).collect()
    }

    fn some_order(&mut self) -> Option<Reference> {
        self.dice.one_of(&self.references())
    }

    /// Work of an instance, which may die meanwhile: then another takes its place.
    async fn at<T>(&mut self, place: usize, work: impl Future<Output = T>) -> Option<T> {
        let life = self.instances[place].life.clone();
        let done = tokio::select! {
            done = work => Some(done),
            () = life.end() => None,
        };
        if life.is_over() {
            self.see("a process died");
            if life.ended_after_a_commit() {
                self.see("a process died between a commit and what should have followed");
            }
            self.instances[place] = self.instance();
        }
        done
    }

    /// One thing happens.
    pub(crate) async fn happen(&mut self) {
        match self.dice.below(100) {
            0..8 => self.start().await,
            8..22 => self.buyer().await,
            22..40 => self.notify().await,
            40..55 => self.pass().await,
            55..70 => self.tick().await,
            70..76 => self.refresh().await,
            76..80 => self.close().await,
            80..82 => self.reverse().await,
            82..88 => self.refund().await,
            88..91 => self.settle_refund().await,
            91..93 => self.look_at_reviews().await,
            93..97 => self.light_a_fuse(),
            _ => self.plan_faults().await,
        }
    }

    async fn start(&mut self) {
        let (place, again) = (self.some_instance(), self.dice.percent(20));
        if !again && self.orders < 6 {
            self.orders += 1;
        }
        let Some(reference) = (match again {
            true => self.some_order(),
            false => Some(reference(self.orders)),
        }) else {
            return;
        };
        let payments = self.instances[place].payments.clone();
        let start = StartPayment {
            provider: None,
            reference,
            amount: Amount::new(450).unwrap(),
            currency: Currency::CAD,
            subject: "coffee".into(),
            description: "one latte".into(),
            expires_after: None,
        };
        let started = self
            .at(place, async move { payments.start(start).await })
            .await;
        if let Some(Err(error)) = started {
            panic!("not started: {error}");
        }
    }

    async fn buyer(&mut self) {
        let Some(order) = self.some_order() else {
            return;
        };
        let (what, body) = match self.dice.below(10) {
            0 => ("decline", json!({})),
            1 => ("stall", json!({})),
            2 => ("pay", json!({"late": true})),
            3 => ("pay", json!({"notify": false})),
            4 => ("pay", json!({"notify_after": "40s"})),
            _ => ("pay", json!({})),
        };
        let path = format!("/_sandbox/orders/{}/{what}", order.as_str());
        let body = if what == "pay" {
            body.to_string()
        } else {
            String::new()
        };
        self.control("POST", &path, &body).await;
    }

    async fn notify(&mut self) {
        let place = self.some_instance();
        let (sandbox, router) = (self.sandbox.clone(), self.instances[place].router.clone());
        let sent = async move { sandbox.deliver_due_to(router).await.unwrap() };
        // The gateway is no part of the process: it hangs up after a while, and comes again.
        let sent = sent.await;
        self.at(place, async {}).await;
        if sent > 0 {
            self.see("a notification was sent");
        }
    }

    /// Time passes for everybody alike.
    pub(crate) async fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.sandbox.advance(by).await.unwrap();
        tokio::time::advance(by).await;
    }

    async fn pass(&mut self) {
        let seconds = [1, 1, 5, 15, 15, 60, 60, 600, 600, 7_300];
        let seconds = self.dice.one_of(&seconds).unwrap();
        self.advance(Duration::from_secs(seconds)).await;
    }

    async fn tick(&mut self) {
        // Two at once, often enough.
        let both = self.dice.percent(30);
        if both {
            let (one, two) = (self.run(0), self.run(1));
            let lives = [
                self.instances[0].life.clone(),
                self.instances[1].life.clone(),
            ];
            tokio::join!(
                async {
                    tokio::select! { () = one => {}, () = lives[0].end() => {} }
                },
                async {
                    tokio::select! { () = two => {}, () = lives[1].end() => {} }
                },
            );
            for place in 0..INSTANCES {
                self.at(place, async {}).await;
            }
            self.see("two instances at work at once");
        } else {
            let place = self.some_instance();
            let run = self.run(place);
            self.at(place, run).await;
        }
    }

    fn run(&self, place: usize) -> impl Future<Output = ()> + use<> {
        let Instance { payments, life, .. } = self.instances[place].clone();
        let shop = Arc::clone(&self.shop);
        async move {
            payments
                .run(Arc::new(Handler { shop, life }), async {})
                .await;
        }
    }

    async fn refresh(&mut self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.instances[place].payments.clone());
        self.at(place, async move { drop(payments.refresh(&key).await) })
            .await;
    }

    async fn close(&mut self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.instances[place].payments.clone());
        let closing = self
            .at(place, async move { payments.close(&key).await })
            .await;
        if let Some(Ok(closing)) = closing {
            self.see(match closing {
                Closing::Closed(_) => "an order was closed",
                Closing::Paid(_) => "an order was paid when it was to be closed",
                _ => "a close stayed open",
            });
        }
    }

    async fn reverse(&mut self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.instances[place].payments.clone());
        let reversed = self
            .at(place, async move { payments.reverse(&key).await })
            .await;
        if let Some(Ok(_)) = reversed {
            self.see("a reversal was asked for");
        }
    }

    async fn refund(&mut self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.instances[place].payments.clone());
        let view = self.view(&order).await;
        // Often one that failed, once more under its number.
        let failed = view.iter().flat_map(|view| &view.refunds);
        let failed: Vec<_> = failed
            .filter(|refund| refund.state == RefundState::Failed && refund.request.is_some())
            .cloned()
            .collect();
        let (number, amount) = match self.dice.one_of(&failed) {
            Some(failed) if self.dice.percent(60) => {
                self.see("a refund that failed was asked for again");
                (failed.number, failed.amount)
            }
            _ => {
                self.refunds += 1;
                let cents = [50, 100, 200, 450];
                let amount = Amount::new(self.dice.one_of(&cents).unwrap()).unwrap();
                let number = RefundNumber::new(format!("F{}", self.refunds)).unwrap();
                (number, amount)
            }
        };
        let request = RefundRequest {
            number: Some(number),
            amount,
            reason: "spilt".into(),
        };
        let asked = self
            .at(place, async move { payments.refund(&key, request).await })
            .await;
        if let Some(Ok(_)) = asked {
            self.see("a refund was asked for");
        }
    }

    async fn settle_refund(&mut self) {
        let orders = self.gateway().await;
        let refunds = orders
            .iter()
            .flat_map(|order| order["refunds"].as_array().unwrap());
        let open: Vec<String> = refunds
            .filter(|refund| refund["refundStatus"] == "PROCESSING")
            .map(|refund| refund["outRefundNo"].as_str().unwrap().to_owned())
            .collect();
        if let Some(number) = self.dice.one_of(&open) {
            let how = self
                .dice
                .one_of(&["succeed", "succeed", "fail", "fail", "close"]);
            let path = format!("/_sandbox/refunds/{number}/{}", how.unwrap());
            self.control("POST", &path, "").await;
        }
    }

    async fn look_at_reviews(&mut self) {
        let place = self.some_instance();
        let payments = self.instances[place].payments.clone();
        let looked = self
            .at(place, async move {
                let waiting = payments.under_review(1).await.unwrap();
                let view = waiting.first()?;
                let open = view.open_discrepancies().next()?.number;
                let key = &view.payment.key;
                Some(payments.settle_review(key, open, "seen").await)
            })
            .await;
        if let Some(Some(_)) = looked {
            self.see("a person looked at what did not fit");
        }
    }

    fn light_a_fuse(&mut self) {
        let (place, steps) = (self.some_instance(), self.dice.below(12));
        let steps = i64::try_from(steps).unwrap();
        self.instances[place].life.light_the_fuse(steps);
    }

    async fn plan_faults(&mut self) {
        const FAULTS: [&str; 20] = [
            "call.drop",
            "call.delay",
            "call.truncate",
            "call.lost_answer",
            "call.system_error_done",
            "call.system_error_not_done",
            "call.too_many_requests",
            "call.block",
            "call.corrupt_signature",
            "notification.drop",
            "notification.delay",
            "notification.duplicate",
            "notification.reorder",
            "notification.corrupt",
            "notification.truncate",
            "notification.wrong_amount",
            "buyer.late_payment",
            "refund.stuck",
            "refund.fail",
            "refund.close",
        ];
        self.count_faults().await;
        let mut rules = Vec::new();
        for fault in FAULTS {
            if self.dice.percent(25) {
                let often = if fault == "call.block" { 2 } else { 15 };
                let chance = f64::from(u8::try_from(1 + self.dice.below(often)).unwrap()) / 50.0;
                rules.push(json!({"fault": fault, "chance": chance}));
            }
        }
        let plan = json!({"seed": self.dice.next() >> 12, "faults": rules});
        self.control("POST", "/_sandbox/faults", &plan.to_string())
            .await;
        *self.shop.troubled.lock().unwrap() = u32::try_from(self.dice.below(4)).unwrap();
    }

    /// Notes which faults have struck.
    async fn count_faults(&mut self) {
        let plan = self.control("GET", "/_sandbox/faults", "").await;
        for rule in plan["faults"].as_array().unwrap() {
            if rule["happened"].as_u64().unwrap() > 0 {
                self.see(rule["fault"].as_str().unwrap());
            }
        }
    }

    /// No more faults, no more deaths, no more buyers: what is under way comes to its end.
    pub(crate) async fn come_to_rest(&mut self) {
        self.count_faults().await;
        self.control("DELETE", "/_sandbox/faults", "").await;
        *self.shop.troubled.lock().unwrap() = 0;
        for instance in &self.instances {
            instance.life.spare();
        }
        let minute = Duration::from_secs(60);
        let rounds = [minute / 4; 20].into_iter().chain([minute * 10; 60]);
        for round in rounds {
            self.advance(round).await;
            let orders = self.gateway().await;
            for order in &orders {
                for refund in order["refunds"].as_array().unwrap() {
                    if refund["refundStatus"] == "PROCESSING" {
                        let number = refund["outRefundNo"].as_str().unwrap();
                        let path = format!("/_sandbox/refunds/{number}/succeed");
                        self.control("POST", &path, "").await;
                    }
                }
            }
            self.notify().await;
            for place in 0..INSTANCES {
                let run = self.run(place);
                self.at(place, run).await;
            }
        }
    }

    pub(crate) async fn view(&self, order: &Reference) -> Option<PaymentView> {
        self.ledger.load(&self.key(order)).await.unwrap()
    }

    /// The orders as the gateway has them.
    pub(crate) async fn gateway(&self) -> Vec<Value> {
        let answer = self.control("GET", "/_sandbox/orders", "").await;
        answer["orders"].as_array().unwrap().clone()
    }

    async fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.control.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        serde_json::from_slice(&body.unwrap()).unwrap_or_default()
    }
}

fn reference(number: usize) -> Reference {
    Reference::new(format!("A{number}")).unwrap()
}
