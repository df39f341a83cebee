//! The stack put together: an operation in, a verified answer or an honest error out.
//!
//! Who comes in: the adapter of `ucanpay-storefront`, or a shop's own code. Who goes out: one HTTP service, with the
//! same bytes on each attempt.

use crate::base_url::BaseUrl;
use crate::builder::Settings;
use crate::trace::CallTrace;
use crate::{Attempts, BoxError, ClientBuilder, Error, FreshNonceLayer, GateLayer, VerifyLayer};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Response};
use std::fmt;
use std::sync::Arc;
use tower::util::{BoxCloneSyncService, BoxService};
use tower::{Service, ServiceBuilder, ServiceExt};
use tracing::Instrument;
use ucanpay_core::{Merchant, Nonce, Operation, SignedRequest, Verified};

type HttpService = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, BoxError>;

/// Calls the gateway on behalf of one merchant. Cheap to clone; all clones share one HTTP service.
///
/// ```
/// use ucanpay_core::TradeStatus;
/// use ucanpay_transport::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let platform_key = gateway.public_key().clone();
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform_key])?;
/// # let config = ucanpay_sandbox::SandboxConfig::new("2000000010", key.public_key().clone(), gateway);
/// # let router = ucanpay_sandbox::Sandbox::open(config).await?.router();
/// # let service = ucanpay_transport::InProcess::<_, axum::body::Body>::new(router);
/// # let order = UnifiedOrder {
/// #     subject: Subject::new("coffee")?, description: Description::new("two flat whites")?,
/// #     device_no: DeviceNo::default(), total_amount: Amount::new(450)?, scene: SceneType::Native,
/// #     out_trade_no: OutTradeNo::new("A20260301")?, currency: Currency::CAD,
/// #     notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment")?,
/// # };
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let client = Client::with_service(merchant, service); // over the sandbox, in this process
/// let placed = client.call(&order).await?;
/// assert_eq!(placed.out_trade_no.as_deref(), Some("A20260301"));
/// let answer = client.clone().call(&query).await?;
/// assert_eq!(answer.trade_status, Some(TradeStatus::NotPay));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    merchant: Merchant,
    base_url: BaseUrl,
    settings: Settings,
    service: HttpService,
}

