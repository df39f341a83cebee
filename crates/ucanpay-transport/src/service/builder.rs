//! The settings of the ready HTTP service, checked once when it is built.
//!
//! Every default is the careful one. What is switched off for good has no setting: redirects, repeats, decompression.

use super::ReqwestService;
use super::proxy::ProxyUrl;
use super::roots::{self, Roots};
use crate::{ConfigError, Error, MAX_ANSWER_BYTES};
use std::fmt;
use std::time::Duration;

/// Sets up a [`ReqwestService`].
///
/// | setting | default |
/// |---|---|
/// | [`plain_http`](Self::plain_http) | https only; plain http is refused before anything is sent |
/// | [`proxy`](Self::proxy), [`proxy_from_env`](Self::proxy_from_env) | no proxy, whatever the environment says |
/// | [`add_roots`](Self::add_roots), [`only_roots`](Self::only_roots) | the machine's root certificates |
/// | [`http1_only`](Self::http1_only) | HTTP/2 where the server offers it (ALPN), else HTTP/1.1 |
/// | [`max_idle_per_host`](Self::max_idle_per_host) | 16 connections |
/// | [`idle_timeout`](Self::idle_timeout) | 60 s |
/// | [`connect_timeout`](Self::connect_timeout) | 5 s |
/// | [`max_answer_bytes`](Self::max_answer_bytes) | [`MAX_ANSWER_BYTES`], 256 KiB |
///
/// ```no_run
/// use ucanpay_transport::{Client, ReqwestService};
///
/// # fn client(merchant: ucanpay_core::Merchant) -> Result<Client, Box<dyn std::error::Error>> {
/// let service = ReqwestService::builder()
///     .proxy("http://shop:secret@proxy.example:3128")
///     .add_roots(&std::fs::read("corporate-ca.pem")?)
///     .build()?;
/// # Ok(
/// Client::builder(merchant).build_with(service)?
/// # )
/// # }
/// ```
///
/// The switches that are left, and what they come to:
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::ReqwestService;
///
/// let builder = ReqwestService::builder()
///     .http1_only()
///     .max_idle_per_host(4)
///     .idle_timeout(Duration::from_secs(20));
/// let settings = format!("{builder:?}");
/// for setting in ["http1_only: true", "max_idle_per_host: 4", "idle_timeout: 20s", "plain_http: false"] {
///     assert!(settings.contains(setting), "{settings}");
/// }
/// ```
#[derive(Clone)]
pub struct ReqwestServiceBuilder {
    plain_http: bool,
    proxy: Proxy,
    roots: Roots,
    http1_only: bool,
    max_idle_per_host: usize,
    idle_timeout: Duration,
    connect_timeout: Duration,
    max_answer_bytes: usize,
}

#[derive(Clone)]
enum Proxy {
    None,
    Environment,
    Explicit(Result<ProxyUrl, &'static str>),
}

impl ReqwestServiceBuilder {
    pub(super) fn new() -> Self {
        Self {
            plain_http: false,
            proxy: Proxy::None,
            roots: Roots::Machine,
            http1_only: false,
            max_idle_per_host: 16,
            idle_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            max_answer_bytes: MAX_ANSWER_BYTES,
        }
    }

    /// Allows plain http addresses beside https: for a gateway on this machine, or in a test.
    ///
    /// ```
    /// use tower::ServiceExt;
    /// use ucanpay_transport::ReqwestService;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # let server = axum::Router::new().fallback(async || r#"{"code":1,"msg":"NOAUTH"}"#);
    /// # tokio::spawn(async move { axum::serve(listener, server).await });
    /// let request = || http::Request::post(format!("http://{address}/payment/orderquery")).body(bytes::Bytes::new());
    /// let service = ReqwestService::builder().plain_http().build()?;
    /// assert_eq!(service.oneshot(request()?).await.map_err(|error| error.to_string())?.status(), 200);
    /// let service = ReqwestService::builder().build()?; // https alone
    /// assert!(service.oneshot(request()?).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Sends everything through the proxy at this http or https address, such as
    /// `http://user:password@proxy.example:3128`. Special characters in the credentials are percent-encoded.
    /// An https gateway is reached through a tunnel (CONNECT), so that the proxy sees no payment.
    ///
    /// The address is shown in no error and in no `Debug`. `NO_PROXY` is not read.
    ///
    /// ```
    /// use ucanpay_transport::{ConfigError, Error, ReqwestService};
    ///
    /// let builder = ReqwestService::builder().proxy("http://shop:secret@proxy.example:3128");
    /// assert!(format!("{builder:?}").contains("explicit") && !format!("{builder:?}").contains("secret"));
    ///
    /// let refused = ReqwestService::builder().proxy("proxy.example:3128").build();
    /// assert!(matches!(refused, Err(Error::Config(ConfigError::Proxy { .. }))));
    /// ```
    #[must_use]
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Proxy::Explicit(ProxyUrl::parse(url));
        self
    }

    /// Uses the proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name, in either case, as they stand
    /// when the service is built. A proxy address there that cannot be used is passed over without an error; prefer
    /// [`proxy`](Self::proxy).
    ///
    /// ```
    /// use ucanpay_transport::ReqwestService;
    ///
    /// let builder = ReqwestService::builder().proxy_from_env();
    /// assert!(format!("{builder:?}").contains(r#"proxy: "from the environment""#));
    /// ```
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// Trusts these certificates (PEM, one or several) beside the machine's: those of a proxy that opens TLS, for one.
    /// Called again, it adds to them.
    ///
    /// ```
    /// use ucanpay_transport::{ConfigError, Error, ReqwestService};
    ///
    /// // A file that holds no certificate.
    /// let refused = ReqwestService::builder().add_roots(b"-----BEGIN PUBLIC KEY-----").build();
    /// assert!(matches!(refused, Err(Error::Config(ConfigError::Roots { .. }))));
    /// ```
    #[must_use]
    pub fn add_roots(mut self, pem: &[u8]) -> Self {
        self.roots.add(pem);
        self
    }

