//! The sandbox: the pure gateway, its memory, its keys and its clock, behind one lock.
//!
//! Everything that changes the gateway comes through [`Sandbox::submit`]: decide, write, apply, in that
//! order, one input after another.

use std::future::{Future, IntoFuture};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, oneshot};

use crate::call::Call;
use crate::clock::Time;
use crate::config::SandboxConfig;
use crate::courier::Courier;
use crate::delivery::{Delivery, Notice, Postponed};
use crate::envelope;
use crate::error::SandboxError;
use crate::faults::{FaultPlan, Faults};
use crate::gateway::{Change, Decision, Gateway};
use crate::message::Members;
use crate::notifier::{Notifier, deliver_due};
use crate::router;
use crate::seal::Seal;
use crate::seed::Seed;
use crate::store::Store;
use crate::switches::Switches;

/// How long requests under way may take once a shutdown has begun.
const GRACE: Duration = Duration::from_secs(5);

/// A UCanPay gateway on this machine. Clones are the same gateway.
///
/// In the examples `get` and `pay` ask its [`router`](Self::router) for a path, with a GET and a POST, and read the JSON
/// that comes back; `config` begins with one order, A1, which is not paid.
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
/// let seed = r#"{ "orders": [
///     { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
/// ] }"#;
/// let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(Seed::from_json(seed)?);
/// let sandbox = Sandbox::open(config).await?;
/// let order = get(&sandbox, "/_sandbox/orders/A1").await; // asks `sandbox.router()`
/// assert_eq!(order["tradeStatus"], "NOTPAY");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    gateway: Mutex<Gateway>,
    store: Store,
    seal: Seal,
    time: Time,
    merchant_id: String,
    seed: Seed,
    switches: Switches,
    notifier: Notifier,
    /// Told whenever there may be something new to deliver.
    changed: Notify,
}

