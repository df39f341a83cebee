//! What happened to a payment, as a loco worker is told.

use async_trait::async_trait;
use loco_rs::app::AppContext;
use loco_rs::bgworker::BackgroundWorker;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{EventHandler, HandlerError};

/// The arguments of a worker that is told what happened: an [`Event`] of the ledger that can be put into a queue.
///
/// ```
/// use ucanpay_loco::PaymentEvent;
/// use ucanpay_storefront::ledger::{Event, EventKind};
/// use ucanpay_storefront::{ProviderId, Reference, Timestamp};
///
/// # let event = Event {
/// #     id: "scripted/A17/3".into(),
/// #     provider: ProviderId::new("ucanpay")?,
/// #     reference: Some(Reference::new("A17")?),
/// #     sequence: 3,
/// #     kind: EventKind::PaymentSucceeded,
/// #     amount: Some(450),
/// #     refund: None,
/// #     note: None,
/// #     at: Timestamp::from_millis(1_795_509_000_000),
/// # };
/// let queued = serde_json::to_string(&PaymentEvent::from(&event))?; // an Event of the ledger
/// assert!(queued.contains(r#""kind":"payment_succeeded""#));
/// let taken: PaymentEvent = serde_json::from_str(&queued)?;
/// assert_eq!((taken.reference.as_deref(), taken.amount), (Some("A17"), Some(450)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PaymentEvent {
    /// The same at every delivery: remember it to handle the event once.
    pub id: String,
    /// The account concerned.
    pub provider: String,
    /// The payment concerned; `None` for a notification about no payment here.
    pub reference: Option<String>,
    /// The place within the payment's events, from 1.
    pub sequence: u64,
    /// What happened.
    #[serde(with = "kind")]
    pub kind: EventKind,
    /// The cents concerned: of the refund, where there is one, or of the payment; `None` where nobody says how much.
    pub amount: Option<i64>,
    /// The refund concerned, by its number.
    pub refund: Option<String>,
    /// Why, where somebody must look.
    pub note: Option<String>,
    /// When it was committed, in milliseconds since the Unix epoch.
    pub at: i64,
}

impl From<&Event> for PaymentEvent {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            provider: event.provider.to_string(),
            reference: event.reference.as_ref().map(ToString::to_string),
            sequence: event.sequence,
            kind: event.kind,
            amount: event.amount,
            refund: event.refund.clone(),
            note: event.note.clone(),
            at: event.at.as_millis(),
        }
    }
}

mod kind {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use ucanpay_storefront::ledger::EventKind;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(kind: &EventKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.as_str())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<EventKind, D::Error> {
        let word = String::deserialize(from)?;
        EventKind::from_word(&word)
            .ok_or_else(|| D::Error::custom(format!("no kind of event is called {word:?}")))
    }
}

/// Hands each event to a worker and waits for its `perform`: whatever `workers.mode` says, an event counts as delivered
/// only then. Put into the background, it would be lost with the process; put into a queue, nobody would try it again.
pub(crate) struct Performed<W> {
    ctx: AppContext,
    worker: PhantomData<fn() -> W>,
}

impl<W> Performed<W> {
    pub(crate) fn new(ctx: &AppContext) -> Self {
        Self {
            ctx: ctx.clone(),
            worker: PhantomData,
        }
    }
}

#[async_trait]
impl<W: BackgroundWorker<PaymentEvent> + 'static> EventHandler for Performed<W> {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        W::build(&self.ctx).perform(event.into()).await?;
        Ok(())
    }
}
