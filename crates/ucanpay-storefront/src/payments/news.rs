//! What other instances commit is heard at once, where the store can carry a signal (PostgreSQL): their payments change on
//! pages that are open here, and their events are delivered here.
//!
//! A signal is a hint and nothing rests on it: it goes out after the commit, on its own, and whoever misses one finds the
//! change by looking, as before. In the transaction it would hold up every other commit until its own is on disk.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Payments, words};
use crate::id::PaymentKey;
use crate::store::{Listener, Signals};

/// How soon a listener that broke off is started again.
const AGAIN: Duration = Duration::from_secs(1);

/// How many changes may wait to be signalled; those beyond are found by looking.
const UNSAID: usize = 256;

/// The payments whose change is still to be signalled. While a signal is out the next ones gather, and go out together.
#[derive(Debug, Default)]
pub(super) struct Unsaid(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    changed: BTreeSet<PaymentKey>,
    /// A task is at it.
    going_out: bool,
}

impl Unsaid {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Sets are whole before and after each step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether somebody has to see to it that it goes out.
    fn add(&self, key: PaymentKey) -> bool {
        let mut waiting = self.waiting();
        // A database that is out of reach leaves them waiting; what is left out is found by looking.
        if waiting.changed.len() < UNSAID {
            waiting.changed.insert(key);
        }
        !mem::replace(&mut waiting.going_out, true)
    }

    /// All that have gathered; with none the task is over.
    fn take(&self) -> Option<Vec<PaymentKey>> {
        let mut waiting = self.waiting();
        let changed: Vec<_> = mem::take(&mut waiting.changed).into_iter().collect();
        waiting.going_out = !changed.is_empty();
        waiting.going_out.then_some(changed)
    }
}

impl Payments {
    /// Signals to the other instances that a payment has changed here. Does not wait.
    pub(super) fn signal(&self, key: &PaymentKey) {
        if let Some(signals) = self.store().signals()
            && self.shared.unsaid.add(key.clone())
        {
            tokio::spawn(send_all(signals, Arc::clone(&self.shared.unsaid)));
        }
    }

    /// Hears what other instances signal, until told to stop. A listener that breaks off is started again; what was missed
    /// meanwhile is found by looking.
    pub(super) async fn keep_listening(&self, mut stopped: watch::Receiver<bool>) {
        let Some(signals) = self.store().signals() else {
            return;
        };
        while !*stopped.borrow() {
            let heard = async {
                let mut listener = signals.listen().await?;
                // Something may have been said before.
                self.shared.wake.outbox.notify_one();
                self.shared.listeners.tell_all();
                self.hear(&mut *listener).await
            };
            tokio::select! {
                broken = heard => {
                    let Err(error) = broken;
                    tracing::warn!(reason = words(&error), "other instances are not heard; what they do is found by looking");
                }
                _ = stopped.changed() => continue,
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    async fn hear(
        &self,
        listener: &mut dyn Listener,
    ) -> Result<std::convert::Infallible, crate::StoreError> {
        loop {
            let key = listener.next().await?;
            self.shared.wake.outbox.notify_one();
            self.shared.listeners.tell(&key);
        }
    }
}

async fn send_all(signals: Arc<dyn Signals>, unsaid: Arc<Unsaid>) {
    while let Some(changed) = unsaid.take() {
        if let Err(error) = signals.send(&changed).await {
            tracing::debug!(
                reason = words(&error),
                "other instances were not told; they find it by looking"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ProviderId, Reference};

    fn key(number: usize) -> PaymentKey {
        PaymentKey {
            provider: ProviderId::new("test").unwrap(),
            reference: Reference::new(format!("A{number}")).unwrap(),
        }
    }

    #[test]
    fn what_gathers_while_a_signal_is_out_goes_out_together_and_once() {
        let unsaid = Unsaid::default();
        assert!(unsaid.add(key(1)));
        assert_eq!(unsaid.take(), Some(vec![key(1)]));
        for number in [3, 2, 3] {
            assert!(!unsaid.add(key(number)), "somebody is at it");
        }
        assert_eq!(unsaid.take(), Some(vec![key(2), key(3)]));
        assert_eq!(unsaid.take(), None);
        assert!(unsaid.add(key(1)), "and nobody any more");
    }

    #[test]
    fn no_more_gather_than_a_listener_could_take() {
        let unsaid = Unsaid::default();
        for number in 0..2 * UNSAID {
            unsaid.add(key(number));
        }
        assert_eq!(unsaid.take().map(|all| all.len()), Some(UNSAID));
    }
}