impl Sandbox {
    /// Opens the sandbox with what its state file holds.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// # let folder = tempfile::tempdir()?;
    /// # let in_no_folder = folder.path().join("nowhere/sandbox.db");
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, SandboxError, State};
    ///
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key);
    /// let sandbox = Sandbox::open(config.clone()).await?; // in memory
    /// let refused = Sandbox::open(config.with_state(State::File(in_no_folder))).await;
    /// assert!(matches!(refused, Err(SandboxError::OpenState { .. })));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::MerchantId`] for an impossible merchant id; [`SandboxError::OpenState`] and
    /// [`SandboxError::ReadState`] for a state file that cannot be used.
    pub async fn open(config: SandboxConfig) -> Result<Self, SandboxError> {
        if !(1..=32).contains(&config.merchant_id.chars().count()) {
            return Err(SandboxError::MerchantId);
        }
        let mut gateway = Gateway::new(config.terms());
        let (store, changes) = Store::open(&config.state).await?;
        gateway.apply(changes);
        if gateway.orders().next().is_none() {
            let sown = config.seed.sow(&mut gateway, config.time.now())?;
            store.write(&sown).await?;
        }
        gateway.faults = Faults::new(config.seed.faults.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                gateway: Mutex::new(gateway),
                store,
                seal: Seal::new(&config),
                time: config.time,
                merchant_id: config.merchant_id,
                seed: config.seed,
                switches: config.switches,
                notifier: Notifier::new(config.allow_remote)?,
                changed: Notify::new(),
            }),
        })
    }

    /// The gateway's calls, the phone pages, the dashboard and the control API. It sends no
    /// notifications: [`run_notifier`](Self::run_notifier) does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// use axum::{body::Body, http::{Request, StatusCode}};
    /// use tower::ServiceExt as _;
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// let sandbox = Sandbox::open(SandboxConfig::new("2000000010", merchant_key, platform_key)).await?;
    /// let dashboard = sandbox.router().oneshot(Request::get("/").body(Body::empty())?).await?;
    /// assert_eq!(dashboard.status(), StatusCode::OK);
    /// # Ok(()) }
    /// ```
    pub fn router(&self) -> Router {
        router::router(self.clone())
    }

    /// Sends notifications and lets refunds have their results, until `shutdown` completes. Run it once.
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
    /// use std::time::Duration;
    /// use axum::{Router, routing::post};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, Seed};
    ///
    /// // A shop at a free port of this machine.
    /// let (told, mut notified) = tokio::sync::mpsc::channel::<String>(1);
    /// let shop = Router::new().route("/notify", post(async move |body: String| {
    ///     told.send(body).await.unwrap();
    ///     r#"{"return_code":"SUCCESS","return_msg":"OK"}"#
    /// }));
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let url = format!("http://{}/notify", listener.local_addr()?);
    /// tokio::spawn(async move { axum::serve(listener, shop).await });
    ///
    /// let seed = format!(r#"{{ "orders": [{{ "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "{url}" }}] }}"#);
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
    ///     .with_seed(Seed::from_json(&seed)?)
    ///     .with_first_notification_delay(Duration::ZERO);
    /// let sandbox = Sandbox::open(config).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST
    /// let until_it_came = async { assert!(notified.recv().await.unwrap().contains("A1")) };
    /// sandbox.run_notifier(until_it_came).await;
    /// # Ok(()) }
    /// ```
    pub async fn run_notifier(&self, shutdown: impl Future<Output = ()> + Send) {
        self.inner.notifier.run(self, shutdown).await;
    }

    /// Serves [`router`](Self::router) and runs the notifier until `shutdown` completes.
    ///
    /// Requests under way have five seconds to end; a delivery under way is cut off and sent again by
    /// the next start.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant_key = key.public_key().clone();
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// let sandbox = Sandbox::open(SandboxConfig::new("2000000010", merchant_key, platform_key)).await?;
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?; // a free port
    /// let url = format!("http://{}/_sandbox/orders", listener.local_addr()?);
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// let served = tokio::spawn(async move { sandbox.serve(listener, async { drop(stopped.await) }).await });
    ///
    /// let client = reqwest::Client::builder().no_proxy().build()?;
    /// assert_eq!(client.get(url).send().await?.text().await?, r#"{"orders":[]}"#);
    /// drop((stop, client));
    /// served.await??;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Whatever ended the server or the notifier before its time.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let (stop, stopped) = oneshot::channel::<()>();
        let sandbox = self.clone();
        let notifier = tokio::spawn(async move {
            // An error means that the server has gone: as good a reason to stop.
            sandbox.run_notifier(async { drop(stopped.await) }).await;
        });
        let abort_notifier = notifier.abort_handle();
        let server = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
            shutdown.await;
            drop(stop);
        });
        // The notifier ends with the shutdown. A client that has sent half a request must not keep the
        // server up for ever.
        let cut_off = async {
            notifier.await.map_err(io::Error::other)?;
            tokio::time::sleep(GRACE).await;
            Ok(())
        };
        let served = tokio::select! {
            served = server.into_future() => served,
            ended = cut_off => ended,
        };
        abort_notifier.abort();
        served
    }

    /// Moves a [driven clock](SandboxConfig::with_driven_clock) on. Refunds that became due have their results when this
    /// completes; notifications that became due are being sent by [`run_notifier`](Self::run_notifier), or wait for
    /// [`deliver_due`](Self::deliver_due).
    ///
    /// It is one jump: what would have happened several times on the way, such as attempts to deliver, happens once.
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
    /// use std::time::{Duration, SystemTime};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig, SandboxError};
    ///
    /// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400);
    /// let config = SandboxConfig::new("2000000010", merchant_key, platform_key);
    /// let sandbox = Sandbox::open(config.clone().with_driven_clock(noon)).await?;
    /// sandbox.advance(Duration::from_secs(7 * 24 * 60 * 60)).await?;
    /// assert_eq!(get(&sandbox, "/_sandbox/clock").await["now"], "2026-03-08T12:00:00Z");
    ///
    /// let by_itself = Sandbox::open(config).await?;
    /// let refused = by_itself.advance(Duration::from_secs(1)).await;
    /// assert!(matches!(refused, Err(SandboxError::ClockNotDriven)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::ClockNotDriven`] when the clock runs by itself; open the sandbox with a driven one.
    /// [`SandboxError::WriteState`] when the results cannot be written; the clock has moved, and they are tried again.
    pub async fn advance(&self, by: Duration) -> Result<(), SandboxError> {
        if !self.inner.time.advance(by) {
            return Err(SandboxError::ClockNotDriven);
        }
        self.submit(|_, _| Decision::unchanged(())).await
    }

    /// Makes one attempt at every notification that is due, one after another, the longest-waiting first, and completes
    /// when the merchant has answered or not. For tests that drive the clock and do not run the notifier, so that
    /// nothing is sent but here; how many attempts were made.
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
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let sandbox = Sandbox::open(config.with_first_notification_delay(Duration::ZERO)).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST; nobody answers at its notify URL
    /// assert_eq!(sandbox.deliver_due().await?, 1);
    /// let delivery = get(&sandbox, "/_sandbox/orders/A1").await["deliveries"][0].clone();
    /// assert_eq!(delivery["accepted"], false);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::WriteState`] when results of refunds cannot be written.
    pub async fn deliver_due(&self) -> Result<usize, SandboxError> {
        self.inner.notifier.deliver_due(self).await
    }

    /// [`deliver_due`](Self::deliver_due) to the merchant's own router in this process, without a socket; of each notify
    /// URL, only the path counts. An answer that has not come after five seconds of tokio's clock is a failed attempt.
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
    /// use axum::{Router, routing::post};
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// // Your own router; here one that takes every notification.
    /// let shop = Router::new()
    ///     .route("/ucanpay/payment", post(async || r#"{"return_code":"SUCCESS","return_msg":"OK"}"#));
    ///
    /// let sandbox = Sandbox::open(config.with_first_notification_delay(Duration::ZERO)).await?;
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST
    /// assert_eq!(sandbox.deliver_due_to(shop).await?, 1);
    /// let delivery = get(&sandbox, "/_sandbox/orders/A1").await["deliveries"][0].clone();
    /// assert_eq!(delivery["accepted"], true);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::WriteState`] when results of refunds cannot be written.
    pub async fn deliver_due_to(&self, merchant: Router) -> Result<usize, SandboxError> {
        deliver_due(self, &Courier::in_process(merchant)).await
    }

    /// Forgets every order, refund, delivery, block and fault, and begins anew with the [seed](SandboxConfig::with_seed).
    /// The clock stays as it is, and numbers go on rising.
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
    /// use ucanpay_sandbox::{Sandbox, SandboxConfig};
    ///
    /// # use ucanpay_sandbox::Seed;
    /// # let seed = Seed::from_json(
    /// #     r#"{ "orders": [
    /// #         { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:9/ucanpay/payment" }
    /// #     ] }"#,
    /// # )?;
    /// # let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_seed(seed);
    /// let sandbox = Sandbox::open(config).await?; // it begins with one order, A1
    /// pay(&sandbox, "/_sandbox/orders/A1/pay").await; // a POST
    /// sandbox.reset().await?;
    /// assert_eq!(get(&sandbox, "/_sandbox/orders/A1").await["tradeStatus"], "NOTPAY");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::WriteState`]: nothing has been forgotten.
    pub async fn reset(&self) -> Result<(), SandboxError> {
        let sandbox = self.clone();
        // A task of its own, as in `submit`.
        tokio::spawn(async move {
            let mut gateway = sandbox.inner.gateway.lock().await;
            let mut anew = gateway.begun_anew();
            let seed = &sandbox.inner.seed;
            let sown = seed.sow(&mut anew, sandbox.now())?;
            anew.faults = Faults::new(seed.faults.clone());
            sandbox.inner.store.begin_anew(&sown).await?;
            *gateway = anew;
            Ok(())
        })
        .await
        .map_err(|_| SandboxError::Stopped)?
    }

    pub(crate) async fn set_faults(&self, plan: FaultPlan) {
        self.inner.gateway.lock().await.faults = Faults::new(plan);
    }

    pub(crate) fn is_driven(&self) -> bool {
        matches!(self.inner.time, Time::Driven(_))
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.inner.seal
    }

    pub(crate) fn switches(&self) -> Switches {
        self.inner.switches
    }

    pub(crate) fn merchant_id(&self) -> &str {
        &self.inner.merchant_id
    }

    pub(crate) fn now(&self) -> i64 {
        self.inner.time.now()
    }

    /// Completes once something has changed since the last time it completed.
    pub(crate) async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    /// Looks at the gateway without changing it.
    pub(crate) async fn look<T>(&self, look: impl FnOnce(&Gateway) -> T) -> T {
        look(&*self.inner.gateway.lock().await)
    }

    /// Puts one input to the gateway. The answer comes back only after its changes are written; if they
    /// cannot be, nothing has changed.
    ///
    /// The work is a task of its own: a caller that goes away between the write and its effect must not
    /// leave the two apart.
    pub(crate) async fn submit<T, F>(&self, input: F) -> Result<T, SandboxError>
    where
        T: Send + 'static,
        F: FnOnce(&Gateway, i64) -> Decision<T> + Send + 'static,
    {
        let sandbox = self.clone();
        tokio::spawn(async move {
            let mut gateway = sandbox.inner.gateway.lock().await;
            let now = sandbox.now();
            // Results that are due come first, so that no answer depends on when the notifier last looked.
            let due = gateway.settle(now);
            sandbox.commit(&mut gateway, due, now).await?;
            let decision = input(&gateway, now);
            sandbox.commit(&mut gateway, decision, now).await
        })
        .await
        .map_err(|_| SandboxError::Stopped)?
    }

    async fn commit<T>(
        &self,
        gateway: &mut Gateway,
        decision: Decision<T>,
        now: i64,
    ) -> Result<T, SandboxError> {
        let Decision {
            answer,
            mut changes,
            notices,
            draws,
        } = decision;
        for (id, notice) in (gateway.next_delivery()..).zip(notices) {
            changes.push(Change::Delivery(self.sign(id, notice, now)?));
        }
        if !changes.is_empty() {
            self.inner.store.write(&changes).await?;
            gateway.apply(changes);
            self.inner.changed.notify_one();
        }
        for draw in draws {
            gateway.faults.record(draw);
        }
        Ok(answer)
    }

    /// The whole body of a notification, or of the answer to `call`: `data` signed, in its envelope.
    pub(crate) fn envelope(
        &self,
        data: Members,
        call: Option<Call>,
        now: i64,
    ) -> Result<String, SandboxError> {
        let outer = envelope::outer(self.inner.switches, now);
        let signed = self.inner.seal.sign(data, &outer, call)?;
        envelope::around(&signed, self.inner.switches, now).map_err(SandboxError::signing)
    }

    /// The same with a signature that does not verify.
    pub(crate) fn badly_signed_envelope(
        &self,
        data: Members,
        call: Option<Call>,
        now: i64,
    ) -> Result<String, SandboxError> {
        let outer = envelope::outer(self.inner.switches, now);
        let signed = self.inner.seal.sign_badly(data, &outer, call)?;
        envelope::around(&signed, self.inner.switches, now).map_err(SandboxError::signing)
    }

    /// Completes when the clock shows this time or a later one.
    pub(crate) async fn until(&self, at: i64) {
        self.inner.time.until(at).await;
    }

    fn sign(&self, id: u64, notice: Notice, now: i64) -> Result<Delivery, SandboxError> {
        Ok(Delivery {
            id,
            out_trade_no: notice.out_trade_no,
            topic: notice.topic,
            url: notice.url,
            body: self.envelope(notice.data, None, now)?,
            next_attempt_at: Some(notice.first_attempt_at),
            postponed: Postponed::Never,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::task::{Context, Waker};

    use ucanpay_core::PrivateKey;

    use super::*;
    use crate::bench::order;
    use crate::call::Call;
    use crate::config::State;
    use crate::gateway::CallAnswer;

    async fn sandbox(state: State) -> Sandbox {
        let key = PrivateKey::generate(1024).unwrap();
        Sandbox::open(
            SandboxConfig::new("2000000010", key.public_key().clone(), key).with_state(state),
        )
        .await
        .unwrap()
    }

    async fn place(sandbox: &Sandbox) -> Result<CallAnswer, SandboxError> {
        let members = Members::read(&order().to_string()).unwrap();
        sandbox
            .submit(move |gateway, now| gateway.call(Call::UnifiedOrder, &members, now))
            .await
    }

    #[tokio::test]
    async fn what_cannot_be_written_did_not_happen() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = sandbox(State::File(folder.path().join("sandbox.db"))).await;
        let Store::File(pool) = &sandbox.inner.store else {
            panic!("no file")
        };
        sqlx::query("ALTER TABLE sandbox_entity RENAME TO away")
            .execute(pool)
            .await
            .unwrap();
        assert!(matches!(
            place(&sandbox).await,
            Err(SandboxError::WriteState(_))
        ));
        assert_eq!(sandbox.look(|gateway| gateway.orders().count()).await, 0);

        sqlx::query("ALTER TABLE away RENAME TO sandbox_entity")
            .execute(pool)
            .await
            .unwrap();
        assert!(place(&sandbox).await.unwrap().is_ok());
        assert_eq!(sandbox.look(|gateway| gateway.orders().count()).await, 1);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_part_the_file_from_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = sandbox(State::File(folder.path().join("sandbox.db"))).await;
        let mut call = Box::pin(place(&sandbox));
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        drop(call);
        for _ in 0..500 {
            if sandbox.look(|gateway| gateway.orders().count()).await == 1 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the input was lost with its caller");
    }
}
