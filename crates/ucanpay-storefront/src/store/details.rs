//! The part of an event that is kept as JSON.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::ledger::Event;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

impl EventDetails {
    /// Those of an event, as they are written.
    pub(super) fn json(event: &Event) -> Result<String, StoreError> {
        let details = Self {
            amount: event.amount,
            refund: event.refund.clone(),
            note: event.note.clone(),
        };
        serde_json::to_string(&details).map_err(|_| StoreError::Corrupt {
            what: "event to be written",
        })
    }
}
