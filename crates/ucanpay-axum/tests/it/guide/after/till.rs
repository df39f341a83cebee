//! What the shop wants of UCanPay: a link by which an order is paid, and whether it is.

use async_trait::async_trait;
use axum::http::StatusCode;
use std::error::Error;
use std::sync::Arc;
use ucanpay_core::{Amount, Currency, Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{
    EventHandler, HandlerError, PaymentRegistry, Payments, Reference, SqliteStore, StartPayment,
    UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::Client;

/// Opens the ledger, and keeps it at work in a task of its own.
pub async fn open() -> Result<Payments, Box<dyn Error>> {
    let own_key = PrivateKey::from_bytes(&std::fs::read("merchant.pem")?)?;
    let gateway_key = PublicKey::from_bytes(&std::fs::read("ucanpay.pem")?)?;
    let merchant = Merchant::new(MerchantId::new("2000000010")?, own_key, [gateway_key])?;
    let client = Client::builder(merchant).build()?;
    let settings = UcanpaySettings::new("https://cakes.example")?;
    let registry = PaymentRegistry::builder()
        .register(UcanpayProvider::new(client, settings))
        .build()?;
    let store = SqliteStore::open("sqlite://payments.sqlite").await?;
    let payments = Payments::new(Arc::new(store), registry);
    let ledger = payments.clone();
    tokio::spawn(async move {
        ledger.run(Arc::new(Oven), std::future::pending()).await;
    });
    Ok(payments)
}

/// An order is to be paid. Said again, it is the same payment.
pub async fn due(payments: &Payments, order: u128, cents: i64) -> Result<(), StatusCode> {
    let started = payments.start(StartPayment {
        provider: None,
        reference: number(order)?,
        amount: Amount::new(cents).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?,
        currency: Currency::CAD,
        subject: "Cake".into(),
        description: "A cake to order".into(),
        expires_after: None,
    });
    started.await.map(drop).map_err(|error| {
        tracing::error!(order, reason = %error, "no payment was started");
        StatusCode::SERVICE_UNAVAILABLE
    })
}

/// How the payment of an order stands, for the buyer.
pub async fn standing(payments: &Payments, order: u128) -> Result<String, StatusCode> {
    let key = payments.key(number(order)?);
    let view = payments.payment(&key).await;
    let view = view.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let payment = view.ok_or(StatusCode::NOT_FOUND)?.payment;
    Ok(match payment.pay_link {
        _ if payment.paid_at.is_some() => "Paid.\n".to_owned(),
        _ if payment.state.is_settled() => "It cannot be paid any more.\n".to_owned(),
        Some(link) => format!("Pay here: {link}\n"),
        // The gateway could not be reached: the ledger goes on trying.
        None => "The link to pay will be here in a moment.\n".to_owned(),
    })
}

fn number(order: u128) -> Result<Reference, StatusCode> {
    Reference::new(format!("CAKE{order}")).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Is told what happened, at least once each: here an order is fulfilled.
struct Oven;

#[async_trait]
impl EventHandler for Oven {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        if event.kind == EventKind::PaymentSucceeded {
            tracing::info!(order = ?event.reference, "bake it");
        }
        Ok(())
    }
}
