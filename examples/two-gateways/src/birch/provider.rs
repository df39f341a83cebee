//! Birch as a [`PaymentProvider`]: what the ledger needs of it, and nothing of the ledger.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use ucanpay_core::Currency;
use ucanpay_storefront::provider::{
    Acknowledgement, Cancellation, Capabilities, Claim, Effect, Fact, FrozenRequest,
    NotificationRefused, NumberRule, PaymentIntent, PaymentStatus, PrepareError, ProviderError,
    ProviderErrorKind as Kind, RefundInquiry, RefundIntent, RefundLimits, Source,
};
use ucanpay_storefront::{PaymentProvider, ProviderId, RawNotification, Reply};

use super::message::{self, NewCharge, NewRefund, SIGNATURE, Secret, dollars};

/// A merchant account at Birch.
#[derive(Clone, Debug)]
pub struct BirchSettings {
    /// Its name in the ledger.
    pub id: ProviderId,
    /// The merchant's identification.
    pub merchant: String,
    /// The secret shared with the gateway.
    pub secret: Secret,
    /// Where the gateway is: scheme and authority.
    pub gateway: String,
    /// Where notifications go.
    pub webhook: String,
}

/// Orders and refunds are named in paths, so their numbers are plain.
const NUMBERS: NumberRule = NumberRule::alphanumeric(64).with("-");

/// What Birch takes.
pub(super) const CURRENCIES: [&str; 2] = ["CAD", "USD"];

/// The provider.
#[derive(Clone, Debug)]
pub struct Birch {
    settings: BirchSettings,
    http: reqwest::Client,
}

impl Birch {
    /// The account's provider, with an HTTP client of its own.
    ///
    /// # Errors
    /// If the client cannot be built.
    pub fn new(settings: BirchSettings) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            // Behind a redirect "no connection" would no longer mean that nothing happened: the first one took the request.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { settings, http })
    }

    fn freeze(&self, path: &str, body: &impl Serialize) -> Result<FrozenRequest, PrepareError> {
        Ok(FrozenRequest {
            path: path.to_owned(),
            body: serde_json::to_vec(body).map_err(PrepareError::new)?.into(),
            key: self.settings.secret.fingerprint().to_owned(),
        })
    }

    async fn send(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        self.post(&request.path, request.body.to_vec()).await
    }

    /// Birch signs what is posted by its body.
    async fn post(&self, path: &str, body: Vec<u8>) -> Result<Fact, ProviderError> {
        let signature = self.settings.secret.sign(&body);
        let request = self.http.post(self.url(path)).body(body);
        self.call(Source::Answer, request, signature).await
    }

    /// And a question by its path.
    async fn get(&self, path: &str) -> Result<Fact, ProviderError> {
        let signature = self.settings.secret.sign(path.as_bytes());
        self.call(Source::Query, self.http.get(self.url(path)), signature)
            .await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.gateway)
    }

    /// What is known about the money is the contract: `None` only where the gateway surely did nothing.
    async fn call(
        &self,
        source: Source,
        request: reqwest::RequestBuilder,
        signature: String,
    ) -> Result<Fact, ProviderError> {
        let lost = |error: reqwest::Error| {
            // The URL names an order, and URLs end up in logs.
            let error = error.without_url();
            if error.is_connect() {
                ProviderError::new(Kind::Unreachable, error).with_effect(Effect::None)
            } else {
                ProviderError::new(Kind::Unclear, error)
            }
        };
        let answer = request.header(SIGNATURE, signature).send().await;
        let answer = answer.map_err(lost)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body: Bytes = answer.bytes().await.map_err(lost)?;
        let says = |kind| ProviderError::new(kind, format!("Birch answers {status}"));
        match status {
            StatusCode::OK => message::read(source, &headers, &body, &self.settings.secret)
                .map_err(|error| ProviderError::new(Kind::Untrusted, error)),
            StatusCode::UNAUTHORIZED => Err(says(Kind::BadSignature)),
            StatusCode::NOT_FOUND => Err(says(Kind::AskFirst)),
            StatusCode::CONFLICT => Err(says(Kind::NotThisWay)),
            StatusCode::TOO_MANY_REQUESTS => Err(says(Kind::Blocked)),
            status if status.is_client_error() => Err(says(Kind::Refused)),
            _ => Err(says(Kind::Unclear)),
        }
    }
}

