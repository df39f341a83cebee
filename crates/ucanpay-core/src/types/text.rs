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
    Subject,
    "subject",
    "1 to 30 characters, no control characters, none of `/`, `=`, `&`",
    |text| check_text(text, 30, is_plain_without_slash)
);

checked_text!(
    /// A short description of what is bought.
    Description,
    "body",
    "1 to 64 characters, no control characters, none of `/`, `=`, `&`",
    |text| check_text(text, 64, is_plain_without_slash)
);

checked_text!(
    /// The till or site that placed the order; `web` unless said otherwise.
    DeviceNo,
    "deviceNo",
    "1 to 32 characters, no control characters, none of `=`, `&`",
    |text| check_text(text, 32, is_plain)
);

checked_text!(
    /// Why money goes back.
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
