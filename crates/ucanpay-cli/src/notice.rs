//! A notification made here, in the gateway's name: its members, its signature, its envelope.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use ucanpay_core::{Fields, Nonce, SignatureScheme, SignedSet, Signer};
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::About,
    input,
    outcome::{Failure, chain},
};

/// The members of `data` in the order in which they are written; texts and numbers only.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    members: Vec<(String, Value)>,
}

/// A key in the gateway's place, and how it signs.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) scheme: SignatureScheme,
    pub(crate) set: SignedSet,
}

impl Seal {
    pub(crate) fn of(about: &About, account: &UcanpayAccount) -> Result<Self, Failure> {
        let key = input::private_key(&about.platform_private_key)?;
        Ok(Self {
            signer: key.signer(),
            scheme: about.scheme.map_or_else(|| account.scheme(), Ok)?,
            set: about.set.map_or_else(|| account.signed_set(), Ok)?,
        })
    }
}

impl Notice {
    /// What the gateway says of a payment.
    pub(crate) fn payment(
        about: &About,
        status: &str,
        account: &UcanpayAccount,
    ) -> Result<Self, Failure> {
        let merchant = match &about.merchant_id {
            Some(id) => id.clone(),
            None => account.merchant_id()?,
        };
        let notice = Self { members: vec![] }
            .with("merchantId", merchant.as_str())
            .with("deviceNo", "web")
            .with("currency", about.currency.as_str())
            .with("sceneType", "NATIVE")
            .with("totalAmt", about.amount.cents())
            .with("ucpOrderNo", about.ucp_order_no.as_str())
            .with("outTradeNo", about.order.as_str())
            .with("tradeStatus", status)
            .with("body", "coffee")
            .with("timeEnd", now());
        Ok(notice)
    }

    /// With a member set, in its place if it is there.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name.to_owned(), value)),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.members.retain(|(known, _)| known != name);
        self
    }

    /// With a member set from text: a number stays one.
    pub(crate) fn overridden(self, name: &str, text: &str) -> Self {
        if text.is_empty() {
            return self.without(name);
        }
        match (self.get(name), text.parse::<i64>()) {
            (Some(Value::Number(_)), Ok(number)) => self.with(name, number),
            _ => self.with(name, text),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.members.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// The other way round, which no signature minds.
    pub(crate) fn reordered(mut self) -> Self {
        self.members.reverse();
        self
    }

    /// With a fresh nonce, and signed.
    pub(crate) fn signed(self, seal: &Seal) -> Result<Self, Failure> {
        self.with("nonceStr", Nonce::random().as_str())
            .with("signType", "RSA")
            .sealed(seal)
    }

    /// Signed as it stands.
    pub(crate) fn sealed(self, seal: &Seal) -> Result<Self, Failure> {
        let canonical = self.canonical(seal.set)?;
        let message = seal.scheme.message(&canonical, None);
        let signature = seal.signer.sign(seal.scheme.digest, &message);
        let signature = signature.map_err(|error| Failure::NotDone(chain(&error)))?;
        Ok(self.with("sign", STANDARD.encode(signature)))
    }

    pub(crate) fn canonical(&self, set: SignedSet) -> Result<String, Failure> {
        let unreadable = |error| Failure::NotDone(chain(&error));
        let (data, outer) = (self.data(), outer());
        let data = Fields::parse(data.as_bytes()).map_err(unreadable)?;
        let outer = outer.to_string();
        let outer = Fields::parse(outer.as_bytes()).map_err(unreadable)?;
        set.canonical_string(&data, Some(&outer))
            .map_err(unreadable)
    }

    /// `data` as JSON.
    pub(crate) fn data(&self) -> String {
        let members = self.members.iter();
        let members =
            members.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// `data` as JSON with every character of a text escaped: the same members, in other bytes.
    pub(crate) fn escaped_data(&self) -> String {
        let members = self.members.iter().map(|(name, value)| {
            let value = match value {
                Value::String(text) => {
                    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
                    format!("\"{}\"", units.collect::<String>())
                }
                other => other.to_string(),
            };
            format!("\"{name}\" : {value}")
        });
        format!("{{\n{}\n}}", members.collect::<Vec<_>>().join(" ,\n"))
    }

    /// The notification as it is posted.
    pub(crate) fn body(&self) -> String {
        enveloped(&self.data())
    }

    /// The same with `data` as a JSON string, which the reference allows as well.
    pub(crate) fn body_with_text(&self) -> String {
        enveloped(&Value::from(self.data()).to_string())
    }
}

/// The envelope around `data`, which is JSON already.
pub(crate) fn enveloped(data: &str) -> String {
    let outer = outer();
    let timestamp = Value::from(now());
    format!(
        "{{\"code\":{},\"msg\":{},\"data\":{data},\"timestamp\":{timestamp}}}",
        outer["code"], outer["msg"]
    )
}

/// What may be signed of the envelope, where it is.
fn outer() -> Value {
    json!({"code": 0, "msg": "SUCCESS"})
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}
