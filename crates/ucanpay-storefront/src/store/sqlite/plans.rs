//! The plans of the hot statements. SQLite chooses them by the tables' definitions, however few rows there are.

use sqlx::{AssertSqlSafe, Row as _};

use super::{SqliteStore, read, write};
use crate::store::{census, history};

#[tokio::test]
async fn every_hot_statement_uses_an_index() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
    let store = SqliteStore::open(&url).await.unwrap();
    for sql in [
        read::PAYMENTS,
        read::REFUNDS,
        read::DISCREPANCIES,
        read::UNDER_REVIEW,
        read::RECENT,
        read::GATEWAY_NUMBER_OWNERS,
        read::REFUND_OWNERS,
        read::DUE,
        read::WAITING_EVENTS,
        read::PARKED_EVENTS,
        read::BLOCKED_UNTIL,
        history::TRANSITIONS,
        history::EVIDENCE,
        history::EVENTS,
        census::PAID,
        census::RECOVERED,
        census::REVIEWS,
        census::UNDELIVERED,
        census::PARKED,
        write::PAYMENT,
        write::SETTLE_EVENTS,
    ]
    .into_iter()
    .chain(census::BY_ACCOUNT.map(|(sql, _)| sql))
    {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explain).fetch_all(&store.reader).await.unwrap();
        let plan: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("INDEX"), "{sql}\n{plan}");
        // Where something waits to be claimed, a claim costs what it takes, not what waits.
        let claims = sql == read::WAITING_EVENTS;
        assert!(!claims || !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        // `json_each` has an index of its own.
        let one_by_one = sql != write::SETTLE_EVENTS || plan.contains("SEARCH ucanpay_outbox");
        assert!(one_by_one, "{sql}\n{plan}");
        for step in plan.lines() {
            let reads = step.starts_with("SCAN ucanpay_") || step.starts_with("SCAN waiting");
            assert!(!reads || step.contains("INDEX"), "{sql}\n{plan}");
        }
    }
}
