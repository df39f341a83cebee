//! Is each account's gateway reached, and does it take our signature? For the start of a shop, and for its doctor.

use ucanpay_core::{Amount, Currency};

use super::advance::block_of;
use super::gate::Gate;
use super::{Payments, words};
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::Command;
use crate::provider::{PaymentIntent, PaymentProvider, ProviderError, ProviderErrorKind};

impl Payments {
    /// Asks the gateway of each account about a payment that nobody ever made, and says for each whether it takes calls of
    /// this account. It changes nothing, there or here, but that a block is kept to by all instances; a blocked account is
    /// not asked.
    ///
    /// A gateway that says "no such payment" was reached, and has not refused our signature. More is not proven: the answer
    /// need not be signed, so the gateway's own key is untried, and UCanPay's reference has no name for an unknown merchant
    /// or a bad signature among the answers to this query. The first payment proves all of it.
    ///
    /// The error of an account is what a payment would meet now: out of reach, a signature refused (`BadSignature`), an
    /// account not allowed (`Refused`). Payments started meanwhile are recorded, and placed once it takes calls again.
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
    /// use ucanpay_storefront::provider::{NextCall, ProviderErrorKind};
    ///
    /// for (account, taken) in payments.check().await {
    ///     taken.map_err(|error| format!("account {account}: {error}"))?;
    /// }
    ///
    /// gateway.next_call(NextCall::Says(ProviderErrorKind::BadSignature)); // the merchant's key was exchanged
    /// let (account, taken) = payments.check().await.remove(0);
    /// assert_eq!(account.as_str(), "scripted");
    /// assert_eq!(taken.unwrap_err().kind(), ProviderErrorKind::BadSignature);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub async fn check(&self) -> Vec<(ProviderId, Result<(), ProviderError>)> {
        let mut accounts = Vec::new();
        for id in self.shared.registry.ids() {
            if let Some(provider) = self.shared.registry.get(Some(id)) {
                let checked = self.check_account(&**provider).await;
                accounts.push((id.clone(), checked));
            }
        }
        accounts.sort_by(|(one, _), (other, _)| one.cmp(other));
        accounts
    }

    async fn check_account(&self, provider: &dyn PaymentProvider) -> Result<(), ProviderError> {
        let config = |error| ProviderError::new(ProviderErrorKind::Config, error);
        let nobodys = PaymentIntent {
            reference: Reference::random(),
            amount: Amount::new(1).map_err(config)?,
            currency: Currency::CAD,
            subject: "check".into(),
            description: "check".into(),
        };
        let answer = {
            let provider = Gate::new(self, provider).open().await?;
            provider.query_payment(&nobodys, None).await
        };
        match answer {
            Err(error) if error.kind() == ProviderErrorKind::AskFirst => Ok(()),
            Err(error) => {
                self.note_block(provider.id(), nobodys.reference, &error)
                    .await;
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }

    /// If the gateway takes no calls for a while, every instance has to know, whichever call was told so.
    async fn note_block(&self, account: &ProviderId, nobodys: Reference, met: &ProviderError) {
        let Some(wait) = block_of(met) else {
            return;
        };
        let key = PaymentKey {
            provider: account.clone(),
            reference: nobodys,
        };
        if let Err(error) = self.apply(&key, Command::Block(wait)).await {
            tracing::error!(%account, reason = words(&error), "a block was not committed");
        }
    }
}
