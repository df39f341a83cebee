//! [`UcanpayAccount`]: a UCanPay account as its settings describe it.
//!
//! Text comes in, from wherever settings stand; what is made of it has been checked. `table.rs` lists the settings. Those
//! about the merchant and the signature are read in `merchant.rs`, those about orders in `orders.rs`; here they become a
//! client and a provider.

use std::ffi::OsString;
use std::fmt::Write as _;

use ucanpay_transport::{Client, ClientBuilder, ConfigError, Error};

use super::UcanpayProvider;
use super::table::{self, NAMES, PREFIX, default_rows, required_rows};
use crate::settings::{AccountSettings, Setting, SettingError, beginning};

/// A UCanPay account as its settings describe it: in the environment, or in a document.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ucanpay_storefront::{PaymentRegistry, UcanpayAccount};
///
/// let account = UcanpayAccount::from_env(); // UCANPAY_MERCHANT_ID and so on
/// let registry = PaymentRegistry::builder().register(account.provider()?).build()?;
/// # Ok(()) }
/// # #[cfg(not(feature = "reqwest"))]
/// # fn main() {}
/// ```
///
/// Each part is made when it is asked for, so that a program that only signs needs no notify address. In the environment a
/// name has `UCANPAY_` in front, and capitals: `UCANPAY_MERCHANT_ID`.
///
/// Who needs one of these must set it:
///
/// | setting | what it is |
/// |---|---|
#[doc = required_rows!()]
/// The others have a default. But for the gateway's address they are the points that the reference leaves open; unless set
/// they are as it prints them, or as our reading of it (`docs/protocol.md`) assumes:
///
/// | setting | what it is | unless set |
/// |---|---|---|
#[doc = default_rows!()]
/// The names of schemes are those of [`SignatureScheme`](ucanpay_core::SignatureScheme), the words of signed sets those of
/// [`SignedSet`](ucanpay_core::SignedSet); `ucanpay explain` finds both for a captured message.
#[derive(Clone, Debug)]
pub struct UcanpayAccount {
    written: AccountSettings,
}

/// What to do about `base_url`.
const GATEWAY: &str = "it is the gateway's address, such as https://api.ucanpay.ca";

impl UcanpayAccount {
    /// The word for accounts like this in `provider`.
    pub const KIND: &'static str = "ucanpay";

    /// The names of all settings.
    pub const SETTINGS: [&'static str; 18] = NAMES;

    /// What the help of a program tells that reads [the environment](Self::from_env): two lines for each setting, its
    /// variable, then what it is and its default.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let help = UcanpayAccount::help();
    /// assert!(help.contains("  UCANPAY_MERCHANT_ID\n      the merchant's number, from the portal\n"));
    /// ```
    pub fn help() -> String {
        table::help()
    }

    /// The account of these settings, which came from a document.
    ///
    /// ```
    /// use ucanpay_storefront::{AccountSettings, UcanpayAccount};
    ///
    /// let written: AccountSettings = serde_json::from_str(r#"{ "merchant_id": 2000000010, "devise": "web" }"#)?;
    /// let error = UcanpayAccount::new(written.at("settings.ucanpay")).unwrap_err();
    /// assert!(error.to_string().starts_with("settings.ucanpay.devise is not known; the settings are id, "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if a name is not known, or `provider` is another.
    pub fn new(written: AccountSettings) -> Result<Self, SettingError> {
        written.refuse_unknown(&Self::SETTINGS)?;
        if let Some(kind) = written.provider()?
            && kind.text() != Self::KIND
        {
            return Err(kind.is_wrong(
                format!("is {:?}", beginning(kind.text())),
                format!("write {}, or nothing", Self::KIND),
            ));
        }
        Ok(Self { written })
    }

    /// The account that the process's environment describes, by variables that begin with `UCANPAY_`.
    ///
    /// ```no_run
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let account = UcanpayAccount::from_env();
    /// println!("merchant {}", account.merchant_id()?); // UCANPAY_MERCHANT_ID
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    pub fn from_env() -> Self {
        Self::from_environment(|name| std::env::var_os(name))
    }

    /// The same, by the variables that `lookup` knows.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let lookup = |name: &str| (name == "UCANPAY_MERCHANT_ID").then(|| "2000000010".into());
    /// let account = UcanpayAccount::from_environment(lookup);
    /// assert_eq!(account.merchant_id()?.as_str(), "2000000010");
    /// let error = account.settings().unwrap_err();
    /// assert!(error.to_string().starts_with("UCANPAY_NOTIFY_BASE_URL is not set; "));
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let written = AccountSettings::from_environment(PREFIX, &Self::SETTINGS, lookup);
        Self { written }
    }

    /// The settings as they were written.
    pub fn written(&self) -> &AccountSettings {
        &self.written
    }

    /// The gateway's address, as it is written: for a program through which nobody is to reach the real gateway by forgetting
    /// to write another. The [client](Self::client_builder) of an account without one calls `https://api.ucanpay.ca`.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let account = UcanpayAccount::from_environment(|_| None);
    /// let error = account.base_url().unwrap_err(); // a load test that would have called the real gateway
    /// assert!(error.to_string().starts_with("UCANPAY_BASE_URL is not set; "));
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is not set. Whether it can be used shows when a client is built.
    pub fn base_url(&self) -> Result<Setting, SettingError> {
        self.written.required("base_url", GATEWAY)
    }

