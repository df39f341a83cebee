//! The shop's settings, read from the environment and checked at once: what comes out can be used.
//!
//! Every problem names its setting, what is wrong with it, and what to do. An empty variable counts as not set.

mod database;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use ucanpay_storefront::SettingError;
use ucanpay_storefront::{UcanpayAccount, UcanpayProvider};

pub use self::database::DatabaseUrl;
use crate::admin_token::AdminToken;

/// The settings of an account that a shop cannot do without. The gateway's address is one of them: nobody is to reach the
/// real one by forgetting it.
const ACCOUNT: [&str; 5] = [
    "base_url",
    "merchant_id",
    "private_key_file",
    "platform_key_file",
    "notify_base_url",
];

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
        let account = UcanpayAccount::from_environment(self.0);
        let written = account.written();
        let Some(set) = written.places().next() else {
            let listen = self.address("SANDBOX_LISTEN", "127.0.0.1:8090")?;
            return Ok(GatewaySetting::Sandbox(listen));
        };
        let missing = ACCOUNT.into_iter().filter(|name| !written.is_set(name));
        let missing: Vec<_> = missing.map(|name| written.place(name)).collect();
        let [first, others @ ..] = &*missing else {
            return Ok(GatewaySetting::Account(Box::new(account.provider()?)));
        };
        let others = match others {
            [] => String::new(),
            others => format!(" (nor {})", others.join(", ")),
        };
        let all = ACCOUNT.map(|name| written.place(name)).join(", ");
        Err(SettingError::new(
            first,
            format!("is not set{others}, but {set} is"),
            format!(
                "set all of {all} to take payments through a gateway, or no UCANPAY_* at all to run the sandbox inside \
                 the shop"
            ),
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
