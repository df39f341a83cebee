//! The settings under `settings.ucanpay`, read and checked when the app starts: what comes out can be used.
//!
//! Every problem names its setting by its path in the YAML file, or by its environment variable where that was set, says
//! what is wrong, and what to do.

mod account;
mod source;

use std::ffi::OsString;
use std::num::NonZeroU32;

use loco_rs::config::Config;
use ucanpay_storefront::{LatePolicy, Policies, UcanpayProvider, UnmatchedPolicy};

use self::source::Source;

/// What `settings.ucanpay` says.
///
/// | setting | what it is |
/// |---|---|
/// | `merchant_id` | the merchant's number, from the portal |
/// | `private_key_file` | the merchant's own key |
/// | `platform_key_file` | the gateway's public key; several, for a rotation: a list, or separated by commas |
/// | `notify_base_url` | the app's address as the gateway reaches it, such as `https://shop.example` |
/// | `base_url` | the gateway; `https://api.ucanpay.ca` unless set |
/// | `pay_link_base_url` | where pay links lead, if not where the reference says |
/// | `signed_set` | which members are signed, if not those the reference names |
/// | `late_payment` | paid after it was closed: `review` (unless set) or `auto_refund` |
/// | `unmatched` | a notification about no payment here: `ack` (unless set) or `nack` |
/// | `delivery_attempts` | failures in a row after which an event is parked; 20 unless set |
/// | `call_budget` | rows of one account that the reconciler asks about in a second, at most; 20 unless set |
/// | `self_check` | whether the app refuses to start if notifications do not reach it; `true` unless set. `false` where a proxy changes paths |
///
/// An environment variable overrides a setting: `UCANPAY_MERCHANT_ID`, and so on. A name that is not in this list is an
/// error, for it is most likely a misspelt one.
#[derive(Clone, Debug)]
pub struct Settings {
    provider: UcanpayProvider,
    pub(crate) notify_urls: [String; 2],
    pub(crate) policies: Policies,
    pub(crate) delivery_attempts: Option<NonZeroU32>,
    pub(crate) call_budget: Option<NonZeroU32>,
    pub(crate) self_check: bool,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}; {advice}")]
pub struct SettingError {
    setting: String,
    problem: String,
    advice: String,
}

impl SettingError {
    pub(crate) fn new(
        setting: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            setting: setting.into(),
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// Where it stands: `settings.ucanpay.merchant_id`, or `UCANPAY_MERCHANT_ID` if that was set.
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

impl Settings {
    /// Reads the app's configuration and the process's environment.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting that cannot be used.
    pub fn from_config(config: &Config) -> Result<Self, SettingError> {
        Self::read(config, |name| std::env::var_os(name))
    }

    /// Reads the app's configuration, and the variables that `environment` knows.
    ///
    /// # Errors
    /// As [`from_config`](Self::from_config).
    pub fn read(
        config: &Config,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingError> {
        let mut source = Source::new(config.settings.as_ref(), &environment)?;
        let account = account::read(&mut source)?;
        let late = source.word(
            "late_payment",
            &[
                ("review", LatePolicy::Review),
                ("auto_refund", LatePolicy::AutoRefund),
            ],
        )?;
        let unmatched = source.word(
            "unmatched",
            &[
                ("ack", UnmatchedPolicy::AckAndRecord),
                ("nack", UnmatchedPolicy::Nack),
            ],
        )?;
        let policies = Policies::default()
            .with_late_payment(late.unwrap_or(LatePolicy::Review))
            .with_unmatched(unmatched.unwrap_or_default());
        let settings = Self {
            provider: account.provider,
            notify_urls: account.notify_urls,
            policies,
            delivery_attempts: source.count("delivery_attempts")?,
            call_budget: source.count("call_budget")?,
            self_check: source
                .word("self_check", &[("true", true), ("false", false)])?
                .unwrap_or(true),
        };
        source.finish()?;
        Ok(settings)
    }

    /// The account that they describe, to be registered.
    pub fn provider(&self) -> UcanpayProvider {
        self.provider.clone()
    }
}
