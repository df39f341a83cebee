//! The yardstick on PostgreSQL: what the store sends for one settlement, statement by statement, with nothing decided
//! between them.

use async_trait::async_trait;
use sqlx::{PgPool, Row as _};

use crate::race::Settle;
use crate::told::{AT, PROVIDER, paid};

pub(crate) struct Bare(pub(crate) PgPool);

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL synchronous_commit = on;
    SET LOCAL lock_timeout = '10s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'";

const PAYMENT: &str = "
SELECT provider, reference, merchant, amount, currency, subject, description, state, late, reversal,
       late_policy, expires_at, closed_at, gateway_number, pay_link, trouble, created_at, paid_at,
       next_check_at, lease_until, request_path, request_body, request_key, version, events
  FROM ucanpay_payment WHERE provider = $1 AND reference = $2 FOR UPDATE";
const REFUNDS: &str = "
SELECT provider, reference, number, amount, reason, state, gateway_number, trouble, created_at, failed_at, confirmed_at,
       next_check_at, lease_until, submissions, request_path, request_body, request_key, version
  FROM ucanpay_refund WHERE provider = $1 AND reference = $2 ORDER BY created_at, position FOR UPDATE";
const DISCREPANCIES: &str = "
SELECT provider, reference, number, kind, note, evidence, opened_at, closed_at, closing_note
  FROM ucanpay_discrepancy WHERE provider = $1 AND reference = $2 ORDER BY number";
const OWNER: &str =
    "SELECT reference FROM ucanpay_payment WHERE provider = $1 AND gateway_number = $2";
const EVIDENCE: &str = "
INSERT INTO ucanpay_evidence AS kept (provider, digest, reference, source, verdict, note, signed_text,
     signature, signing_key, received_at, seen)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
 ON CONFLICT (provider, digest) DO UPDATE SET seen = kept.seen + 1,
     verdict = CASE WHEN excluded.verdict = 'applied' THEN excluded.verdict ELSE kept.verdict END";
const CHANGE: &str = "
UPDATE ucanpay_payment SET
     state = $3, late = $4, reversal = $5, expires_at = $6, closed_at = $7, gateway_number = $8,
     pay_link = $9, trouble = $10, paid_at = $11, next_check_at = $12, lease_until = $13, version = $14,
     events = $15
  WHERE provider = $1 AND reference = $2";
const TRANSITION: &str = "
INSERT INTO ucanpay_transition (provider, reference, refund, version, from_state, to_state, cause, evidence,
     at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const EVENT: &str = "
INSERT INTO ucanpay_outbox
     (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";

#[async_trait]
impl Settle for Bare {
    async fn settle(&self, reference: &str) {
        let fact = paid(reference);
        let digest = format!("{reference}-digest-of-sixty-four-characters-as-a-sha-256-has-it.");
        let nothing: Option<&str> = None;
        let never: Option<i64> = None;
        let mut tx = self.0.begin_with(BEGIN).await.unwrap();
        let payment = sqlx::query(PAYMENT)
            .bind(PROVIDER)
            .bind(reference)
            .fetch_optional(&mut *tx)
            .await
            .unwrap()
            .unwrap();
        for sql in [REFUNDS, DISCREPANCIES] {
            sqlx::query(sql)
                .bind(PROVIDER)
                .bind(reference)
                .fetch_all(&mut *tx)
                .await
                .unwrap();
        }
        sqlx::query(OWNER)
            .bind(PROVIDER)
            .bind(&fact.gateway_number)
            .fetch_optional(&mut *tx)
            .await
            .unwrap();
        sqlx::query(EVIDENCE)
            .bind(PROVIDER)
            .bind(&digest)
            .bind(reference)
            .bind("notification")
            .bind("applied")
            .bind(nothing)
            .bind(fact.evidence.signed_text.as_bytes())
            .bind(&fact.evidence.signature)
            .bind(&fact.evidence.key)
            .bind(AT.as_millis())
            .execute(&mut *tx)
            .await
            .unwrap();
        let version = payment.get::<i64, _>("version") + 1;
        let event = payment.get::<i64, _>("events") + 1;
        sqlx::query(CHANGE)
            .bind(PROVIDER)
            .bind(reference)
            .bind("paid")
            .bind(false)
            .bind(nothing)
            .bind(payment.get::<i64, _>("expires_at"))
            .bind(never)
            .bind(&fact.gateway_number)
            .bind(nothing)
            .bind(nothing)
            .bind(AT.as_millis())
            .bind(never)
            .bind(never)
            .bind(version)
            .bind(event)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(TRANSITION)
            .bind(PROVIDER)
            .bind(reference)
            .bind(nothing)
            .bind(version)
            .bind(payment.get::<&str, _>("state"))
            .bind("paid")
            .bind("notification")
            .bind(&digest)
            .bind(AT.as_millis())
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(EVENT)
            .bind(format!("{PROVIDER}/{reference}/{event}"))
            .bind(PROVIDER)
            .bind(reference)
            .bind(event)
            .bind("payment_succeeded")
            .bind("{\"amount\":450}")
            .bind(AT.as_millis())
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}
