//! Whether notifications reach us: asked of the finished router, before it serves.
//!
//! A layer in the wrong place loses notifications without a word ([`UcanpayLayer`](crate::UcanpayLayer) says where axum
//! does so). The check sends the router a POST of its own that is marked in a way no message from outside can be, and
//! sees whether the layer, a route or an extractor of this crate meets it. Nothing is stored.

use axum_core::BoxError;
use axum_core::body::Body;
use http::{Extensions, Method, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tower::{Service, ServiceExt};

/// Makes sure that a POST to each of `paths` reaches this crate through `app`. Call it with the finished router and the
/// paths of the notify URLs, before serving; it makes no network call.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use ucanpay_axum::{NotificationHandler, UcanpayLayer, self_check};
/// # async fn start(handler: std::sync::Arc<dyn NotificationHandler>) -> Result<(), Box<dyn std::error::Error>> {
/// let app = Router::new()
///     .route("/", get(|| async { "shop" }))
///     .layer(UcanpayLayer::from(handler));
/// self_check(app.clone(), ["/ucanpay/payment", "/ucanpay/refund"]).await?;
/// # Ok(())
/// # }
/// ```
///
/// It sees the router, not what stands before it: whether a proxy lets the gateway through shows only from outside. Nor
/// does it ask what becomes of a message there: that the account in a path is registered, or that an extractor takes the
/// notifications of its path, payments or refunds, is for a test with a message.
///
/// # Errors
///
/// [`Shadowed`], with the first path at which something else answers. Do not serve: payments would be notified in vain.
pub async fn self_check<A, R>(app: A, paths: impl IntoIterator<Item = &str>) -> Result<(), Shadowed>
where
    A: Service<Request<Body>, Response = http::Response<R>> + Clone,
    A::Error: Into<BoxError>,
{
    for path in paths {
        let mark = Mark::default();
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        request.extensions_mut().insert(mark.clone());
        let shadowed = || Shadowed {
            path: path.to_owned(),
        };
        *request.uri_mut() = path.parse().map_err(|_| shadowed())?;
        // What it is answered does not matter, nor whether it is.
        let answered = app.clone().oneshot(request).await;
        if !mark.was_seen() {
            if let Err(error) = answered {
                tracing::debug!(path, reason = %error.into(), "the self-check was not answered");
            }
            return Err(shadowed());
        }
    }
    Ok(())
}

/// A notify path of which this crate hears nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use async_trait::async_trait;
/// # use ucanpay_axum::{Ack, Incoming, Nack, NotificationHandler};
/// # struct Book;
/// # #[async_trait]
/// # impl NotificationHandler for Book {
/// #     async fn handle(&self, _: Incoming) -> Result<Ack, Nack> {
/// #         Ok(Ack::i_have_committed())
/// #     }
/// # }
/// use axum::Router;
/// use ucanpay_axum::{UcanpayLayer, self_check};
///
/// let app = Router::new()
///     .layer(UcanpayLayer::new(Book)) // `Book` is a NotificationHandler
///     .fallback(|| async { "not here" }); // after the layer: it takes the notifications
/// let shadowed = self_check(app, ["/ucanpay/payment"]).await.unwrap_err();
/// assert_eq!(shadowed.path(), "/ucanpay/payment");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "POST {path} does not reach ucanpay-axum: put `.layer(UcanpayLayer::..)` last, after every route, `.fallback` and \
     `.merge`, and around `.nest`; or the path is not the one in the notify URL"
)]
pub struct Shadowed {
    path: String,
}

impl Shadowed {
    /// The path that was tried.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Marks a request of the self-check. It travels in the request's extensions, which nothing outside the process can set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark(Arc<AtomicBool>);

impl Mark {
    /// Notes that a request has come to us, if it is one of the self-check. Such a request is taken no further.
    pub(crate) fn see(extensions: &Extensions) -> bool {
        let mark = extensions.get::<Self>();
        if let Some(Self(seen)) = mark {
            seen.store(true, Relaxed);
        }
        mark.is_some()
    }

    fn was_seen(&self) -> bool {
        self.0.load(Relaxed)
    }
}
