//! A refused notification leaves one warning, the reason and nothing of the body, and a trace among axum's rejections.

use crate::vectors::*;
use axum::Router;
use axum::routing::post as on_post;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;
use ucanpay_axum::{Ack, Notification};

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Printed {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_refused_notification_leaves_one_warning_and_one_trace_with_the_reason_and_no_body() {
    async fn ack(Notification(_): Notification) -> Ack {
        Ack::i_have_committed()
    }
    let printed = Printed::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(printed.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let router = Router::new()
        .route("/", on_post(ack))
        .with_state(merchant());
    // A place that logs and is first reached by another test, just while this subscriber is set up, can stay switched off:
    // reach it from here, and have it looked at anew, until it is on.
    let mut text = String::new();
    for _ in 0..100 {
        let request = post("/", case("one cent less").body);
        let response = router.clone().oneshot(request).await;
        assert_eq!(response.unwrap().status(), 401);
        text = String::from_utf8(std::mem::take(&mut *printed.0.lock().unwrap())).unwrap();
        if text.contains("WARN") && text.contains("TRACE") {
            break;
        }
        tracing::callsite::rebuild_interest_cache();
    }
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    let rejection = text.lines().find(|line| line.contains("axum::rejection"));
    let rejection = rejection.expect("it is among axum's rejections");
    for word in [
        "TRACE",
        "status=401",
        "signature not verified",
        "UntrustedNotification",
    ] {
        assert!(rejection.contains(word), "{rejection}");
    }
    assert!(text.contains("platform key"), "{text}");
    for member in ["VEC20260301A", "563465342654643", "coffee"] {
        assert!(!text.contains(member), "{text}");
    }
}
