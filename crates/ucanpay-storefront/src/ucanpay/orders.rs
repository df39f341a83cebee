//! What the settings of an account say about orders: notify addresses, scene, device and pay links.

use ucanpay_core::{
    DeviceNo, LinkAmount, LinkJoint, LinkNumber, LinkStyle, NotifyUrl, PayLinks, SceneType,
};

use super::{UcanpayAccount, UcanpaySettings};
use crate::provider::NotificationTopic;
use crate::settings::SettingError;

/// What to do about `notify_base_url`.
const NOTIFY: &str =
    "it is the shop's address as the gateway reaches it, such as https://shop.example";

impl UcanpayAccount {
    /// What the merchant chooses beside the keys. Notifications come to `/ucanpay/payment` and `/ucanpay/refund` under
    /// `notify_base_url`; those of an account with an `id` to `/ucanpay/{id}/payment` and `/ucanpay/{id}/refund`, so that
    /// they reach it wherever it stands in a list.
    ///
    /// ```
    /// use ucanpay_storefront::{AccountSettings, UcanpayAccount};
    ///
    /// let written: AccountSettings = serde_json::from_str(
    ///     r#"{ "id": "terrace", "notify_base_url": "https://shop.example", "device": "till 2" }"#,
    /// )?;
    /// let settings = UcanpayAccount::new(written)?.settings()?;
    /// assert_eq!(settings.payment_notify_url.as_str(), "https://shop.example/ucanpay/terrace/payment");
    /// assert_eq!(settings.device.as_str(), "till 2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] for the first of them that cannot be used. An account that is not the first of its list needs an `id`.
    pub fn settings(&self) -> Result<UcanpaySettings, SettingError> {
        let mut settings = self.notified()?;
        settings.scene = self.scene()?;
        settings.device = self.device()?;
        settings.links = self.pay_links()?;
        Ok(settings)
    }

    /// Where notifications about payments, or those about refunds, go.
    ///
    /// ```
    /// use ucanpay_storefront::{NotificationTopic, UcanpayAccount};
    ///
    /// let account = UcanpayAccount::from_environment(|name| {
    ///     (name == "UCANPAY_NOTIFY_BASE_URL").then(|| "https://shop.example/".into())
    /// });
    /// let url = account.notify_url(NotificationTopic::Refund)?;
    /// assert_eq!(url.as_str(), "https://shop.example/ucanpay/refund");
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`settings`](Self::settings), of which nothing but this is read.
    pub fn notify_url(&self, topic: NotificationTopic) -> Result<NotifyUrl, SettingError> {
        let settings = self.notified()?;
        Ok(match topic {
            NotificationTopic::Payment => settings.payment_notify_url,
            NotificationTopic::Refund => settings.refund_notify_url,
        })
    }

    /// Notify addresses as they are set, all else as it is by default.
    fn notified(&self) -> Result<UcanpaySettings, SettingError> {
        let notify = self.written().required("notify_base_url", NOTIFY)?;
        let settings = match self.written().id()? {
            Some(id) => UcanpaySettings::further(id, notify.text()),
            None if self.written().is_first() => UcanpaySettings::new(notify.text()),
            None => {
                return Err(self.written().is_wrong(
                    "id",
                    "is not set, and this account is not the first",
                    "write a name, such as the place of the till: notifications come to /ucanpay/{id}/payment",
                ));
            }
        };
        settings.map_err(|error| notify.is_wrong(format!("cannot be used: {error}"), NOTIFY))
    }

    /// How buyers come to the payment.
    ///
    /// ```
    /// use ucanpay_core::SceneType;
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_SCENE").then(|| word.into());
    /// assert_eq!(UcanpayAccount::from_environment(set("")).scene()?, SceneType::Native);
    /// assert_eq!(UcanpayAccount::from_environment(set("JSAPI")).scene()?, SceneType::Jsapi);
    /// let error = UcanpayAccount::from_environment(set("APP")).scene().unwrap_err();
    /// assert_eq!(error.to_string(), r#"UCANPAY_SCENE is "APP"; write NATIVE or JSAPI or MWEB"#);
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it is no scene.
    pub fn scene(&self) -> Result<SceneType, SettingError> {
        let scenes = [SceneType::Native, SceneType::Jsapi, SceneType::Mweb];
        let scenes = scenes.map(|scene| (scene.as_str(), scene));
        let scene = self.written().word("scene", &scenes)?;
        Ok(scene.unwrap_or(SceneType::Native))
    }

    /// The till or site named in every order.
    ///
    /// ```
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_DEVICE").then(|| word.into());
    /// assert_eq!(UcanpayAccount::from_environment(set("")).device()?.as_str(), "web");
    /// assert_eq!(UcanpayAccount::from_environment(set("till-2")).device()?.as_str(), "till-2");
    /// assert!(UcanpayAccount::from_environment(set("till=2")).device().is_err());
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] if it cannot be one.
    pub fn device(&self) -> Result<DeviceNo, SettingError> {
        let Some(device) = self.written().optional("device")? else {
            return Ok(DeviceNo::default());
        };
        DeviceNo::new(device.text()).map_err(|error| {
            device.is_wrong(
                format!("cannot be used: {error}"),
                "name the till or site in a few letters and digits",
            )
        })
    }

    /// How pay links are built.
    ///
    /// ```
    /// use ucanpay_core::{LinkAmount, PayLinks};
    /// use ucanpay_storefront::UcanpayAccount;
    ///
    /// let set = |word: &'static str| move |name: &str| (name == "UCANPAY_PAY_LINK_AMOUNT").then(|| word.into());
    /// let links = UcanpayAccount::from_environment(set("decimal")).pay_links()?;
    /// assert_eq!(links, PayLinks::default().with_amount(LinkAmount::Decimal));
    /// let error = UcanpayAccount::from_environment(set("dollars")).pay_links().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"UCANPAY_PAY_LINK_AMOUNT is "dollars"; write cents or decimal"#
    /// );
    /// # Ok::<(), ucanpay_storefront::SettingError>(())
    /// ```
    ///
    /// # Errors
    /// [`SettingError`] for the first setting about pay links that cannot be used.
    pub fn pay_links(&self) -> Result<PayLinks, SettingError> {
        let mut links = PayLinks::default();
        if let Some(url) = self.written().optional("pay_link_base_url")? {
            if !is_web_address(url.text()) {
                return Err(url.is_wrong(
                    "is not an http or https address",
                    "it looks like https://pay.example",
                ));
            }
            links = links.with_base_url(url.text());
        }
        if let Some(package) = self.written().optional("pay_link_package")? {
            links = links.with_package(package.text());
        }
        let style = [
            ("as-printed", LinkStyle::AsPrinted),
            ("fully-encoded", LinkStyle::FullyEncoded),
        ];
        if let Some(style) = self.written().word("pay_link_style", &style)? {
            links = links.with_style(style);
        }
        let amount = [
            ("cents", LinkAmount::Cents),
            ("decimal", LinkAmount::Decimal),
        ];
        if let Some(amount) = self.written().word("pay_link_amount", &amount)? {
            links = links.with_amount(amount);
        }
        let number = [
            ("ucpOrderNo", LinkNumber::UcpOrderNo),
            ("outTradeNo", LinkNumber::OutTradeNo),
        ];
        if let Some(number) = self.written().word("pay_link_out_order_no", &number)? {
            links = links.with_out_order_no(number);
        }
        let joint = [("bare", LinkJoint::Bare), ("encoded", LinkJoint::Encoded)];
        if let Some(joint) = self.written().word("pay_link_joint", &joint)? {
            links = links.with_joint(joint);
        }
        Ok(links)
    }
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
