//! The payment providers of a shop, by id: built once, frozen, checked when built.

use std::collections::HashMap;
use std::sync::Arc;

use super::PaymentProvider;
use crate::id::ProviderId;

/// The providers a shop offers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PaymentRegistry {
    providers: Arc<HashMap<ProviderId, Arc<dyn PaymentProvider>>>,
    default: ProviderId,
}

/// Collects providers for a [`PaymentRegistry`]. The first one registered is the default.
#[derive(Debug, Default)]
pub struct PaymentRegistryBuilder {
    providers: Vec<Arc<dyn PaymentProvider>>,
}

/// A registry that cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No provider was registered.
    #[error("no payment provider is registered; register at least one")]
    Empty,
    /// Two providers have one id.
    #[error("two payment providers are called {0:?}; give each account an id of its own")]
    Duplicate(String),
}

impl PaymentRegistry {
    /// Starts an empty registry.
    pub fn builder() -> PaymentRegistryBuilder {
        PaymentRegistryBuilder::default()
    }

    /// The provider of this id, or the default one when none is named.
    pub fn get(&self, id: Option<&ProviderId>) -> Option<&Arc<dyn PaymentProvider>> {
        self.providers.get(id.unwrap_or(&self.default))
    }

    /// The ids of all providers, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &ProviderId> {
        self.providers.keys()
    }

    /// The id of the default provider.
    pub fn default_id(&self) -> &ProviderId {
        &self.default
    }
}

impl PaymentRegistryBuilder {
    /// Adds a provider.
    #[must_use]
    pub fn register(self, provider: impl PaymentProvider) -> Self {
        self.register_shared(Arc::new(provider))
    }

    /// Adds a provider that is shared already, or whose type is known only at run time.
    #[must_use]
    pub fn register_shared(mut self, provider: Arc<dyn PaymentProvider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Freezes the registry.
    ///
    /// # Errors
    /// [`RegistryError`] if it is empty or an id stands twice.
    pub fn build(self) -> Result<PaymentRegistry, RegistryError> {
        let default = self
            .providers
            .first()
            .ok_or(RegistryError::Empty)?
            .id()
            .clone();
        let mut providers = HashMap::new();
        for provider in self.providers {
            let id = provider.id().clone();
            if providers.insert(id.clone(), provider).is_some() {
                return Err(RegistryError::Duplicate(id.to_string()));
            }
        }
        Ok(PaymentRegistry {
            providers: Arc::new(providers),
            default,
        })
    }
}
