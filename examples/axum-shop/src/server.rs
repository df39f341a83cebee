//! The server: how long a client may take over a request, and an end that finishes what was begun.
//!
//! `axum::serve` sets no limits in time: a client that sends a byte now and then would keep its connection for ever, and
//! enough of them would leave none for the buyers.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::{BoxError, Router, middleware};
use http_body::{Body as _, Frame, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tokio_io_timeout::TimeoutStream;

/// How long a client may take over the parts of a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the connection, or the answer before, to the end of the headers. So long is an idle connection kept, too.
    pub head: Duration,
    /// From there to the end of the body.
    pub body: Duration,
    /// While it takes nothing of an answer that it was sent.
    pub answer: Duration,
}

/// Ten seconds each: ample for a phone on a bad network, whose requests are one packet, and so are most answers.
impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(10),
        }
    }
}

/// A body that took too long.
#[derive(Debug, thiserror::Error)]
#[error("the request's body did not come in time")]
struct TooSlow;

/// Serves until `stop` completes; then takes nothing new, and returns when what was under way is answered.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let timed = middleware::map_request(move |request: Request| {
        std::future::ready(request.map(|body| in_time(body, limits.body)))
    });
    let service = TowerToHyperService::new(app.layer(timed));
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    let open = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let socket = tokio::select! {
            socket = next(&listener) => socket,
            () = &mut stop => break,
        };
        // An answer is one piece: nothing is gained by waiting for more to send.
        let _ = socket.set_nodelay(true);
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(limits.answer));
        let connection = http.serve_connection(TokioIo::new(Box::pin(socket)), service.clone());
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection. One that is gone already is nobody's trouble; when there are too many, the next waits a little.
async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        let error: io::Error = match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => error,
        };
        let gone = matches!(
            error.kind(),
            ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
        );
        if !gone {
            tracing::error!(%error, "no connection can be taken; trying again");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// The same body, which fails once the time is over.
fn in_time(body: Body, limit: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let over = Box::pin(tokio::time::sleep(limit));
    Body::new(Timed { body, over })
}

struct Timed {
    body: Body,
    over: Pin<Box<Sleep>>,
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The time first: who sends a byte in time for each look would never be late.
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(TooSlow.into())));
        }
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
