//! The settings of accounts, as somebody wrote them: in the environment, or in a document of any format that serde reads.
//!
//! They come in as text and keep the place where they stand, so that every problem can name it. A
//! [`ProviderFactory`](crate::ProviderFactory) makes a provider of them.

mod error;
mod written;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

pub use error::SettingError;

use self::written::Written;
use crate::id::ProviderId;

/// The name of the account: in the ledger, and in its notify URLs.
const ID: &str = "id";
/// The kind of provider that it is an account of.
const PROVIDER: &str = "provider";

/// The settings of one account at a gateway, as they were written.
///
/// In a document it is a block of names with a text, a number, `true` or `false`, or a list of texts each, which counts as
/// one text with commas between:
///
/// ```
/// use ucanpay_storefront::AccountSettings;
///
/// let account: AccountSettings = serde_json::from_str(r#"{ "provider": "birch", "id": "us", "timeout": 10 }"#)?;
/// let account = account.at("payments.accounts[1]"); // where it stands, for people
/// assert_eq!(account.required("timeout", "write whole seconds")?.text(), "10");
/// let error = account.required("secret_file", "name the file with the secret").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "payments.accounts[1].secret_file is not set; name the file with the secret"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two names are the same for every provider: `id` is the account's [`ProviderId`], `provider` its kind. `Debug` shows
/// names and no values: somebody may have written a key where its file should be named.
#[derive(Clone)]
pub struct AccountSettings {
    written: BTreeMap<String, Written>,
    home: Home,
    first: bool,
}

/// Where settings stand that are named in no variable.
#[derive(Clone)]
enum Home {
    /// A block of a document.
    Document(String),
    /// The environment: what is missing is missing there, too.
    Environment(String),
}

/// One setting: its text, and where it stands.
///
/// ```
/// use ucanpay_storefront::AccountSettings;
///
/// let account: AccountSettings = serde_json::from_str(r#"{ "tills": "counter, terrace," }"#)?;
/// let tills = account.at("payments").required("tills", "name each till")?;
/// assert_eq!(tills.text(), "counter, terrace,");
/// assert_eq!(tills.items().collect::<Vec<_>>(), ["counter", "terrace"]);
/// assert_eq!(format!("{tills:?}"), r#"Setting("payments.tills")"#, "the text may be a secret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Setting {
    place: String,
    text: String,
}

impl Setting {
    /// The text, without white space around it. Never empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The texts between commas, without white space around them. Empty ones are left out.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let items = self.text.split(',').map(str::trim);
        items.filter(|item| !item.is_empty())
    }

    /// An error about this setting: what is wrong with it, as the sentence goes on after its name, and what to do. Do not
    /// repeat in it what may be a secret.
    ///
    /// ```
    /// use ucanpay_storefront::{AccountSettings, SettingError};
    ///
    /// fn timeout(account: &AccountSettings) -> Result<u64, SettingError> {
    ///     let seconds = account.required("timeout", "write whole seconds")?;
    ///     seconds.text().parse().map_err(|_| seconds.is_wrong("is no number", "write whole seconds"))
    /// }
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "timeout": "soon" }"#)?;
    /// assert_eq!(timeout(&account).unwrap_err().to_string(), "timeout is no number; write whole seconds");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_wrong(&self, problem: impl Into<String>, advice: impl Into<String>) -> SettingError {
        SettingError::new(&*self.place, problem, advice)
    }
}

/// Without the text, which may be a secret.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.place).finish()
    }
}

impl AccountSettings {
    /// The settings that are written in environment variables: for the prefix `UCANPAY`, the setting `merchant_id` is
    /// `UCANPAY_MERCHANT_ID`. `names` are those that are asked for, `lookup` is `|name| std::env::var_os(name)`, or what a
    /// test puts in its place. An empty variable counts as not set.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let variables = HashMap::from([("BIRCH_TIMEOUT", "10"), ("BIRCH_SECRET_FILE", "")]);
    /// let lookup = |name: &str| variables.get(name).map(Into::into); // a shop asks std::env::var_os
    /// let account = AccountSettings::from_environment("BIRCH", &["timeout", "secret_file"], lookup);
    /// assert_eq!(account.required("timeout", "write whole seconds")?.text(), "10");
    /// assert!(!account.is_set("secret_file"), "it is empty");
    /// assert_eq!(account.place("secret_file"), "BIRCH_SECRET_FILE");
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    pub fn from_environment(
        prefix: &str,
        names: &[&str],
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let nothing = Self {
            written: BTreeMap::new(),
            home: Home::Environment(prefix.to_owned()),
            first: true,
        };
        nothing.overridden_by(prefix, names, lookup)
    }

