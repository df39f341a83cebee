//! The calls, one file each: what is asked, what is answered, and the reference's section.
//!
//! [`Merchant::sign`](crate::Merchant::sign) takes an [`Operation`] and makes a [`SignedRequest`](crate::SignedRequest);
//! [`Merchant::verify_answer`](crate::Merchant::verify_answer) makes its [`Answer`].

mod close_order;
mod order_query;
mod refund;
mod refund_query;
mod reverse;
mod unified_order;

pub use close_order::{CloseOrder, CloseOrderAnswer};
pub use order_query::{OrderQuery, OrderQueryAnswer};
pub use refund::{Refund, RefundAnswer};
pub use refund_query::{RefundQuery, RefundQueryAnswer};
pub use reverse::{Reverse, ReverseAnswer};
pub use unified_order::{UnifiedOrder, UnifiedOrderAnswer};

use crate::{
    fields::{Fields, ReadError},
    request::RequestFields,
};

/// One call of the gateway.
///
/// A call that this library does not know yet needs no more than this (this one is made up):
///
/// ```
/// use ucanpay_core::{Amount, Answer, Fields, Operation, OutTradeNo, ReadError, RequestFields, Value};
///
/// struct Tip { out_trade_no: OutTradeNo, amount: Amount }
///
/// impl Operation for Tip {
///     const NAME: &'static str = "Tip";
///     const PATH: &'static str = "/payment/tip";
///     type Answer = TipAnswer;
///
///     fn write(&self, fields: &mut RequestFields) {
///         fields.text("outTradeNo", self.out_trade_no.as_str());
///         fields.amount("tipAmt", self.amount);
///     }
/// }
///
/// struct TipAnswer { thanks: Option<String> }
///
/// impl Answer for TipAnswer {
///     fn read(fields: &Fields<'_>) -> Result<Self, ReadError> {
///         let thanks = fields.get("thanks").and_then(Value::signed_text);
///         Ok(Self { thanks: thanks.map(str::to_owned) })
///     }
/// }
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"thanks":"from all of us"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// let tip = Tip { out_trade_no: OutTradeNo::new("A20260301")?, amount: Amount::new(50)? };
/// let request = merchant.sign(&tip, Nonce::random())?;
/// assert_eq!(Fields::parse(request.body())?.get("tipAmt"), Some(&Value::Number("50")));
/// // {"code":0,"data":{"thanks":"from all of us","sign":"…"}}
/// let answer = merchant.verify_answer::<Tip>(body.as_bytes())?;
/// assert_eq!(answer.thanks.as_deref(), Some("from all of us"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Operation: Send + Sync + 'static {
    /// A short name for reports, such as `UnifiedOrder`.
    const NAME: &'static str;
    /// The path under the gateway's base URL, such as `/payment/unifiedorder`.
    const PATH: &'static str;
    /// What the gateway answers.
    type Answer: Answer;

    /// Writes the call's own members; `merchantId`, `nonceStr`, `signType` and `sign` are added when it is signed.
    fn write(&self, fields: &mut RequestFields);
}

/// The `data` of an answer. Read leniently: what is not there is `None`, never a default.
pub trait Answer: Sized + Send + 'static {
    /// Reads the members of a `data` whose signature has been verified.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when a member that is there cannot be what it must be.
    fn read(fields: &Fields<'_>) -> Result<Self, ReadError>;
}
