//! [`UcanpayAccount`]: a UCanPay account as its settings describe it.
//!
//! Text comes in, from wherever settings stand; what is made of it has been checked.

use std::ffi::OsString;
use std::fmt::Write as _;

use ucanpay_core::{
    DeviceNo, LinkAmount, LinkJoint, LinkNumber, LinkStyle, Merchant, MerchantError, MerchantId,
    PayLinks, PrivateKey, PublicKey, ReceivedSuffix, SceneType, SignatureScheme, SignedSet,
};
use ucanpay_transport::{Client, ClientBuilder, ConfigError, Error};

use super::{UcanpayProvider, UcanpaySettings, key_file};
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
/// | setting | what it is |
/// |---|---|
/// | `merchant_id` | the merchant's number, from the portal |
/// | `private_key_file` | the file with the merchant's own key |
/// | `platform_key_file` | the file with the gateway's public key; several, during a rotation, with commas between |
/// | `notify_base_url` | the shop as the gateway reaches it, such as `https://shop.example`; see [`settings`](Self::settings) |
/// | `base_url` | the gateway; `https://api.ucanpay.ca` unless set |
///
/// The first three, and for a shop the fourth, must be set. The others are the points that the reference leaves open; unless
/// set they are as it prints them, or as our reading of it (`docs/protocol.md`) assumes:
///
/// | setting | what it is | unless set |
/// |---|---|---|
/// | `scheme` | the signature: a name of [`SignatureScheme`], such as `single` | `documented` |
/// | `signed_set` | which members are signed, and how: words of [`SignedSet`] | `documented` |
/// | `received_suffix` | the path behind what the gateway signs, for `path-suffixed`: `none`, `call` (that of the call it answers), or a path | `none` |
/// | `md5_secret_file` | the file with the secret of the keyed MD5, which then takes the place of RSA. The keys are still read | RSA |
/// | `fresh_nonce_on_retry` | `true`: what is sent again is signed anew with another nonce | `false` |
/// | `scene` | how buyers come to the payment: `NATIVE` (a link that is also shown as QR code), `JSAPI` (a link opened on the phone), `MWEB` only when UCanPay has said so | `NATIVE` |
/// | `device` | the till or site named in every order | `web` |
/// | `pay_link_base_url` | where pay links lead; ask the operator, for the printed address was switched off | as printed |
/// | `pay_link_package` | their Android package | `ca.ucanpay.wapp` |
/// | `pay_link_style` | `as-printed` or `fully-encoded` | `as-printed` |
/// | `pay_link_amount` | `cents` or `decimal` | `cents` |
/// | `pay_link_out_order_no` | which number that member is: `ucpOrderNo` or `outTradeNo` | `ucpOrderNo` |
/// | `pay_link_joint` | what stands after it: `bare` or `encoded` | `bare` |
///
/// `ucanpay explain` finds scheme and signed set for a captured message.
#[derive(Clone, Debug)]
pub struct UcanpayAccount {
    written: AccountSettings,
}

/// What every file and address setting can say that is wrong.
const GATEWAY_KEY: &str =
    "name the file with the gateway's public key, as the merchant portal shows it";
const NOTIFY: &str =
    "it is the shop's address as the gateway reaches it, such as https://shop.example";

impl UcanpayAccount {
    /// The word for accounts like this in `provider`.
    pub const KIND: &'static str = "ucanpay";

    /// The names of all settings.
    pub const SETTINGS: [&'static str; 18] = [
        "merchant_id",
        "private_key_file",
        "platform_key_file",
        "notify_base_url",
        "base_url",
        "scheme",
        "signed_set",
        "received_suffix",
        "md5_secret_file",
        "fresh_nonce_on_retry",
        "scene",
        "device",
        "pay_link_base_url",
        "pay_link_package",
        "pay_link_style",
        "pay_link_amount",
        "pay_link_out_order_no",
        "pay_link_joint",
    ];

    /// The account of these settings, which came from a document.
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
    pub fn from_env() -> Self {
        Self::from_environment(|name| std::env::var_os(name))
    }