#[async_trait]
impl PaymentProvider for Birch {
    fn id(&self) -> &ProviderId {
        &self.settings.id
    }

    fn merchant(&self) -> &str {
        &self.settings.merchant
    }

    /// Canadian and American dollars, three refunds within ninety days, and no reversals.
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(RefundLimits {
            count: 3,
            window: Duration::from_secs(90 * 24 * 60 * 60),
        })
        .with_currencies(
            CURRENCIES.map(|letters| Currency::new(letters).expect("the literal is a currency")),
        )
        .with_numbers(NUMBERS)
    }

    fn prepare_payment(&self, intent: &PaymentIntent) -> Result<FrozenRequest, PrepareError> {
        if intent.subject.is_empty() || intent.subject.chars().count() > 80 {
            return Err(PrepareError::new(
                "the subject must have 1 to 80 characters",
            ));
        }
        let charge = NewCharge {
            merchant: self.settings.merchant.clone(),
            order: intent.reference.to_string(),
            amount: dollars(intent.amount),
            currency: intent.currency.as_str().to_owned(),
            title: intent.subject.to_string(),
            webhook: self.settings.webhook.clone(),
        };
        self.freeze("/v1/charges", &charge)
    }

    /// Birch knows the order by its number: the same bytes again are answered with the same charge.
    async fn create_payment(
        &self,
        _: &PaymentIntent,
        request: &FrozenRequest,
    ) -> Result<Fact, ProviderError> {
        let mut fact = self.send(request).await?;
        fact.claim = Claim::Placed;
        Ok(fact)
    }

    async fn query_payment<'a>(
        &self,
        intent: &PaymentIntent,
        _: Option<&'a str>,
    ) -> Result<Fact, ProviderError> {
        self.get(&format!("/v1/charges/{}", intent.reference)).await
    }

    async fn cancel_payment<'a>(
        &self,
        intent: &PaymentIntent,
        _: Option<&'a str>,
        how: Cancellation,
    ) -> Result<Fact, ProviderError> {
        match how {
            Cancellation::Close => {
                let path = format!("/v1/charges/{}/cancel", intent.reference);
                self.post(&path, Vec::new()).await
            }
            Cancellation::Reverse => {
                let error = ProviderError::new(Kind::NotThisWay, "Birch reverses nothing");
                Err(error.with_effect(Effect::None))
            }
        }
    }

    fn prepare_refund(&self, intent: &RefundIntent) -> Result<FrozenRequest, PrepareError> {
        let refund = NewRefund {
            order: intent.reference.to_string(),
            charge: intent.gateway_number.clone(),
            refund: intent.number.to_string(),
            amount: dollars(intent.amount),
        };
        self.freeze("/v1/refunds", &refund)
    }

    async fn refund_payment(&self, request: &FrozenRequest) -> Result<Fact, ProviderError> {
        self.send(request).await
    }

    async fn query_refund(&self, refund: &RefundInquiry) -> Result<Fact, ProviderError> {
        self.get(&format!(
            "/v1/charges/{}/refunds/{}",
            refund.reference, refund.number
        ))
        .await
    }

    /// The signature is made when the bytes go out, so that they are the same under every secret.
    fn renew(&self, request: &FrozenRequest) -> Result<Option<FrozenRequest>, PrepareError> {
        let key = self.settings.secret.fingerprint();
        Ok((request.key != key).then(|| FrozenRequest {
            key: key.to_owned(),
            ..request.clone()
        }))
    }

    fn parse_notification(
        &self,
        notification: &RawNotification,
    ) -> Result<Fact, NotificationRefused> {
        let (headers, body) = (&notification.headers, &notification.body);
        let fact = message::read(Source::Notification, headers, body, &self.settings.secret)
            .map_err(NotificationRefused::new)?;
        match fact.claim {
            // Not documented, so not believed.
            Claim::Payment(PaymentStatus::NotPaid) => Err(NotificationRefused::new(
                "Birch does not notify of what is open",
            )),
            _ => Ok(fact),
        }
    }

    /// Birch looks at the status alone.
    fn acknowledge<'a>(&self, verdict: Acknowledgement<'a>) -> Reply {
        let body = match verdict {
            Acknowledgement::Committed => "received".to_owned(),
            Acknowledgement::Refused(reason) => format!("not received: {reason}"),
        };
        Reply {
            content_type: "text/plain; charset=utf-8",
            body,
        }
    }
}
