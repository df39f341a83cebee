//! Rows into values, the same for every database: which column holds what, and what is not believed when it is read.

use sqlx::{ColumnIndex, Database, Decode, Row, Type};
use ucanpay_core::{Amount, Currency};

use super::details::EventDetails;
use super::{ClaimedEvent, ParkedEvent, StoreError};
use crate::id::{PaymentKey, ProviderId, Reference, RefundNumber};
use crate::ledger::{
    ClosedReview, Discrepancy, DiscrepancyKind, Event, EventKind, LatePolicy, Lease, Payment,
    PaymentState, Refund, RefundState, Reversal, Schedule, Target,
};
use crate::provider::FrozenRequest;
use crate::time::Timestamp;
use crate::wording::Wording;

/// The five kinds of column there are, read by name.
pub(super) trait Columns {
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    fn number(&self, column: &'static str) -> Result<i64, StoreError>;
    fn optional_number(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    fn flag(&self, column: &'static str) -> Result<bool, StoreError>;
    fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// A type that a column of this database can hold.
pub(super) trait Held<DB: Database>: Type<DB> + for<'r> Decode<'r, DB> {}

impl<DB: Database, T: Type<DB> + for<'r> Decode<'r, DB>> Held<DB> for T {}

impl<R: Row> Columns for R
where
    &'static str: ColumnIndex<R>,
    String: Held<R::Database>,
    i64: Held<R::Database>,
    bool: Held<R::Database>,
    Vec<u8>: Held<R::Database>,
{
    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: &'static str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn optional_number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

pub(super) fn payment(row: &impl Columns) -> Result<Payment, StoreError> {
    Ok(Payment {
        key: key(row)?,
        merchant: row.text("merchant")?,
        amount: amount(row)?,
        currency: Currency::new(row.text("currency")?)
            .map_err(|_| corrupt("ucanpay_payment.currency"))?,
        subject: wording(row, "subject")?,
        description: wording(row, "description")?,
        state: PaymentState::from_word(&row.text("state")?)
            .ok_or_else(|| corrupt("ucanpay_payment.state"))?,
        late: row.flag("late")?,
        reversal: row
            .optional_text("reversal")?
            .map(|word| {
                Reversal::from_word(&word).ok_or_else(|| corrupt("ucanpay_payment.reversal"))
            })
            .transpose()?,
        late_policy: LatePolicy::from_word(&row.text("late_policy")?)
            .ok_or_else(|| corrupt("ucanpay_payment.late_policy"))?,
        gateway_number: row.optional_text("gateway_number")?,
        pay_link: row.optional_text("pay_link")?.map(Wording::from),
        trouble: row.optional_text("trouble")?,
        created_at: moment(row, "created_at")?,
        paid_at: optional_moment(row, "paid_at")?,
        expires_at: moment(row, "expires_at")?,
        closed_at: optional_moment(row, "closed_at")?,
        schedule: schedule(row)?,
        request: request(row)?.ok_or_else(|| corrupt("ucanpay_payment.request_body"))?,
        version: unsigned(row, "version")?,
        events: unsigned(row, "events")?,
    })
}

pub(super) fn refund(row: &impl Columns) -> Result<Refund, StoreError> {
    Ok(Refund {
        number: refund_number(row.text("number")?)?,
        reference: reference(row.text("reference")?)?,
        amount: amount(row)?,
        reason: wording(row, "reason")?,
        state: RefundState::from_word(&row.text("state")?)
            .ok_or_else(|| corrupt("ucanpay_refund.state"))?,
        gateway_number: row.optional_text("gateway_number")?,
        trouble: row.optional_text("trouble")?,
        created_at: moment(row, "created_at")?,
        failed_at: optional_moment(row, "failed_at")?,
        confirmed_at: optional_moment(row, "confirmed_at")?,
        schedule: schedule(row)?,
        request: request(row)?,
        submissions: u32::try_from(row.number("submissions")?)
            .map_err(|_| corrupt("ucanpay_refund.submissions"))?,
        version: unsigned(row, "version")?,
    })
}

pub(super) fn discrepancy(row: &impl Columns) -> Result<Discrepancy, StoreError> {
    let note = row.optional_text("closing_note")?.map(Wording::from);
    let closed = optional_moment(row, "closed_at")?.zip(note);
    Ok(Discrepancy {
        number: u32::try_from(row.number("number")?)
            .map_err(|_| corrupt("ucanpay_discrepancy.number"))?,
        kind: DiscrepancyKind::from_word(&row.text("kind")?)
            .ok_or_else(|| corrupt("ucanpay_discrepancy.kind"))?,
        note: row.text("note")?,
        evidence: row.optional_text("evidence")?,
        opened_at: moment(row, "opened_at")?,
        closed: closed.map(|(at, note)| ClosedReview { at, note }),
    })
}

/// A row that is due, as it is leased until then: of a payment where `number` is NULL, of a refund otherwise.
pub(super) fn due(row: &impl Columns, until: Timestamp) -> Result<(PaymentKey, Lease), StoreError> {
    let target = match row.optional_text("number")? {
        None => Target::Payment,
        Some(number) => Target::Refund(refund_number(number)?),
    };
    let due = Some(moment(row, "next_check_at")?);
    Ok((key(row)?, Lease { target, until, due }))
}

pub(super) fn waiting_event(
    row: &impl Columns,
    until: Timestamp,
) -> Result<ClaimedEvent, StoreError> {
    Ok(ClaimedEvent {
        event: event(row)?,
        attempts: attempts(row)?,
        lease_until: until,
    })
}

pub(super) fn parked_event(row: &impl Columns) -> Result<ParkedEvent, StoreError> {
    Ok(ParkedEvent {
        event: event(row)?,
        attempts: attempts(row)?,
        parked_at: moment(row, "parked_at")?,
        trouble: row.optional_text("trouble")?.unwrap_or_default(),
    })
}

pub(super) fn attempts(row: &impl Columns) -> Result<u32, StoreError> {
    u32::try_from(row.number("attempts")?).map_err(|_| corrupt("ucanpay_outbox.attempts"))
}

pub(super) fn event(row: &impl Columns) -> Result<Event, StoreError> {
    let details: EventDetails = serde_json::from_str(&row.text("details")?)
        .map_err(|_| corrupt("ucanpay_outbox.details"))?;
    Ok(Event {
        id: row.text("id")?,
        provider: provider(row)?,
        reference: row.optional_text("reference")?.map(reference).transpose()?,
        sequence: unsigned(row, "sequence")?,
        kind: EventKind::from_word(&row.text("kind")?)
            .ok_or_else(|| corrupt("ucanpay_outbox.kind"))?,
        amount: details.amount,
        refund: details.refund,
        note: details.note,
        at: moment(row, "created_at")?,
    })
}

pub(super) fn reference(text: String) -> Result<Reference, StoreError> {
    Reference::new(text).map_err(|_| corrupt("reference"))
}

pub(super) fn key(row: &impl Columns) -> Result<PaymentKey, StoreError> {
    Ok(PaymentKey {
        provider: provider(row)?,
        reference: reference(row.text("reference")?)?,
    })
}

pub(super) fn provider(row: &impl Columns) -> Result<ProviderId, StoreError> {
    ProviderId::new(row.text("provider")?).map_err(|_| corrupt("provider"))
}

pub(super) fn refund_number(text: String) -> Result<RefundNumber, StoreError> {
    RefundNumber::new(text).map_err(|_| corrupt("refund number"))
}

fn amount(row: &impl Columns) -> Result<Amount, StoreError> {
    Amount::new(row.number("amount")?).map_err(|_| corrupt("amount"))
}

fn request(row: &impl Columns) -> Result<Option<FrozenRequest>, StoreError> {
    let path = row.optional_text("request_path")?;
    let body = row.optional_bytes("request_body")?;
    let key = row.optional_text("request_key")?;
    Ok(match (path, body, key) {
        (Some(path), Some(body), Some(key)) => Some(FrozenRequest {
            path,
            body: body.into(),
            key,
        }),
        _ => None,
    })
}

fn schedule(row: &impl Columns) -> Result<Schedule, StoreError> {
    Ok(Schedule {
        next_check_at: optional_moment(row, "next_check_at")?,
        lease_until: optional_moment(row, "lease_until")?,
    })
}

fn wording(row: &impl Columns, column: &'static str) -> Result<Wording, StoreError> {
    Ok(row.text(column)?.into())
}

pub(super) fn moment(row: &impl Columns, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.number(column)?))
}

pub(super) fn optional_moment(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let millis = row.optional_number(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

pub(super) fn unsigned(row: &impl Columns, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.number(column)?).map_err(|_| corrupt(column))
}

pub(super) fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt { what }
}
