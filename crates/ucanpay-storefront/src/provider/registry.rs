//! The payment providers of a shop, by id: built once, frozen, checked when built.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{PaymentProvider, ProviderFactory};
use crate::id::ProviderId;
use crate::settings::{AccountSettings, SettingError, beginning};

/// The providers a shop offers. Cheap to clone.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// use ucanpay_storefront::provider::ScriptedProvider;
/// use ucanpay_storefront::{PaymentRegistry, ProviderId};
///
/// let terrace = ProviderId::new("terrace")?;
/// let registry = PaymentRegistry::builder()
///     .register(ScriptedProvider::new()) // the default
///     .register(ScriptedProvider::new().with_id(terrace.clone()))
///     .build()?;
/// assert_eq!(registry.default_id().as_str(), "scripted");
/// assert_eq!(registry.get(Some(&terrace)).map(|till| till.id()), Some(&terrace));
/// assert_eq!(registry.get(None).map(|till| till.id()), Some(registry.default_id()));
/// assert_eq!(registry.ids().count(), 2);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PaymentRegistry {
    providers: Arc<HashMap<ProviderId, Arc<dyn PaymentProvider>>>,
    default: ProviderId,
}

/// Collects providers for a [`PaymentRegistry`]: ready ones, and accounts of which [factories](ProviderFactory) make them.
/// The first one is the default.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// use std::sync::Arc;
/// use ucanpay_storefront::provider::ScriptedProvider;
/// use ucanpay_storefront::{PaymentProvider, PaymentRegistry, ProviderId};
///
/// let mut builder = PaymentRegistry::builder();
/// for till in ["counter", "terrace"] {
///     let account = ScriptedProvider::new().with_id(ProviderId::new(till)?);
///     let account: Arc<dyn PaymentProvider> = Arc::new(account); // of any type, decided at run time
///     builder = builder.register_shared(account);
/// }
/// assert_eq!(builder.build()?.default_id().as_str(), "counter");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct PaymentRegistryBuilder {
    factories: Vec<Arc<dyn ProviderFactory>>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    Ready(Arc<dyn PaymentProvider>),
    Account(AccountSettings),
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
    /// Two factories make providers of one kind.
    #[error("two factories make providers of the kind {0:?}; register one of them")]
    DuplicateFactory(&'static str),
    /// A setting of an account cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
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
        self.entries.push(Entry::Ready(provider));
        self
    }

    /// Adds a kind of provider that [`accounts`](Self::accounts) may name.
    #[must_use]
    pub fn factory(mut self, factory: impl ProviderFactory) -> Self {
        self.factories.push(Arc::new(factory));
        self
    }

    /// Adds accounts by their settings. Each names its kind in `provider`, and the [`factory`](Self::factory) of that kind
    /// makes its provider when the registry is built. `place` is where the list stands, such as `settings.accounts`; errors
    /// name a setting as `settings.accounts[1].merchant_id`.
    ///
    /// ```
    /// use ucanpay_storefront::{AccountSettings, PaymentRegistry};
    ///
    /// let accounts: Vec<AccountSettings> = serde_json::from_str(r#"[{ "provider": "birch" }]"#)?;
    /// let registry = PaymentRegistry::builder().accounts("payments.accounts", accounts).build();
    /// assert_eq!(
    ///     registry.unwrap_err().to_string(), // somebody forgot `.factory(Birch)`
    ///     r#"payments.accounts[0].provider is "birch", which no factory makes; register a factory for it"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accounts(
        mut self,
        place: &str,
        accounts: impl IntoIterator<Item = AccountSettings>,
    ) -> Self {
        for (index, account) in accounts.into_iter().enumerate() {
            let account = account.at(format!("{place}[{index}]"));
            self.entries.push(Entry::Account(account));
        }
        self
    }

    /// Freezes the registry.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// use ucanpay_storefront::provider::ScriptedProvider;
    /// use ucanpay_storefront::{PaymentRegistry, RegistryError};
    ///
    /// let empty = PaymentRegistry::builder().build();
    /// assert_eq!(empty.unwrap_err(), RegistryError::Empty);
    ///
    /// let twice = PaymentRegistry::builder()
    ///     .register(ScriptedProvider::new())
    ///     .register(ScriptedProvider::new())
    ///     .build();
    /// assert_eq!(twice.unwrap_err(), RegistryError::Duplicate("scripted".into()));
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RegistryError`] if it is empty, an id stands twice, or an account cannot be used as it is set.
    pub fn build(self) -> Result<PaymentRegistry, RegistryError> {
        let factories = Factories::new(self.factories)?;
        let mut default = None;
        let mut providers = HashMap::new();
        let mut merchants = Vec::new();
        for entry in self.entries {
            let provider = match entry {
                Entry::Ready(provider) => provider,
                Entry::Account(account) => {
                    let account = account.first_of_all(default.is_none());
                    factories.provider(&account, &mut merchants)?
                }
            };
            let id = provider.id().clone();
            default.get_or_insert_with(|| id.clone());
            if providers.insert(id.clone(), provider).is_some() {
                return Err(RegistryError::Duplicate(id.to_string()));
            }
        }
        Ok(PaymentRegistry {
            providers: Arc::new(providers),
            default: default.ok_or(RegistryError::Empty)?,
        })
    }
}

/// The kinds of provider that accounts may name.
struct Factories(Vec<Arc<dyn ProviderFactory>>);

/// A merchant account that is configured already: its kind, the merchant, and where that stands.
type Merchants = Vec<(&'static str, String, String)>;

impl Factories {
    fn new(factories: Vec<Arc<dyn ProviderFactory>>) -> Result<Self, RegistryError> {
        let mut kinds = HashSet::new();
        match factories.iter().find(|known| !kinds.insert(known.kind())) {
            Some(second) => Err(RegistryError::DuplicateFactory(second.kind())),
            None => Ok(Self(factories)),
        }
    }

    fn provider(
        &self,
        account: &AccountSettings,
        merchants: &mut Merchants,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
        let factory = self.of(account)?;
        let id = match account.id()? {
            Some(id) => id,
            None => ProviderId::new(factory.kind()).map_err(|error| {
                account.is_wrong(
                    "id",
                    format!("is not set, and the kind of provider is no id: {error}"),
                    "write an id",
                )
            })?,
        };
        let provider = factory.build(id.clone(), account)?;
        if *provider.id() != id {
            return Err(account.is_wrong(
                "id",
                format!("is {id}, but the provider is called {}", provider.id()),
                "correct its factory, which is told the id",
            ));
        }
        let merchant = provider.merchant();
        let same =
            |(kind, other, _): &&(_, String, _)| *kind == factory.kind() && other == merchant;
        if let Some((_, _, first)) = merchants.iter().find(same) {
            // One order could be paid under both names, and would be fulfilled twice.
            return Err(SettingError::new(
                account.block(),
                format!("is the account of {first} once more: the merchant is {merchant}"),
                "configure each merchant once, and start all its payments under that id",
            ));
        }
        merchants.push((factory.kind(), merchant.to_owned(), account.block()));
        Ok(provider)
    }

    fn of(&self, account: &AccountSettings) -> Result<&Arc<dyn ProviderFactory>, SettingError> {
        let kinds: Vec<_> = self.0.iter().map(|factory| factory.kind()).collect();
        let advice = match &*kinds {
            [] => "register a factory for it".to_owned(),
            kinds => format!("write {}", kinds.join(" or ")),
        };
        let kind = account.required("provider", &advice)?;
        let factory = self.0.iter().find(|factory| factory.kind() == kind.text());
        factory.ok_or_else(|| {
            let said = beginning(kind.text());
            kind.is_wrong(format!("is {said:?}, which no factory makes"), advice)
        })
    }
}
