//! How a delivery ended, as it is written: each member is called like its column.

use serde::Serialize;

use super::{ClaimedEvent, Delivery};
use crate::time::Timestamp;

#[derive(Debug, Serialize)]
pub(super) struct EndedDelivery<'a> {
    pub(super) id: &'a str,
    /// The lease it was taken under.
    pub(super) lease_until: i64,
    pub(super) delivered_at: Option<i64>,
    pub(super) next_attempt_at: Option<i64>,
    pub(super) parked_at: Option<i64>,
    pub(super) trouble: Option<&'a str>,
}

impl<'a> From<&'a (ClaimedEvent, Delivery)> for EndedDelivery<'a> {
    fn from((claimed, delivery): &'a (ClaimedEvent, Delivery)) -> Self {
        let (delivered, next, parked) = match delivery {
            Delivery::Delivered(at) => (Some(at), None, None),
            Delivery::Later(at) => (None, Some(at), None),
            Delivery::Parked(at, trouble) => (None, None, Some((at, trouble.as_str()))),
        };
        let millis = |at: &Timestamp| at.as_millis();
        let (parked_at, trouble) = parked.unzip();
        Self {
            id: &claimed.event.id,
            lease_until: claimed.lease_until.as_millis(),
            delivered_at: delivered.map(millis),
            next_attempt_at: next.map(millis),
            parked_at: parked_at.map(millis),
            trouble,
        }
    }
}
