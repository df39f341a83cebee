//! A signed request: the bytes that go over the wire, the same on every attempt.
//!
//! [`Merchant::sign`](crate::Merchant::sign) makes one; the transport sends [`body`](SignedRequest::body) to
//! [`path`](SignedRequest::path). A ledger keeps the bytes and sends them again with [`frozen`](SignedRequest::frozen).

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    fields::ReadError,
    json::ObjectWriter,
    operation::Operation,
    renewal::RenewalError,
    signer::SigningError,
    types::{Amount, FieldError},
};

/// The members of a request while it is written.
///
/// An [`Operation`](crate::Operation) writes into it, and says so when it does not like its own members:
///
/// ```
/// # use ucanpay_core::*;
/// use ucanpay_core::{OutTradeNo, RequestFields};
///
/// struct FromForm { number: String, note: String }
///
/// # impl Operation for FromForm {
/// #     const NAME: &'static str = "FromForm";
/// #     const PATH: &'static str = "/payment/orderquery";
/// #     type Answer = OrderQueryAnswer;
/// fn write(&self, fields: &mut RequestFields) {
///     match OutTradeNo::new(self.number.as_str()) {
///         Ok(number) => fields.text("outTradeNo", number.as_str()),
///         Err(error) => fields.refuse(error),
///     }
///     fields.text("note", &self.note);
/// }
/// # }
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let sign = |number: &str, note: &str| {
///     merchant.sign(&FromForm { number: number.to_owned(), note: note.to_owned() }, Nonce::random())
/// };
/// assert!(sign("A20260301", "gift").is_ok());
/// assert!(matches!(sign("A-1", "gift"), Err(SignError::Field(_))));
/// assert!(matches!(sign("A20260301", "a=b"), Err(SignError::Members(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestFields {
    object: ObjectWriter,
    refusal: Option<FieldError>,
    ambiguous: Option<ReadError>,
}

impl RequestFields {
    pub(crate) fn new() -> Self {
        Self {
            object: ObjectWriter::new(),
            refusal: None,
            ambiguous: None,
        }
    }

    /// A member that is text. Text with `&` or `=` makes signing fail: echoed in a signed message, it could be read as
    /// another member. So does a member called `sign`, which signing itself adds.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # struct Note(&'static str);
    /// # impl Operation for Note {
    /// #     const NAME: &'static str = "Note";
    /// #     const PATH: &'static str = "/payment/orderquery";
    /// #     type Answer = OrderQueryAnswer;
    /// // In the `write` of an operation `Note`:
    /// fn write(&self, fields: &mut RequestFields) {
    ///     fields.text("note", self.0);
    /// }
    /// # }
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// let signed = merchant.sign(&Note("gift"), Nonce::random())?;
    /// assert!(signed.body().starts_with(br#"{"note":"gift","#));
    /// assert!(matches!(merchant.sign(&Note("a&b"), Nonce::random()), Err(SignError::Members(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn text(&mut self, name: &str, value: &str) {
        if name == "sign" || value.contains(['&', '=']) {
            self.ambiguous
                .get_or_insert_with(|| ReadError::ambiguous(name));
        }
        self.object.text(name, value);
    }

    /// A member that is an amount, written as a JSON integer of cents.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # struct Note(&'static str);
    /// # impl Operation for Note {
    /// #     const NAME: &'static str = "Note";
    /// #     const PATH: &'static str = "/payment/orderquery";
    /// #     type Answer = OrderQueryAnswer;
    /// // In the `write` of an operation `Note`:
    /// fn write(&self, fields: &mut RequestFields) {
    ///     fields.amount("tipAmt", Amount::new(50).expect("more than zero"));
    /// }
    /// # }
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// let signed = merchant.sign(&Note(""), Nonce::random())?;
    /// assert!(signed.body().starts_with(br#"{"tipAmt":50,"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn amount(&mut self, name: &str, value: Amount) {
        self.object.number(name, value.cents());
    }

    /// Says that the members do not fit together; signing then fails with this error. The first one counts.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # struct Note(&'static str);
    /// # impl Operation for Note {
    /// #     const NAME: &'static str = "Note";
    /// #     const PATH: &'static str = "/payment/orderquery";
    /// #     type Answer = OrderQueryAnswer;
    /// // In the `write` of an operation `Note`:
    /// fn write(&self, fields: &mut RequestFields) {
    ///     match Description::new(self.0) {
    ///         Ok(note) => fields.text("note", note.as_str()),
    ///         Err(error) => fields.refuse(error),
    ///     }
    /// }
    /// # }
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// assert!(merchant.sign(&Note("gift"), Nonce::random()).is_ok());
    /// let refused = merchant.sign(&Note(""), Nonce::random());
    /// assert!(matches!(refused, Err(SignError::Field(error)) if error.member() == "body"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refuse(&mut self, error: FieldError) {
        self.refusal.get_or_insert(error);
    }

    pub(crate) fn finish(self) -> Result<ObjectWriter, SignError> {
        match (self.refusal, self.ambiguous) {
            (Some(error), _) => Err(error.into()),
            (None, Some(error)) => Err(error.into()),
            (None, None) => Ok(self.object),
        }
    }
}

