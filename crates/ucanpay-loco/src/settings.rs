//! The settings under `settings.ucanpay`, read and checked when the app starts: what comes out can be used.
//!
//! Every problem names its setting by its path in the YAML file, or by its environment variable where that was set, says
//! what is wrong, and what to do.

use std::ffi::OsString;
use std::num::NonZeroU32;

use loco_rs::config::Config;
use serde_json::{Map, Value};
use ucanpay_storefront::provider::PaymentRegistryBuilder;
use ucanpay_storefront::{
    AccountSettings, LatePolicy, PaymentRegistry, Policies, SettingError, UcanpayAccount,
    UcanpayFactory, UnmatchedPolicy,
};

/// Where they stand.
const PLACE: &str = "settings.ucanpay";
/// In front of their names in the environment.
const PREFIX: &str = "UCANPAY";
/// Those that are the app's, and no account's.
const APP: [&str; 5] = [
    "late_payment",
    "unmatched",
    "delivery_attempts",
    "call_budget",
    "self_check",
];
/// The list of accounts, where there are several.
const ACCOUNTS: &str = "accounts";

/// What `settings.ucanpay` says: about the app,
///
/// | setting | what it is |
/// |---|---|
/// | `late_payment` | paid after it was closed: `review` (unless set) or `auto_refund` |
/// | `unmatched` | a notification about no payment here: `ack` (unless set) or `nack` |
/// | `delivery_attempts` | failures in a row after which an event is parked; 20 unless set |
/// | `call_budget` | rows of one account that the reconciler asks about in a second, at most; 20 unless set |
/// | `self_check` | whether the app refuses to start if notifications do not reach it; `true` unless set. `false` where a proxy changes paths |
///
/// and about its account: those that [`UcanpayAccount`] names, from `merchant_id` to the points that the reference leaves
/// open, such as `scheme`. An environment variable overrides a setting: `UCANPAY_MERCHANT_ID`, and so on. A name that is not
/// known is an error, for it is most likely a misspelt one.
///
/// # Several accounts
///
/// They stand in a list, each with its `provider`, and all but the first with an `id`, which stands in its notify addresses
/// and in the ledger. The first is the default. The environment overrides none of theirs; loco's `get_env` does:
///
/// ```yaml
/// settings:
///   ucanpay:
///     late_payment: review
///     accounts:
///       - provider: ucanpay
///         merchant_id: "2000000010"
///         private_key_file: <%= get_env(name="COUNTER_KEY_FILE") %>
///         platform_key_file: keys/ucanpay.pem
///         notify_base_url: https://shop.example
///       - provider: ucanpay
///         id: terrace
///         merchant_id: "2000000011"
///         private_key_file: <%= get_env(name="TERRACE_KEY_FILE") %>
///         platform_key_file: keys/ucanpay.pem
///         notify_base_url: https://shop.example
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    accounts: Accounts,
    pub(crate) notify_urls: Vec<NotifyUrl>,
    pub(crate) policies: Policies,
    pub(crate) delivery_attempts: Option<NonZeroU32>,
    pub(crate) call_budget: Option<NonZeroU32>,
    pub(crate) self_check: bool,
}

#[derive(Clone, Debug)]
enum Accounts {
    One(UcanpayAccount),
    Several(Vec<AccountSettings>),
}

/// An address at which a UCanPay account of the app is notified, and the setting that it comes from.
#[derive(Clone, Debug)]
pub(crate) struct NotifyUrl {
    pub(crate) url: String,
    pub(crate) setting: String,
}

impl Settings {
    /// Reads the app's configuration and the process's environment.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting that cannot be used. What only shows when the accounts are made, such as a key
    /// that cannot be read, is [`registry`](Self::registry)'s to say.
    pub fn from_config(config: &Config) -> Result<Self, SettingError> {
        Self::read(config, |name| std::env::var_os(name))
    }

