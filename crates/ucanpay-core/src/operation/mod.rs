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
