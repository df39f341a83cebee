//! Is each account's gateway reached, and does it take our signature? For the start of a shop, and for its doctor.

use ucanpay_core::{Amount, Currency};

use super::Payments;
use super::gate::Gate;
use crate::id::{ProviderId, Reference};
use crate::provider::{PaymentIntent, PaymentProvider, ProviderError, ProviderErrorKind};

impl Payments {
    /// Asks the gateway of each account about a payment that nobody ever made, and says for each whether it takes calls of
    /// this account. It changes nothing, here or there; a blocked account is not asked.
    ///
    /// A gateway that says "no such payment" has read our signature and knows the account. That answer need not be signed,
    /// so the gateway's own key is not proven by it: the first answer to a payment does that.
    ///
    /// The error of an account is what a payment would meet now: out of reach, a signature refused (`BadSignature`), an
    /// account not allowed (`Refused`). Payments started meanwhile are recorded, and placed once it takes calls again.
    pub async fn check(&self) -> Vec<(ProviderId, Result<(), ProviderError>)> {
        let mut accounts = Vec::new();
        for id in self.registry.ids() {
            if let Some(provider) = self.registry.get(Some(id)) {
                accounts.push((id.clone(), self.check_account(&**provider).await));
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
        let provider = Gate::new(self, provider).open().await?;
        match provider.query_payment(&nobodys, None).await {
            Err(error) if error.kind() != ProviderErrorKind::AskFirst => Err(error),
            _ => Ok(()),
        }
    }
}
