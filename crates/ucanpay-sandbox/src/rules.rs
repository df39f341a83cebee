//! The field rules: what each member of a request may hold (reference: the request tables of each call).

use reqwest::Url;

use crate::call::Call;
use crate::gateway::Terms;
use crate::message::{Members, Scalar};
use crate::refusal::Refusal;
use crate::switches::{Mweb, OwnNumbers, Switches};

/// The largest amount, in cents, of an order or refund.
pub(crate) const MAX_AMOUNT: i64 = 2_147_483_647;

/// Reads the members of one request by their rules; what breaks one is refused under the call's own
/// error name.
pub(crate) struct Rules<'a> {
    call: Call,
    switches: Switches,
    members: &'a Members,
}

impl<'a> Rules<'a> {
    /// The rules that hold for every call: nonce, kind of signature, and text that reads one way only.
    pub(crate) fn of(call: Call, members: &'a Members, terms: &Terms) -> Result<Self, Refusal> {
        let switches = terms.switches;
        let rules = Self {
            call,
            switches,
            members,
        };
        if members.is_ambiguous() {
            return Err(rules.malformed("a name holds & or =, or a value holds &"));
        }
        rules.number("nonceStr")?;
        if rules.text("signType", 64, |_| true)? != terms.sign_type {
            return Err(rules.malformed(format!("signType: only {} is set up", terms.sign_type)));
        }
        Ok(rules)
    }

    /// `subject`: 1–30 characters without `/ = &`.
    pub(crate) fn subject(&self) -> Result<String, Refusal> {
        self.text("subject", 30, |c| !matches!(c, '/' | '=' | '&'))
    }

    /// `body`: 1–64 characters without `/ = &`.
    pub(crate) fn description(&self) -> Result<String, Refusal> {
        self.text("body", 64, |c| !matches!(c, '/' | '=' | '&'))
    }

    /// `deviceNo`: 1–32 characters without `= &`; the Chinese table makes it optional.
    pub(crate) fn device_no(&self) -> Result<Option<String>, Refusal> {
        self.optional("deviceNo", |name| {
            self.text(name, 32, |c| !matches!(c, '=' | '&'))
        })
    }

    /// `refundDesc`: 1–64 characters without `= &`.
    pub(crate) fn refund_reason(&self) -> Result<String, Refusal> {
        self.text("refundDesc", 64, |c| !matches!(c, '=' | '&'))
    }

    /// 1–32 of `0-9A-Za-z`: the merchant's and the gateway's numbers.
    pub(crate) fn number(&self, name: &'static str) -> Result<String, Refusal> {
        self.text(name, 32, |c| c.is_ascii_alphanumeric())
    }

    /// A number of the gateway's own in a later call: a switch says whether it may be left out.
    pub(crate) fn own_number(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.switches.own_numbers {
            OwnNumbers::Optional => self.optional(name, |name| self.number(name)),
            OwnNumbers::Mandatory => self.number(name).map(Some),
        }
    }

    /// `totalAmt`, `refundAmt`: a JSON number of whole cents, 1 … 2147483647.
    pub(crate) fn amount(&self, name: &'static str) -> Result<i64, Refusal> {
        match self.members.get(name) {
            None => Err(self.missing(name)),
            Some(Scalar::Number(digits)) => digits
                .parse()
                .ok()
                .filter(|cents| (1..=MAX_AMOUNT).contains(cents))
                .ok_or_else(|| {
                    self.malformed(format!("{name}: whole cents from 1 to {MAX_AMOUNT}"))
                }),
            Some(_) => Err(self.malformed(format!("{name}: must be a JSON number"))),
        }
    }

    /// `currency`: three capital letters.
    pub(crate) fn currency(&self) -> Result<String, Refusal> {
        let currency = self.text("currency", 16, |c| c.is_ascii_uppercase())?;
        if currency.len() != 3 {
            return Err(self.malformed("currency: three capital letters"));
        }
        Ok(currency)
    }

    /// `sceneType`: `JSAPI` or `NATIVE`; `MWEB` by a switch.
    pub(crate) fn scene(&self) -> Result<String, Refusal> {
        let scene = self.text("sceneType", 16, |_| true)?;
        let mweb = self.switches.mweb == Mweb::IsTaken && scene == "MWEB";
        if !mweb && !matches!(scene.as_str(), "JSAPI" | "NATIVE") {
            return Err(self.malformed("sceneType: JSAPI or NATIVE"));
        }
        Ok(scene)
    }