impl Client {
    /// Sets up a client; [`ClientBuilder::build`] ends it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, ConfigError, Error};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// let client = Client::builder(merchant.clone()).total_timeout(Duration::from_secs(12)).build_with(http.clone())?;
    /// assert_eq!(client.merchant().id().as_str(), "2000000010");
    ///
    /// let refused = Client::builder(merchant).total_timeout(Duration::ZERO).build_with(http);
    /// assert!(matches!(refused, Err(Error::Config(ConfigError::ZeroTimeout("total_timeout")))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(merchant: Merchant) -> ClientBuilder {
        ClientBuilder::new(merchant)
    }

    /// A client with the default settings over the HTTP service `service`.
    ///
    /// The service wraps its connection failures in [`ConnectError`](crate::ConnectError); every other error counts
    /// as "the request may have arrived". It follows no redirect, repeats nothing by itself, and limits what it reads.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use ucanpay_transport::{Client, ConnectError, Effect};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// // An HTTP service of your own; this one finds no connection.
    /// let http = tower::service_fn(|_request: Request<Bytes>| async {
    ///     Err::<Response<Bytes>, _>(ConnectError::new("connection refused"))
    /// });
    /// let error = Client::with_service(merchant, http).call(&query).await.unwrap_err();
    /// assert_eq!(error.effect(), Effect::None);
    /// assert_eq!(error.to_string(), "the gateway could not be reached (3 attempts), and nothing was sent");
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_service<S>(merchant: Merchant, service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        Self::assemble(merchant, BaseUrl::gateway(), Settings::default(), service)
    }

    pub(crate) fn assemble<S>(
        merchant: Merchant,
        base_url: BaseUrl,
        settings: Settings,
        service: S,
    ) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let service = HttpService::new(service.map_err(Into::into as fn(S::Error) -> BoxError));
        Self(Arc::new(Inner {
            merchant,
            base_url,
            settings,
            service,
        }))
    }

    /// The merchant that signs the requests and verifies the answers.
    pub fn merchant(&self) -> &Merchant {
        &self.0.merchant
    }

    /// Whether what is sent again is signed anew, with another nonce:
    /// [`ClientBuilder::fresh_nonce_on_retry`]. Within a call the client sees to it; a ledger that sends kept bytes in a
    /// call of its own asks here.
    ///
    /// ```
    /// use ucanpay_core::{Nonce, OrderQuery, SignedRequest};
    /// use ucanpay_transport::Client;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// # let kept = merchant.sign(&query, Nonce::random())?.into_body();
    /// # let client = Client::builder(merchant).fresh_nonce_on_retry().build_with(http)?;
    /// let mut request = SignedRequest::<OrderQuery>::frozen(kept.clone()); // as your ledger kept it
    /// if client.signs_repeats_anew() {
    ///     request = client.merchant().sign_again(&request, Nonce::random())?; // to be kept before it is sent
    /// }
    /// assert_ne!(request.body(), kept);
    /// # Ok(())
    /// # }
    /// ```
    pub fn signs_repeats_anew(&self) -> bool {
        self.0.settings.fresh_nonce_on_retry
    }

    /// Signs `operation` with a fresh nonce and sends it.
    ///
    /// For a call that moves money, prefer [`send`](Self::send) with bytes that were stored first: after a crash in
    /// the middle of `call`, nobody can repeat its request.
    ///
    /// ```
    /// use ucanpay_transport::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let platform_key = gateway.public_key().clone();
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform_key])?;
    /// # let config = ucanpay_sandbox::SandboxConfig::new("2000000010", key.public_key().clone(), gateway);
    /// # let router = ucanpay_sandbox::Sandbox::open(config).await?.router();
    /// # let service = ucanpay_transport::InProcess::<_, axum::body::Body>::new(router);
    /// # let order = UnifiedOrder {
    /// #     subject: Subject::new("coffee")?, description: Description::new("two flat whites")?,
    /// #     device_no: DeviceNo::default(), total_amount: Amount::new(450)?, scene: SceneType::Native,
    /// #     out_trade_no: OutTradeNo::new("A20260301")?, currency: Currency::CAD,
    /// #     notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment")?,
    /// # };
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let client = Client::with_service(merchant, service);
    /// # let placed = client.call(&order).await?;
    /// let answer = client.call(&query).await?; // to the sandbox
    /// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301"));
    ///
    /// let unknown = OrderQuery { out_trade_no: OutTradeNo::new("A20260302")?, ucp_order_no: None };
    /// let error = client.call(&unknown).await.unwrap_err();
    /// assert_eq!(error.gateway().map(|said| said.code().name()), Some("ORDERNOTEXIST"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] when it cannot be signed, and those of [`send`](Self::send).
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<Verified<O::Answer>, Error> {
        let request = self
            .merchant()
            .sign(operation, Nonce::random())
            .map_err(Error::InvalidRequest)?;
        self.send(&request).await
    }

    /// Sends `request`: the same bytes on every attempt, and again after a restart if the caller stored them.
    ///
    /// Dropping the future is safe at every await. It leaves the outcome unknown, as a crash would.
    ///
    /// ```
    /// use ucanpay_core::{Nonce, SignedRequest, UnifiedOrder};
    /// use ucanpay_transport::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let platform_key = gateway.public_key().clone();
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform_key])?;
    /// # let config = ucanpay_sandbox::SandboxConfig::new("2000000010", key.public_key().clone(), gateway);
    /// # let router = ucanpay_sandbox::Sandbox::open(config).await?.router();
    /// # let service = ucanpay_transport::InProcess::<_, axum::body::Body>::new(router);
    /// # let order = UnifiedOrder {
    /// #     subject: Subject::new("coffee")?, description: Description::new("two flat whites")?,
    /// #     device_no: DeviceNo::default(), total_amount: Amount::new(450)?, scene: SceneType::Native,
    /// #     out_trade_no: OutTradeNo::new("A20260301")?, currency: Currency::CAD,
    /// #     notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment")?,
    /// # };
    /// # let client = Client::with_service(merchant, service);
    /// let request = client.merchant().sign(&order, Nonce::random())?;
    /// let kept = request.clone().into_body(); // committed, before it is sent
    /// let placed = client.send(&request).await?;
    ///
    /// // After a crash, nobody knows whether it was sent: the same bytes again.
    /// let again = client.send(&SignedRequest::<UnifiedOrder>::frozen(kept)).await?;
    /// assert_eq!(again.ucp_order_no, placed.ucp_order_no);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Ask [`Error::effect`] before anything else: only [`Effect::None`](crate::Effect::None) means that nothing
    /// happened. After [`Effect::Unknown`](crate::Effect::Unknown) query, or send the same request again. While the
    /// gateway wants to be left alone, nothing is sent: [`Error::held_back`] says until when.
    pub async fn send<O: Operation>(
        &self,
        request: &SignedRequest<O>,
    ) -> Result<Verified<O::Answer>, Error> {
        let attempts = Attempts::default();
        let trace = CallTrace::begin(O::NAME, request.body(), attempts.clone());
        let result = self
            .exchange(request, &attempts)
            .instrument(trace.span())
            .await;
        let result = attempts.settle(result);
        trace.end(&result);
        result
    }

    async fn exchange<O: Operation>(
        &self,
        request: &SignedRequest<O>,
        attempts: &Attempts,
    ) -> Result<Verified<O::Answer>, Error> {
        let total_timeout = self.0.settings.total_timeout;
        let call = self
            .stack::<O>(attempts)
            .oneshot(self.http_request(request)?);
        // Around `oneshot`, so that waiting for a service to become ready counts as well.
        tokio::time::timeout(total_timeout, call)
            .await
            .unwrap_or_else(|_| Err(attempts.out_of_time(total_timeout)))
    }

    /// What stands inside the total time-out. Boxed, because the compiler cannot see through the error types of the
    /// layers that the call's future may move between threads.
    fn stack<O: Operation>(
        &self,
        attempts: &Attempts,
    ) -> BoxService<Request<Bytes>, Verified<O::Answer>, Error> {
        let Settings {
            attempt_timeout,
            total_timeout,
            retry,
            gate,
            fresh_nonce_on_retry,
        } = self.0.settings.clone();
        // What has waited before the gate still has the time of one attempt.
        let longest_wait = total_timeout
            .saturating_sub(attempt_timeout)
            .max(total_timeout / 2);
        let gate = GateLayer::new(gate).leaving_within(longest_wait);
        let fresh_nonce = fresh_nonce_on_retry
            .then(|| FreshNonceLayer::<O>::new(self.merchant().clone(), attempts.clone()));
        let verify = VerifyLayer::<O>::new(self.merchant().clone(), attempts.clone());
        let stack = ServiceBuilder::new()
            .retry(retry)
            .layer(gate)
            .option_layer(fresh_nonce)
            .layer(verify)
            .timeout(attempt_timeout)
            .service(self.0.service.clone());
        BoxService::new(stack)
    }

    fn http_request<O: Operation>(
        &self,
        request: &SignedRequest<O>,
    ) -> Result<Request<Bytes>, Error> {
        let mut http = Request::new(Bytes::copy_from_slice(request.body()));
        *http.method_mut() = Method::POST;
        *http.uri_mut() = self.0.base_url.join(request.path())?;
        let headers = http.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("ucanpay-transport/", env!("CARGO_PKG_VERSION"))),
        );
        Ok(http)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("merchant", &self.0.merchant.id().as_str())
            .field("base_url", &self.0.base_url)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
