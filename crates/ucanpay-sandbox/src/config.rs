//! What a sandbox is set to.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ucanpay_core::{PrivateKey, PublicKey};

use crate::clock::{Clock, SystemClock, Time};
use crate::gateway::Terms;
use crate::keyed_md5::{MD5, Md5Key};
use crate::seed::Seed;
use crate::switches::{
    Amounts, AmountsDiffer, AnswerSuffix, CodeAs, DataAs, FailedRefunds, Mweb, NameIn, Nonces,
    OwnNumbers, ReEntry, ReversalWindow, ReversingAPaidOrder, Scheme, StatusCase, SwitchError,
    Switches, Times, UnpaidOrders,
};

/// Where the sandbox keeps its orders, refunds and pending notifications.
///
/// ```
/// use ucanpay_sandbox::State;
///
/// let state = State::File("sandbox.db".into());
/// assert_ne!(state, State::default(), "in memory, unless a file is named");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Gone when the sandbox ends.
    #[default]
    Memory,
    /// One SQLite file, made if it is not there. Everything is found again after a restart, also after a
    /// kill. Only one sandbox at a time can hold it.
    File(PathBuf),
}

/// The settings of a [`Sandbox`](crate::Sandbox), whose documentation says what `get` and `pay` are in the examples.
///
/// ```no_run
/// use std::time::Duration;
/// use ucanpay_core::{PrivateKey, PublicKey};
/// use ucanpay_sandbox::{SandboxConfig, State};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let merchant_key = PublicKey::from_bytes(&std::fs::read("merchant.pub.pem")?)?;
/// let platform_key = PrivateKey::from_bytes(&std::fs::read("platform.pem")?)?;
/// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
///     .with_state(State::File("sandbox.db".into()))
///     .with_notify_interval(Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    pub(crate) merchant_id: String,
    pub(crate) merchant_key: PublicKey,
    pub(crate) platform_key: PrivateKey,
    pub(crate) md5_secret: Option<Md5Key>,
    pub(crate) state: State,
    pub(crate) notify_interval: Duration,
    pub(crate) refund_delay: Duration,
    pub(crate) first_notification_delay: Duration,
    pub(crate) allow_remote: bool,
    pub(crate) switches: Switches,
    pub(crate) time: Time,
    pub(crate) seed: Seed,
}

