//! What the merchant answers to a notification: the last thing said about it.

use crate::json::ObjectWriter;

/// The merchant's answer to a notification, sent as JSON. Reference: 商户返回结果, "results returned by the merchant".
///
/// ```
/// use ucanpay_core::NotificationReply;
///
/// fn reply<'a>(committed: Result<(), &'a str>) -> NotificationReply<'a> {
///     match committed {
///         Ok(()) => NotificationReply::Success,
///         Err(reason) => NotificationReply::Fail(reason),
///     }
/// }
/// assert_eq!(reply(Ok(())).to_json(), r#"{"return_code":"SUCCESS","return_msg":"OK"}"#);
/// assert_eq!(reply(Err("no such order")).to_json(), r#"{"return_code":"FAIL","return_msg":"no such order"}"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationReply<'a> {
    /// It has been dealt with and committed; the gateway stops sending it.
    Success,
    /// It has not; the gateway sends it again. The reason is cut to 128 characters and should hold nothing secret.
    Fail(&'a str),
}

impl NotificationReply<'_> {
    /// The body: `{"return_code":"SUCCESS","return_msg":"OK"}`, or FAIL and the reason.
    ///
    /// ```
    /// use ucanpay_core::NotificationReply;
    ///
    /// let body = NotificationReply::Fail("signature").to_json();
    /// assert_eq!(body, r#"{"return_code":"FAIL","return_msg":"signature"}"#);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let reason = match self {
            Self::Success => return r#"{"return_code":"SUCCESS","return_msg":"OK"}"#.to_owned(),
            Self::Fail(reason) => reason,
        };
        let reason: String = reason.chars().take(128).collect();
        let mut object = ObjectWriter::new();
        object.text("return_code", "FAIL");
        object.text("return_msg", &reason);
        object.to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::NotificationReply;

    #[test]
    fn a_long_reason_is_cut_to_128_characters_and_stays_json() {
        let reason = "é\"".repeat(200);
        let body = NotificationReply::Fail(&reason).to_json();
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        let kept = read["return_msg"].as_str().unwrap();
        assert_eq!(kept.chars().count(), 128);
        assert!(reason.starts_with(kept));
    }
}
