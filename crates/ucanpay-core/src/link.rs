//! Pay links: where a buyer's phone goes to pay an order. Stop 3 of a payment, after the order's answer.
//!
//! The reference prints two links and says no more, so everything about them is a setting. Its host was switched off with
//! Google's dynamic links; ask the operator for the present one.

use crate::{
    percent,
    types::{Amount, SceneType},
};

/// How links are built: host, app package and style. Reference: 流程说明 / "UCanPay App" and "Dynamic QR code".
///
/// ```
/// use ucanpay_core::{Amount, LinkOrder, PayLinks};
///
/// let order = LinkOrder {
///     ucp_order_no: "377654578511872",
///     out_trade_no: "A1",
///     amount: Amount::new(450)?,
///     item: "coffee",
/// };
/// let link = PayLinks::default().with_base_url("https://pay.example").dynamic_qr(&order);
/// assert!(link.starts_with("https://pay.example/?link=https://pay.example/pay?ucpOrderNo%3D377654578511872%26"));
/// # Ok::<(), ucanpay_core::FieldError>(())
/// ```
///
/// All settings at once:
///
/// ```
/// use ucanpay_core::{Amount, LinkAmount, LinkJoint, LinkNumber, LinkOrder, LinkStyle, PayLinks};
///
/// let links = PayLinks::default()
///     .with_base_url("https://pay.example/")
///     .with_package("ca.example.app")
///     .with_style(LinkStyle::FullyEncoded)
///     .with_amount(LinkAmount::Decimal)
///     .with_out_order_no(LinkNumber::OutTradeNo)
///     .with_joint(LinkJoint::Encoded);
/// # let order = LinkOrder {
/// #     ucp_order_no: "377654578511872", out_trade_no: "A1", amount: Amount::new(450)?, item: "coffee",
/// # };
/// assert_eq!(links.app(&order, "c2ln"), concat!(
///     "https://pay.example/?link=https%3A%2F%2Fpay.example%2Fpay%3FoutOrderNo%3DA1%26ucpOrderNo%3D377654578511872",
///     "%26amount%3D4.50%26item%3Dcoffee&sign=c2ln&apn=ca.example.app",
/// ));
/// # Ok::<(), ucanpay_core::FieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayLinks {
    base_url: String,
    package: String,
    style: LinkStyle,
    amount: LinkAmount,
    out_order_no: LinkNumber,
    joint: LinkJoint,
}

/// How much of the inner link is percent-encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkStyle {
    /// Exactly as the reference prints it, oddities included.
    #[default]
    AsPrinted,
    /// The inner link percent-encoded as a whole.
    FullyEncoded,
}

/// How the amount stands in a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkAmount {
    /// As in the order: `450`.
    #[default]
    Cents,
    /// With a point: `4.50`.
    Decimal,
}

/// Which number `outOrderNo` is, in the link of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkNumber {
    /// The gateway's, as the reference prints it.
    #[default]
    UcpOrderNo,
    /// The merchant's, which may have been meant.
    OutTradeNo,
}

/// What stands between `outOrderNo` and `ucpOrderNo`, in the link of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkJoint {
    /// A bare `&`, as the reference prints it; it ends the inner link early.
    #[default]
    Bare,
    /// `%26`, like the joints after it. [`LinkStyle::FullyEncoded`] always has it so.
    Encoded,
}

/// What a link says about an order. Take the amount and the item as they were ordered.
#[derive(Clone, Copy, Debug)]
pub struct LinkOrder<'a> {
    /// The gateway's number of the order (`ucpOrderNo`).
    pub ucp_order_no: &'a str,
    /// The merchant's number of the order (`outTradeNo`); needed for [`LinkNumber::OutTradeNo`] only.
    pub out_trade_no: &'a str,
    /// The order's amount in cents.
    pub amount: Amount,
    /// What is bought: the order's subject.
    pub item: &'a str,
}

impl Default for PayLinks {
    fn default() -> Self {
        Self {
            base_url: "https://ucanpaydev.page.link".to_owned(),
            package: "ca.ucanpay.wapp".to_owned(),
            style: LinkStyle::default(),
            amount: LinkAmount::default(),
            out_order_no: LinkNumber::default(),
            joint: LinkJoint::default(),
        }
    }
}