/// One call, signed: the path and the exact body. Cheap to clone; every clone is the same bytes.
///
/// ```
/// use ucanpay_core::{Nonce, OrderQuery, SignedRequest};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// let request: SignedRequest<OrderQuery> = merchant.sign(&query, Nonce::random())?;
/// let url = format!("https://api.ucanpay.ca{}", request.path());
/// assert_eq!(url, "https://api.ucanpay.ca/payment/orderquery");
/// assert_eq!(request.clone().body(), request.body()); // what is posted there, on every attempt
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SignedRequest<O> {
    body: Arc<[u8]>,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> SignedRequest<O> {
    /// Takes up a body that was signed before and kept, to send it again. The bytes are not looked at.
    ///
    /// ```
    /// use ucanpay_core::{OrderQuery, SignedRequest};
    ///
    /// # let read_from_database = || br#"{"outTradeNo":"A20260301","sign":"c2lnbmF0dXJl"}"#.to_vec();
    /// let kept = read_from_database(); // after a restart
    /// let request = SignedRequest::<OrderQuery>::frozen(kept.clone());
    /// assert_eq!((request.path(), request.body()), ("/payment/orderquery", &kept[..]));
    /// ```
    #[must_use]
    pub fn frozen(body: Vec<u8>) -> Self {
        Self {
            body: body.into(),
            operation: PhantomData,
        }
    }

    /// The path under the gateway's base URL.
    #[must_use]
    pub fn path(&self) -> &'static str {
        O::PATH
    }

    /// The JSON body, signature included.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The JSON body, to be kept.
    ///
    /// ```
    /// use ucanpay_core::{Nonce, OrderQuery, SignedRequest};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let request = merchant.sign(&query, Nonce::random())?;
    /// let kept: Vec<u8> = request.clone().into_body(); // into your database, before it is sent
    /// assert_eq!(SignedRequest::<OrderQuery>::frozen(kept).body(), request.body());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body.to_vec()
    }
}

impl<O> Clone for SignedRequest<O> {
    fn clone(&self) -> Self {
        Self {
            body: Arc::clone(&self.body),
            operation: PhantomData,
        }
    }
}

impl<O: Operation> fmt::Debug for SignedRequest<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("operation", &O::NAME)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A request could not be signed. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The members do not fit together: correct them.
    #[error("the request breaks a rule of its fields")]
    Field(#[from] FieldError),
    /// The operation wrote members that cannot be signed: one twice, or text with `&`. A defect of that operation.
    #[error("the request's members cannot be signed")]
    Members(#[from] ReadError),
    /// The bytes to be [signed again](crate::Merchant::sign_again) are no signed request of this merchant.
    #[error("the request cannot be signed again")]
    Renewal(#[from] RenewalError),
    /// The key could not sign: try again, or look after the key's device.
    #[error("the request could not be signed")]
    Signing(#[from] SigningError),
}
