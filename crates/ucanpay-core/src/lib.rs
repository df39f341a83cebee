//! The UCanPay merchant protocol: signing, verification and wire types. Bytes in, bytes out.
//!
//! A [`Merchant`] turns an [`Operation`] into the exact bytes of a signed request, and the bytes that come back into
//! [`Verified`] messages. There is no I/O, no clock and no runtime in here: send the bytes with whatever you like
//! (`ucanpay-transport` is ready to), receive them with whatever you like (`ucanpay-axum` is ready to).
//!
//! ```
//! use ucanpay_core::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let merchant_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys/merchant-2048.pkcs8.pem"));
//! # let platform_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys/platform-2048.pub.pem"));
//! # let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/vectors/notifications.json"));
//! # let vectors: serde_json::Value = serde_json::from_str(vectors)?;
//! # let received = vectors["cases"][0]["body"].as_str().unwrap().as_bytes();
//! let merchant = Merchant::new(
//!     MerchantId::new("2000000010")?,
//!     PrivateKey::from_bytes(merchant_pem)?,       // the merchant's own key
//!     [PublicKey::from_bytes(platform_pem)?],      // the gateway's key, from the merchant portal
//! )?;
//!
//! // An order, to be posted to the gateway.
//! let order = UnifiedOrder {
//!     subject: Subject::new("coffee")?,
//!     description: Description::new("two flat whites")?,
//!     device_no: DeviceNo::default(),
//!     total_amount: Amount::new(450)?,             // cents
//!     scene: SceneType::Native,
//!     out_trade_no: OutTradeNo::random(),
//!     currency: Currency::CAD,
//!     notify_url: NotifyUrl::new("https://shop.example/ucanpay/payment")?,
//! };
//! let request = merchant.sign(&order, Nonce::random())?;
//! assert_eq!(request.path(), "/payment/unifiedorder");
//! assert!(request.body().starts_with(br#"{"subject":"coffee""#));
//!
//! // Later, the bytes of a notification.
//! let notification = merchant.verify_notification(received)?;
//! match &*notification {
//!     Notification::Payment(payment) => {
//!         // Genuine. Now compare it with the order, commit, and only then answer SUCCESS.
//!         assert_eq!(payment.out_trade_no, "VEC20260301A");
//!         assert_eq!(payment.total_amount, Amount::new(450)?);
//!         assert_eq!(payment.trade_status, TradeStatus::Success);
//!     }
//!     Notification::Refund(refund) => println!("{}", refund.refund_status),
//!     _ => {}
//! }
//! let reply = NotificationReply::Success.to_json();
//! # assert_eq!(reply, r#"{"return_code":"SUCCESS","return_msg":"OK"}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # The types
//!
//! - **Who signs:** [`Merchant`], made of a [`MerchantId`], a [`PrivateKey`] or any [`Signer`], and the gateway's
//!   [`PublicKey`]s or any [`Verifier`]s. [`SignedSet`] says what is signed and [`SignatureScheme`] how; the documented ones
//!   unless changed. A gateway that wants keyed MD5 instead shares an [`Md5Secret`]. Who computes is a [`backend`].
//! - **What is asked:** [`UnifiedOrder`], [`OrderQuery`], [`CloseOrder`], [`Reverse`], [`Refund`], [`RefundQuery`], made of
//!   values that cannot break their field's rule ([`Amount`], [`OutTradeNo`], [`Subject`] …; [`FieldError`] otherwise).
//!   Signed, each is a [`SignedRequest`]: bytes that stay the same on every attempt.
//! - **What is answered:** [`Verified`] answers ([`UnifiedOrderAnswer`] …) or an [`AnswerError`], with an [`ErrorCode`]
//!   that knows what to do next. Members that did not come are `None`.
//! - **What is told:** [`Notification`], and [`NotificationReply`] to answer it.
//! - **What the buyer sees:** [`PayLinks`], which the feature `qr` turns into pictures.
//! - **When a signature does not verify:** [`explain`](explain()) shows what is signed and finds the setting that makes it
//!   verify; [`Received`] verifies a message of unknown kind. The command `ucanpay` does both.
//! - **Underneath:** [`Fields`], the strict reader, and [`canonical_string`], the text that is signed
//!   ([`SignedSet::canonical_string`] by another set).
//!
//! # What it does not do
//!
//! It sends nothing and waits for nothing. It does not know your orders: a verified message still has to be matched with
//! one. It keeps no history: the same notification verifies again and again, so its effect must be idempotent.
//!
//! # Cookbook
//!
//! While the gateway changes its key, hold both; the message says which one it was:
//!
//! ```
//! # use ucanpay_core::*;
//! # fn rotate(key: PrivateKey, old: PublicKey, new: PublicKey, body: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [old, new])?;
//! println!("signed with {}", merchant.verify_notification(body)?.key());
//! # Ok(()) }
//! ```
//!
//! The gateway signs in another way than its reference says (ask [`explain`](explain()) which):
//!
//! ```
//! # use ucanpay_core::*;
//! # fn other(merchant: Merchant) -> Option<Merchant> {
//! let merchant = merchant.with_scheme(SignatureScheme::by_name("single")?);
//! # Some(merchant) }
//! ```
//!
//! It signs other members, or writes their values in another way ([`SignedSet`] lists the words):
//!
//! ```
//! # use ucanpay_core::*;
//! # fn other(merchant: Merchant) -> Result<Merchant, SignedSetError> {
//! let merchant = merchant.with_signed_set("without-sign-type,empty".parse()?);
//! # Ok(merchant) }
//! ```
//!
//! The key lives in an HSM: implement [`Signer`] and pass it to [`Merchant::with_signer`]. `examples/openssl-signer` does
//! so for OpenSSL.
//!
//! A message does not verify, and nobody knows why:
//!
//! ```
//! # use ucanpay_core::*;
//! # fn why(platform_key: PublicKey, body: &[u8]) -> Result<(), ReadError> {
//! println!("{}", explain(body, &AtHand::new([platform_key]))?);
//! # Ok(()) }
//! ```
//!
//! The answer to a call was lost: send [`SignedRequest::body`] again, as it is, or ask with an [`OrderQuery`]. Never take a
//! new number for it.
//!
//! # Features
//!
//! - `aws-lc-rs`: [`PrivateKey::signer`] and [`PublicKey::verifier`] take aws-lc wherever it can hold the key: it verifies
//!   from 1024 bits, and signs from 2048. Signing is five times, verifying nine times as fast; the same bytes, the same
//!   verdicts ([`backend`]).
//!   Needs a C compiler.
//! - `qr` (default): `qr::svg` renders a pay link as an SVG.
//! - `serde`: an [`Explanation`] can be serialised.
//!
//! Without features nothing here needs an operating system but for randomness: for `wasm32-unknown-unknown`, where it was
//! not built yet, the final crate chooses getrandom 0.2's source (its feature `js`).