impl SandboxConfig {
    /// A gateway that knows one merchant: `merchant_key` checks what the merchant sends, `platform_key`
    /// signs what the gateway sends.
    ///
    /// State is in memory, notifications go out after 0.3 s and then every 15 s until SUCCESS, refunds
    /// have their result after 2 s, and notifications go to this machine only.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, SandboxError};
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key.clone(), platform_key.clone());
    /// assert!(Sandbox::open(config).await.is_ok());
    /// let nameless = SandboxConfig::new("", merchant_key, platform_key);
    /// assert!(matches!(Sandbox::open(nameless).await, Err(SandboxError::MerchantId)));
    /// # Ok(()) }
    /// ```
    pub fn new(
        merchant_id: impl Into<String>,
        merchant_key: PublicKey,
        platform_key: PrivateKey,
    ) -> Self {
        Self {
            merchant_id: merchant_id.into(),
            merchant_key,
            platform_key,
            md5_secret: None,
            state: State::Memory,
            notify_interval: Duration::from_secs(15),
            refund_delay: Duration::from_secs(2),
            first_notification_delay: Duration::from_millis(300),
            allow_remote: false,
            switches: Switches::default(),
            time: Time::Running(Arc::new(SystemClock)),
            seed: Seed::default(),
        }
    }

    /// Keyed MD5 in place of RSA, in both directions: `signType` is MD5, and the keys are at rest. Use a secret that is used
    /// nowhere else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use ucanpay_core::*;
    /// # let platform = platform_key.public_key().clone();
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform])?;
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let sandbox = Sandbox::open(config.with_md5_secret("a secret of this test")).await?;
    /// // Your own client, with the same secret.
    /// let merchant = merchant.with_keyed_md5(Md5Secret::new("a secret of this test")?);
    /// let query = OrderQuery { out_trade_no: OutTradeNo::new("A1")?, ucp_order_no: None };
    /// let request = merchant.sign(&query, Nonce::random())?;
    /// # let request = Request::post(request.path()).body(Body::from(request.body().to_vec()))?;
    /// # let answer = to_bytes(sandbox.router().oneshot(request).await?.into_body(), usize::MAX).await?;
    /// let order = merchant.verify_answer::<OrderQuery>(&answer)?;
    /// assert_eq!(order.trade_status, Some(TradeStatus::NotPay));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_md5_secret(self, secret: impl Into<String>) -> Self {
        let md5_secret = Some(Md5Key::new(secret.into()));
        Self { md5_secret, ..self }
    }

    /// Where state is kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let get = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
    /// # };
    /// # let pay = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::post(path).body(Body::empty()).unwrap()).await
    /// # };
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("sandbox.db");
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, State};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let config = config.with_state(State::File(file)); // it begins with one order, A1
    /// let sandbox = Sandbox::open(config.clone()).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await;
    /// drop(sandbox); // the program ends, and is started again
    ///
    /// let sandbox = Sandbox::open(config).await?;
    /// assert_eq!(get(&sandbox, "/_sandbox/orders/A1").await["tradeStatus"], "SUCCESS");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_state(self, state: State) -> Self {
        Self { state, ..self }
    }

    /// What it begins with when it has no orders yet, and begins with again after a reset. The seed's fault plan holds
    /// from every start, since plans are not kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let get = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, Seed};
    ///
    /// let seed = Seed::from_json(
    ///     r#"{
    ///         "orders": [{ "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment",
    ///                      "tradeStatus": "SUCCESS" }],
    ///         "faults": { "faults": [{ "fault": "call.lost_answer", "on": "refund", "times": 1 }] }
    ///     }"#,
    /// )?;
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let sandbox = Sandbox::open(config).await?; // A1 is paid; the first refund's answer will be lost
    /// assert_eq!(get(&sandbox, "/_sandbox/orders/A1").await["tradeStatus"], "SUCCESS");
    /// assert_eq!(get(&sandbox, "/_sandbox/faults").await["faults"][0]["happened"], 0);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// How long after a failed attempt a notification is sent again; 15 s at the real gateway.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let pay = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::post(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let config = config.with_notify_interval(Duration::from_secs(2)).with_driven_clock(SystemTime::now());
    /// let sandbox = Sandbox::open(config).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST; nobody answers at its notify URL
    /// sandbox.advance(Duration::from_secs(1)).await?;
    /// assert_eq!(sandbox.deliver_due().await?, 1);
    /// sandbox.advance(Duration::from_millis(1999)).await?;
    /// assert_eq!(sandbox.deliver_due().await?, 0);
    /// sandbox.advance(Duration::from_millis(1)).await?;
    /// assert_eq!(sandbox.deliver_due().await?, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_notify_interval(self, notify_interval: Duration) -> Self {
        Self {
            notify_interval,
            ..self
        }
    }

    /// How long a refund is PROCESSING.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let get = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
    /// # };
    /// # use ucanpay_core::*;
    /// # let platform = platform_key.public_key().clone();
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform])?;
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let config = config.with_refund_delay(Duration::from_secs(60)).with_driven_clock(SystemTime::now());
    /// let sandbox = Sandbox::open(config).await?;
    /// # ask(&sandbox, Request::post("/_sandbox/orders/A1/pay").body(Body::empty())?).await;
    /// # let number = get(&sandbox, "/_sandbox/orders/A1").await["ucpOrderNo"].as_str().unwrap().to_owned();
    /// # let refund = Refund {
    /// #     ucp_order_no: UcpOrderNo::new(number)?, out_trade_no: OutTradeNo::new("A1")?,
    /// #     out_refund_no: OutRefundNo::new("R1")?, total_amount: Amount::new(450)?, refund_amount: Amount::new(100)?,
    /// #     reason: RefundReason::new("cold milk")?, notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/refund")?,
    /// # };
    /// # let request = merchant.sign(&refund, Nonce::random())?;
    /// # ask(&sandbox, Request::post(request.path()).body(Body::from(request.body().to_vec()))?).await;
    /// // A1 was paid, and your app has asked for a refund.
    /// assert_eq!(get(&sandbox, "/_sandbox/orders/A1").await["refunds"][0]["refundStatus"], "PROCESSING");
    /// sandbox.advance(Duration::from_secs(60)).await?;
    /// assert_eq!(get(&sandbox, "/_sandbox/orders/A1").await["refunds"][0]["refundStatus"], "SUCCESS");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_refund_delay(self, refund_delay: Duration) -> Self {
        Self {
            refund_delay,
            ..self
        }
    }

    /// How long after the event its notification goes out first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let pay = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::post(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let config = config.with_first_notification_delay(Duration::ZERO).with_driven_clock(SystemTime::now());
    /// let sandbox = Sandbox::open(config).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST
    /// assert_eq!(sandbox.deliver_due().await?, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_first_notification_delay(self, first_notification_delay: Duration) -> Self {
        Self {
            first_notification_delay,
            ..self
        }
    }

    /// Whether notifications may go to other machines than this one. Off by default: a notify URL may
    /// name a real shop.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let get = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
    /// # };
    /// # let pay = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::post(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use std::time::Duration;
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, Seed};
    ///
    /// let real_shop = Seed::from_json(
    ///     r#"{ "orders": [
    ///         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "https://shop.example/ucanpay/payment" }
    ///     ] }"#,
    /// )?;
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
    ///     .with_seed(real_shop)
    ///     .with_first_notification_delay(Duration::ZERO);
    /// let sandbox = Sandbox::open(config.clone()).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST
    /// sandbox.deliver_due().await?;
    /// let order = get(&sandbox, "/_sandbox/orders/A1").await;
    /// let error = order["deliveries"][0]["attempts"][0]["error"].as_str().expect("it was not sent");
    /// assert!(error.ends_with("remote notifications are off"));
    /// let config = config.with_allow_remote(true); // if that is meant
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_allow_remote(self, allow_remote: bool) -> Self {
        Self {
            allow_remote,
            ..self
        }
    }

    /// Sets one of the switches below by its name, as the command's `--set` does: `name-in=code`. `docs/sandbox.md` has the
    /// table.
    ///
    /// ```
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// use ucanpay_sandbox::SandboxConfig;
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key);
    /// let config = ["data=string", "re-entry=refuse"].into_iter().try_fold(config, SandboxConfig::with_setting)?;
    /// let error = config.with_setting("re-entry=forbid").unwrap_err();
    /// assert_eq!(error.to_string(), "re-entry is one of allow, refuse");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SwitchError`], which says what the names and values are.
    pub fn with_setting(mut self, setting: &str) -> Result<Self, SwitchError> {
        self.switches.set(setting)?;
        Ok(self)
    }

    /// After how many bad requests in a row every call is refused with INVALID_REQ_TOO_MUCH for 60 s. The reference says "too
    /// many" and no number, so it is `None`, never, unless it is set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let post = async |sandbox: &Sandbox, path: &str| {
    /// #     let unsigned = Body::from(r#"{"merchantId":"2000000010"}"#);
    /// #     ask(sandbox, Request::post(path).body(unsigned).unwrap()).await
    /// # };
    /// use std::num::NonZeroU32;
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
    ///     .with_block_after(NonZeroU32::new(2));
    /// let sandbox = Sandbox::open(config).await?;
    /// for _ in 0..2 {
    ///     let unsigned = post(&sandbox, "/payment/orderquery").await;
    ///     assert_eq!(unsigned["msg"], "SIGNERROR");
    /// }
    /// assert_eq!(post(&sandbox, "/payment/orderquery").await["msg"], "INVALID_REQ_TOO_MUCH");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_block_after(mut self, bad_requests: Option<NonZeroU32>) -> Self {
        self.switches.block_after = bad_requests;
        self
    }

    /// After how many attempts a notification is given up. The reference says that it may be, and no number, so it is `None`,
    /// never, unless it is set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let pay = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::post(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use std::num::NonZeroU32;
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let config = config.with_notify_times(NonZeroU32::new(2)).with_driven_clock(SystemTime::now());
    /// let sandbox = Sandbox::open(config).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST; nobody answers at its notify URL
    /// for attempts in [1, 1, 0] {
    ///     sandbox.advance(Duration::from_secs(15)).await?;
    ///     assert_eq!(sandbox.deliver_due().await?, attempts);
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_notify_times(mut self, attempts: Option<NonZeroU32>) -> Self {
        self.switches.notify_times = attempts;
        self
    }

    /// Another source of time that runs by itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let get = async |sandbox: &Sandbox, path: &str| {
    /// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
    /// # };
    /// use std::sync::Arc;
    /// use ucanpay_sandbox::{Clock, Sandbox, SandboxConfig, SystemClock};
    ///
    /// /// The machine's clock, and a day ahead.
    /// #[derive(Debug)]
    /// struct Tomorrow;
    ///
    /// impl Clock for Tomorrow {
    ///     fn now(&self) -> i64 {
    ///         SystemClock.now() + 24 * 60 * 60 * 1000
    ///     }
    /// }
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_clock(Arc::new(Tomorrow));
    /// let sandbox = Sandbox::open(config).await?;
    /// let ahead = get(&sandbox, "/_sandbox/clock").await["ms"].as_i64().expect("a number") - SystemClock.now();
    /// assert!(ahead > 23 * 60 * 60 * 1000);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self {
            time: Time::Running(clock),
            ..self
        }
    }

    /// A clock that stands at `start` until [`Sandbox::advance`](crate::Sandbox::advance) or `POST /_sandbox/clock`
    /// moves it on: a test sees fifteen seconds, or seven days, go by at once. Sandboxes opened with clones of this
    /// configuration share it. It is not kept in a state file.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
    ///     .with_driven_clock(SystemTime::now());
    /// let sandbox = Sandbox::open(config).await?;
    /// sandbox.advance(Duration::from_secs(7 * 24 * 60 * 60)).await?; // at once
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_driven_clock(self, start: SystemTime) -> Self {
        Self {
            time: Time::standing_at(start),
            ..self
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Terms {
            merchant_id: self.merchant_id.clone(),
            sign_type: if self.md5_secret.is_some() {
                MD5
            } else {
                "RSA"
            },
            switches: self.switches,
            refund_delay: ms(self.refund_delay),
            first_notification_delay: ms(self.first_notification_delay),
            notify_interval: ms(self.notify_interval),
        }
    }
}