    /// `notifyUrl`: at most 64 characters, absolute http(s), no query, no fragment.
    pub(crate) fn notify_url(&self) -> Result<String, Refusal> {
        let text = self.text("notifyUrl", 64, |c| {
            !matches!(c, '&' | '=' | '?' | '#' | ' ')
        })?;
        let absolute = Url::parse(&text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !absolute {
            return Err(self.malformed("notifyUrl: an absolute http or https address"));
        }
        Ok(text)
    }

    fn optional<T>(
        &self,
        name: &'static str,
        rule: impl FnOnce(&'static str) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.members.get(name).map(|_| rule(name)).transpose()
    }

    fn text(
        &self,
        name: &'static str,
        max_characters: usize,
        allowed: impl Fn(char) -> bool,
    ) -> Result<String, Refusal> {
        let text = match self.members.get(name) {
            None => return Err(self.missing(name)),
            Some(Scalar::Text(text)) => text,
            Some(_) => return Err(self.malformed(format!("{name}: must be a JSON string"))),
        };
        if text.chars().count() > max_characters {
            return Err(self.malformed(format!("{name}: more than {max_characters} characters")));
        }
        if !text.chars().all(|c| allowed(c) && !c.is_control()) {
            return Err(self.malformed(format!("{name}: a character that is not allowed")));
        }
        Ok(text.clone())
    }

    fn missing(&self, name: &str) -> Refusal {
        Refusal::new(self.call.missing(), format!("{name}: missing or empty"))
    }

    fn malformed(&self, reason: impl Into<String>) -> Refusal {
        Refusal::new(self.call.malformed(), reason)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::bench::{Bench, order, with};
    use crate::call::Call;
    use crate::refusal::ErrorName;

    fn place(member: &str, value: Value) -> Result<Value, ErrorName> {
        Bench::new().call(Call::UnifiedOrder, &with(order(), member, value))
    }

    #[test]
    fn an_order_without_a_mandatory_member_lacks_params() {
        for member in [
            "subject",
            "body",
            "totalAmt",
            "sceneType",
            "outTradeNo",
            "currency",
            "notifyUrl",
            "nonceStr",
            "signType",
        ] {
            assert_eq!(
                place(member, Value::Null),
                Err(ErrorName::LackParams),
                "{member}"
            );
            assert_eq!(
                place(member, json!("")),
                Err(ErrorName::LackParams),
                "{member} empty"
            );
        }
    }

    #[test]
    fn an_order_without_device_number_is_placed() {
        assert!(place("deviceNo", Value::Null).is_ok());
    }

    #[test]
    fn a_member_at_its_limit_is_taken() {
        for (member, value) in [
            ("subject", json!("é".repeat(30))),
            ("body", json!("咖".repeat(64))),
            ("deviceNo", json!("d".repeat(32))),
            ("outTradeNo", json!("9".repeat(32))),
            ("nonceStr", json!("n".repeat(32))),
            ("totalAmt", json!(1)),
            ("totalAmt", json!(2_147_483_647)),
            ("sceneType", json!("JSAPI")),
            (
                "notifyUrl",
                json!(format!("https://example.com/{}", "p".repeat(44))),
            ),
        ] {
            assert!(place(member, value.clone()).is_ok(), "{member} {value}");
        }
    }

    #[test]
    fn a_member_beyond_its_rule_is_an_invalid_request() {
        for (member, value) in [
            ("subject", json!("x".repeat(31))),
            ("subject", json!("a/b")),
            ("subject", json!("a=b")),
            ("subject", json!("a&b")),
            ("subject", json!("a\nb")),
            ("subject", json!(7)),
            ("body", json!("x".repeat(65))),
            ("body", json!("a/b")),
            ("deviceNo", json!("x".repeat(33))),
            ("outTradeNo", json!("x".repeat(33))),
            ("outTradeNo", json!("a-b")),
            ("outTradeNo", json!(12)),
            ("nonceStr", json!("n".repeat(33))),
            ("nonceStr", json!("n n")),
            ("totalAmt", json!(0)),
            ("totalAmt", json!(-1)),
            ("totalAmt", json!(2_147_483_648_i64)),
            ("totalAmt", json!(4.5)),
            ("totalAmt", json!("450")),
            ("sceneType", json!("MWEB")),
            ("signType", json!("MD5")),
            ("currency", json!("cad")),
            ("currency", json!("CA")),
            ("currency", json!("CADX")),
            (
                "notifyUrl",
                json!(format!("https://example.com/{}", "p".repeat(45))),
            ),
            ("notifyUrl", json!("/ucanpay/payment")),
            ("notifyUrl", json!("ftp://example.com/x")),
            ("notifyUrl", json!("http://example.com/?a")),
            ("notifyUrl", json!("http://example.com/#a")),
            ("notifyUrl", json!("http://example.com/a=b")),
            ("unknown", json!("a&totalAmt")),
        ] {
            assert_eq!(
                place(member, value.clone()),
                Err(ErrorName::InvalidRequest),
                "{member} {value}"
            );
        }
    }

    #[test]
    fn a_refund_that_breaks_a_field_rule_is_a_param_error() {
        let mut bench = Bench::with_paid_order();
        for (member, value) in [
            ("refundDesc", Value::Null),
            ("refundDesc", json!("x".repeat(65))),
            ("refundDesc", json!("a=b")),
            ("refundAmt", json!(0)),
            ("refundAmt", Value::Null),
            ("totalAmt", json!("450")),
            ("outRefundNo", json!("R-1")),
            ("ucpOrderNo", Value::Null),
            ("notifyUrl", json!("x")),
        ] {
            let request = with(bench.refund("R1", 100), member, value.clone());
            assert_eq!(
                bench.call(Call::Refund, &request),
                Err(ErrorName::ParamError),
                "{member} {value}"
            );
        }
        let query = json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" });
        assert_eq!(
            bench.call(Call::RefundQuery, &query),
            Err(ErrorName::ParamError)
        );
    }
}
