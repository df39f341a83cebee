//! The next call for one row, under its lease: place what the gateway has not been heard of, ask about the rest.
//!
//! No transaction is open while a call is out (rule 7). Whatever comes back goes through the same door as a
//! notification.

use std::sync::Arc;
use std::time::Duration;

use super::end::Held;
use super::gate::Gate;
use super::{Payments, detached, words};
use crate::id::PaymentKey;
use crate::ledger::{
    Command, LEASE, Lease, Outcome, Payment, PaymentState, PaymentView, Refund, RefundState,
    Reversal, Target, Tell, Verdict,
};
use crate::provider::{Effect, Fact, FrozenRequest, ProviderError, ProviderErrorKind};
use crate::store::StoreError;

/// What the gateway refused as it stands (a balance to be topped up, a key to be corrected) is not tried again sooner.
const REFUSED: Duration = Duration::from_secs(300);

/// How long the gateway may leave a refund, a close or a reversal open before a person is told.
pub(super) const LEFT_OPEN: Duration = Duration::from_secs(30 * 60);

/// How long an account is left alone where the gateway does not say how long.
const BLOCKED: Duration = Duration::from_secs(60);

impl Payments {
    /// Makes the next call for the leased row and takes in what it brings. Returns the payment as it stands then. Runs
    /// to its end even if the caller goes away.
    pub(super) async fn advance(
        &self,
        key: &PaymentKey,
        lease: Lease,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let (this, key) = (self.clone(), key.clone());
        detached(async move { this.call(&key, lease).await }).await
    }

    async fn call(
        &self,
        key: &PaymentKey,
        lease: Lease,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let Some(view) = self.store().load(key).await?.map(Arc::new) else {
            return Ok(None);
        };
        let Some(provider) = self.provider(Some(&key.provider)) else {
            let trouble = "the provider of this payment is not registered".to_owned();
            return self.give_up(key, lease, trouble, Tell::Nobody, None).await;
        };
        let gate = Gate::new(self, &*provider);
        if lease.target == Target::Payment && view.owes_late_refund() {
            return self.refund_late(key, view, lease, gate).await;
        }
        if lease.target == Target::Payment && view.is_to_end(self.now()) {
            return self.end(key, view, lease, gate).await;
        }
        let (mut view, mut lease) = (view, lease);
        let mut result = ask(gate, &view, &lease).await;
        match self.signed_anew(key, &view, &lease, gate, &result).await? {
            None => {}
            Some(Held::On(now, then)) => {
                (view, lease) = (now, then);
                result = ask(gate, &view, &lease).await;
            }
            Some(Held::Over(view)) => return Ok(view),
        }
        match result {
            Ok(fact) => {
                let was_paid = view.payment.state == PaymentState::Paid;
                let command = Command::Observe(Box::new(fact), Some(lease));
                let applied = self.apply(key, command).await?;
                report(key, &applied.outcome, was_paid, applied.view.as_ref());
                Ok(applied.view)
            }
            Err(error) => {
                tracing::warn!(payment = %key, target = ?lease.target, reason = words(&error), "the gateway gave no answer");
                let tell = self.stays_away(&view, &lease.target, &error);
                self.give_up_on(key, lease, &error, tell).await
            }
        }
    }

    /// Whether a person should look at a refund: it is money somebody waits for. The gateway refuses it as it stands; or it is
    /// older than half an hour, and neither this call nor the one before brought anything. Of one that was heard of, only a
    /// gateway that knows nothing, or cannot be trusted, is news: banks take days, and a call now and then is lost. It may be
    /// one that the gateway will never take, because the money went back another way.
    fn stays_away(&self, view: &PaymentView, target: &Target, error: &ProviderError) -> Tell {
        let Target::Refund(number) = target else {
            return Tell::Nobody;
        };
        let Some(refund) = view.refund(number).filter(|row| !row.state.is_settled()) else {
            return Tell::Nobody;
        };
        let old = self.now().since(refund.created_at) > LEFT_OPEN;
        let unheard = refund.state == RefundState::Requested && !is_to_wait(error);
        let news = matches!(
            error.kind(),
            ProviderErrorKind::AskFirst | ProviderErrorKind::Untrusted
        );
        let left_open = old && refund.trouble.is_some() && (unheard || news);
        match refused(error) || left_open {
            true => Tell::Again,
            false => Tell::Nobody,
        }
    }