    /// These settings, but for those that the environment has, too: they are as it says.
    ///
    /// ```
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "timeout": 10, "device": "web" }"#)?;
    /// let lookup = |name: &str| (name == "BIRCH_TIMEOUT").then(|| "3".into());
    /// let account = account.at("settings.birch").overridden_by("BIRCH", &["timeout", "device"], lookup);
    /// assert_eq!(account.required("timeout", "write whole seconds")?.text(), "3");
    /// assert_eq!(account.place("timeout"), "BIRCH_TIMEOUT");
    /// assert_eq!(account.place("device"), "settings.birch.device");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn overridden_by(
        mut self,
        prefix: &str,
        names: &[&str],
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        for name in names {
            let variable = variable(prefix, name);
            if let Some(written) =
                lookup(&variable).and_then(|text| Written::in_variable(variable, text))
            {
                self.written.insert((*name).to_owned(), written);
            }
        }
        self
    }

    /// They stand at this place of a document, such as `settings.ucanpay`: errors say so.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.home = Home::Document(place.into());
        self
    }

    pub(crate) fn first_of_all(mut self, first: bool) -> Self {
        self.first = first;
        self
    }

    /// Whether it is the first account, or the only one: that is the shop's default.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{PaymentProvider, ProviderFactory, ProviderId};
    /// use ucanpay_storefront::{AccountSettings, PaymentRegistry, SettingError};
    ///
    /// fn id_is_set(account: &AccountSettings) -> Result<(), SettingError> {
    ///     if account.is_first() || account.is_set("id") {
    ///         return Ok(());
    ///     }
    ///     Err(account.is_wrong("id", "is not set", "name each account but the first"))
    /// }
    ///
    /// # #[derive(Debug)]
    /// # struct Birch;
    /// # impl ProviderFactory for Birch {
    /// #     fn kind(&self) -> &'static str {
    /// #         "birch"
    /// #     }
    /// #     fn build(
    /// #         &self,
    /// #         id: ProviderId,
    /// #         account: &AccountSettings,
    /// #     ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
    /// #         id_is_set(account)?;
    /// #         Ok(Arc::new(ScriptedProvider::new().with_id(id)))
    /// #     }
    /// # }
    /// // `Birch` is a factory that asks this first.
    /// let two = serde_json::from_str::<Vec<_>>(r#"[{ "provider": "birch" }, { "provider": "birch" }]"#)?;
    /// let registry = PaymentRegistry::builder().factory(Birch).accounts("accounts", two).build();
    /// assert_eq!(
    ///     registry.unwrap_err().to_string(),
    ///     "accounts[1].id is not set; name each account but the first"
    /// );
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_first(&self) -> bool {
        self.first
    }

    /// Whether this setting is written. One that is empty is not.
    pub fn is_set(&self, name: &str) -> bool {
        self.written.contains_key(name)
    }

    /// Where each setting stands that is written.
    ///
    /// ```
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "timeout": 10, "device": "web" }"#)?;
    /// let account = account.at("settings.birch");
    /// let places: Vec<_> = account.places().collect();
    /// assert_eq!(places, ["settings.birch.device", "settings.birch.timeout"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn places(&self) -> impl Iterator<Item = String> {
        self.written.keys().map(|name| self.place(name))
    }

    /// Where a setting stands, or would stand: `settings.ucanpay.merchant_id`, `UCANPAY_MERCHANT_ID`.
    pub fn place(&self, name: &str) -> String {
        match (
            self.written.get(name).and_then(Written::variable),
            &self.home,
        ) {
            (Some(variable), _) => variable.to_owned(),
            (None, Home::Environment(prefix)) => variable(prefix, name),
            (None, Home::Document(block)) if block.is_empty() => name.to_owned(),
            (None, Home::Document(block)) => format!("{block}.{name}"),
        }
    }

    /// Where the whole of it stands: `settings.ucanpay`, `UCANPAY`.
    pub(crate) fn block(&self) -> String {
        match &self.home {
            Home::Document(block) => block.clone(),
            Home::Environment(prefix) => prefix.clone(),
        }
    }

    /// An error about a setting that may not be written at all, otherwise as [`Setting::is_wrong`].
    pub fn is_wrong(
        &self,
        name: &str,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> SettingError {
        SettingError::new(self.place(name), problem, advice)
    }

    /// A setting; `None` if it is not written.
    ///
    /// ```
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "timeout": 10, "device": "" }"#)?;
    /// let timeout = account.optional("timeout")?;
    /// assert_eq!(timeout.as_ref().map(|seconds| seconds.text()), Some("10"));
    /// assert!(account.optional("device")?.is_none(), "what is empty is not written");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if what is written is no text.
    pub fn optional(&self, name: &str) -> Result<Option<Setting>, SettingError> {
        let Some(written) = self.written.get(name) else {
            return Ok(None);
        };
        let place = self.place(name);
        match written.text() {
            Ok(text) => Ok(Some(Setting {
                place,
                text: text.to_owned(),
            })),
            Err((problem, advice)) => Err(SettingError::new(place, problem, advice)),
        }
    }

    /// A setting that must be written. `advice` says what to write.
    ///
    /// # Errors
    /// [`SettingError`] if it is not, or if it is no text.
    pub fn required(&self, name: &str, advice: &str) -> Result<Setting, SettingError> {
        self.optional(name)?
            .ok_or_else(|| SettingError::new(self.place(name), "is not set", advice))
    }

    /// A setting that is one of a few words, each with its meaning.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let patience = [("short", Duration::from_secs(3)), ("long", Duration::from_secs(30))];
    /// let account: AccountSettings = serde_json::from_str(r#"{ "patience": "long" }"#)?;
    /// assert_eq!(account.word("patience", &patience)?, Some(Duration::from_secs(30)));
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "patience": "endless" }"#)?;
    /// let error = account.word("patience", &patience).unwrap_err();
    /// assert_eq!(error.to_string(), r#"patience is "endless"; write short or long"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is another.
    pub fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, SettingError> {
        let Some(setting) = self.optional(name)? else {
            return Ok(None);
        };
        let meant = words.iter().find(|(word, _)| *word == setting.text());
        let Some((_, meaning)) = meant else {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            return Err(setting.is_wrong(
                format!("is {:?}", beginning(setting.text())),
                format!("write {}", words.join(" or ")),
            ));
        };
        Ok(Some(*meaning))
    }

    /// The account's name; `None` if it is not written, and then it is called as its kind of provider.
    ///
    /// ```
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "provider": "birch", "id": "terrace" }"#)?;
    /// assert_eq!(account.id()?.map(|id| id.to_string()), Some("terrace".to_owned()));
    /// assert_eq!(account.provider()?.map(|kind| kind.text().to_owned()), Some("birch".to_owned()));
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "id": "the terrace" }"#)?;
    /// assert!(account.id().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it breaks the rule of [`ProviderId`]s.
    pub fn id(&self) -> Result<Option<ProviderId>, SettingError> {
        let Some(id) = self.optional(ID)? else {
            return Ok(None);
        };
        let named = ProviderId::new(id.text());
        named.map(Some).map_err(|error| {
            id.is_wrong(
                format!("cannot be used: {error}"),
                "it stands in the ledger and in notify URLs, so never change it afterwards",
            )
        })
    }

    /// The kind of provider that it is an account of; `None` if it is not written.
    ///
    /// # Errors
    /// [`SettingError`] if it is no text.
    pub fn provider(&self) -> Result<Option<Setting>, SettingError> {
        self.optional(PROVIDER)
    }

    /// Refuses what is written under a name that is neither `known` nor `id` nor `provider`: most likely it is misspelt.
    ///
    /// ```
    /// use ucanpay_storefront::AccountSettings;
    ///
    /// let account: AccountSettings = serde_json::from_str(r#"{ "provider": "birch", "timout": 10 }"#)?;
    /// let error = account.refuse_unknown(&["timeout", "secret_file"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "timout is not known; the settings are id, provider, timeout, secret_file"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] for the first such name.
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<(), SettingError> {
        let is_known = |name: &str| [ID, PROVIDER].contains(&name) || known.contains(&name);
        match self.written.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(SettingError::new(
                self.place(&beginning(name)),
                "is not known",
                format!("the settings are {ID}, {PROVIDER}, {}", known.join(", ")),
            )),
        }
    }
}

impl fmt::Debug for AccountSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.places()).finish()
    }
}

/// The variable of a setting.
pub(crate) fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.to_uppercase())
}

/// As much of a text as an error shows of it: names and words are shorter, keys are longer.
pub(crate) fn beginning(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
