//! The shop's orders, and their payments: one core, used by the pages and the JSON API alike.
//!
//! A [`Basket`] comes in. The order is written first, then its payment is started under the same number, so that no
//! money can arrive for an order the shop does not know. What happens to the payment is the ledger's business
//! ([`Payments`]); `fulfilment.rs` is told when it is paid.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ucanpay_core::{Amount, Currency};
#[cfg(doc)]
use ucanpay_storefront::ledger::EventKind;
use ucanpay_storefront::ledger::{Discrepancy, Event};
use ucanpay_storefront::{
    PaymentState, PaymentView, Payments, Reference, Refund, RefundError, RefundRequest,
    ReviewError, StartError, StartPayment, StoreError,
};

use crate::basket::{Basket, Line};
pub use crate::order_table::Error as TableError;
use crate::order_table::OrderTable;
use crate::settings::DatabaseUrl;

/// The title the buyer sees in the app. The gateway forbids `/`, `=` and `&` in it.
const SUBJECT: &str = "Maple and Bean";

/// The longest description the gateway takes, in characters.
const MAX_DESCRIPTION: usize = 64;

/// An order as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number, which is also the payment's (`outTradeNo`).
    pub number: Reference,
    /// What was ordered, at the prices of then.
    pub lines: Vec<Line>,
    /// What it costs, in cents.
    pub total: Amount,
    /// When it was made: milliseconds since the Unix epoch, UTC.
    pub created_at: i64,
    /// The kitchen's ticket, given out once the order is paid.
    pub ticket: Option<i64>,
}

/// An order with its payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub order: Order,
    /// Its payment; `None` only if the shop died between writing the one and the other.
    pub payment: Option<PaymentView>,
}

/// Something that the ledger told about an order, and that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What happened: [`MoneyReturned`](EventKind::MoneyReturned) or
    /// [`LatePayment`](EventKind::LatePayment), as the ledger's word.
    pub kind: String,
    /// Why, where the ledger says so.
    pub text: Option<String>,
    /// When: milliseconds since the Unix epoch, UTC.
    pub at: i64,
}

