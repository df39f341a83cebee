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
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = BaseUrl::parse(url);
        self
    }

    /// How long one attempt may take, from the request's first byte to the answer's last. The default is 10 s.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt_timeout = timeout;
        self
    }

    /// How long the whole call may take, all attempts and waits together. The default is 25 s.
    #[must_use]
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.settings.total_timeout = timeout;
        self
    }

    /// Which outcomes are sent again, how often and how soon.
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
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.settings.gate = gate;
        self
    }

    /// A client over [`ReqwestService`](crate::ReqwestService). An http address gets a service without TLS, so that a
    /// gateway on the same machine needs no root certificates.
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
