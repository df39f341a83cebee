//! What the buyer reads. `&` and `=` are kept out because these texts come back inside signed messages.

use super::{check_text, checked_text};

fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '&' | '=')
}

fn is_plain_without_slash(character: char) -> bool {
    is_plain(character) && character != '/'
}

checked_text!(
    /// An order's title.
    ///
    /// ```
    /// use ucanpay_core::Subject;
    ///
    /// assert_eq!(Subject::new("咖啡 coffee")?.as_str(), "咖啡 coffee");
    /// assert!(Subject::new("coffee & cake").is_err());
    /// assert!(Subject::new("half/half").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    Subject,
    "subject",
    "1 to 30 characters, no control characters, none of `/`, `=`, `&`",
    |text| check_text(text, 30, is_plain_without_slash)
);

checked_text!(
    /// A short description of what is bought.
    ///
    /// ```
    /// use ucanpay_core::Description;
    ///
    /// let basket = "two flat whites = 9.00";
    /// assert!(Description::new(basket).is_err());
    /// let description = Description::new(basket.replace(['&', '=', '/'], "-"))?;
    /// assert_eq!(description.as_str(), "two flat whites - 9.00");
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    Description,
    "body",
    "1 to 64 characters, no control characters, none of `/`, `=`, `&`",
    |text| check_text(text, 64, is_plain_without_slash)
);

checked_text!(
    /// The till or site that placed the order; `web` unless said otherwise.
    ///
    /// ```
    /// use ucanpay_core::DeviceNo;
    ///
    /// assert_eq!(DeviceNo::default().as_str(), "web");
    /// assert_eq!(DeviceNo::new("till-1")?.as_str(), "till-1");
    /// assert!(DeviceNo::new("till=1").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    DeviceNo,
    "deviceNo",
    "1 to 32 characters, no control characters, none of `=`, `&`",
    |text| check_text(text, 32, is_plain)
);

checked_text!(
    /// Why money goes back.
    ///
    /// ```
    /// use ucanpay_core::RefundReason;
    ///
    /// assert_eq!(RefundReason::new("one was cold")?.as_str(), "one was cold");
    /// assert!(RefundReason::new("two\nlines").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    RefundReason,
    "refundDesc",
    "1 to 64 characters, no control characters, none of `=`, `&`",
    |text| check_text(text, 64, is_plain)
);

impl Default for DeviceNo {
    fn default() -> Self {
        Self("web".to_owned())
    }
}