/// A method for each switch that has positions.
macro_rules! switches {
    ($($(#[$about:meta])* $method:ident($field:ident: $position:ty);)+) => {
        impl SandboxConfig {
            $(
                $(#[$about])*
                #[must_use]
                pub fn $method(mut self, $field: $position) -> Self {
                    self.switches.$field = $field;
                    self
                }
            )+
        }
    };
}

switches! {
    /// Where the error name of a refusal stands.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # use axum::{body::{Body, to_bytes}, http::Request};
    /// # use tower::ServiceExt as _;
    /// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
    /// #     let answer = sandbox.router().oneshot(request).await.unwrap();
    /// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    /// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    /// # };
    /// # let post = async |sandbox: &Sandbox, path: &str| {
    /// #     let unsigned = Body::from(r#"{"merchantId":"2000000010"}"#);
    /// #     ask(sandbox, Request::post(path).body(unsigned).unwrap()).await
    /// # };
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{NameIn, Sandbox, SandboxConfig, Times};
    ///
    /// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400);
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
    ///     .with_name_in(NameIn::Code)
    ///     .with_times(Times::Digits)
    ///     .with_driven_clock(noon);
    /// let sandbox = Sandbox::open(config).await?;
    /// let refusal = post(&sandbox, "/payment/orderquery").await; // without a signature
    /// assert_eq!((&refusal["code"], &refusal["timestamp"]), (&"SIGNERROR".into(), &"20260301120000".into()));
    /// # Ok(()) }
    /// ```
    with_name_in(name_in: NameIn);
    /// How `data` is written.
    with_data_as(data_as: DataAs);
    /// How `code` is written.
    with_code_as(code_as: CodeAs);
    /// What placing an order again does.
    with_re_entry(re_entry: ReEntry);
    /// How times are written.
    with_times(times: Times);
    /// How amounts are written.
    with_amounts(amounts: Amounts);
    /// The letter case of statuses.
    with_status_case(status_case: StatusCase);
    /// How what is signed is signed, in both directions.
    with_scheme(scheme: Scheme);
    /// What the signed text of an answer ends with, under the scheme `path-suffixed`.
    with_answer_suffix(answer_suffix: AnswerSuffix);
    /// Whether a nonce may come again.
    with_nonces(nonces: Nonces);
    /// Whether later calls need the gateway's own numbers.
    with_own_numbers(own_numbers: OwnNumbers);
    /// What a query says of an order that is not paid.
    with_unpaid_orders(unpaid_orders: UnpaidOrders);
    /// Whether an order may be an MWEB one.
    with_mweb(mweb: Mweb);
    /// What reversing a paid order does.
    with_reversing_a_paid_order(reversing_a_paid_order: ReversingAPaidOrder);
    /// How long an order can be reversed.
    with_reversal_window(reversal_window: ReversalWindow);
    /// The name for a refund whose amounts are not those of the first request.
    with_amounts_differ(amounts_differ: AmountsDiffer);
    /// Whether failed refunds count among the ten of an order.
    with_failed_refunds(failed_refunds: FailedRefunds);
}