    /// The same, by the variables that `lookup` knows.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let written = AccountSettings::from_environment("UCANPAY", &Self::SETTINGS, lookup);
        Self { written }
    }

    /// The settings as they were written.
    pub fn written(&self) -> &AccountSettings {
        &self.written
    }

    /// The merchant's number.
    ///
    /// # Errors
    /// [`SettingError`] if it is not set or cannot be one.
    pub fn merchant_id(&self) -> Result<MerchantId, SettingError> {
        let advice = "copy it from the merchant portal";
        let id = self.written.required("merchant_id", advice)?;
        MerchantId::new(id.text())
            .map_err(|error| id.is_wrong(format!("cannot be a merchant id: {error}"), advice))
    }

    /// The merchant: reads the key files.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting about the merchant, its keys or the signature that cannot be used.
    pub fn merchant(&self) -> Result<Merchant, SettingError> {
        let id = self.merchant_id()?;
        let own = self.written.required(
            "private_key_file",
            "name the file with the merchant's own key; `ucanpay key generate` makes one",
        )?;
        let own_key = key_file::key(&own, own.text(), PrivateKey::from_bytes)?;
        let platform = self.written.required("platform_key_file", GATEWAY_KEY)?;
        let platform_keys = platform
            .items()
            .map(|path| key_file::key(&platform, path, PublicKey::from_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let merchant = Merchant::new(id, own_key, platform_keys).map_err(|error| {
            let problem = match error {
                MerchantError::OwnKeyAsPlatformKey => {
                    "names the merchant's own key, and the gateway does not sign with that"
                }
                _ => "names no key file",
            };
            platform.is_wrong(problem, GATEWAY_KEY)
        })?;
        let merchant = merchant
            .with_scheme(self.scheme()?)
            .with_signed_set(self.signed_set()?)
            .with_received_suffix(self.received_suffix()?);
        Ok(match self.written.optional("md5_secret_file")? {
            Some(secret) => merchant.with_keyed_md5(key_file::md5_secret(&secret)?),
            None => merchant,
        })
    }

    /// The signature scheme.
    ///
    /// # Errors
    /// [`SettingError`] if it has another name.
    pub fn scheme(&self) -> Result<SignatureScheme, SettingError> {
        let Some(name) = self.written.optional("scheme")? else {
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
    /// # Errors
    /// [`SettingError`] if its words are others, or contradict each other.
    pub fn signed_set(&self) -> Result<SignedSet, SettingError> {
        let Some(set) = self.written.optional("signed_set")? else {
            return Ok(SignedSet::DOCUMENTED);
        };
        set.text().parse().map_err(|error| {
            set.is_wrong(
                format!("cannot be used: {error}"),
                "`ucanpay explain` finds the one that a captured message needs",
            )
        })
    }

    fn received_suffix(&self) -> Result<ReceivedSuffix, SettingError> {
        let Some(suffix) = self.written.optional("received_suffix")? else {
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

    /// The client for this account, to be built: time-outs, rate limit and HTTP service are still open.
    ///
    /// # Errors
    /// As for [`merchant`](Self::merchant). Whether the base URL can be used shows when it is built.
    pub fn client_builder(&self) -> Result<ClientBuilder, SettingError> {
        let mut builder = Client::builder(self.merchant()?);
        if let Some(url) = self.written.optional("base_url")? {
            builder = builder.base_url(url.text());
        }
        let fresh = [("true", true), ("false", false)];
        if self.written.word("fresh_nonce_on_retry", &fresh)? == Some(true) {
            builder = builder.fresh_nonce_on_retry();
        }
        Ok(builder)
    }

    /// The client for this account, as `build` finishes it.
    ///
    /// # Errors
    /// As for [`merchant`](Self::merchant), and for a base URL that cannot be used.
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
            let advice = "it is the gateway's address, such as https://api.ucanpay.ca";
            self.written.is_wrong("base_url", problem, advice)
        })
    }

    /// The client for this account, with the ready HTTP service.
    ///
    /// # Errors
    /// As for [`client_with`](Self::client_with).
    #[cfg(feature = "reqwest")]
    pub fn client(&self) -> Result<Client, SettingError> {
        self.client_with(ClientBuilder::build)
    }

    /// How pay links are built.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting about pay links that cannot be used.
    pub fn pay_links(&self) -> Result<PayLinks, SettingError> {
        let mut links = PayLinks::default();
        if let Some(url) = self.written.optional("pay_link_base_url")? {
            if !is_web_address(url.text()) {
                return Err(url.is_wrong(
                    "is not an http or https address",
                    "it looks like https://pay.example",
                ));
            }
            links = links.with_base_url(url.text());
        }
        if let Some(package) = self.written.optional("pay_link_package")? {
            links = links.with_package(package.text());
        }
        let style = [
            ("as-printed", LinkStyle::AsPrinted),
            ("fully-encoded", LinkStyle::FullyEncoded),
        ];
        if let Some(style) = self.written.word("pay_link_style", &style)? {
            links = links.with_style(style);
        }
        let amount = [
            ("cents", LinkAmount::Cents),
            ("decimal", LinkAmount::Decimal),
        ];
        if let Some(amount) = self.written.word("pay_link_amount", &amount)? {
            links = links.with_amount(amount);
        }
        let number = [
            ("ucpOrderNo", LinkNumber::UcpOrderNo),
            ("outTradeNo", LinkNumber::OutTradeNo),
        ];
        if let Some(number) = self.written.word("pay_link_out_order_no", &number)? {
            links = links.with_out_order_no(number);
        }
        let joint = [("bare", LinkJoint::Bare), ("encoded", LinkJoint::Encoded)];
        if let Some(joint) = self.written.word("pay_link_joint", &joint)? {
            links = links.with_joint(joint);
        }
        Ok(links)
    }

    /// What the merchant chooses beside the keys. Notifications come to `/ucanpay/payment` and `/ucanpay/refund` under
    /// `notify_base_url`; those of an account with an `id` to `/ucanpay/{id}/payment` and `/ucanpay/{id}/refund`, so that
    /// they reach it wherever it stands in a list.
    ///
    /// # Errors
    /// [`SettingError`] for the first of them that cannot be used. An account that is not the first of its list needs an `id`.
    pub fn settings(&self) -> Result<UcanpaySettings, SettingError> {
        let notify = self.written.required("notify_base_url", NOTIFY)?;
        let settings = match self.written.id()? {
            Some(id) => UcanpaySettings::further(id, notify.text()),
            None if self.written.is_first() => UcanpaySettings::new(notify.text()),
            None => {
                return Err(self.written.is_wrong(
                    "id",
                    "is not set, and this account is not the first",
                    "write a name, such as the place of the till: notifications come to /ucanpay/{id}/payment",
                ));
            }
        };
        let mut settings = settings
            .map_err(|error| notify.is_wrong(format!("cannot be used: {error}"), NOTIFY))?;
        let scenes = [SceneType::Native, SceneType::Jsapi, SceneType::Mweb];
        let scenes = scenes.map(|scene| (scene.as_str(), scene));
        if let Some(scene) = self.written.word("scene", &scenes)? {
            settings.scene = scene;
        }
        if let Some(device) = self.written.optional("device")? {
            settings.device = device_no(&device)?;
        }
        settings.links = self.pay_links()?;
        Ok(settings)
    }

    /// The provider, calling through the client that `build` finishes.
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
    /// # Errors
    /// As for [`provider_with`](Self::provider_with).
    #[cfg(feature = "reqwest")]
    pub fn provider(&self) -> Result<UcanpayProvider, SettingError> {
        self.provider_with(ClientBuilder::build)
    }
}

fn device_no(device: &Setting) -> Result<DeviceNo, SettingError> {
    DeviceNo::new(device.text()).map_err(|error| {
        device.is_wrong(
            format!("cannot be used: {error}"),
            "name the till or site in a few letters and digits",
        )
    })
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
