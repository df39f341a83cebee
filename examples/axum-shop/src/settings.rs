//! The shop's settings, read from the environment and checked at once: what comes out can be used.
//!
//! Every problem names its setting, what is wrong with it, and what to do. An empty variable counts as not set.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ucanpay_core::{Merchant, MerchantError, MerchantId, PayLinks, PrivateKey, PublicKey};
use ucanpay_storefront::{UcanpayProvider, UcanpaySettings};
use ucanpay_transport::Client;

/// What the shop runs with.
#[derive(Debug)]
pub struct Settings {
    /// `LISTEN`: where the shop serves its pages.
    pub listen: SocketAddr,
    /// `DATABASE_URL`: the SQLite file with the shop's orders and the ledger.
    pub database_url: String,
    /// `SHOP_DATA_DIR`: where the shop keeps what it makes for itself.
    pub data_dir: PathBuf,
    /// `SHOP_ADMIN_TOKEN`; `None`: one is made and kept in the data folder.
    pub admin_token: Option<String>,
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

/// These are set together, or not at all.
const ACCOUNT: [&str; 5] = [
    "UCANPAY_BASE_URL",
    "UCANPAY_MERCHANT_ID",
    "UCANPAY_PRIVATE_KEY_FILE",
    "UCANPAY_PLATFORM_KEY_FILE",
    "UCANPAY_NOTIFY_BASE_URL",
];
const PAY_LINKS: &str = "UCANPAY_PAY_LINK_BASE_URL";

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
            database_url: match env.get("DATABASE_URL")? {
                None => default_url(),
                Some(url) if url.starts_with("sqlite:") => url,
                Some(_) => {
                    return Err(SettingError::new(
                        "DATABASE_URL",
                        "is not a SQLite URL",
                        "it looks like sqlite://data/shop.sqlite",
                    ));
                }
            },
            admin_token: env.get("SHOP_ADMIN_TOKEN")?,
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
        let set = present.first().map(|(name, _)| *name);
        let set = set.or(pay_links.is_some().then_some(PAY_LINKS));
        let (Some(set), Some(first_missing)) = (set, missing.first()) else {
            return match <[_; 5]>::try_from(present) {
                Ok(account) => provider(account.map(|(_, value)| value), pay_links)
                    .map(|provider| GatewaySetting::Account(Box::new(provider))),
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

/// The account that the five settings describe, in the order of [`ACCOUNT`].
fn provider(
    [base_url, id, private_key, platform_keys, notify_base_url]: [String; 5],
    pay_links: Option<String>,
) -> Result<UcanpayProvider, SettingError> {
    let [base_name, id_name, private_name, platform_name, notify_name] = ACCOUNT;

    let id = MerchantId::new(id).map_err(|error| {
        SettingError::new(
            id_name,
            format!("cannot be a merchant id: {error}"),
            "copy it from the merchant portal",
        )
    })?;
    let private_key = key(private_name, &private_key, PrivateKey::from_bytes)?;
    let platform_keys = platform_keys
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| key(platform_name, path, PublicKey::from_bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let merchant = Merchant::new(id, private_key, platform_keys).map_err(|error| {
        let problem = match error {
            MerchantError::OwnKeyAsPlatformKey => {
                "names the merchant's own key, and the gateway does not sign with that"
            }
            _ => "names no key file",
        };
        SettingError::new(
            platform_name,
            problem,
            "name the file with the gateway's public key, as the merchant portal shows it",
        )
    })?;

    let mut account = UcanpaySettings::new(&notify_base_url).map_err(|error| {
        SettingError::new(
            notify_name,
            format!("cannot be used: {error}"),
            "it is the shop's address as the gateway reaches it, such as https://shop.example",
        )
    })?;
    if let Some(url) = pay_links {
        if !is_web_address(&url) {
            return Err(SettingError::new(
                PAY_LINKS,
                "is not an http or https address",
                "it looks like https://pay.example",
            ));
        }
        account.links = PayLinks::default().with_base_url(url);
    }
    let client = Client::builder(merchant)
        .base_url(&base_url)
        .build()
        .map_err(|error| {
            SettingError::new(
                base_name,
                format!("cannot be used: {}", in_one_line(&error)),
                "it is the gateway's address, such as https://api.ucanpay.ca",
            )
        })?;
    Ok(UcanpayProvider::new(client, account))
}

fn key<K, E: std::error::Error>(
    setting: &'static str,
    path: &str,
    read: impl FnOnce(&[u8]) -> Result<K, E>,
) -> Result<K, SettingError> {
    let bytes = std::fs::read(path).map_err(|error| {
        SettingError::new(
            setting,
            format!("names {path}, which cannot be read: {error}"),
            "name a file that the shop may read",
        )
    })?;
    read(&bytes).map_err(|error| {
        SettingError::new(
            setting,
            format!("names {path}, which does not hold the key that is needed: {error}"),
            "the file holds one RSA key, as PEM, DER or the portal's base64",
        )
    })
}

fn is_web_address(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"?#&=\"<>\\".contains(&b))
    })
}

/// A path as it stands in a SQLite URL.
fn in_url(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.replace('%', "%25").replace('?', "%3F")
}

/// An error with its causes, for a person at a terminal.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(line, ": {error}").expect("writing to a String cannot fail");
        cause = error.source();
    }
    line
}
