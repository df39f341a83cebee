//! The gateway's side: orders and refunds, and what it says about them.

use std::collections::{BTreeMap, VecDeque};

use ucanpay_core::Amount;

use super::MERCHANT;
use super::message::{Message, payment_word, refund_word};
use super::script::NextCall;
use crate::id::Reference;
use crate::provider::{
    Cancellation, Effect, NotificationTopic, PaymentStatus, ProviderError, ProviderErrorKind,
    RefundInquiry, RefundStatus,
};

#[derive(Debug, Default)]
pub(super) struct Gateway {
    pub(super) orders: BTreeMap<String, Order>,
    pub(super) refunds: BTreeMap<String, RefundOrder>,
    /// What becomes of the next calls, the next one first.
    pub(super) script: VecDeque<NextCall>,
    /// What the gateway has told, and nobody has fetched yet.
    pub(super) told: Vec<(NotificationTopic, Message)>,
    pub(super) calls: usize,
    messages: u64,
}

#[derive(Debug)]
pub(super) struct Order {
    number: String,
    amount: Amount,
    currency: String,
    pub(super) status: PaymentStatus,
}

#[derive(Debug)]
pub(super) struct RefundOrder {
    number: String,
    pub(super) reference: String,
    amount: Amount,
    pub(super) status: RefundStatus,
}

impl Gateway {
    pub(super) fn next_call(&mut self) -> Option<NextCall> {
        self.calls += 1;
        self.script.pop_front()
    }

    pub(super) fn place(&mut self, order: &Message) -> Result<Message, ProviderError> {
        let text = |name| order.get(name).map(str::to_owned).map_err(unreadable);
        let (reference, currency) = (text("reference")?, text("currency")?);
        let amount = order.cents("amount").map_err(unreadable)?;
        let number = format!("G{}", self.orders.len() + 1);
        let stands = self.orders.entry(reference.clone()).or_insert(Order {
            number,
            amount,
            currency: currency.clone(),
            status: PaymentStatus::NotPaid,
        });
        if stands.amount != amount || stands.currency != currency {
            return Err(says(
                ProviderErrorKind::Refused,
                "another order has this number",
            ));
        }
        let message = self.about(&reference)?.with("says", "placed");
        Ok(message.with("link", format!("https://pay.example/{reference}")))
    }

    pub(super) fn payment(
        &mut self,
        reference: &Reference,
        gateway_number: Option<&str>,
    ) -> Result<Message, ProviderError> {
        let order = self.order(reference, gateway_number)?;
        let status = order.status.clone();
        let message = self.payment_message(reference.as_str(), &status)?;
        Ok(message.with("link", format!("https://pay.example/{reference}")))
    }

    pub(super) fn cancel(
        &mut self,
        reference: &Reference,
        gateway_number: Option<&str>,
        how: Cancellation,
    ) -> Result<Message, ProviderError> {
        let order = self.order(reference, gateway_number)?;
        order.status = match (&order.status, how) {
            (PaymentStatus::Closed, _) => PaymentStatus::Closed,
            (PaymentStatus::Reversed, _) => PaymentStatus::Reversed,
            (PaymentStatus::Paid | PaymentStatus::PaidAndReturned, Cancellation::Close) => {
                return Err(says(ProviderErrorKind::NotThisWay, "it is paid"));
            }
            (_, Cancellation::Close) => PaymentStatus::Closed,
            (_, Cancellation::Reverse) => PaymentStatus::Reversed,
        };
        let status = order.status.clone();
        self.payment_message(reference.as_str(), &status)
    }