impl PayLinks {
    /// The same links on another host: scheme and authority, such as `https://pay.example`. A `/` at its end is dropped.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        self.base_url = base_url;
        self
    }

    /// The same links for another Android package (`apn`).
    #[must_use]
    pub fn with_package(mut self, package: impl Into<String>) -> Self {
        self.package = package.into();
        self
    }

    /// The same links in another style.
    #[must_use]
    pub fn with_style(mut self, style: LinkStyle) -> Self {
        self.style = style;
        self
    }

    /// The same links with another form of the amount.
    #[must_use]
    pub fn with_amount(mut self, amount: LinkAmount) -> Self {
        self.amount = amount;
        self
    }

    /// The same links with another number in `outOrderNo`.
    #[must_use]
    pub fn with_out_order_no(mut self, number: LinkNumber) -> Self {
        self.out_order_no = number;
        self
    }

    /// The same links with another joint after `outOrderNo`.
    #[must_use]
    pub fn with_joint(mut self, joint: LinkJoint) -> Self {
        self.joint = joint;
        self
    }

    /// The link by which buyers come to an order of this scene: [the dynamic one](Self::dynamic_qr) in `NATIVE`, [that of the
    /// app](Self::app) in every other. The second needs the `sign` of the order's answer; `None` without it.
    ///
    /// ```
    /// use ucanpay_core::{Amount, LinkOrder, PayLinks, SceneType};
    ///
    /// # let order = LinkOrder {
    /// #     ucp_order_no: "377654578511872", out_trade_no: "A1", amount: Amount::new(450)?, item: "coffee",
    /// # };
    /// let links = PayLinks::default();
    /// assert_eq!(links.in_scene(SceneType::Native, &order, None), Some(links.dynamic_qr(&order)));
    /// assert_eq!(links.in_scene(SceneType::Jsapi, &order, Some("c2ln")), Some(links.app(&order, "c2ln")));
    /// assert_eq!(links.in_scene(SceneType::Jsapi, &order, None), None);
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    #[must_use]
    pub fn in_scene(
        &self,
        scene: SceneType,
        order: &LinkOrder<'_>,
        sign: Option<&str>,
    ) -> Option<String> {
        match scene {
            SceneType::Native => Some(self.dynamic_qr(order)),
            SceneType::Jsapi | SceneType::Mweb => Some(self.app(order, sign?)),
        }
    }

    /// The link of the app and H5 flow. `sign` is [`UnifiedOrderAnswer::sign`](crate::UnifiedOrderAnswer::sign).
    ///
    /// ```
    /// use ucanpay_core::{Amount, LinkOrder, PayLinks};
    ///
    /// let order = LinkOrder {
    ///     ucp_order_no: "377654578511872",
    ///     out_trade_no: "A1",
    ///     amount: Amount::new(450)?,
    ///     item: "coffee",
    /// };
    /// let link = PayLinks::default().with_base_url("https://pay.example").app(&order, "c2ln");
    /// assert!(link.starts_with("https://pay.example/?link=https://pay.example/pay?outOrderNo%3D377654578511872&"));
    /// assert!(link.ends_with("%26amount%3D450%26item%3Dcoffee&sign=c2ln&apn=ca.ucanpay.wapp"));
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    #[must_use]
    pub fn app(&self, order: &LinkOrder<'_>, sign: &str) -> String {
        let number = encode(match self.out_order_no {
            LinkNumber::UcpOrderNo => order.ucp_order_no,
            LinkNumber::OutTradeNo => order.out_trade_no,
        });
        let first = match (self.style, self.joint) {
            (LinkStyle::AsPrinted, LinkJoint::Bare) => format!("outOrderNo%3D{}&", encode(&number)),
            _ => encode(&format!("outOrderNo={number}&")),
        };
        let sign = format!("&sign={}", encode(sign));
        self.link(&first, order, &sign)
    }

    /// The link behind a dynamic QR code.
    ///
    /// ```
    /// use ucanpay_core::{Amount, LinkOrder, PayLinks};
    ///
    /// let order = LinkOrder {
    ///     ucp_order_no: "377654578511872",
    ///     out_trade_no: "A1",
    ///     amount: Amount::new(450)?,
    ///     item: "flat white",
    /// };
    /// let link = PayLinks::default().with_base_url("https://pay.example").dynamic_qr(&order);
    /// assert!(link.ends_with("%26amount%3D450%26item%3Dflat%2520white&apn=ca.ucanpay.wapp"));
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    #[must_use]
    pub fn dynamic_qr(&self, order: &LinkOrder<'_>) -> String {
        self.link("", order, "")
    }

    /// `first` and `last` are written already, encoded as they must be.
    fn link(&self, first: &str, order: &LinkOrder<'_>, last: &str) -> String {
        let Self {
            base_url,
            package,
            style,
            amount,
            ..
        } = self;
        let target = format!("{base_url}/pay?");
        let target = match style {
            LinkStyle::AsPrinted => target,
            LinkStyle::FullyEncoded => encode(&target),
        };
        let cents = order.amount.cents();
        let amount = match amount {
            LinkAmount::Cents => cents.to_string(),
            LinkAmount::Decimal => format!("{}.{:02}", cents / 100, cents % 100),
        };
        let query = encode(&format!(
            "ucpOrderNo={}&amount={amount}&item={}",
            encode(order.ucp_order_no),
            encode(order.item),
        ));
        let package = encode(package);
        format!("{base_url}/?link={target}{first}{query}{last}&apn={package}")
    }
}

/// Percent-encodes everything but `A-Z a-z 0-9 - . _ ~`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    percent::PERCENT.push(&mut encoded, text);
    encoded
}
