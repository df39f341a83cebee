//! What happened to one payment, in order of time: for the person who answers the buyer's call.

use std::fmt;

use super::Payments;
use crate::id::PaymentKey;
use crate::ledger::{
    Discrepancy, EventFate, History, KeptEvent, KeptEvidence, PaymentView, Transition, Verdict,
};
use crate::provider::Source;
use crate::store::StoreError;
use crate::time::Timestamp;

/// A payment and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeline {
    /// Where it stands.
    pub view: PaymentView,
    /// What happened, oldest first. At one moment: the message, what it moved, what it brought to light, what was told.
    pub entries: Vec<TimelineEntry>,
}

/// One thing that happened. Shown, it is a line of text: the moment (UTC), and the [`what`](Self::what) in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When. Of an event: when it was recorded.
    pub at: Timestamp,
    /// What.
    pub what: TimelineItem,
}

/// What happened. Shown, it is a line of words for the merchant; it holds no text of the buyer's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimelineItem {
    /// A verified message came, at this moment for the first time.
    Message(KeptEvidence),
    /// The payment or a refund moved, or something was decided about it.
    Move(Transition),
    /// Something does not fit.
    Opened(Discrepancy),
    /// A person has closed what did not fit.
    Closed(Discrepancy),
    /// Something the shop is told.
    Event(KeptEvent),
}

impl Payments {
    /// What happened to a payment, oldest first; asks no gateway. `None` if it does not stand in the ledger.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// let timeline = payments.timeline(&key).await?.ok_or("there is no such order")?;
    /// for entry in &timeline.entries {
    ///     println!("{entry}"); // 2026-11-24T08:30:00Z  payment recorded as created (asked for here)
    /// }
    /// let words: Vec<_> = timeline.entries.iter().map(|entry| entry.what.to_string()).collect();
    /// assert!(words.contains(&"a notification came, and matched".to_owned()));
    /// assert!(words.contains(&"payment from awaiting_payment to paid (notification)".to_owned()));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read.
    pub async fn timeline(&self, key: &PaymentKey) -> Result<Option<Timeline>, StoreError> {
        Ok(self.store().history(key).await?.map(Timeline::of))
    }
}

impl Timeline {
    fn of(history: History) -> Self {
        use TimelineItem as Item;
        let discrepancies = history.view.discrepancies.clone();
        let closed = discrepancies.clone().into_iter().filter_map(|row| {
            let at = row.closed.as_ref()?.at;
            Some((at, Item::Closed(row)))
        });
        let messages = history.evidence.into_iter();
        let moves = history.transitions.into_iter();
        let opened = discrepancies.into_iter();
        let events = history.events.into_iter();
        let entries = messages
            .map(|kept| (kept.record.at, Item::Message(kept)))
            .chain(moves.map(|row| (row.at, Item::Move(row))))
            .chain(opened.map(|row| (row.opened_at, Item::Opened(row))))
            .chain(closed)
            .chain(events.map(|kept| (kept.event.at, Item::Event(kept))));
        let mut entries: Vec<TimelineEntry> = entries
            .map(|(at, what)| TimelineEntry { at, what })
            .collect();
        // Stable: what happened at one moment stays in the order above.
        entries.sort_by_key(|entry| entry.at);
        Self {
            view: history.view,
            entries,
        }
    }
}

impl fmt::Display for TimelineEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.at, self.what)
    }
}

impl fmt::Display for TimelineItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(kept) => message(f, kept),
            Self::Move(row) => moved(f, row),
            Self::Opened(row) => write!(
                f,
                "to be looked at, no. {} ({}): {}",
                row.number, row.kind, row.note
            ),
            Self::Closed(row) => {
                write!(f, "looked at, no. {} ({})", row.number, row.kind)?;
                row.closed
                    .iter()
                    .try_for_each(|end| write!(f, ": {}", end.note))
            }
            Self::Event(kept) => told(f, kept),
        }
    }
}

fn message(f: &mut fmt::Formatter<'_>, kept: &KeptEvidence) -> fmt::Result {
    f.write_str(match kept.record.source {
        Source::Notification => "a notification came",
        Source::Query => "a query was answered",
        Source::Answer => "a call was answered",
    })?;
    if kept.seen > 1 {
        write!(f, " ({} times)", kept.seen)?;
    }
    match &kept.record.verdict {
        Verdict::Applied => f.write_str(", and matched"),
        Verdict::NothingNew => f.write_str(", and brought nothing new"),
        Verdict::Review(reason) => write!(f, ", and needs review: {reason}"),
        Verdict::Unmatched => f.write_str(", and spoke of no payment of ours"),
    }
}

fn moved(f: &mut fmt::Formatter<'_>, row: &Transition) -> fmt::Result {
    match &row.refund {
        None => f.write_str("payment ")?,
        Some(number) => write!(f, "refund {number} ")?,
    }
    match row.from {
        None => write!(f, "recorded as {}", row.to)?,
        Some(from) if from == row.to => write!(f, "stays {from}")?,
        Some(from) => write!(f, "from {from} to {}", row.to)?,
    }
    let why = match row.cause {
        "intent" => "asked for here",
        "person" => "decided by a person",
        "call" | "claim" => "while the gateway was asked",
        "new_key" => "signed anew with the merchant's present key",
        source => source,
    };
    write!(f, " ({why})")
}

fn told(f: &mut fmt::Formatter<'_>, kept: &KeptEvent) -> fmt::Result {
    let kind = kept.event.kind;
    match &kept.fate {
        EventFate::Waiting if kept.attempts == 0 => write!(f, "event {kind}, not delivered yet"),
        EventFate::Waiting => write!(
            f,
            "event {kind}, not delivered yet after {} attempts",
            kept.attempts
        ),
        EventFate::Delivered(at) => write!(f, "event {kind}, delivered {at}"),
        EventFate::Parked(at, trouble) => {
            write!(
                f,
                "event {kind}, parked {at} after {} attempts: {trouble}",
                kept.attempts
            )
        }
        EventFate::Skipped(at, note) => write!(f, "event {kind}, skipped {at}: {note}"),
    }
}
