//! Who and which: the merchant's number, order and refund numbers of both sides, and the nonce.

use super::{check_text, checked_text};
use crate::random::alphanumeric;

/// Numbers that the gateway gives out: text of its own making, but it must be safe inside the signed string.
fn is_foreign(character: char) -> bool {
    !character.is_control() && !matches!(character, '&' | '=')
}

fn is_alphanumeric(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

checked_text!(
    /// The number UCanPay gave the merchant.
    MerchantId,
    "merchantId",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// The merchant's own number of an order, unique for this merchant for ever.
    OutTradeNo,
    "outTradeNo",
    "1 to 32 of 0-9, A-Z and a-z",
    |text| check_text(text, 32, is_alphanumeric)
);

checked_text!(
    /// The merchant's own number of a refund, unique for this merchant for ever. A refund that is tried again keeps it.
    OutRefundNo,
    "outRefundNo",
    "1 to 32 of 0-9, A-Z and a-z",
    |text| check_text(text, 32, is_alphanumeric)
);

checked_text!(
    /// The gateway's number of an order, from the answer to the unified order.
    UcpOrderNo,
    "ucpOrderNo",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// The gateway's number of a refund, from the answer to the refund.
    UcpRefundNo,
    "ucpRefundNo",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// A random string that makes each request's signature its own.
    Nonce,
    "nonceStr",
    "1 to 32 ASCII letters and digits",
    |text| check_text(text, 32, is_alphanumeric)
);

impl OutTradeNo {
    /// 24 random letters and digits from the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(24))
    }
}

impl OutRefundNo {
    /// 24 random letters and digits from the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(24))
    }
}

impl Nonce {
    /// 32 random letters and digits from the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(32))
    }
}
