//! What the settings of an account say about who signs, and how: the merchant's number, keys, secret and signature.

use ucanpay_core::{
    Md5Secret, Merchant, MerchantError, MerchantId, PrivateKey, PublicKey, ReceivedSuffix,
    SignatureScheme, SignedSet,
};

use super::{UcanpayAccount, key_file};
use crate::settings::{SettingError, beginning};

/// What to do about `platform_key_file`.
const PLATFORM_KEY: &str =
    "name the file with the gateway's public key, as the merchant portal shows it";

impl UcanpayAccount {
    /// The merchant's number.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let error = UcanpayAccount::from_environment(|_| None).merchant_id().unwrap_err();
    /// assert_eq!(error.to_string(), "UCANPAY_MERCHANT_ID is not set; copy it from the merchant portal");
    /// let set = |name: &str| (name == "UCANPAY_MERCHANT_ID").then(|| "2000000010".into());
    /// assert_eq!(UcanpayAccount::from_environment(set).merchant_id()?.as_str(), "2000000010");
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is not set or cannot be one.
    pub fn merchant_id(&self) -> Result<MerchantId, SettingError> {
        let advice = "copy it from the merchant portal";
        let id = self.written().required("merchant_id", advice)?;
        MerchantId::new(id.text())
            .map_err(|error| id.is_wrong(format!("cannot be a merchant id: {error}"), advice))
    }

    /// The merchant's own key: reads its file.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let key = "-----BEGIN PRIVATE KEY-----";
    /// let set = |name: &str| (name == "UCANPAY_PRIVATE_KEY_FILE").then(|| key.into());
    /// let error = UcanpayAccount::from_environment(set).private_key().unwrap_err();
    /// assert!(error.to_string().starts_with("UCANPAY_PRIVATE_KEY_FILE holds what seems to be the key itself; "));
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if no file is named, or it cannot be read or holds no private key.
    pub fn private_key(&self) -> Result<PrivateKey, SettingError> {
        let file = self.written().required(
            "private_key_file",
            "name the file with the merchant's own key; `ucanpay key generate` makes one",
        )?;
        key_file::key(&file, file.text(), PrivateKey::from_bytes)
    }