pub mod backend;
mod canonical;
mod envelope;
mod error_code;
mod explain;
mod fields;
mod json;
mod key;
mod keyed_md5;
mod link;
mod merchant;
mod notification;
mod operation;
mod percent;
#[cfg(feature = "qr")]
pub mod qr;
mod random;
mod received;
mod renewal;
mod reply;
mod request;
mod response;
mod scheme;
mod signed_set;
mod signer;
mod types;
mod verification;
mod verified;
mod verifier;

pub use canonical::canonical_string;
pub use error_code::{ErrorClass, ErrorCode};
pub use explain::{
    AtHand, Explanation, Fit, KeyFinding, Member, Opened, Rewriting, Role, Standing, Verdict,
    explain,
};
pub use fields::{Fields, ReadError, Value};
pub use key::{Fingerprint, KeyError, KeyFormat, PrivateKey, PublicKey};
pub use keyed_md5::{Md5Secret, keyed_md5};
pub use link::{LinkAmount, LinkJoint, LinkNumber, LinkOrder, LinkStyle, PayLinks};
pub use merchant::{Merchant, MerchantError, ReceivedSuffix};
pub use notification::{Notification, PaymentNotification, RefundNotification};
pub use operation::{
    Answer, CloseOrder, CloseOrderAnswer, Operation, OrderQuery, OrderQueryAnswer, Refund,
    RefundAnswer, RefundQuery, RefundQueryAnswer, Reverse, ReverseAnswer, UnifiedOrder,
    UnifiedOrderAnswer,
};
pub use received::{MessageKind, Received, ReceivedError};
pub use renewal::RenewalError;
pub use reply::NotificationReply;
pub use request::{RequestFields, SignError, SignedRequest};
pub use response::{AnswerError, GatewayError, NotificationError, Untrusted};
pub use scheme::{Digest, PreHash, SignatureScheme, SignedMessage, Suffix};
pub use signed_set::{NullMembers, SignedSet, SignedSetError, SignedValues};
pub use signer::{Signer, SigningError};
pub use types::{
    Amount, CivilTime, Currency, Description, DeviceNo, FieldError, GatewayTime, MerchantId, Nonce,
    NotifyUrl, OutRefundNo, OutTradeNo, RefundReason, RefundStatus, SceneType, Subject,
    TradeStatus, UcpOrderNo, UcpRefundNo,
};
pub use verified::{Proof, Verified, VerifiedBy};
pub use verifier::Verifier;
