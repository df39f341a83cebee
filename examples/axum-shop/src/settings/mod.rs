//! The shop's settings, read from the environment and checked at once: what comes out can be used.
//!
//! Every problem names its setting, what is wrong with it, and what to do. An empty variable counts as not set.

mod account;
mod database;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ucanpay_storefront::UcanpayProvider;

use self::account::{ACCOUNT, PAY_LINKS, SIGNED_SET};
pub use self::database::DatabaseUrl;
use crate::admin_token::AdminToken;

/// What the shop runs with.
#[derive(Debug)]
pub struct Settings {
    /// `LISTEN`: where the shop serves its pages.
    pub listen: SocketAddr,
    /// `DATABASE_URL`: the database of the shop's orders and the ledger.
    pub database_url: DatabaseUrl,
    /// `SHOP_DATA_DIR`: where the shop keeps what it makes for itself.
    pub data_dir: PathBuf,
    /// `SHOP_ADMIN_TOKEN`; `None`: one is made and kept in the data folder.
    pub admin_token: Option<AdminToken>,
    /// Where the money comes from.
    pub gateway: GatewaySetting,
}

/// Which gateway the shop talks to.
#[derive(Debug)]
#[non_exhaustive]
pub enum GatewaySetting {
    /// `UCANPAY_*` are set: this merchant account.
    Account(Box<UcanpayProvider>),
    /// None of them is: the sandbox runs inside the shop and listens here (`SANDBOX_LISTEN`).
    Sandbox(SocketAddr),
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}; {advice}")]
pub struct SettingError {
    setting: &'static str,
    problem: String,
    advice: String,
}

impl SettingError {
    pub(crate) fn new(
        setting: &'static str,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            setting,
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// The variable's name.
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting that cannot be used.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(|name| std::env::var_os(name))
    }

    /// Reads the variables that `lookup` knows.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingError> {
        let env = Environment(&lookup);
        let data_dir = PathBuf::from(env.get("SHOP_DATA_DIR")?.unwrap_or_else(|| "data".into()));
        let default_url = || format!("sqlite://{}", in_url(&data_dir.join("shop.sqlite")));
        Ok(Self {
            listen: env.address("LISTEN", "127.0.0.1:3000")?,
            database_url: DatabaseUrl::new(env.get("DATABASE_URL")?.unwrap_or_else(default_url))?,
            admin_token: env.get("SHOP_ADMIN_TOKEN")?.as_deref().map(AdminToken::new),
            gateway: env.gateway()?,
            data_dir,
        })
    }
}

/// The variables, by name.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'_> {
    fn get(&self, name: &'static str) -> Result<Option<String>, SettingError> {
        let value = match (self.0)(name) {
            None => return Ok(None),
            Some(value) => value.into_string().map_err(|_| {
                SettingError::new(name, "is not UTF-8 text", "write it in plain characters")
            })?,
        };
        Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    fn address(&self, name: &'static str, default: &str) -> Result<SocketAddr, SettingError> {
        let text = self.get(name)?.unwrap_or_else(|| default.to_owned());
        text.parse().map_err(|_| {
            SettingError::new(
                name,
                format!("is {text:?}, which is not an address with a port"),
                format!("it looks like {default}"),
            )
        })
    }

    fn gateway(&self) -> Result<GatewaySetting, SettingError> {
        let mut present = Vec::new();
        let mut missing = Vec::new();
        for name in ACCOUNT {
            match self.get(name)? {
                Some(value) => present.push((name, value)),
                None => missing.push(name),
            }
        }
        let pay_links = self.get(PAY_LINKS)?;
        let signed_set = self.get(SIGNED_SET)?;
        let set = present.first().map(|(name, _)| *name);
        let set = set.or(pay_links.is_some().then_some(PAY_LINKS));
        let set = set.or(signed_set.is_some().then_some(SIGNED_SET));
        let (Some(set), Some(first_missing)) = (set, missing.first()) else {
            return match <[_; 5]>::try_from(present) {
                Ok(account) => {
                    account::provider(account.map(|(_, value)| value), pay_links, signed_set)
                        .map(|provider| GatewaySetting::Account(Box::new(provider)))
                }
                Err(_) => Ok(GatewaySetting::Sandbox(
                    self.address("SANDBOX_LISTEN", "127.0.0.1:8090")?,
                )),
            };
        };
        let others = match &missing[1..] {
            [] => String::new(),
            others => format!(" (nor {})", others.join(", ")),
        };
        Err(SettingError::new(
            first_missing,
            format!("is not set{others}, but {set} is"),
            "set all five of UCANPAY_BASE_URL, UCANPAY_MERCHANT_ID, UCANPAY_PRIVATE_KEY_FILE, \
             UCANPAY_PLATFORM_KEY_FILE and UCANPAY_NOTIFY_BASE_URL to take payments through a gateway, \
             or no UCANPAY_* at all to run the sandbox inside the shop",
        ))
    }
}

/// A path as it stands in a SQLite URL.
fn in_url(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.replace('%', "%25").replace('?', "%3F")
}

/// An error with its causes, for a person at a terminal. A cause that an error tells already is not told twice.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
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