/// The shop's orders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Orders {
    table: OrderTable,
    payments: Payments,
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The number stands for an order of other things.
    #[error("this number stands for another order already; take a new number")]
    Taken,
    /// The payment could not be started. The order may stand: place it again under the same number.
    #[error("the payment could not be started")]
    Start(#[from] StartError),
    /// The database did not answer. The order may stand: place it again under the same number.
    #[error("the shop's database is not available")]
    Table(#[from] TableError),
}

/// Orders could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The shop's table could not.
    #[error("the shop's database is not available")]
    Table(#[from] TableError),
    /// The ledger could not.
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

impl Orders {
    /// Orders kept in the database at `url`, paid through `payments`. Brings the shop's table up to date.
    ///
    /// # Errors
    /// [`TableError`] if it cannot be opened, or its table is newer than this program.
    pub async fn open(url: &DatabaseUrl, payments: Payments) -> Result<Self, TableError> {
        let table = OrderTable::open(url).await?;
        Ok(Self { table, payments })
    }

    /// The ledger.
    pub fn payments(&self) -> &Payments {
        &self.payments
    }

    /// Places an order and starts its payment. Idempotent by number: the same order placed twice, also at the same
    /// moment, is one order, and what was left undone the first time is done.
    ///
    /// If the gateway cannot be reached the order stands without a pay link, which follows as soon as it can.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn place(&self, number: Reference, basket: &Basket) -> Result<OrderView, PlaceError> {
        let order = Order {
            number,
            lines: basket.lines().to_vec(),
            total: basket.total(),
            created_at: now(),
            ticket: None,
        };
        let order = self.table.insert(order).await?;
        if !same_things(&order.lines, basket.lines()) {
            return Err(PlaceError::Taken);
        }
        self.start(order).await
    }

    /// Starts the payment of an order that has none yet.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub async fn start(&self, order: Order) -> Result<OrderView, PlaceError> {
        let start = StartPayment {
            provider: None,
            reference: order.number.clone(),
            amount: order.total,
            currency: Currency::CAD,
            subject: SUBJECT.into(),
            description: description(&order.lines).into(),
            expires_after: None,
        };
        let payment = Some(self.payments.start(start).await?);
        Ok(OrderView { order, payment })
    }

    /// The order of this number, if there is one.
    ///
    /// # Errors
    /// [`ReadError`] if the database does not answer.
    pub async fn find(&self, number: &str) -> Result<Option<OrderView>, ReadError> {
        let Some(order) = self.table.find(number).await? else {
            return Ok(None);
        };
        let payment = self.payment(&order).await?;
        Ok(Some(OrderView { order, payment }))
    }

    /// The newest orders first, without the `skipped` newest of them.
    ///
    /// # Errors
    /// [`ReadError`] if the database does not answer.
    pub async fn recent(&self, limit: u32, skipped: u32) -> Result<Vec<OrderView>, ReadError> {
        let orders = self.table.recent(limit, skipped).await?;
        let newest = limit.saturating_add(skipped);
        let payments = self.payments.payments(newest).await?;
        let mut payments: HashMap<_, _> = payments
            .into_iter()
            .map(|view| (view.payment.key.reference.clone(), view))
            .collect();
        let mut views = Vec::with_capacity(orders.len());
        for order in orders {
            let payment = match payments.remove(&order.number) {
                Some(payment) => Some(payment),
                None => self.payment(&order).await?,
            };
            views.push(OrderView { order, payment });
        }
        Ok(views)
    }

    /// The orders that somebody must look at, the one that waits longest first.
    ///
    /// # Errors
    /// [`ReadError`] if the database does not answer.
    pub async fn under_review(&self, limit: u32) -> Result<Vec<OrderView>, ReadError> {
        let payments = self.payments.under_review(limit).await?;
        let mut views = Vec::with_capacity(payments.len());
        for payment in payments {
            let number = payment.payment.key.reference.as_str();
            // An order is written before its payment, so it is there.
            views.extend(self.table.find(number).await?.map(|order| OrderView {
                order,
                payment: Some(payment),
            }));
        }
        Ok(views)
    }

    /// What somebody was told to look at in an order, oldest first.
    ///
    /// # Errors
    /// [`TableError`] if the database does not answer.
    pub async fn notes(&self, order: &Order) -> Result<Vec<Note>, TableError> {
        self.table.notes(order.number.as_str()).await
    }

    /// Gives money back for an order.
    ///
    /// # Errors
    /// [`RefundError`]: then nothing was recorded and nothing sent.
    pub async fn refund(
        &self,
        order: &Order,
        refund: RefundRequest,
    ) -> Result<Refund, RefundError> {
        let key = self.payments.key(order.number.clone());
        self.payments.refund(&key, refund).await
    }

    /// Gives the order a ticket for the kitchen, once. `None` if there is no such order.
    ///
    /// # Errors
    /// [`TableError`] if the database does not answer.
    pub async fn fulfil(&self, number: &Reference) -> Result<Option<i64>, TableError> {
        self.table.give_ticket(number).await
    }

    /// Keeps what an event says for the merchant's eye, once.
    ///
    /// # Errors
    /// [`TableError`] if the database does not answer.
    pub async fn note(&self, number: &Reference, event: &Event) -> Result<(), TableError> {
        self.table.note(number, event).await
    }

    /// Closes a discrepancy of an order's payment: somebody has looked.
    ///
    /// # Errors
    /// [`ReviewError`]: then nothing was written.
    pub async fn settle_review(
        &self,
        order: &Order,
        discrepancy: u32,
        note: &str,
    ) -> Result<PaymentView, ReviewError> {
        let key = self.payments.key(order.number.clone());
        self.payments.settle_review(&key, discrepancy, note).await
    }

    async fn payment(&self, order: &Order) -> Result<Option<PaymentView>, StoreError> {
        let key = self.payments.key(order.number.clone());
        self.payments.payment(&key).await
    }
}