    /// Commits the row's request as the merchant's present key signs it, where the gateway refused the signature that it has
    /// and the key has changed since. `None`: there is nothing to be signed anew. The row stays leased for the call that
    /// follows.
    pub(super) async fn signed_anew(
        &self,
        key: &PaymentKey,
        view: &PaymentView,
        lease: &Lease,
        gate: Gate<'_>,
        result: &Result<Fact, ProviderError>,
    ) -> Result<Option<Held>, StoreError> {
        let Some(request) = present_request(gate, view, &lease.target, result) else {
            return Ok(None);
        };
        tracing::warn!(payment = %key, target = ?lease.target, "signed anew with the merchant's present key");
        let until = self.now().after(LEASE);
        let renew = Command::Renew(lease.clone(), request, until);
        self.held(key, renew).await.map(Some)
    }

    /// Notes what a call met, and with it the block of the account, if that is what it met.
    pub(super) async fn give_up_on(
        &self,
        key: &PaymentKey,
        lease: Lease,
        error: &ProviderError,
        tell: Tell,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let wait = error.retry_after();
        let block = block_of(error);
        if let Some(wait) = block {
            tracing::warn!(account = %key.provider, seconds = wait.as_secs(), "the gateway takes no calls of this account");
        }
        let refused = refused(error).then_some(REFUSED);
        let command = Command::GiveUp {
            lease,
            trouble: words(error),
            tell,
            hold: wait.or(block).or(refused),
            block,
        };
        Ok(self.apply(key, command).await?.view)
    }

    pub(super) async fn give_up(
        &self,
        key: &PaymentKey,
        lease: Lease,
        trouble: String,
        tell: Tell,
        hold: Option<Duration>,
    ) -> Result<Option<Arc<PaymentView>>, StoreError> {
        let command = Command::GiveUp {
            lease,
            trouble,
            tell,
            hold,
            block: None,
        };
        Ok(self.apply(key, command).await?.view)
    }
}

/// For how long the gateway takes no calls of the account, if that is what a call met.
pub(super) fn block_of(error: &ProviderError) -> Option<Duration> {
    let blocked = error.kind() == ProviderErrorKind::Blocked;
    blocked.then(|| error.retry_after().unwrap_or(BLOCKED))
}

/// Whether the account is in a block, or the call was held back here for a stated time and not sent. That ends by itself, and
/// the next call tells more.
pub(super) fn is_to_wait(error: &ProviderError) -> bool {
    let held_back = error.effect() == Effect::None && error.retry_after().is_some();
    block_of(error).is_some() || (error.kind() == ProviderErrorKind::Later && held_back)
}

/// Whether the gateway will say the same until somebody has acted.
fn refused(error: &ProviderError) -> bool {
    matches!(
        error.kind(),
        ProviderErrorKind::Refused | ProviderErrorKind::BadSignature
    )
}

/// Whether a call that brought no fact is followed by a query at once. Where the gateway said something, signed or not,
/// it may know more: an unsigned word settles nothing, the signed answer to a query does. Where nothing came back, or the
/// gateway is not ready, a query now would hardly do better; on a repeat it is tried all the same, for the call before may
/// have been heard.
fn worth_a_query(error: &ProviderError, repeat: bool) -> bool {
    match error.kind() {
        ProviderErrorKind::AskFirst
        | ProviderErrorKind::Refused
        | ProviderErrorKind::NotThisWay
        | ProviderErrorKind::BadSignature
        | ProviderErrorKind::Untrusted => true,
        ProviderErrorKind::Unclear | ProviderErrorKind::Later => repeat,
        ProviderErrorKind::Unreachable | ProviderErrorKind::Blocked | ProviderErrorKind::Config => {
            false
        }
    }
}