    /// Whether what is sent again is signed anew, with another nonce.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |name: &str| (name == "UCANPAY_FRESH_NONCE_ON_RETRY").then(|| "yes".into());
    /// assert_eq!(
    ///     UcanpayAccount::from_environment(set).fresh_nonce_on_retry().unwrap_err().to_string(),
    ///     r#"UCANPAY_FRESH_NONCE_ON_RETRY is "yes"; write true or false"#
    /// );
    /// assert!(!UcanpayAccount::from_environment(|_| None).fresh_nonce_on_retry()?);
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is neither `true` nor `false`.
    pub fn fresh_nonce_on_retry(&self) -> Result<bool, SettingError> {
        let words = [("true", true), ("false", false)];
        let fresh = self.written.word("fresh_nonce_on_retry", &words)?;
        Ok(fresh.unwrap_or(false))
    }

    /// The client for this account, to be built: time-outs, rate limit and HTTP service are still open.
    ///
    /// ```no_run
    /// # #[cfg(feature = "reqwest")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let account = UcanpayAccount::from_env();
    /// let client = account.client_builder()?.total_timeout(Duration::from_secs(20)).build()?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "reqwest"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As for [`merchant`](Self::merchant) and [`fresh_nonce_on_retry`](Self::fresh_nonce_on_retry). Whether the base URL can
    /// be used shows when it is built.
    pub fn client_builder(&self) -> Result<ClientBuilder, SettingError> {
        let mut builder = Client::builder(self.merchant()?);
        if let Some(url) = self.written.optional("base_url")? {
            builder = builder.base_url(url.text());
        }
        if self.fresh_nonce_on_retry()? {
            builder = builder.fresh_nonce_on_retry();
        }
        Ok(builder)
    }

    /// The client for this account, as `build` finishes it.
    ///
    /// ```no_run
    /// # #[cfg(feature = "reqwest")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let account = UcanpayAccount::from_env();
    /// // As with `client_builder`, but an address that cannot be called is an error of the setting UCANPAY_BASE_URL.
    /// let client = account.client_with(|client| client.attempt_timeout(Duration::from_secs(3)).build())?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "reqwest"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As for [`client_builder`](Self::client_builder), and for a base URL that cannot be used.
    pub fn client_with(
        &self,
        build: impl FnOnce(ClientBuilder) -> Result<Client, Error>,
    ) -> Result<Client, SettingError> {
        build(self.client_builder()?).map_err(|error| {
            let problem = match &error {
                Error::Config(ConfigError::BaseUrl { reason }) => {
                    format!("cannot be used: {reason}")
                }
                error => format!("cannot be called: {}", in_one_line(error)),
            };
            self.written.is_wrong("base_url", problem, GATEWAY)
        })
    }

    /// The client for this account, with the ready HTTP service.
    ///
    /// ```no_run
    /// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
    /// use ucanpay_core::{OrderQuery, OutTradeNo};
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let client = UcanpayAccount::from_env().client()?; // below the ledger: one signed call
    /// let query = OrderQuery { out_trade_no: OutTradeNo::new("A17")?, ucp_order_no: None };
    /// println!("{:?}", client.call(&query).await?.trade_status);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`client_with`](Self::client_with).
    #[cfg(feature = "reqwest")]
    pub fn client(&self) -> Result<Client, SettingError> {
        self.client_with(ClientBuilder::build)
    }

    /// The provider, calling through the client that `build` finishes.
    ///
    /// ```no_run
    /// # #[cfg(feature = "reqwest")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use ucanpay_storefront::{PaymentRegistry, UcanpayAccount};
    ///
    /// let account = UcanpayAccount::from_env();
    /// let provider = account.provider_with(|client| client.total_timeout(Duration::from_secs(20)).build())?;
    /// let registry = PaymentRegistry::builder().register(provider).build()?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "reqwest"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] for the first setting that cannot be used.
    pub fn provider_with(
        &self,
        build: impl FnOnce(ClientBuilder) -> Result<Client, Error>,
    ) -> Result<UcanpayProvider, SettingError> {
        let client = self.client_with(build)?;
        Ok(UcanpayProvider::new(client, self.settings()?))
    }

    /// The provider, calling through the ready HTTP service.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let account = UcanpayAccount::from_environment(|_| None); // nobody has set anything
    /// let error = account.provider().unwrap_err();
    /// assert_eq!(error.to_string(), "UCANPAY_MERCHANT_ID is not set; copy it from the merchant portal");
    /// ```
    ///
    /// # Errors
    /// As for [`provider_with`](Self::provider_with).
    #[cfg(feature = "reqwest")]
    pub fn provider(&self) -> Result<UcanpayProvider, SettingError> {
        self.provider_with(ClientBuilder::build)
    }
}

/// An error with its causes. A cause that an error tells already is not told twice.
fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !line.ends_with(&told) {
            write!(line, ": {told}").expect("writing to a String cannot fail");
        }
        cause = error.source();
    }
    line
}
