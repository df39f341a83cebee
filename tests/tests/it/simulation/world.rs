//! A world of its own for one history: the gateway, the buyers, two instances of a shop on one ledger, and a clock.
//!
//! What happens in it: `steps.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::middleware::{Next, from_fn};
use serde_json::Value;
use tower::ServiceExt as _;
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::{
    Clock, EventHandler, HandlerError, LatePolicy, ManualClock, PaymentKey, PaymentRegistry,
    PaymentStore, PaymentView, Payments, Policies, Reference, Timestamp, UcanpayProvider,
    UcanpaySettings,
};
use ucanpay_transport::{Client, Gate, InProcess, RetryPolicy};

use super::audit::Audit;
use super::dice::Dice;
use super::line::Line;
use super::mortal::{Chance, Life, MortalStore, Step};
use super::seen::Seen;
use super::watched::Watched;

pub(crate) const MERCHANT: &str = "2000000010";
const BEGIN: u64 = 1_772_366_400;
pub(crate) const INSTANCES: usize = 2;

/// By how much the clocks of two machines differ at most, in milliseconds.
const SKEW: u64 = 60_000;

/// What the reference leaves open, and the gateway of a history may do otherwise than usual: in so many of a hundred.
pub(crate) const OPEN_POINTS: &[(&str, usize)] = &[
    ("reverse-paid=refuse", 30),
    ("re-entry=refuse", 30),
    ("unpaid=not-exist", 15),
    ("own-numbers=mandatory", 15),
    ("failed-refunds=count", 15),
    ("amounts-differ=FREQUENCY_LIMITED", 15),
    ("status-case=lower", 15),
    ("notify-times=3", 15),
];

/// The keys are expensive, and no part of a history.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) merchant: PrivateKey,
    /// The merchant's key before the change, where there is one.
    pub(crate) former: PrivateKey,
    pub(crate) platform: PrivateKey,
}

/// One history.
pub(crate) struct World {
    pub(crate) dice: Arc<Dice>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) sandbox: Sandbox,
    pub(crate) control: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) keys: Keys,
    pub(crate) instances: Mutex<Vec<Instance>>,
    pub(crate) shop: Arc<Shop>,
    pub(crate) orders: AtomicUsize,
    pub(crate) refunds: AtomicUsize,
    /// Orders that somebody tried to reverse in the merchant portal, of which the gateway tells only who asks.
    pub(crate) reversed_elsewhere: Mutex<BTreeSet<Reference>>,
    /// How many of a hundred commands the database fails.
    pub(crate) trouble: Arc<AtomicI64>,
    /// How often something comes between a request and its answer, of a hundred times.
    pub(crate) between: AtomicUsize,
    /// How deep in such a thing we are.
    pub(crate) nested: AtomicUsize,
    /// The gateway still knows the merchant's former key; the shop still signs with it.
    pub(crate) gateway_has_former_key: AtomicBool,
    pub(crate) shop_has_former_key: AtomicBool,
    /// What the gateway does otherwise than usual.
    unusual: BTreeSet<&'static str>,
    pub(crate) late: LatePolicy,
    itself: Weak<World>,
}

/// One process of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) payments: Payments,
    pub(crate) life: Life,
    pub(crate) router: Router,
}

/// What the shop does about events, in one database of its own: each once, whoever delivers it.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    /// By payment: the events handled, in the order of their first delivery.
    pub(crate) handled: Mutex<BTreeMap<String, Vec<Event>>>,
    pub(crate) troubled: Mutex<u32>,
}

pub(crate) struct Handler {
    pub(crate) shop: Arc<Shop>,
    pub(crate) life: Life,
}
#[async_trait]
impl EventHandler for Handler {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        self.life.step(Step::Before).await;
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
        self.life.step(Step::Committed).await;
        Ok(())
    }
}

/// A machine whose clock is a little ahead.
#[derive(Clone, Debug)]
struct Ahead(Arc<ManualClock>, Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now().after(self.1)
    }
}

