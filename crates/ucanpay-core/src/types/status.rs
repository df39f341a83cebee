//! What became of an order or a refund, and how the buyer pays. The wire's enums are open: an unknown word is kept.

use std::{fmt, str::FromStr};

use super::{FieldError, Problem};

/// How the buyer comes to the payment. The gateway's member `sceneType` of an order.
///
/// ```
/// use ucanpay_core::SceneType;
///
/// let scene: SceneType = "NATIVE".parse()?; // from a setting
/// assert_eq!(scene, SceneType::Native);
/// assert!("native".parse::<SceneType>().is_err());
/// # Ok::<(), ucanpay_core::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SceneType {
    /// `JSAPI`: a link opened on the buyer's phone.
    Jsapi,
    /// `NATIVE`: a QR code the buyer scans.
    Native,
    /// `MWEB`: named in the notification tables for H5, not in the order's. Use it only when UCanPay has said so.
    Mweb,
}

impl SceneType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::Native => "NATIVE",
            Self::Mweb => "MWEB",
        }
    }
}

impl fmt::Display for SceneType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SceneType {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let known = [Self::Jsapi, Self::Native, Self::Mweb];
        let scene = known.into_iter().find(|scene| scene.as_str() == text);
        scene.ok_or(FieldError::new(
            "sceneType",
            "JSAPI, NATIVE or MWEB",
            Problem::Other("is not a known scene"),
        ))
    }
}

/// Declares an open enum of words that the gateway writes in any letter case.
macro_rules! wire_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!(" `", $word, "`.")] $variant,)*
            /// A word nobody documented: the outcome is unknown. Ask again, never guess.
            Other(String),
        }

        impl $name {
            /// The word as documented, or as received when it is not.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })*
                Self::Other(word.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_words!(
    /// What became of an order. The gateway's member `tradeStatus`; the only place that says whether money moved.
    ///
    /// ```
    /// use ucanpay_core::TradeStatus;
    ///
    /// assert_eq!(TradeStatus::from("success"), TradeStatus::Success);
    /// let unknown = TradeStatus::from("SETTLING"); // ask again
    /// assert!(matches!(&unknown, TradeStatus::Other(word) if word == "SETTLING"));
    /// assert_eq!(unknown.to_string(), "SETTLING");
    /// ```
    TradeStatus {
        /// Paid:
        Success = "SUCCESS",
        /// Paid, and money has gone or is going back:
        Refund = "REFUND",
        /// Not paid yet:
        NotPay = "NOTPAY",
        /// The buyer is paying:
        UserPaying = "USERPAYING",
        /// Closed unpaid:
        Closed = "CLOSED",
        /// Reversed:
        Revoked = "REVOKED",
        /// This attempt to pay failed; not final until the order is closed:
        PayError = "PAYERROR",
    }
);

wire_words!(
    /// What became of a refund. The gateway's member `refundStatus`.
    ///
    /// ```
    /// use ucanpay_core::RefundStatus;
    ///
    /// let ends = |word: &str| matches!(RefundStatus::from(word), RefundStatus::Success | RefundStatus::RefundClose);
    /// assert!(ends("SUCCESS"));
    /// assert!(!ends("PROCESSING")); // query again later
    /// assert!(!ends("FAIL")); // submit again, with the same number
    /// ```
    RefundStatus {
        /// Refunded:
        Success = "SUCCESS",
        /// Under way:
        Processing = "PROCESSING",
        /// Closed, presumably with nothing refunded:
        RefundClose = "REFUNDCLOSE",
        /// Failed; submit again with the same `outRefundNo`:
        Fail = "FAIL",
    }
);

#[cfg(test)]
mod tests {
    use super::{RefundStatus, SceneType, TradeStatus};

    #[test]
    fn documented_words_are_known_in_any_letter_case_and_others_are_kept() {
        assert_eq!(TradeStatus::from("success"), TradeStatus::Success);
        assert_eq!(TradeStatus::from("PayError"), TradeStatus::PayError);
        assert_eq!(RefundStatus::from("refundclose"), RefundStatus::RefundClose);
        let other = TradeStatus::from("Settling");
        assert_eq!(other, TradeStatus::Other("Settling".to_owned()));
        assert_eq!(other.to_string(), "Settling");
    }

    #[test]
    fn a_scene_is_sent_only_as_documented() {
        for scene in [SceneType::Jsapi, SceneType::Native, SceneType::Mweb] {
            assert_eq!(scene.to_string().parse(), Ok(scene));
        }
        assert!("native".parse::<SceneType>().is_err());
    }
}