/// Of a call and the query after it, the error that says more: the first one, unless the query met a block.
pub(super) fn telling(first: ProviderError, then: ProviderError) -> ProviderError {
    if then.kind() == ProviderErrorKind::Blocked {
        then
    } else {
        first
    }
}

/// The next call for the row.
async fn ask(gate: Gate<'_>, view: &PaymentView, lease: &Lease) -> Result<Fact, ProviderError> {
    match &lease.target {
        Target::Payment => place_or_query(gate, &view.payment).await,
        Target::Refund(number) => match view.refund(number) {
            Some(refund) => submit_or_query(gate, &view.payment, refund, lease).await,
            None => Err(ProviderError::new(
                ProviderErrorKind::Config,
                "the refund does not stand in the ledger",
            )),
        },
    }
}

/// The row's request under the merchant's present key, if the gateway refused the signature that it has and the key has
/// changed since. Its word is unsigned, and nothing rests on it: the same numbers stand for the same payment or refund,
/// whoever signs.
fn present_request(
    gate: Gate<'_>,
    view: &PaymentView,
    target: &Target,
    result: &Result<Fact, ProviderError>,
) -> Option<FrozenRequest> {
    let error = result.as_ref().err()?;
    if error.kind() != ProviderErrorKind::BadSignature {
        return None;
    }
    let request = match target {
        Target::Payment if view.payment.gateway_number.is_none() => &view.payment.request,
        Target::Payment => return None,
        Target::Refund(number) => {
            let refund = view.refund(number)?;
            let asked = refund.state == RefundState::Requested;
            refund.request.as_ref().filter(|_| asked)?
        }
    };
    match gate.renew(request) {
        Ok(renewed) => renewed,
        Err(error) => {
            tracing::error!(target = ?target, reason = words(&error), "a request could not be signed anew");
            None
        }
    }
}

/// While the gateway's number is unknown, its answer was lost or never asked for: the same bytes bring it.
async fn place_or_query(gate: Gate<'_>, payment: &Payment) -> Result<Fact, ProviderError> {
    let intent = payment.intent();
    // What is settled is never placed again.
    let number = payment.gateway_number.as_deref();
    if number.is_some() || payment.state.is_settled() {
        return gate.open().await?.query_payment(&intent, number).await;
    }
    let placed = gate.open().await?.create_payment(&intent, &payment.request);
    match placed.await {
        Err(error) if worth_a_query(&error, payment.trouble.is_some()) => {
            let asked = async { gate.open().await?.query_payment(&intent, None).await };
            asked.await.map_err(|then| telling(error, then))
        }
        result => result,
    }
}

/// Likewise for a refund: never a new number, always the same bytes.
async fn submit_or_query(
    gate: Gate<'_>,
    payment: &Payment,
    refund: &Refund,
    lease: &Lease,
) -> Result<Fact, ProviderError> {
    let inquiry = refund.inquiry(payment);
    // Of a payment that was reversed nothing is left to be returned, whatever was asked for before that was known.
    let reversed = payment.reversal == Some(Reversal::Done);
    let request = match &refund.request {
        Some(request) if refund.state == RefundState::Requested && !reversed => request,
        _ => return gate.open().await?.query_refund(&inquiry).await,
    };
    let submitted = gate.open_under(lease).await?.refund_payment(request);
    match submitted.await {
        Err(error) if worth_a_query(&error, refund.trouble.is_some()) => {
            let asked = async { gate.open().await?.query_refund(&inquiry).await };
            asked.await.map_err(|then| telling(error, then))
        }
        result => result,
    }
}

fn report(key: &PaymentKey, outcome: &Outcome, was_paid: bool, view: Option<&Arc<PaymentView>>) {
    match outcome {
        Outcome::Observed(Verdict::Review(reason)) => {
            tracing::warn!(payment = %key, reason, "an answer needs review");
        }
        Outcome::Observed(_) => {
            let paid = view.is_some_and(|view| view.payment.state == PaymentState::Paid);
            if paid && !was_paid {
                tracing::info!(payment = %key, "found paid by asking: its notification had not come");
            }
        }
        _ => {}
    }
}