    /// The gateway's public keys: reads their files.
    ///
    /// ```
    /// use ucanpay_core::PrivateKey;
    /// use ucanpay_storefront::{AccountSettings, UcanpayAccount};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let mut files = Vec::new();
    /// for name in ["old.pem", "new.pem"] {
    ///     let file = folder.path().join(name).display().to_string();
    ///     std::fs::write(&file, PrivateKey::generate(1024)?.public_key().to_spki_pem())?;
    ///     files.push(file);
    /// }
    /// let written: AccountSettings = serde_json::from_value(serde_json::json!({ "platform_key_file": files }))?;
    /// assert_eq!(UcanpayAccount::new(written)?.platform_keys()?.len(), 2); // the gateway changes its key
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if no file is named, or one of them cannot be read or holds no public key.
    pub fn platform_keys(&self) -> Result<Vec<PublicKey>, SettingError> {
        let files = self.written().required("platform_key_file", PLATFORM_KEY)?;
        let keys = files
            .items()
            .map(|path| key_file::key(&files, path, PublicKey::from_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(files.is_wrong("names no key file", PLATFORM_KEY));
        }
        Ok(keys)
    }

    /// The secret of the keyed MD5, if it takes the place of RSA: reads its file.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |name: &str| (name == "UCANPAY_MD5_SECRET_FILE").then(|| "hunter2".into());
    /// let error = UcanpayAccount::from_environment(set).md5_secret().unwrap_err().to_string();
    /// assert!(error.starts_with("UCANPAY_MD5_SECRET_FILE names a file that cannot be read: "));
    /// assert!(!error.contains("hunter2"), "it is the secret");
    /// assert!(UcanpayAccount::from_environment(|_| None).md5_secret()?.is_none(), "RSA");
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if the file cannot be read or holds no secret. What is named is not repeated: it may be the secret.
    pub fn md5_secret(&self) -> Result<Option<Md5Secret>, SettingError> {
        let file = self.written().optional("md5_secret_file")?;
        file.as_ref().map(key_file::md5_secret).transpose()
    }

    /// The merchant: reads the key files.
    ///
    /// ```
    /// use ucanpay_core::{PrivateKey, SignatureScheme};
    /// use ucanpay_storefront::{AccountSettings, UcanpayAccount};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let file = |name: &str| folder.path().join(name).display().to_string();
    /// let (own, platform) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// std::fs::write(file("own.pem"), own.to_pkcs8_pem())?;
    /// std::fs::write(file("ucanpay.pem"), platform.public_key().to_spki_pem())?;
    ///
    /// let written: AccountSettings = serde_json::from_value(serde_json::json!({
    ///     "merchant_id": 2000000010,
    ///     "private_key_file": file("own.pem"),
    ///     "platform_key_file": file("ucanpay.pem"),
    ///     "scheme": "single",
    /// }))?;
    /// let merchant = UcanpayAccount::new(written)?.merchant()?;
    /// assert_eq!(merchant.id().as_str(), "2000000010");
    /// assert_eq!(merchant.key_fingerprint(), own.public_key().fingerprint());
    /// assert_ne!(merchant.scheme(), SignatureScheme::DOCUMENTED);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] for the first setting about the merchant, its keys or the signature that cannot be used.
    pub fn merchant(&self) -> Result<Merchant, SettingError> {
        let id = self.merchant_id()?;
        let merchant =
            Merchant::new(id, self.private_key()?, self.platform_keys()?).map_err(|error| {
                let problem = match error {
                    MerchantError::OwnKeyAsPlatformKey => {
                        "names the merchant's own key, and the gateway does not sign with that"
                            .to_owned()
                    }
                    error => format!("cannot be used: {error}"),
                };
                self.written()
                    .is_wrong("platform_key_file", problem, PLATFORM_KEY)
            })?;
        let merchant = merchant
            .with_scheme(self.scheme()?)
            .with_signed_set(self.signed_set()?)
            .with_received_suffix(self.received_suffix()?);
        Ok(match self.md5_secret()? {
            Some(secret) => merchant.with_keyed_md5(secret),
            None => merchant,
        })
    }

    /// The signature scheme.
    ///
    /// ```
    /// use ucanpay_core::SignatureScheme;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_SCHEME").then(|| word.into());
    /// assert_eq!(UcanpayAccount::from_environment(set("")).scheme()?, SignatureScheme::DOCUMENTED);
    /// let error = UcanpayAccount::from_environment(set("rot13")).scheme().unwrap_err();
    /// assert!(error.to_string().starts_with(r#"UCANPAY_SCHEME is "rot13", which is no scheme; write "#));
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it has another name.
    pub fn scheme(&self) -> Result<SignatureScheme, SettingError> {
        let Some(name) = self.written().optional("scheme")? else {
            return Ok(SignatureScheme::DOCUMENTED);
        };
        SignatureScheme::by_name(name.text()).ok_or_else(|| {
            name.is_wrong(
                format!("is {:?}, which is no scheme", beginning(name.text())),
                format!(
                    "write {}; `ucanpay explain` finds the one that a captured message needs",
                    SignatureScheme::names().collect::<Vec<_>>().join(" or ")
                ),
            )
        })
    }

    /// The signed set.
    ///
    /// ```
    /// use ucanpay_core::SignedSet;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_SIGNED_SET").then(|| word.into());
    /// assert_eq!(UcanpayAccount::from_environment(set("")).signed_set()?, SignedSet::DOCUMENTED);
    /// let other = UcanpayAccount::from_environment(set("without-sign-type")).signed_set()?;
    /// assert_ne!(other, SignedSet::DOCUMENTED);
    /// assert!(UcanpayAccount::from_environment(set("without-sense")).signed_set().is_err());
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if its words are others, or contradict each other.
    pub fn signed_set(&self) -> Result<SignedSet, SettingError> {
        let Some(set) = self.written().optional("signed_set")? else {
            return Ok(SignedSet::DOCUMENTED);
        };
        set.text().parse().map_err(|error| {
            set.is_wrong(
                format!("cannot be used: {error}"),
                "`ucanpay explain` finds the one that a captured message needs",
            )
        })
    }

    /// The path behind what the gateway signs, under a scheme that appends one.
    ///
    /// ```
    /// use ucanpay_core::ReceivedSuffix;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_RECEIVED_SUFFIX").then(|| word.into());
    /// assert_eq!(UcanpayAccount::from_environment(set("none")).received_suffix()?, ReceivedSuffix::None);
    /// let path = ReceivedSuffix::Fixed("/notify".to_owned());
    /// assert_eq!(UcanpayAccount::from_environment(set("/notify")).received_suffix()?, path);
    /// assert!(UcanpayAccount::from_environment(set("notify")).received_suffix().is_err());
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is neither `none` nor `call` nor a path.
    pub fn received_suffix(&self) -> Result<ReceivedSuffix, SettingError> {
        let Some(suffix) = self.written().optional("received_suffix")? else {
            return Ok(ReceivedSuffix::None);
        };
        match suffix.text() {
            "none" => Ok(ReceivedSuffix::None),
            "call" => Ok(ReceivedSuffix::OperationPath),
            path if path.starts_with('/') => Ok(ReceivedSuffix::Fixed(path.to_owned())),
            other => Err(suffix.is_wrong(
                format!("is {:?}", beginning(other)),
                "write none, call, or a path that begins with /",
            )),
        }
    }
}
