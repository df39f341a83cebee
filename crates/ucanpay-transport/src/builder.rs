//! The settings of a client, checked once when it is built.

use crate::base_url::BaseUrl;
use crate::{BoxError, Client, ConfigError, Error, Gate, RetryPolicy};
use bytes::Bytes;
use http::{Request, Response};
use std::time::Duration;
use tower::Service;
use ucanpay_core::Merchant;

/// How long, how often and when; the same for every call of a client.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) attempt_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) gate: Gate,
    pub(crate) fresh_nonce_on_retry: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(25),
            retry: RetryPolicy::default(),
            gate: Gate::default(),
            fresh_nonce_on_retry: false,
        }
    }
}

/// Sets up a [`Client`].
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::{Client, Gate, RateLimit, RetryPolicy};
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
/// let client = Client::builder(merchant)
///     .base_url("https://pay.example/sandbox")
///     .attempt_timeout(Duration::from_secs(4))
///     .total_timeout(Duration::from_secs(12))
///     .retry(RetryPolicy::default().with_max_attempts(2))
///     .gate(Gate::builder().rate_limit(RateLimit::new(10, Duration::from_secs(1))).build())
///     .build_with(http)?; // or build(), over reqwest
/// let settings = format!("{client:?}");
/// assert!(settings.contains("attempt_timeout: 4s") && settings.contains("total_timeout: 12s"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    merchant: Merchant,
    base_url: Result<BaseUrl, &'static str>,
    settings: Settings,
}

impl ClientBuilder {
    pub(crate) fn new(merchant: Merchant) -> Self {
        Self {
            merchant,
            base_url: Ok(BaseUrl::gateway()),
            settings: Settings::default(),
        }
    }