    /// Trusts these certificates (PEM, one or several) and no others; the machine's are not even looked for. It replaces
    /// what was set before.
    ///
    /// ```
    /// use ucanpay_transport::{ConfigError, Error, ReqwestService};
    ///
    /// let builder = ReqwestService::builder().only_roots(b"corporate-ca.pem"); // the name, not what is in it
    /// assert!(format!("{builder:?}").contains("others only"));
    /// assert!(matches!(builder.build(), Err(Error::Config(ConfigError::Roots { .. }))));
    /// ```
    #[must_use]
    pub fn only_roots(mut self, pem: &[u8]) -> Self {
        self.roots = Roots::Only(roots::parse(pem));
        self
    }

    /// Never speaks HTTP/2, even where it is offered: for something in between that gets it wrong.
    #[must_use]
    pub fn http1_only(mut self) -> Self {
        self.http1_only = true;
        self
    }

    /// How many connections to one host are kept open for the next call. 0 closes each after its answer.
    #[must_use]
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.max_idle_per_host = connections;
        self
    }

    /// How long a connection without a call is kept. It is to be shorter than the server's own limit: a connection that
    /// the server closes just as a request goes out leaves that attempt's outcome unknown.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long connecting may take, TLS and a proxy's tunnel included. What ends within it is known not to have been
    /// sent, so it is to be shorter than an attempt ([`ClientBuilder::attempt_timeout`](crate::ClientBuilder::attempt_timeout)).
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{ConfigError, Error, ReqwestService};
    ///
    /// let builder = ReqwestService::builder().connect_timeout(Duration::from_secs(2));
    /// assert!(format!("{builder:?}").contains("connect_timeout: 2s"));
    ///
    /// let refused = ReqwestService::builder().connect_timeout(Duration::ZERO).build();
    /// assert!(matches!(refused, Err(Error::Config(ConfigError::ZeroTimeout("connect_timeout")))));
    /// ```
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Reads at most this many bytes of an answer's body.
    ///
    /// ```
    /// use ucanpay_transport::{Client, Error, Lost, ReqwestService};
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
    /// let service = ReqwestService::builder().plain_http().max_answer_bytes(16).build()?;
    /// let client = Client::builder(merchant).base_url(&format!("http://{address}")).build_with(service)?;
    /// let error = client.call(&query).await.unwrap_err(); // answered {"code":1,"msg":"NOAUTH"}
    /// assert!(matches!(error, Error::OutcomeUnknown(Lost::TooLarge { limit: 16 })));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_answer_bytes(mut self, limit: usize) -> Self {
        self.max_answer_bytes = limit;
        self
    }

    /// Trusts nobody, and looks for no root certificates.
    pub(super) fn no_roots(mut self) -> Self {
        self.roots = Roots::Only(Ok(Vec::new()));
        self
    }

    /// The service. It connects to nothing yet.
    ///
    /// ```
    /// use ucanpay_transport::{ConfigError, Error, ReqwestService};
    ///
    /// assert!(ReqwestService::builder().http1_only().build().is_ok());
    /// let refused = ReqwestService::builder().proxy("socks5://proxy.example:1080").build().unwrap_err();
    /// assert!(matches!(refused, Error::Config(ConfigError::Proxy { reason }) if reason.contains("http://")));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`]: [`ConfigError::Proxy`] and [`ConfigError::Roots`] say what is wrong with the proxy's address or
    /// the certificates; [`ConfigError::ZeroTimeout`] names a time-out of zero; [`ConfigError::HttpClient`] when TLS cannot
    /// be set up, for one because the machine has no root certificates: install them (`ca-certificates`), or name them
    /// with [`only_roots`](Self::only_roots).
    pub fn build(self) -> Result<ReqwestService, Error> {
        if self.connect_timeout.is_zero() {
            return Err(ConfigError::ZeroTimeout("connect_timeout").into());
        }
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .https_only(!self.plain_http)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .pool_idle_timeout(self.idle_timeout)
            .connect_timeout(self.connect_timeout);
        if self.http1_only {
            builder = builder.http1_only();
        }
        builder = match self.proxy {
            Proxy::None => builder.no_proxy(),
            Proxy::Environment => builder,
            Proxy::Explicit(url) => {
                let proxy = url.and_then(|url| url.to_reqwest());
                builder.proxy(proxy.map_err(|reason| ConfigError::Proxy { reason })?)
            }
        };
        let client = self
            .roots
            .apply(builder)
            .map_err(|reason| ConfigError::Roots { reason })?
            .build()
            .map_err(|error| ConfigError::HttpClient(error.without_url().into()))?;
        Ok(ReqwestService {
            client,
            max_answer_bytes: self.max_answer_bytes,
        })
    }
}

impl fmt::Debug for ReqwestServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = match self.proxy {
            Proxy::None => "none",
            Proxy::Environment => "from the environment",
            Proxy::Explicit(_) => "explicit",
        };
        f.debug_struct("ReqwestServiceBuilder")
            .field("plain_http", &self.plain_http)
            .field("proxy", &proxy)
            .field("roots", &self.roots)
            .field("http1_only", &self.http1_only)
            .field("max_idle_per_host", &self.max_idle_per_host)
            .field("idle_timeout", &self.idle_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_answer_bytes", &self.max_answer_bytes)
            .finish()
    }
}
