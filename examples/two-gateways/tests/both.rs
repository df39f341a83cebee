//! One order through each gateway, as a buyer; and the conformance suite on both providers.

#![allow(
    clippy::unwrap_used,
    reason = "the lint's exception for tests does not reach their helper functions"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use two_gateways::Program;
use two_gateways::birch::{Birch, BirchFactory, BirchGateway, BirchSettings, Secret};
use ucanpay_core::{Amount, Currency, Merchant, MerchantId, PayLinks, PrivateKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_storefront::conformance::{self, ProviderUnderTest, Standing, TestError};
use ucanpay_storefront::provider::{Acknowledgement, Effect, PaymentIntent};
use ucanpay_storefront::{
    AccountSettings, NotificationTopic, PaymentProvider, PaymentRegistry, ProviderId,
    RawNotification, Reference, RefundNumber, StartError, StartPayment, UcanpayFactory,
    UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::Client;

/// Buys a coffee by this gateway and returns the order's page, once it says so or after ten seconds.
async fn buy(shop: &str, provider: &str) -> String {
    let http = reqwest::Client::new();
    let counter = http.get(shop).send().await.unwrap().text().await.unwrap();
    assert!(counter.contains(provider), "{counter}");
    let checkout = http
        .post(format!("{shop}/checkout"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("provider={provider}"));
    let order = checkout.send().await.unwrap();
    assert!(order.status().is_success(), "{order:?}");
    let address = order.url().clone();
    let page = order.text().await.unwrap();
    let link = page.split("href=\"").nth(1).expect("a pay link");
    let link = link.split('"').next().unwrap().replace("&amp;", "&");

    let at_the_gateway = http.get(link).send().await.unwrap();
    let pay = match provider {
        "ucanpay" => format!("{}/approve", at_the_gateway.url()),
        _ => at_the_gateway.url().to_string(),
    };
    let paid = http.post(pay).send().await.unwrap();
    assert!(paid.status().is_success(), "{paid:?}");
    let mut page = String::new();
    for _ in 0..100 {
        let order = http.get(address.clone()).send().await.unwrap();
        page = order.text().await.unwrap();
        if page.contains("Thank you") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    page
}

#[test]
fn both_stand_in_one_list_of_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (own, platform) = (
        PrivateKey::generate(1024).unwrap(),
        PrivateKey::generate(1024).unwrap(),
    );
    let accounts = serde_json::json!([
        {
            "provider": "ucanpay",
            "merchant_id": 2_000_000_010_u64,
            "private_key_file": write("own.pem", own.to_pkcs8_pem().as_bytes()),
            "platform_key_file": write("ucanpay.pem", platform.public_key().to_spki_pem().as_bytes()),
            "notify_base_url": "https://shop.example",
        },
        {
            "provider": "birch",
            "id": "maple",
            "merchant": "coffee-shop",
            "secret_file": write("birch.secret", &[7; 32]),
            "gateway": "https://birch.example",
            "webhook": "https://shop.example/birch",
        },
    ]);
    let accounts: Vec<AccountSettings> = serde_json::from_value(accounts).unwrap();
    let registry = PaymentRegistry::builder()
        .factory(UcanpayFactory::new())
        .factory(BirchFactory)
        .accounts("accounts", accounts)
        .build()
        .unwrap();
    assert_eq!(registry.default_id().as_str(), "ucanpay");
    let birch = registry.get(Some(&ProviderId::new("maple").unwrap()));
    assert_eq!(birch.unwrap().merchant(), "coffee-shop");
}

#[tokio::test]
async fn what_one_gateway_does_not_take_the_other_may() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let program = Program::start(listen).await.unwrap();
    let start = |provider: &str, currency: &str| StartPayment {
        provider: Some(ProviderId::new(provider).unwrap()),
        reference: Reference::random(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::new(currency).unwrap(),
        subject: "coffee".into(),
        description: "coffee".into(),
        expires_after: None,
    };
    let refused = program.payments.start(start("birch", "EUR")).await;
    let Err(StartError::Unsupported(error)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        error.to_string(),
        "this gateway does not take EUR; it takes CAD, USD"
    );
    assert!(program.payments.payments(9).await.unwrap().is_empty());
    for (provider, currency) in [("birch", "USD"), ("ucanpay", "EUR")] {
        let view = program.payments.start(start(provider, currency)).await;
        assert!(view.unwrap().payment.pay_link.is_some(), "{provider}");
    }
}

#[tokio::test]
async fn a_buyer_pays_one_order_by_each_gateway() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let program = Program::start(listen).await.unwrap();
    for provider in ["ucanpay", "birch"] {
        let page = buy(&program.shop, provider).await;
        assert!(page.contains("<strong>paid</strong>"), "{provider}: {page}");
        assert!(page.contains(&format!("By {provider}")), "{page}");
    }
    let views = program.payments.payments(9).await.unwrap();
    assert_eq!(views.len(), 2);
    assert!(views.iter().all(|view| !view.needs_review()));

    // A webhook that nobody signed changes nothing, and is refused.
    let forged = reqwest::Client::new()
        .post(format!("{}/ucanpay/birch/payment", program.shop))
        .body("{}");
    assert_eq!(forged.send().await.unwrap().status(), 401);
    let nobody = reqwest::Client::new()
        .post(format!("{}/checkout", program.shop))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("provider=nobody");
    assert_eq!(nobody.send().await.unwrap().status(), 400);
}

/// A notify URL that keeps what comes, and takes it.
#[derive(Clone, Default)]
struct Letterbox(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Letterbox {
    async fn open(&self, took: &'static str) -> (String, JoinHandle<()>) {
        let keep = async move |State(letters): State<Letterbox>, headers, body| {
            letters.0.lock().unwrap().push((headers, body));
            took.into_response()
        };
        let app = Router::new().fallback(post(keep)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (address, server)
    }

    fn empty(&self) -> Vec<RawNotification> {
        let letters = std::mem::take(&mut *self.0.lock().unwrap());
        let letters = letters.into_iter();
        letters
            .map(|(headers, body)| {
                RawNotification::new(NotificationTopic::Payment, body).with_headers(headers)
            })
            .collect()
    }
}

struct BirchUnderTest {
    provider: Birch,
    gateway: BirchGateway,
    letters: Letterbox,
}

#[async_trait]
impl ProviderUnderTest for BirchUnderTest {
    fn provider(&self) -> Arc<dyn PaymentProvider> {
        Arc::new(self.provider.clone())
    }

    async fn pay(&self, payment: &PaymentIntent) -> Result<(), TestError> {
        let paid = self.gateway.pay(payment.reference.as_str());
        paid.then_some(()).ok_or_else(|| "it is not open".into())
    }

    async fn notifications(&self) -> Result<Vec<RawNotification>, TestError> {
        Ok(self.letters.empty())
    }

    /// They are done at once.
    async fn settle_refund(&self, _: &RefundNumber) -> Result<(), TestError> {
        Ok(())
    }

    async fn lose_next_answer(&self) -> bool {
        self.gateway.lose_next_answer();
        true
    }
}

#[tokio::test]
async fn birch_meets_every_expectation_but_reverses_nothing() {
    let letters = Letterbox::default();
    let (webhook, _server) = letters.open("").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let secret = Secret::random().unwrap();
    let gateway = BirchGateway::new(secret.clone(), address.clone());
    let router = gateway.router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let settings = BirchSettings {
        id: ProviderId::new("birch").unwrap(),
        merchant: "coffee-shop".into(),
        secret,
        gateway: address,
        webhook,
    };
    let provider = Birch::new(settings).unwrap();
    let report = conformance::provider(&BirchUnderTest {
        provider,
        gateway,
        letters,
    })
    .await;
    report.assert_met();
    let left = report
        .expectations()
        .iter()
        .filter(|one| one.standing != Standing::Met)
        .map(|one| one.name);
    assert_eq!(
        left.collect::<Vec<_>>(),
        ["an unpaid payment is reversed, where the capabilities say so"]
    );
}

#[tokio::test]
async fn a_redirect_to_where_nobody_listens_is_no_proof_that_nothing_happened() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let elsewhere = async move || Redirect::temporary(&away);
    let app = Router::new().fallback(elsewhere);
    let _server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let birch = Birch::new(BirchSettings {
        id: ProviderId::new("birch").unwrap(),
        merchant: "coffee-shop".into(),
        secret: Secret::random().unwrap(),
        webhook: format!("{gateway}/webhook"),
        gateway,
    })
    .unwrap();
    let intent = PaymentIntent {
        reference: Reference::random(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
    };
    let request = birch.prepare_payment(&intent).unwrap();
    let error = birch.create_payment(&intent, &request).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "{error:?}");
}

struct UcanpayUnderTest {
    provider: UcanpayProvider,
    gateway: String,
    letters: Letterbox,
}

#[async_trait]
impl ProviderUnderTest for UcanpayUnderTest {
    fn provider(&self) -> Arc<dyn PaymentProvider> {
        Arc::new(self.provider.clone())
    }

    async fn pay(&self, payment: &PaymentIntent) -> Result<(), TestError> {
        let placed = self.provider.query_payment(payment, None).await?;
        let number = placed.gateway_number.ok_or("no number")?;
        let approve = format!("{}/pay/{number}/approve", self.gateway);
        let answer = reqwest::Client::new().post(approve).send().await?;
        answer.error_for_status()?;
        Ok(())
    }

    async fn notifications(&self) -> Result<Vec<RawNotification>, TestError> {
        Ok(self.letters.empty())
    }

    /// The sandbox does so by itself, at once.
    async fn settle_refund(&self, _: &RefundNumber) -> Result<(), TestError> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

#[tokio::test]
async fn ucanpay_meets_every_expectation_on_the_sandbox() {
    let letters = Letterbox::default();
    let (shop, _server) = letters
        .open(r#"{"return_code":"SUCCESS","return_msg":"OK"}"#)
        .await;
    let (merchant_key, platform_key) = (
        PrivateKey::generate(2048).unwrap(),
        PrivateKey::generate(2048).unwrap(),
    );
    let config = SandboxConfig::new(
        "2000000010",
        merchant_key.public_key().clone(),
        platform_key.clone(),
    )
    .with_first_notification_delay(Duration::ZERO)
    .with_refund_delay(Duration::ZERO);
    let sandbox = Sandbox::open(config).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        sandbox
            .serve(listener, std::future::pending())
            .await
            .unwrap();
    });
    let merchant = Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        merchant_key,
        [platform_key.public_key().clone()],
    )
    .unwrap();
    let client = Client::builder(merchant)
        .base_url(&gateway)
        .build()
        .unwrap();
    let mut settings = UcanpaySettings::new(&shop).unwrap();
    settings.links = PayLinks::default().with_base_url(&gateway);
    let provider = UcanpayProvider::new(client, settings);
    let taken = provider.acknowledge(Acknowledgement::Committed).body;
    assert!(taken.contains("SUCCESS"), "{taken}");
    let report = conformance::provider(&UcanpayUnderTest {
        provider,
        gateway,
        letters,
    })
    .await;
    report.assert_met();
    let left = report
        .expectations()
        .iter()
        .filter(|one| one.standing != Standing::Met)
        .map(|one| one.name);
    assert_eq!(
        left.collect::<Vec<_>>(),
        [
            "a lost answer leaves the effect unknown, and the same bytes bring the order",
            "a lost answer to a refund leaves the effect unknown, and it is one refund",
        ],
        "the sandbox is not told to lose an answer here"
    );
}