    pub(super) fn refund(&mut self, request: &Message) -> Result<Message, ProviderError> {
        let text = |name| request.get(name).map(str::to_owned).map_err(unreadable);
        let (reference, refund) = (text("reference")?, text("refund")?);
        let amount = request.cents("refund_amount").map_err(unreadable)?;
        let paid = self.orders.get(&reference).ok_or_else(unknown)?;
        let taken = |gone: &RefundOrder| gone.reference == reference && gone.counts();
        let returned: i64 = self
            .refunds
            .iter()
            .filter(|(number, gone)| **number != refund && taken(gone))
            .map(|(_, gone)| gone.amount.cents())
            .sum();
        let is_paid = matches!(
            paid.status,
            PaymentStatus::Paid | PaymentStatus::PaidAndReturned
        );
        if !is_paid || returned + amount.cents() > paid.amount.cents() {
            return Err(says(ProviderErrorKind::Refused, "that much is not there"));
        }
        let number = format!("R{}", self.refunds.len() + 1);
        let stands = self.refunds.entry(refund.clone()).or_insert(RefundOrder {
            number,
            reference: reference.clone(),
            amount,
            status: RefundStatus::Processing,
        });
        if stands.amount != amount || stands.reference != reference {
            return Err(says(
                ProviderErrorKind::Refused,
                "another refund has this number",
            ));
        }
        if stands.status == RefundStatus::Failed {
            stands.status = RefundStatus::Processing;
        }
        let message = self.about_refund(&refund)?;
        Ok(message.with("says", "refund accepted"))
    }

    pub(super) fn refund_state(
        &mut self,
        inquiry: &RefundInquiry,
    ) -> Result<Message, ProviderError> {
        let number = inquiry.number.as_str();
        let known = self
            .refunds
            .get(number)
            .is_some_and(|refund| refund.reference == inquiry.reference.as_str());
        if known {
            self.refund_message(number)
        } else {
            Err(unknown())
        }
    }

    /// What the gateway says about a refund: in the answer to a query, and in a notification.
    pub(super) fn refund_message(&mut self, number: &str) -> Result<Message, ProviderError> {
        let status = self.refunds.get(number).ok_or_else(unknown)?.status.clone();
        let message = self.about_refund(number)?.with("says", "refund");
        Ok(message.with("status", refund_word(&status)))
    }

    /// What the gateway says about a payment, likewise.
    pub(super) fn payment_message(
        &mut self,
        reference: &str,
        status: &PaymentStatus,
    ) -> Result<Message, ProviderError> {
        let message = self.about(reference)?.with("says", "payment");
        Ok(message.with("status", payment_word(status)))
    }

    fn order(
        &mut self,
        reference: &Reference,
        gateway_number: Option<&str>,
    ) -> Result<&mut Order, ProviderError> {
        self.orders
            .get_mut(reference.as_str())
            .filter(|order| gateway_number.is_none_or(|number| number == order.number))
            .ok_or_else(unknown)
    }

    fn about(&mut self, reference: &str) -> Result<Message, ProviderError> {
        self.messages += 1;
        let order = self.orders.get(reference).ok_or_else(unknown)?;
        Ok(Message::new([
            ("message", self.messages.to_string().as_str()),
            ("merchant", MERCHANT),
            ("reference", reference),
            ("number", &order.number),
            ("amount", &order.amount.cents().to_string()),
            ("currency", &order.currency),
        ]))
    }

    fn about_refund(&mut self, number: &str) -> Result<Message, ProviderError> {
        let reference = self
            .refunds
            .get(number)
            .ok_or_else(unknown)?
            .reference
            .clone();
        let message = self.about(&reference)?;
        let refund = self.refunds.get(number).ok_or_else(unknown)?;
        Ok(message
            .with("refund", number)
            .with("refund_number", &refund.number)
            .with("refund_amount", refund.amount.cents().to_string()))
    }
}

impl RefundOrder {
    /// Whether its money went back or may.
    fn counts(&self) -> bool {
        self.status != RefundStatus::Failed
    }
}

fn says(kind: ProviderErrorKind, word: &'static str) -> ProviderError {
    ProviderError::new(kind, word).with_effect(Effect::None)
}

/// Proves nothing: the order may be on its way.
fn unknown() -> ProviderError {
    ProviderError::new(ProviderErrorKind::AskFirst, "there is no such number")
}

fn unreadable(error: super::message::Unreadable) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Refused, error).with_effect(Effect::None)
}
