//! Verified notifications as axum extractors.
//!
//! The body is read as bytes and verified with the [`Merchant`] of the router's state, whatever its content type.
//! *Verified* means that the gateway said it. Whether it is about an order of yours, with your amount and your
//! currency, is for you to compare before anything is marked paid.

use crate::body;
use crate::rejection::{NotificationRejection, OtherTopic};
use crate::self_check::Mark;
use axum_core::extract::{FromRef, FromRequest, Request};
use std::error::Error;
use std::iter::successors;
use ucanpay_core::{Merchant, Verified};

/// Any notification: chapters "Payment Notification" and "Refund Notification" of the reference.
#[derive(Debug)]
pub struct Notification(pub Verified<ucanpay_core::Notification>);

/// A payment notification; a refund notification is rejected with 400.
#[derive(Debug)]
pub struct PaymentNotification(pub Verified<ucanpay_core::PaymentNotification>);

/// A refund notification; a payment notification is rejected with 400.
#[derive(Debug)]
pub struct RefundNotification(pub Verified<ucanpay_core::RefundNotification>);

impl<S> FromRequest<S> for Notification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let merchant = Merchant::from_ref(state);
        // The self-check's own request is empty, and no news.
        let checked = Mark::see(request.extensions());
        let verified = verify(request, &merchant).await;
        verified.map(Self).inspect_err(|error| {
            if !checked {
                log(error);
            }
        })
    }
}

impl<S> FromRequest<S> for PaymentNotification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Notification(any) = Notification::from_request(request, state).await?;
        let payment = any.into_payment().ok_or(OtherTopic.into());
        payment.map(Self).inspect_err(log)
    }
}

impl<S> FromRequest<S> for RefundNotification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Notification(any) = Notification::from_request(request, state).await?;
        let refund = any.into_refund().ok_or(OtherTopic.into());
        refund.map(Self).inspect_err(log)
    }
}

async fn verify(
    request: Request,
    merchant: &Merchant,
) -> Result<Verified<ucanpay_core::Notification>, NotificationRejection> {
    let body = body::read(request.into_body()).await?;
    Ok(merchant.verify_notification(&body)?)
}

/// One warning with the reason, and never the body: it tells what a customer bought.
fn log(rejection: &NotificationRejection) {
    let causes = successors(rejection.source(), |&error| error.source());
    let reason = causes.fold(rejection.to_string(), |reason, cause| {
        format!("{reason}: {cause}")
    });
    tracing::warn!(reason, "a notification was refused");
}
