//! Notifications: a look at them, and sending one again.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::view;
use crate::sandbox::Sandbox;

pub(super) async fn all(State(sandbox): State<Sandbox>) -> Json<Value> {
    let deliveries: Vec<_> = sandbox
        .look(|gateway| {
            gateway
                .deliveries()
                .map(|delivery| view::delivery(gateway, delivery))
                .collect()
        })
        .await;
    Json(json!({ "deliveries": deliveries }))
}