/// As the gate of its client asks it.
#[async_trait]
impl ucanpay_transport::Clock for Ahead {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.uptime()
    }

    fn uptime(&self) -> Duration {
        Clock::now(self).since(Timestamp::from_millis(0))
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

impl World {
    pub(crate) async fn new(seed: u64, keys: &Keys, ledger: Arc<dyn PaymentStore>) -> Arc<Self> {
        let begin = Duration::from_secs(BEGIN);
        let (dice, seen) = (Arc::new(Dice::new(seed)), Arc::new(Seen::default()));
        let merchant = PublicKey::clone(keys.merchant.public_key());
        // The gateway's clock is ahead of some machines, and behind others.
        let ahead = Duration::from_millis(dice.next() % SKEW);
        let mut config = SandboxConfig::new(MERCHANT, merchant, keys.platform.clone())
            .with_driven_clock(UNIX_EPOCH + begin + ahead);
        let mut unusual = BTreeSet::new();
        for (setting, chance) in OPEN_POINTS {
            if dice.percent(*chance) {
                config = config.with_setting(setting).unwrap();
                seen.see(setting);
                unusual.insert(*setting);
            }
        }
        let sandbox = Sandbox::open(config).await.unwrap();
        let late = match dice.percent(50) {
            true => LatePolicy::AutoRefund,
            false => LatePolicy::Review,
        };
        let former = dice.percent(25);
        let world = Arc::new_cyclic(|itself| Self {
            dice,
            seen,
            control: sandbox.router(),
            sandbox,
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(0).after(begin))),
            audit: Arc::new(Audit::of(ledger)),
            keys: keys.clone(),
            instances: Mutex::default(),
            shop: Arc::default(),
            orders: AtomicUsize::new(0),
            refunds: AtomicUsize::new(0),
            reversed_elsewhere: Mutex::default(),
            trouble: Arc::default(),
            between: AtomicUsize::new(0),
            nested: AtomicUsize::new(0),
            gateway_has_former_key: AtomicBool::new(former),
            shop_has_former_key: AtomicBool::new(former),
            unusual,
            late,
            itself: Weak::clone(itself),
        });
        let instances = (0..INSTANCES).map(|_| world.instance()).collect();
        *world.instances.lock().unwrap() = instances;
        world
    }

    /// Whether the gateway does this, of [`OPEN_POINTS`].
    pub(crate) fn does(&self, setting: &str) -> bool {
        self.unusual.contains(setting)
    }

    /// The merchant, as the gateway knows it, or with the former key.
    pub(crate) fn merchant(&self, former: bool) -> Merchant {
        let platform = self.keys.platform.public_key().clone();
        let key = match former {
            true => &self.keys.former,
            false => &self.keys.merchant,
        };
        Merchant::new(
            MerchantId::new(MERCHANT).unwrap(),
            key.clone(),
            vec![platform],
        )
        .unwrap()
    }

    /// A process of the shop begins.
    pub(crate) fn instance(&self) -> Instance {
        let life = Life::new(Chance {
            dice: Arc::clone(&self.dice),
            seen: Arc::clone(&self.seen),
            trouble: Arc::clone(&self.trouble),
        });
        let line = Line {
            inner: InProcess::<_, Body>::new(self.sandbox.router()),
            life: life.clone(),
            world: Weak::clone(&self.itself),
        };
        let merchant = self.merchant(self.shop_has_former_key.load(SeqCst));
        let ahead = Duration::from_millis(self.dice.next() % SKEW);
        let clock = Ahead(Arc::clone(&self.clock), ahead);
        // No time but the history's, and no chance but the dice's: else the seed would not play it again.
        let at_once = RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO);
        let client = Client::builder(merchant)
            .retry(at_once.with_budget(u32::MAX, 0))
            .gate(Gate::builder().clock(Arc::new(clock.clone())).build());
        let client = client.build_with(line).unwrap();
        let settings = UcanpaySettings::new("http://shop.invalid").unwrap();
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let provider = Watched {
            inner: UcanpayProvider::new(client, settings),
            audit: Arc::clone(&self.audit),
            clock: Arc::clone(&clock),
        };
        let registry = PaymentRegistry::builder()
            .register(provider)
            .build()
            .unwrap();
        let store = MortalStore {
            audit: Arc::clone(&self.audit),
            life: life.clone(),
        };
        let payments = Payments::new(Arc::new(store), registry)
            .with_clock(clock)
            .with_policies(Policies::default().with_late_payment(self.late));
        let (last, audit) = (life.clone(), Arc::clone(&self.audit));
        let key = payments.clone();
        // The answer to a notification leaves the process, and is true; or it dies with it.
        let answer = move |request: Request, next: Next| {
            let (last, audit, key) = (last.clone(), Arc::clone(&audit), key.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = text(body).await;
                let request = Request::from_parts(parts, Body::from(body.clone()));
                let (parts, answer) = next.run(request).await.into_parts();
                let answer = text(answer).await;
                last.step(Step::Committed).await;
                if answer.contains("SUCCESS")
                    && let Some(order) = order_of(&body)
                {
                    audit.acknowledged(&key.key(order), &body).await;
                }
                Response::from_parts(parts, Body::from(answer))
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

    pub(crate) fn at_instance(&self, place: usize) -> Instance {
        self.instances.lock().unwrap()[place].clone()
    }

    pub(crate) fn key(&self, reference: &Reference) -> PaymentKey {
        self.at_instance(0).payments.key(reference.clone())
    }

    pub(crate) fn references(&self) -> Vec<Reference> {
        (1..=self.orders.load(SeqCst)).map(reference).collect()
    }

    pub(crate) async fn view(&self, order: &Reference) -> Option<PaymentView> {
        self.audit.ledger.load(&self.key(order)).await.unwrap()
    }

    /// The orders as the gateway has them.
    pub(crate) async fn gateway(&self) -> Vec<Value> {
        let answer = self.control("GET", "/_sandbox/orders", "").await;
        answer["orders"].as_array().unwrap().clone()
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.control.clone().oneshot(request).await.unwrap();
        serde_json::from_str(&text(answer.into_body()).await).unwrap_or_default()
    }
}

pub(crate) fn reference(number: usize) -> Reference {
    Reference::new(format!("A{number}")).unwrap()
}

async fn text(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// The order that a notification speaks of.
fn order_of(body: &str) -> Option<Reference> {
    let (_, rest) = body.split_once("outTradeNo")?;
    let rest = rest.trim_start_matches(['"', ':', ' ', '\\']);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric())?;
    Reference::new(&rest[..end]).ok()
}