impl OrderView {
    /// Where the payment stands.
    pub fn status(&self) -> PaymentState {
        let payment = self.payment.as_ref();
        payment.map_or(PaymentState::Created, |view| view.payment.state)
    }

    /// Whether somebody must look: what the gateway says contradicts the order.
    pub fn needs_review(&self) -> bool {
        let payment = self.payment.as_ref();
        payment.is_some_and(PaymentView::needs_review)
    }

    /// What somebody has yet to look at, oldest first.
    pub fn open_discrepancies(&self) -> impl Iterator<Item = &Discrepancy> {
        let payment = self.payment.iter();
        payment.flat_map(PaymentView::open_discrepancies)
    }

    /// Where the buyer pays, while the order is to be paid and the gateway knows it.
    pub fn pay_link(&self) -> Option<&str> {
        self.payment.as_ref()?.pay_link()
    }

    /// Its refunds, oldest first.
    pub fn refunds(&self) -> &[Refund] {
        self.payment.as_ref().map_or(&[], |view| &view.refunds)
    }

    /// The cents that surely went back: by refunds, or all of them by a reversal.
    pub fn refunded(&self) -> i64 {
        self.payment
            .as_ref()
            .map_or(0, |view| match view.was_reversed() {
                true => view.payment.amount.cents(),
                false => view.refunded(),
            })
    }

    /// Whether a refund waits for its result. Refunds go one at a time.
    pub fn refund_under_way(&self) -> bool {
        let mut refunds = self.refunds().iter();
        refunds.any(|refund| !refund.state.is_settled())
    }

    /// The cents that can be refunded now: none while a refund is under way.
    pub fn refundable(&self) -> i64 {
        match &self.payment {
            Some(view) if !self.refund_under_way() => view.refundable(),
            _ => 0,
        }
    }

    /// Whether all of the money went back.
    pub fn is_refunded(&self) -> bool {
        self.refunded() >= self.order.total.cents()
    }

    /// Whether somebody had to look: then "nothing was taken" is not ours to say.
    pub fn was_reviewed(&self) -> bool {
        let payment = self.payment.as_ref();
        payment.is_some_and(|view| !view.discrepancies.is_empty())
    }
}

/// Prices may have changed since; what is wanted may not.
fn same_things(there: &[Line], wanted: &[Line]) -> bool {
    there.len() == wanted.len()
        && there
            .iter()
            .zip(wanted)
            .all(|(there, wanted)| (&there.sku, there.quantity) == (&wanted.sku, wanted.quantity))
}

/// `2 Latte, 1 Oat Cookie`, cut where it becomes too long for the gateway.
fn description(lines: &[Line]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!("{} {}", line.quantity, line.name))
        .collect();
    let whole = lines.join(", ");
    if whole.chars().count() <= MAX_DESCRIPTION {
        return whole;
    }
    let cut: String = whole.chars().take(MAX_DESCRIPTION - 1).collect();
    format!("{cut}…")
}

/// Milliseconds since the Unix epoch.
fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_fits_the_gateway_however_much_is_ordered() {
        let everything = crate::catalogue::MENU
            .iter()
            .map(|product| (product.sku, 20));
        let basket = Basket::new(everything).unwrap();
        let text = description(basket.lines());
        assert!(
            ucanpay_core::Description::new(text.clone()).is_ok(),
            "{text}"
        );
        let small = Basket::new([("latte", 2), ("cookie", 1)]).unwrap();
        assert_eq!(description(small.lines()), "2 Latte, 1 Oat Cookie");
        assert!(ucanpay_core::Subject::new(SUBJECT).is_ok());
    }
}
