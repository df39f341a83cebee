//! The layer before the HTTP service: asks the gate before each attempt, and tells it what came back.
//!
//! It stands inside of the retries, so that each attempt asks, and outside of [`Verify`](crate::Verify), so that it sees
//! judged outcomes and an attempt that it holds back is not counted as begun.

use super::{Gate, HeldBack};
use crate::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

/// Holds back what may not leave now.
///
/// It goes around a [`Verify`](crate::Verify), or anything else that fails with [`Error`].
///
/// ```
/// use std::time::Duration;
/// use tower::{ServiceBuilder, ServiceExt};
/// use ucanpay_transport::{Error, Gate, GateLayer, RateLimit};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gate = Gate::builder().rate_limit(RateLimit::new(1, Duration::from_secs(1))).build();
/// let service = ServiceBuilder::new()
///     .layer(GateLayer::new(gate))
///     .service_fn(|number: u32| async move { Ok::<_, Error>(number) }); // a `Verify` in earnest
/// let started = tokio::time::Instant::now();
/// for number in 0..3 {
///     assert_eq!(service.clone().oneshot(number).await?, number);
/// }
/// assert_eq!(started.elapsed().as_secs(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GateLayer {
    gate: Gate,
    end: Option<Duration>,
}

impl GateLayer {
    /// Before `gate`. Waiting for it is limited by whatever stands around the layer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower::{Layer, ServiceExt};
    /// use ucanpay_transport::{Effect, Error, Gate, GateLayer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let limited = tower::service_fn(|_: u32| async {
    ///     Err::<(), _>(Error::RateLimited {
    ///         gateway: None,
    ///         retry_after: Duration::from_secs(5),
    ///         effect: Effect::None,
    ///     })
    /// });
    /// let gated = GateLayer::new(Gate::default()).layer(limited);
    /// assert!(gated.clone().oneshot(1).await.unwrap_err().held_back().is_none());
    /// assert!(gated.oneshot(2).await.unwrap_err().held_back().is_some()); // it has learned
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(gate: Gate) -> Self {
        Self { gate, end: None }
    }

    /// For one call: an attempt that has to wait leaves within `time` from now, or not at all; what would surely have to
    /// wait longer fails at once. A time shorter than the call's own keeps a late one from leaving and not being
    /// answered, with an unknown outcome where there was none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower::{Layer, ServiceExt};
    /// use ucanpay_transport::{Error, Gate, GateLayer, HeldBack, RateLimit};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let service = tower::service_fn(|number: u32| async move { Ok::<_, Error>(number) });
    /// let gate = Gate::builder().rate_limit(RateLimit::new(1, Duration::from_secs(60))).build();
    /// let layer = GateLayer::new(gate).leaving_within(Duration::from_secs(5));
    /// assert_eq!(layer.layer(service).oneshot(1).await?, 1);
    /// let error = layer.layer(service).oneshot(2).await.unwrap_err(); // its turn is in a minute
    /// assert!(matches!(error.held_back(), Some(HeldBack::Crowded { .. })));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn leaving_within(mut self, time: Duration) -> Self {
        self.end = self.gate.uptime().checked_add(time);
        self
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gated {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind a gate; made by [`GateLayer`].
#[derive(Clone, Debug)]
pub struct Gated<S> {
    inner: S,
    layer: GateLayer,
}

impl<S, R> Service<R> for Gated<S>
where
    S: Service<R, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Error>> + Send>>;

    /// Always ready. The service behind is asked once the gate is open, so that what it reserves for the caller (a
    /// place under a limit of its own) is not kept from others by somebody who waits.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let GateLayer { gate, end } = self.layer.clone();
        let service = self.inner.clone();
        Box::pin(async move {
            let mut inner = loop {
                let mut waited = gate.pass(end).await.map_err(not_sent)?;
                let mut inner = service.clone();
                poll_fn(|cx| {
                    let ready = inner.poll_ready(cx);
                    waited |= ready.is_pending();
                    ready
                })
                .await?;
                // Between the last look at the gate and the call there is no await.
                if !waited || gate.closed_for().await.map_err(not_sent)?.is_none() {
                    break inner;
                }
            };
            let result = inner.call(request).await;
            if let Err(error) = &result {
                gate.learn(error, end).await;
            }
            result
        })
    }
}

fn not_sent(held_back: HeldBack) -> Error {
    Error::NotSent {
        attempts: 0,
        source: held_back.into(),
    }
}
