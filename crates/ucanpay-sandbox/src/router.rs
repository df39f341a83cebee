//! One router for everything the sandbox serves.

use axum::Router;
use axum::extract::DefaultBodyLimit;

use crate::sandbox::Sandbox;
use crate::{api, control, pages};

/// Far beyond any request of the reference.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(control::routes())
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(sandbox)
}
