//! Rows into values.

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use ucanpay_core::{Amount, Currency};

use super::details::EventDetails;
use super::rows::json;
use crate::id::{PaymentKey, ProviderId, Reference, RefundNumber};
use crate::ledger::{
    Event, EventKind, FARTHEST, LEASE, Payment, PaymentState, PaymentView, Refund, RefundState,
    Schedule, Target,
};
use crate::provider::FrozenRequest;
use crate::store::{ClaimedEvent, StoreError};
use crate::time::Timestamp;
use crate::wording::Wording;

/// The payments of these keys with their refunds, oldest first.
pub(super) async fn views(
    tx: &mut SqliteConnection,
    keys: &HashSet<&PaymentKey>,
) -> Result<HashMap<PaymentKey, PaymentView>, StoreError> {
    let wanted: Vec<_> = keys
        .iter()
        .map(|key| [key.provider.as_str(), key.reference.as_str()])
        .collect();
    let wanted = json(&wanted)?;
    let mut views = HashMap::with_capacity(keys.len());
    for row in sqlx::query(PAYMENTS)
        .bind(&wanted)
        .fetch_all(&mut *tx)
        .await?
    {
        let payment = payment(&row)?;
        let key = payment.key.clone();
        let refunds = Vec::new();
        views.insert(key, PaymentView { payment, refunds });
    }
    for row in sqlx::query(REFUNDS).bind(&wanted).fetch_all(tx).await? {
        if let Some(view) = views.get_mut(&key(&row)?) {
            view.refunds.push(refund(&row)?);
        }
    }
    Ok(views)
}

// `CROSS JOIN` keeps SQLite from walking a table in search of the few keys: it looks each key up.
const PAYMENTS: &str = "
SELECT payment.* FROM json_each(?) AS wanted CROSS JOIN ucanpay_payment AS payment
    ON payment.provider = wanted.value->>0 AND payment.reference = wanted.value->>1";

const REFUNDS: &str = "
SELECT refund.* FROM json_each(?) AS wanted CROSS JOIN ucanpay_refund AS refund
    ON refund.provider = wanted.value->>0 AND refund.reference = wanted.value->>1
ORDER BY refund.created_at, refund.rowid";

