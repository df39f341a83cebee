//! All of it on loopback: the shop, UCanPay's sandbox, and Birch.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ucanpay_core::{Merchant, MerchantId, PayLinks, PrivateKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{
    EventHandler, HandlerError, MemoryStore, PaymentRegistry, Payments, ProviderId,
    UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::Client;

use crate::birch::{Birch, BirchGateway, BirchSettings, Secret};
use crate::shop;

const MERCHANT: &str = "2000000010";

/// The shop and both gateways, which end with this value.
#[derive(Debug)]
pub struct Program {
    /// Where the shop is.
    pub shop: String,
    /// Its ledger.
    pub payments: Payments,
    /// UCanPay as the shop registered it.
    pub ucanpay: UcanpayProvider,
    /// Birch, likewise.
    pub birch: Birch,
    /// The gateway behind it.
    pub birch_gateway: BirchGateway,
    tasks: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts everything: the shop at `listen`, the gateways on free ports, with keys made on the spot.
    ///
    /// # Errors
    /// If one of them cannot listen.
    pub async fn start(listen: SocketAddr) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut tasks = Vec::new();
        let shop_listener = TcpListener::bind(listen).await?;
        let shop = address(&shop_listener)?;

        let ucanpay = start_ucanpay(&shop, &mut tasks).await?;

        let birch_listener = TcpListener::bind("127.0.0.1:0").await?;
        let secret = Secret::random()?;
        let birch_gateway = BirchGateway::new(secret.clone(), address(&birch_listener)?);
        let birch = Birch::new(BirchSettings {
            id: ProviderId::new("birch")?,
            merchant: "coffee-shop".into(),
            secret,
            gateway: address(&birch_listener)?,
            webhook: format!("{shop}{}", shop::BIRCH_WEBHOOK),
        })?;
        tasks.push(serve(birch_listener, birch_gateway.router()));

        // The first one is the default.
        let registry = PaymentRegistry::builder()
            .register(ucanpay.clone())
            .register(birch.clone())
            .build()?;
        // A real shop keeps its ledger: SqliteStore or PostgresStore.
        let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
        tasks.push(serve(shop_listener, shop::app(payments.clone())));
        let ledger = payments.clone();
        tasks.push(tokio::spawn(async move {
            ledger.run(Arc::new(Counter), std::future::pending()).await;
        }));
        Ok(Self {
            shop,
            payments,
            ucanpay,
            birch,
            birch_gateway,
            tasks,
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// UCanPay's sandbox, and the account of the shop there.
async fn start_ucanpay(
    shop: &str,
    tasks: &mut Vec<JoinHandle<()>>,
) -> Result<UcanpayProvider, Box<dyn Error + Send + Sync>> {
    let (merchant_key, platform_key) = (PrivateKey::generate(2048)?, PrivateKey::generate(2048)?);
    let config = SandboxConfig::new(
        MERCHANT,
        merchant_key.public_key().clone(),
        platform_key.clone(),
    )
    .with_first_notification_delay(Duration::ZERO)
    .with_refund_delay(Duration::ZERO);
    let sandbox = Sandbox::open(config).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway = address(&listener)?;
    tasks.push(tokio::spawn(async move {
        let _ = sandbox.serve(listener, std::future::pending()).await;
    }));
    let platform_keys = [platform_key.public_key().clone()];
    let merchant = Merchant::new(MerchantId::new(MERCHANT)?, merchant_key, platform_keys)?;
    let client = Client::builder(merchant).base_url(&gateway).build()?;
    let mut settings = UcanpaySettings::new(shop)?;
    settings.links = PayLinks::default().with_base_url(gateway);
    Ok(UcanpayProvider::new(client, settings))
}

fn address(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn serve(listener: TcpListener, app: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    })
}

/// Hands out coffee. It does not ask who was paid.
#[derive(Debug)]
struct Counter;

#[async_trait]
impl EventHandler for Counter {
    #[allow(clippy::print_stdout, reason = "an example tells what it does")]
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        if event.kind == EventKind::PaymentSucceeded
            && let Some(reference) = &event.reference
        {
            println!(
                "One coffee for order {reference}, paid by {}.",
                event.provider
            );
        }
        Ok(())
    }
}