    /// Where the gateway is: an absolute http or https address, to which each operation's path is appended.
    /// The default is `https://api.ucanpay.ca`.
    ///
    /// ```
    /// use ucanpay_transport::{Client, ConfigError, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let http = tower::service_fn(async |request: http::Request<bytes::Bytes>| {
    ///     assert_eq!(request.uri(), "https://pay.example/sandbox/payment/orderquery");
    ///     Ok::<_, std::io::Error>(http::Response::new(bytes::Bytes::new()))
    /// });
    /// let url = "https://pay.example/sandbox";
    /// let client = Client::builder(merchant.clone()).base_url(url).build_with(http.clone())?;
    /// assert!(matches!(client.call(&query).await, Err(Error::Malformed { .. }))); // it came back empty
    ///
    /// let refused = Client::builder(merchant).base_url("pay.example").build_with(http);
    /// assert!(matches!(refused, Err(Error::Config(ConfigError::BaseUrl { .. }))));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = BaseUrl::parse(url);
        self
    }

    /// How long one attempt may take, from the request's first byte to the answer's last. The default is 10 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, Error, Lost, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| {
    /// #     std::future::pending::<Result<http::Response<bytes::Bytes>, std::io::Error>>()
    /// # });
    /// let client = Client::builder(merchant)
    ///     .attempt_timeout(Duration::from_secs(4))
    ///     .retry(RetryPolicy::never())
    ///     .build_with(http)?; // one that never answers
    /// let started = tokio::time::Instant::now();
    /// let error = client.call(&query).await.unwrap_err();
    /// assert!(matches!(error, Error::OutcomeUnknown(Lost::AttemptTimeout)));
    /// assert_eq!(started.elapsed().as_secs(), 4);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout;
        self
    }

    /// How long the whole call may take, all attempts and waits together. The default is 25 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, Error, Lost};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| {
    /// #     std::future::pending::<Result<http::Response<bytes::Bytes>, std::io::Error>>()
    /// # });
    /// let client = Client::builder(merchant)
    ///     .total_timeout(Duration::from_secs(12))
    ///     .build_with(http)?; // one that never answers
    /// let started = tokio::time::Instant::now();
    /// let error = client.call(&query).await.unwrap_err();
    /// assert!(matches!(error, Error::OutcomeUnknown(Lost::TotalTimeout(_))));
    /// assert_eq!(started.elapsed().as_secs(), 12);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.settings.total_timeout = timeout;
        self
    }

    /// Which outcomes are sent again, how often and how soon.
    ///
    /// ```
    /// use ucanpay_transport::{Client, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    /// # let counted = count.clone();
    /// # let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
    /// #     counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     std::future::ready(Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer)))
    /// # });
    /// # let requests = || count.load(std::sync::atomic::Ordering::SeqCst);
    /// let client = Client::builder(merchant)
    ///     .retry(RetryPolicy::default().with_max_attempts(2))
    ///     .build_with(http)?; // one that answers SYSTEMERROR
    /// let error = client.call(&query).await.unwrap_err();
    /// assert_eq!(error.gateway().map(|said| said.code().name()), Some("SYSTEMERROR"));
    /// assert_eq!(requests(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Signs each repeat within a call anew, with another nonce and nothing else changed. By default every attempt sends
    /// the same bytes, as the reference asks. Switch it on if the gateway answers repeats with SIGNERROR: the operator's
    /// other documentation says that nonce and signature are unique for each request.
    ///
    /// What a ledger sends again in a call of its own, it signs anew itself, with
    /// [`Merchant::sign_again`](ucanpay_core::Merchant::sign_again). A repeat that cannot be signed anew is not sent.
    ///
    /// ```
    /// use ucanpay_transport::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let sent = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    /// # let keep = sent.clone();
    /// # let http = tower::service_fn(move |request: http::Request<bytes::Bytes>| {
    /// #     keep.lock().unwrap().push(request.into_body());
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     std::future::ready(Ok::<_, std::io::Error>(http::Response::new(answer)))
    /// # });
    /// let client = Client::builder(merchant).fresh_nonce_on_retry().build_with(http)?; // one that answers SYSTEMERROR
    /// assert!(client.signs_repeats_anew());
    /// assert!(client.call(&query).await.is_err());
    /// # let sent = sent.lock().unwrap();
    /// let (first, second) = (Fields::parse(&sent[0])?, Fields::parse(&sent[1])?);
    /// assert_eq!(first.get("outTradeNo"), second.get("outTradeNo"));
    /// assert_ne!(first.get("nonceStr"), second.get("nonceStr"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fresh_nonce_on_retry(mut self) -> Self {
        self.settings.fresh_nonce_on_retry = true;
        self
    }

    /// What holds back calls while the gateway wants to be left alone, and how many may leave in how much time. By
    /// default a gate of the client's own, without a rate limit, at which calls fail fast. Two clients of one merchant
    /// are given clones of one gate.
    ///
    /// Where a call waits, it waits no longer than leaves an attempt its time: the total time-out less the attempt
    /// time-out, or half of the total if that is more.
    ///
    /// ```
    /// use ucanpay_transport::{Client, Gate};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"FREQUENCY_LIMITED"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// let gate = Gate::default();
    /// let shop = Client::builder(merchant.clone()).gate(gate.clone()).build_with(http.clone())?;
    /// let jobs = Client::builder(merchant).gate(gate).build_with(http)?;
    ///
    /// // The gateway answers FREQUENCY_LIMITED to one of them.
    /// assert!(shop.call(&query).await.unwrap_err().held_back().is_none());
    /// assert!(jobs.call(&query).await.unwrap_err().held_back().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.settings.gate = gate;
        self
    }

    /// A client over [`ReqwestService`](crate::ReqwestService). An http address gets a service without TLS, so that a
    /// gateway on the same machine needs no root certificates.
    ///
    /// ```
    /// use ucanpay_transport::{Client, Effect};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # let server = axum::Router::new().fallback(async || r#"{"code":1,"msg":"NOAUTH"}"#);
    /// # tokio::spawn(async move { axum::serve(listener, server).await });
    /// let client = Client::builder(merchant).base_url(&format!("http://{address}")).build()?;
    /// let error = client.call(&query).await.unwrap_err();
    /// assert_eq!(error.gateway().map(|said| said.code().name()), Some("NOAUTH"));
    /// assert_eq!(error.effect(), Effect::None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`]: the base URL or a time-out cannot work, or the machine has no root certificates.
    #[cfg(feature = "reqwest")]
    pub fn build(self) -> Result<Client, Error> {
        let encrypted = self.base_url.as_ref().is_ok_and(BaseUrl::is_encrypted);
        let service = if encrypted {
            crate::ReqwestService::new()?
        } else {
            crate::ReqwestService::without_tls()?
        };
        self.build_with(service)
    }

    /// A client over the HTTP service `service`; see [`Client::with_service`] for what is asked of it.
    ///
    /// ```
    /// use ucanpay_transport::{Client, RetryPolicy};
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
    /// let client = Client::builder(merchant)
    ///     .retry(RetryPolicy::never())
    ///     .build_with(service)?; // the sandbox, in this process
    /// let placed = client.call(&order).await?;
    /// assert_eq!(placed.out_trade_no.as_deref(), Some("A20260301"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`]: the base URL or a time-out cannot work.
    pub fn build_with<S>(self, service: S) -> Result<Client, Error>
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let base_url = self
            .base_url
            .map_err(|reason| ConfigError::BaseUrl { reason })?;
        if self.settings.attempt_timeout.is_zero() {
            return Err(ConfigError::ZeroTimeout("attempt_timeout").into());
        }
        if self.settings.total_timeout.is_zero() {
            return Err(ConfigError::ZeroTimeout("total_timeout").into());
        }
        Ok(Client::assemble(
            self.merchant,
            base_url,
            self.settings,
            service,
        ))
    }
}