/// The newest payments first.
pub(super) async fn recent(
    tx: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<PaymentKey>, StoreError> {
    sqlx::query(
        "SELECT provider, reference FROM ucanpay_payment ORDER BY created_at DESC, reference LIMIT ?",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(key)
    .collect()
}

/// A number at a provider.
type Numbered<'a> = (&'a ProviderId, &'a str);
type Owners = HashMap<(ProviderId, String), Reference>;

/// The payments that have these gateway numbers.
pub(super) async fn gateway_number_owners(
    tx: &mut SqliteConnection,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    let sql = "SELECT provider, gateway_number AS number, reference
                 FROM json_each(?) AS wanted CROSS JOIN ucanpay_payment
                   ON provider = wanted.value->>0 AND gateway_number = wanted.value->>1";
    owners(tx, sql, numbers).await
}

/// The payments that have refunds of these numbers.
pub(super) async fn refund_owners(
    tx: &mut SqliteConnection,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    let sql = "SELECT provider, number, reference
                 FROM json_each(?) AS wanted CROSS JOIN ucanpay_refund
                   ON provider = wanted.value->>0 AND number = wanted.value->>1";
    owners(tx, sql, numbers).await
}

async fn owners(
    tx: &mut SqliteConnection,
    sql: &'static str,
    numbers: &HashSet<Numbered<'_>>,
) -> Result<Owners, StoreError> {
    if numbers.is_empty() {
        return Ok(Owners::new());
    }
    let wanted: Vec<_> = numbers
        .iter()
        .map(|(provider, number)| [provider.as_str(), number])
        .collect();
    let rows = sqlx::query(sql).bind(json(&wanted)?).fetch_all(tx).await?;
    rows.iter()
        .map(|row| {
            let numbered = (provider(row)?, row.try_get("number")?);
            Ok((numbered, reference(row.try_get("reference")?)?))
        })
        .collect()
}

/// Unsettled rows whose time has come and that nobody has, the longest waiting first.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(PaymentKey, Target)>, StoreError> {
    sqlx::query(
        "SELECT provider, reference, NULL AS number, next_check_at FROM ucanpay_payment
          WHERE (next_check_at <= ?1 OR next_check_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
         UNION ALL
         SELECT provider, reference, number, next_check_at FROM ucanpay_refund
          WHERE (next_check_at <= ?1 OR next_check_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
         ORDER BY next_check_at LIMIT ?4",
    )
    .bind(now.as_millis())
    .bind(now.after(FARTHEST).as_millis())
    .bind(now.after(LEASE).as_millis())
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(|row| {
        let target = match row.try_get::<Option<String>, _>("number")? {
            None => Target::Payment,
            Some(number) => Target::Refund(refund_number(number)?),
        };
        Ok((key(row)?, target))
    })
    .collect()
}

/// Events that wait and that nobody has; of each payment only its first one, so that they arrive in order.
///
/// (`+position` keeps SQLite from walking the whole outbox in order instead of the few rows that wait.)
pub(super) async fn waiting_events(
    tx: &mut SqliteConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<ClaimedEvent>, StoreError> {
    sqlx::query(
        "SELECT * FROM ucanpay_outbox AS waiting
          WHERE delivered_at IS NULL AND (next_attempt_at <= ?1 OR next_attempt_at > ?2)
            AND (lease_until IS NULL OR lease_until <= ?1 OR lease_until > ?3)
            AND NOT EXISTS (SELECT 1 FROM ucanpay_outbox AS earlier
                             WHERE earlier.provider = waiting.provider
                               AND earlier.reference = waiting.reference
                               AND earlier.sequence < waiting.sequence
                               AND earlier.delivered_at IS NULL)
          ORDER BY +position LIMIT ?4",
    )
    .bind(now.as_millis())
    .bind(now.after(FARTHEST).as_millis())
    .bind(now.after(LEASE).as_millis())
    .bind(limit)
    .fetch_all(tx)
    .await?
    .iter()
    .map(|row| {
        let details: EventDetails = serde_json::from_str(row.try_get("details")?)
            .map_err(|_| corrupt("ucanpay_outbox.details"))?;
        let kind: String = row.try_get("kind")?;
        let stated: Option<String> = row.try_get("reference")?;
        Ok(ClaimedEvent {
            event: Event {
                id: row.try_get("id")?,
                provider: provider(row)?,
                reference: stated.map(reference).transpose()?,
                sequence: unsigned(row, "sequence")?,
                kind: EventKind::from_word(&kind).ok_or_else(|| corrupt("ucanpay_outbox.kind"))?,
                amount: details.amount,
                refund: details.refund,
                note: details.note,
                at: moment(row, "created_at")?,
            },
            attempts: row.try_get("attempts")?,
            lease_until: until,
        })
    })
    .collect()
}

fn payment(row: &SqliteRow) -> Result<Payment, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Payment {
        key: key(row)?,
        merchant: row.try_get("merchant")?,
        amount: amount(row)?,
        currency: Currency::new(row.try_get::<String, _>("currency")?)
            .map_err(|_| corrupt("ucanpay_payment.currency"))?,
        subject: wording(row, "subject")?,
        description: wording(row, "description")?,
        state: PaymentState::from_word(&state).ok_or_else(|| corrupt("ucanpay_payment.state"))?,
        needs_review: row.try_get("needs_review")?,
        late: row.try_get("late")?,
        unexplained_return: row.try_get("unexplained_return")?,
        gateway_number: row.try_get("gateway_number")?,
        pay_link: row
            .try_get::<Option<String>, _>("pay_link")?
            .map(Wording::from),
        trouble: row.try_get("trouble")?,
        created_at: moment(row, "created_at")?,
        paid_at: optional_moment(row, "paid_at")?,
        schedule: schedule(row)?,
        request: request(row)?.ok_or_else(|| corrupt("ucanpay_payment.request_body"))?,
        version: unsigned(row, "version")?,
        events: unsigned(row, "events")?,
    })
}

fn refund(row: &SqliteRow) -> Result<Refund, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Refund {
        number: refund_number(row.try_get("number")?)?,
        reference: reference(row.try_get("reference")?)?,
        amount: amount(row)?,
        reason: wording(row, "reason")?,
        state: RefundState::from_word(&state).ok_or_else(|| corrupt("ucanpay_refund.state"))?,
        gateway_number: row.try_get("gateway_number")?,
        trouble: row.try_get("trouble")?,
        created_at: moment(row, "created_at")?,
        schedule: schedule(row)?,
        request: request(row)?,
        version: unsigned(row, "version")?,
    })
}

fn key(row: &SqliteRow) -> Result<PaymentKey, StoreError> {
    Ok(PaymentKey {
        provider: provider(row)?,
        reference: reference(row.try_get("reference")?)?,
    })
}

fn provider(row: &SqliteRow) -> Result<ProviderId, StoreError> {
    ProviderId::new(row.try_get::<String, _>("provider")?).map_err(|_| corrupt("provider"))
}

fn reference(text: String) -> Result<Reference, StoreError> {
    Reference::new(text).map_err(|_| corrupt("reference"))
}

fn refund_number(text: String) -> Result<RefundNumber, StoreError> {
    RefundNumber::new(text).map_err(|_| corrupt("refund number"))
}

fn amount(row: &SqliteRow) -> Result<Amount, StoreError> {
    Amount::new(row.try_get("amount")?).map_err(|_| corrupt("amount"))
}

fn request(row: &SqliteRow) -> Result<Option<FrozenRequest>, StoreError> {
    let path: Option<String> = row.try_get("request_path")?;
    let body: Option<Vec<u8>> = row.try_get("request_body")?;
    let key: Option<String> = row.try_get("request_key")?;
    Ok(match (path, body, key) {
        (Some(path), Some(body), Some(key)) => Some(FrozenRequest {
            path,
            body: body.into(),
            key,
        }),
        _ => None,
    })
}

fn schedule(row: &SqliteRow) -> Result<Schedule, StoreError> {
    Ok(Schedule {
        next_check_at: optional_moment(row, "next_check_at")?,
        lease_until: optional_moment(row, "lease_until")?,
    })
}

fn wording(row: &SqliteRow, column: &'static str) -> Result<Wording, StoreError> {
    Ok(row.try_get::<String, _>(column)?.into())
}

fn moment(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

fn optional_moment(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let millis: Option<i64> = row.try_get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

fn unsigned(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| corrupt(column))
}

fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt { what }
}
