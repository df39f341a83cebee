//! The notify addresses in front of a shop's router.
//!
//! Who comes in: every request. Notifications go to the handler, all others to the shop, untouched.

use crate::body;
use crate::handler::{Incoming, NotificationHandler};
use crate::route::Route;
use crate::self_check::Mark;
use axum_core::BoxError;
use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Request, StatusCode};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Answers notifications at `POST {prefix}/payment`, `{prefix}/refund` and, for further merchant accounts,
/// `{prefix}/{account}/payment` and `…/refund`. The prefix is `/ucanpay` unless [`at`](Self::at) says otherwise.
///
/// # It must be the last layer
///
/// ```
/// # use std::sync::Arc;
/// # use ucanpay_axum::{NotificationHandler, UcanpayLayer};
/// # use axum::{Router, routing::get};
/// # fn app(handler: Arc<dyn NotificationHandler>) -> Router {
/// Router::new()
///     .route("/", get(|| async { "shop" }))
///     .fallback(|| async { "not here" })
///     .layer(UcanpayLayer::from(handler)) // last: after every route and after .fallback
/// # }
/// ```
///
/// [`self_check`](crate::self_check) finds out before the shop opens. A layer sees only what was added before it. The notify
/// addresses are no routes: the layer takes them on their way to the router's fallback or 404, which axum replaces when
/// routers are put together. Notifications are silently lost
///
/// - when `.fallback` or a wildcard route that takes POST comes after the layer, and with `.route_layer`;
/// - when the layered router merges another one later, which brings its own 404 or fallback along, or is merged into
///   a router with a fallback (it may be merged into one without);
/// - when `Router::nest` nests a layered router that has no fallback of its own: `nest` takes its routes along and
///   leaves its 404 behind, whether or not the outer router has a fallback.
///
/// # Under a path
///
/// For a shop at `/shop`, whose notify addresses are `/shop/ucanpay/…`, put the layer around the outer router:
///
/// ```
/// # use std::sync::Arc;
/// # use ucanpay_axum::{NotificationHandler, UcanpayLayer};
/// # use axum::Router;
/// # fn app(shop: Router, handler: Arc<dyn NotificationHandler>) -> Router {
/// Router::new()
///     .nest("/shop", shop)
///     .layer(UcanpayLayer::from(handler).at("/shop/ucanpay"))
/// # }
/// ```
///
/// Inside, the layer works with `nest_service` instead of `nest`, or when the nested router has a fallback of its own.
#[derive(Clone)]
pub struct UcanpayLayer {
    handler: Arc<dyn NotificationHandler>,
    prefix: Arc<str>,
    fail_with_200: bool,
}

impl UcanpayLayer {
    /// A layer that hands notifications to `handler`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use axum::body::{Body, to_bytes};
    /// # use axum::http::{Request, StatusCode};
    /// # use tower::ServiceExt;
    /// # use async_trait::async_trait;
    /// # use ucanpay_axum::{Ack, Incoming, Nack, NotificationHandler};
    /// # struct Book;
    /// # #[async_trait]
    /// # impl NotificationHandler for Book {
    /// #     async fn handle(&self, _: Incoming) -> Result<Ack, Nack> {
    /// #         Ok(Ack::i_have_committed())
    /// #     }
    /// # }
    /// use axum::{Router, routing::get};
    /// use ucanpay_axum::UcanpayLayer;
    ///
    /// let app = Router::new()
    ///     .route("/", get(|| async { "shop" }))
    ///     .layer(UcanpayLayer::new(Book)); // `Book` is a NotificationHandler
    /// let answer = app.clone().oneshot(Request::post("/ucanpay/refund").body(Body::empty())?).await?;
    /// assert_eq!(answer.status(), StatusCode::OK);
    /// let shop = app.oneshot(Request::get("/").body(Body::empty())?).await?;
    /// assert_eq!(to_bytes(shop.into_body(), usize::MAX).await?, "shop");
    /// # Ok(()) }
    /// ```
    pub fn new(handler: impl NotificationHandler) -> Self {
        Self::from(Arc::new(handler) as Arc<dyn NotificationHandler>)
    }

