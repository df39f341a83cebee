//! The way to the gateway's calls: open, unless the account is blocked (rule 10).

use super::Payments;
use crate::ledger::{Block, Lease};
use crate::provider::{
    Effect, FrozenRequest, PaymentProvider, PrepareError, ProviderError, ProviderErrorKind,
};

/// A provider behind its account's block. Every call goes through [`open`](Self::open), so none is made without a look
/// at what other instances have committed.
#[derive(Clone, Copy)]
pub(super) struct Gate<'a> {
    payments: &'a Payments,
    provider: &'a dyn PaymentProvider,
}

impl<'a> Gate<'a> {
    pub(super) fn new(payments: &'a Payments, provider: &'a dyn PaymentProvider) -> Self {
        Self { payments, provider }
    }

    /// The request under the merchant's present key. No call is made.
    pub(super) fn renew(
        &self,
        request: &FrozenRequest,
    ) -> Result<Option<FrozenRequest>, PrepareError> {
        self.provider.renew(request)
    }

    /// The provider, for one call made now.
    ///
    /// # Errors
    /// Nothing may be sent: the account is blocked, or the ledger cannot say whether it is.
    pub(super) async fn open(&self) -> Result<&'a dyn PaymentProvider, ProviderError> {
        let standing = self
            .payments
            .store()
            .blocked_until(self.provider.id())
            .await;
        let unsent =
            |error: ProviderError, wait| error.with_effect(Effect::None).with_retry_after(wait);
        let until = standing.map_err(|error| {
            unsent(
                ProviderError::new(ProviderErrorKind::Unreachable, error),
                None,
            )
        })?;
        match until.and_then(|until| Block::rest(until, self.payments.now())) {
            None => Ok(self.provider),
            Some(rest) => {
                let seconds = rest.as_secs() + 1;
                let why = format!("it takes no calls of this account for {seconds} s");
                let error = ProviderError::new(ProviderErrorKind::Later, why);
                Err(unsent(error, Some(rest)))
            }
        }
    }

    /// The provider, for one call made now that moves money or ends a payment. It leaves only while the row is ours: whoever
    /// was held up for longer than their lease (a machine that slept) finds that others have gone on.
    ///
    /// # Errors
    /// As [`open`](Self::open); or the lease has run out.
    pub(super) async fn open_under(
        &self,
        lease: &Lease,
    ) -> Result<&'a dyn PaymentProvider, ProviderError> {
        let provider = self.open().await?;
        if self.payments.now() < lease.until {
            return Ok(provider);
        }
        let why = "this took longer than the row was leased for; whoever has it now makes the call";
        Err(ProviderError::new(ProviderErrorKind::Later, why).with_effect(Effect::None))
    }
}
