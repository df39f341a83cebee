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
    ///
    /// ```
    /// use ucanpay_core::MerchantId;
    ///
    /// assert_eq!(MerchantId::new("2000000010")?.as_str(), "2000000010");
    /// assert!(MerchantId::new("").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    MerchantId,
    "merchantId",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// The merchant's own number of an order, unique for this merchant for ever.
    ///
    /// ```
    /// use ucanpay_core::OutTradeNo;
    ///
    /// let number = OutTradeNo::new(format!("A{}", 20260301))?; // made of your own order's number
    /// assert_eq!(number.as_str(), "A20260301");
    /// assert!(OutTradeNo::new("A-20260301").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    OutTradeNo,
    "outTradeNo",
    "1 to 32 of 0-9, A-Z and a-z",
    |text| check_text(text, 32, is_alphanumeric)
);

checked_text!(
    /// The merchant's own number of a refund, unique for this merchant for ever. A refund that is tried again keeps it.
    ///
    /// ```
    /// use ucanpay_core::OutRefundNo;
    ///
    /// let (first, second) = (OutRefundNo::new("A20260301R1")?, OutRefundNo::new("A20260301R2")?);
    /// assert_ne!(first, second); // two refunds of one order
    /// assert!(OutRefundNo::new("A20260301/1").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    OutRefundNo,
    "outRefundNo",
    "1 to 32 of 0-9, A-Z and a-z",
    |text| check_text(text, 32, is_alphanumeric)
);

checked_text!(
    /// The gateway's number of an order, from the answer to the unified order.
    ///
    /// ```
    /// use ucanpay_core::UcpOrderNo;
    ///
    /// # let answer: Option<String> = Some("377654578511872".to_owned());
    /// let number = answer.map(UcpOrderNo::new).transpose()?; // `ucp_order_no` of the order's answer
    /// assert_eq!(number.as_ref().map(UcpOrderNo::as_str), Some("377654578511872"));
    /// assert!(UcpOrderNo::new("1&totalAmt=1").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    UcpOrderNo,
    "ucpOrderNo",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// The gateway's number of a refund, from the answer to the refund.
    ///
    /// ```
    /// use ucanpay_core::UcpRefundNo;
    ///
    /// assert_eq!(UcpRefundNo::new("377654578511873")?.to_string(), "377654578511873");
    /// assert!(UcpRefundNo::new("0".repeat(33)).is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    UcpRefundNo,
    "ucpRefundNo",
    "1 to 32 characters, no control characters, `&` or `=`",
    |text| check_text(text, 32, is_foreign)
);

checked_text!(
    /// A random string that makes each request's signature its own.
    ///
    /// ```
    /// use ucanpay_core::Nonce;
    ///
    /// assert_eq!(Nonce::new("5K8264ILTKCH16CQ2502SI8ZNMTM67VS")?.as_str().len(), 32);
    /// assert!(Nonce::new("not random, and no nonce").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    Nonce,
    "nonceStr",
    "1 to 32 ASCII letters and digits",
    |text| check_text(text, 32, is_alphanumeric)
);

impl OutTradeNo {
    /// 24 random letters and digits from the operating system.
    ///
    /// ```
    /// use ucanpay_core::OutTradeNo;
    ///
    /// let number = OutTradeNo::random(); // to be kept with the order, before it is placed
    /// assert_eq!(number.as_str().len(), 24);
    /// assert_ne!(number, OutTradeNo::random());
    /// ```
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(24))
    }
}

impl OutRefundNo {
    /// 24 random letters and digits from the operating system.
    ///
    /// ```
    /// use ucanpay_core::OutRefundNo;
    ///
    /// let number = OutRefundNo::random(); // to be kept with the refund, before it is asked for
    /// assert_eq!(number.as_str().len(), 24);
    /// assert_ne!(number, OutRefundNo::random());
    /// ```
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(24))
    }
}

impl Nonce {
    /// 32 random letters and digits from the operating system.
    ///
    /// ```
    /// use ucanpay_core::Nonce;
    ///
    /// assert_eq!(Nonce::random().as_str().len(), 32);
    /// assert_ne!(Nonce::random(), Nonce::random());
    /// ```
    #[must_use]
    pub fn random() -> Self {
        Self(alphanumeric(32))
    }
}