    /// Moves the addresses under `prefix`, `/pay/notify` for one. A missing first slash is added, a last one dropped.
    ///
    /// Choose a prefix that no other POST route of the shop begins with. Whatever stands between it and `/payment` or
    /// `/refund` is read as an account: `.at("/api")` takes the shop's own `POST /api/orders/refund` for a notification
    /// to the account `orders`, and `.at("")` takes `POST /orders/refund`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use axum::body::{Body, to_bytes};
    /// # use axum::http::{Request, StatusCode};
    /// # use tower::ServiceExt;
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
    /// let app = Router::new().layer(UcanpayLayer::new(Book).at("/pay/notify"));
    /// assert!(self_check(app.clone(), ["/pay/notify/payment", "/pay/notify/terrace/refund"]).await.is_ok());
    /// assert!(self_check(app, ["/ucanpay/payment"]).await.is_err(), "nothing is left there");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        self.prefix = match prefix {
            "" => "".into(),
            _ => format!("/{prefix}").into(),
        };
        self
    }

    /// Answers FAIL with HTTP 200, too. Unless this is set, FAIL goes out with the status of its cause, 4xx or 503, which
    /// proxies and monitors understand. The reference says no status for either answer: set it if UCanPay asks for 200, or
    /// if it stops repeating a notification that was answered otherwise.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use axum::body::{Body, to_bytes};
    /// # use axum::http::{Request, StatusCode};
    /// # use tower::ServiceExt;
    /// # use async_trait::async_trait;
    /// # use ucanpay_axum::{Ack, Incoming, Nack, NotificationHandler};
    /// # struct Closed;
    /// # #[async_trait]
    /// # impl NotificationHandler for Closed {
    /// #     async fn handle(&self, _: Incoming) -> Result<Ack, Nack> {
    /// #         Err(Nack::unavailable("try again later"))
    /// #     }
    /// # }
    /// use axum::Router;
    /// use ucanpay_axum::UcanpayLayer;
    ///
    /// // `Closed` is a NotificationHandler whose database is down.
    /// for (layer, status) in [(UcanpayLayer::new(Closed), 503), (UcanpayLayer::new(Closed).fail_with_200(), 200)] {
    ///     let app: Router = Router::new().layer(layer);
    ///     let answer = app.oneshot(Request::post("/ucanpay/payment").body(Body::empty())?).await?;
    ///     assert_eq!(answer.status(), status);
    ///     let body = to_bytes(answer.into_body(), usize::MAX).await?;
    ///     assert_eq!(body, r#"{"return_code":"FAIL","return_msg":"try again later"}"#);
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn fail_with_200(mut self) -> Self {
        self.fail_with_200 = true;
        self
    }
}

impl From<Arc<dyn NotificationHandler>> for UcanpayLayer {
    fn from(handler: Arc<dyn NotificationHandler>) -> Self {
        Self {
            handler,
            prefix: "/ucanpay".into(),
            fail_with_200: false,
        }
    }
}

impl fmt::Debug for UcanpayLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UcanpayLayer")
            .field("prefix", &self.prefix)
            .field("fail_with_200", &self.fail_with_200)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for UcanpayLayer {
    type Service = UcanpayService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UcanpayService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A shop behind its notify addresses; made by [`UcanpayLayer`].
#[derive(Clone, Debug)]
pub struct UcanpayService<S> {
    inner: S,
    layer: UcanpayLayer,
}

impl<S, B> Service<Request<B>> for UcanpayService<S>
where
    S: Service<Request<B>, Response = Response>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let UcanpayLayer {
            handler,
            prefix,
            fail_with_200,
        } = &self.layer;
        let Some(Route { account, topic }) =
            Route::find(prefix, request.method(), request.uri().path())
        else {
            return Box::pin(self.inner.call(request));
        };
        if Mark::see(request.extensions()) {
            let seen = StatusCode::NO_CONTENT.into_response();
            return Box::pin(async { Ok(seen) });
        }
        let account = account.map(str::to_owned);
        let (handler, fail_with_200) = (Arc::clone(handler), *fail_with_200);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let answer = match body::read(body).await {
                Ok(body) => {
                    let incoming = Incoming {
                        account,
                        topic,
                        body,
                        headers: head.headers,
                    };
                    handler.handle(incoming).await
                }
                Err(rejection) => Err(body::refuse(rejection)),
            };
            Ok(match answer {
                Ok(ack) => ack.into_response(),
                Err(nack) if fail_with_200 => nack.with_200().into_response(),
                Err(nack) => nack.into_response(),
            })
        })
    }
}
