//! A ledger as the environment describes it: what a shop with one account needs, in one line.

use crate::provider::{PaymentRegistry, RegistryError};
use crate::settings::SettingError;
use crate::store::{self, StoreError};
use crate::ucanpay::UcanpayAccount;

use super::Payments;

/// Where the ledger is kept.
const DATABASE_URL: &str = "DATABASE_URL";

/// Why no ledger was opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A variable is not set, or cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The database that `DATABASE_URL` names cannot be used.
    #[error("the database of DATABASE_URL cannot be used")]
    Store(#[from] StoreError),
    /// The account cannot be registered.
    #[error("the account cannot be registered")]
    Registry(#[from] RegistryError),
}

impl Payments {
    /// The ledger for the one UCanPay account that the variables `UCANPAY_MERCHANT_ID`, `UCANPAY_PRIVATE_KEY_FILE`,
    /// `UCANPAY_PLATFORM_KEY_FILE` and `UCANPAY_NOTIFY_BASE_URL` describe ([`UcanpayAccount`] lists them all), kept in the
    /// database that `DATABASE_URL` names: [`store::open`]. It makes its tables where they are missing, and calls nobody.
    ///
    /// With more accounts, or settings from elsewhere, put it together by hand: a
    /// [`PaymentRegistry`] and a [`store`](crate::store) go into [`Payments::new`].
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ucanpay_storefront::{Payments, StartPayment, on_paid};
    ///
    /// let payments = Payments::from_env().await?; // DATABASE_URL, UCANPAY_MERCHANT_ID and so on
    /// let ledger = payments.spawn(on_paid(async |order| std::fs::write(format!("{order}.ticket"), "")));
    /// let view = payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
    /// println!("pay here: {:?}", view.pay_link());
    /// ledger.stop().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`OpenError`]; it names the variable.
    pub async fn from_env() -> Result<Self, OpenError> {
        let account = UcanpayAccount::from_env().provider()?;
        let registry = PaymentRegistry::builder().register(account).build()?;
        let url = std::env::var_os(DATABASE_URL).unwrap_or_default();
        let url = url.to_str().map(str::trim);
        let problem = match url {
            Some("") => "is not set",
            Some(url) => return Ok(Self::new(store::open(url).await?, registry)),
            None => "is not UTF-8 text",
        };
        let advice = "name where the ledger is kept: sqlite://payments.sqlite, or postgres://user@host/database";
        Err(SettingError::new(DATABASE_URL, problem, advice).into())
    }
}