    /// Reads the app's configuration, and the variables that `environment` knows.
    ///
    /// ```
    /// use loco_rs::config::Config;
    /// use ucanpay_loco::{SettingError, Settings};
    ///
    /// /// What the file alone says, whatever the environment overrides.
    /// fn as_written(config: &Config) -> Result<Settings, SettingError> {
    ///     Settings::read(config, |_| None)
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`from_config`](Self::from_config).
    pub fn read(
        config: &Config,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingError> {
        let mut written = block(config)?;
        let list = written.remove(ACCOUNTS);
        let known = [&APP[..], &UcanpayAccount::SETTINGS].concat();
        settings(written.clone())?.refuse_unknown(&[&[ACCOUNTS], &*known].concat())?;
        let (app, account): (Map<_, _>, Map<_, _>) = written
            .into_iter()
            .partition(|(name, _)| APP.contains(&name.as_str()));
        let app = settings(app)?.overridden_by(PREFIX, &APP, &environment);

        let (accounts, ours) = match list {
            None => {
                let account = settings(account)?.overridden_by(
                    PREFIX,
                    &UcanpayAccount::SETTINGS,
                    &environment,
                );
                let account = UcanpayAccount::new(account)?;
                (Accounts::One(account.clone()), vec![account])
            }
            Some(list) => {
                if let Some(name) = account.keys().next() {
                    return Err(SettingError::new(
                        format!("{PLACE}.{name}"),
                        "stands beside a list of accounts",
                        format!("move it into one of {PLACE}.{ACCOUNTS}"),
                    ));
                }
                let list = several(list)?;
                let ours = ours(&list)?;
                (Accounts::Several(list), ours)
            }
        };
        let mut notify_urls = Vec::new();
        for account in ours {
            let settings = account.settings()?;
            let urls = [&settings.payment_notify_url, &settings.refund_notify_url];
            notify_urls.extend(urls.map(|url| NotifyUrl {
                url: url.as_str().to_owned(),
                setting: account.written().place("notify_base_url"),
            }));
        }
        let late = app.word(
            "late_payment",
            &[
                ("review", LatePolicy::Review),
                ("auto_refund", LatePolicy::AutoRefund),
            ],
        )?;
        let unmatched = app.word(
            "unmatched",
            &[
                ("ack", UnmatchedPolicy::AckAndRecord),
                ("nack", UnmatchedPolicy::Nack),
            ],
        )?;
        Ok(Self {
            accounts,
            notify_urls,
            policies: Policies::default()
                .with_late_payment(late.unwrap_or(LatePolicy::Review))
                .with_unmatched(unmatched.unwrap_or_default()),
            delivery_attempts: count(&app, "delivery_attempts")?,
            call_budget: count(&app, "call_budget")?,
            self_check: app
                .word("self_check", &[("true", true), ("false", false)])?
                .unwrap_or(true),
        })
    }

    /// The accounts that they describe, to be registered: for an app that adds a gateway of its own, or a
    /// [`factory`](PaymentRegistryBuilder::factory) of those that stand in the list. [`install`](crate::install) takes what
    /// is built of it.
    ///
    /// ```
    /// use ucanpay_loco::Settings;
    /// use ucanpay_storefront::PaymentRegistry;
    ///
    /// fn accounts(settings: &Settings) -> Result<PaymentRegistry, Box<dyn std::error::Error>> {
    ///     Ok(settings.registry()?.build()?)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if there is one account and it cannot be used. Of several, building the registry says so.
    pub fn registry(&self) -> Result<PaymentRegistryBuilder, SettingError> {
        let registry = PaymentRegistry::builder();
        Ok(match &self.accounts {
            Accounts::One(account) => registry.register(account.provider()?),
            Accounts::Several(list) => registry
                .factory(UcanpayFactory::new())
                .accounts(&format!("{PLACE}.{ACCOUNTS}"), list.clone()),
        })
    }
}

/// The block as it was written. All of it may come from the environment.
fn block(config: &Config) -> Result<Map<String, Value>, SettingError> {
    let settings = config.settings.as_ref();
    match settings.and_then(|settings| settings.get("ucanpay")) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(written)) => Ok(written.clone()),
        Some(_) => Err(SettingError::new(
            PLACE,
            "is not a block of settings",
            "write one a line below it, such as `merchant_id: \"2000000010\"`",
        )),
    }
}

fn settings(written: Map<String, Value>) -> Result<AccountSettings, SettingError> {
    from_value(Value::Object(written), PLACE).map(|settings| settings.at(PLACE))
}

fn several(list: Value) -> Result<Vec<AccountSettings>, SettingError> {
    let place = format!("{PLACE}.{ACCOUNTS}");
    let Value::Array(list) = list else {
        return Err(SettingError::new(
            place,
            "is not a list",
            "begin each account with `- provider: ucanpay`",
        ));
    };
    let accounts = list.into_iter().enumerate();
    accounts
        .map(|(at, account)| {
            let place = format!("{place}[{at}]");
            from_value(account, &place).map(|account| account.at(place))
        })
        .collect()
}

fn from_value(value: Value, place: &str) -> Result<AccountSettings, SettingError> {
    serde_json::from_value(value).map_err(|error| {
        SettingError::new(
            place,
            format!("cannot be read: {error}"),
            "write a block of settings, each a name and a text",
        )
    })
}

/// Those of the list whose notify addresses we know.
fn ours(list: &[AccountSettings]) -> Result<Vec<UcanpayAccount>, SettingError> {
    let mut ours = Vec::new();
    for account in list {
        if account
            .provider()?
            .is_some_and(|kind| kind.text() == UcanpayAccount::KIND)
        {
            ours.push(UcanpayAccount::new(account.clone())?);
        }
    }
    Ok(ours)
}

fn count(app: &AccountSettings, name: &str) -> Result<Option<NonZeroU32>, SettingError> {
    let Some(setting) = app.optional(name)? else {
        return Ok(None);
    };
    let number = setting.text().parse();
    number.map(Some).map_err(|_| {
        setting.is_wrong(
            format!("is {:?}", setting.text()),
            "write a whole number from 1",
        )
    })
}
