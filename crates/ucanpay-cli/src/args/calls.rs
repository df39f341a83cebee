//! What can be asked of the gateway: orders, refunds, pay links and their pictures.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, OutRefundNo, OutTradeNo, RefundReason, SceneType,
    Subject, UcpOrderNo, UcpRefundNo,
};

/// The settings of the shops, and what is to be told behind them.
macro_rules! settings {
    ($rest:literal) => {
        concat!(
            "\
Settings, from the environment, the same as a shop's:
  UCANPAY_BASE_URL           the gateway, https://api.ucanpay.ca, or a sandbox
  UCANPAY_MERCHANT_ID        from the merchant portal
  UCANPAY_PRIVATE_KEY_FILE   the merchant's own RSA key
  UCANPAY_PLATFORM_KEY_FILE  the gateway's public key; several with commas between them
  UCANPAY_NOTIFY_BASE_URL    the shop; /ucanpay/payment and /ucanpay/refund are put behind it
and where something is not as the reference prints it:
  UCANPAY_SCHEME             the signature scheme, such as single
  UCANPAY_SIGNED_SET         which members are signed, such as without-sign-type
  UCANPAY_RECEIVED_SUFFIX    what the gateway appends under path-suffixed: none, call, or a path
  UCANPAY_MD5_SECRET_FILE    the secret of keyed MD5, which takes the place of RSA
  UCANPAY_FRESH_NONCE_ON_RETRY
                             true: what is sent again is signed anew
  UCANPAY_PAY_LINK_BASE_URL  where pay links lead
",
            $rest
        )
    };
}

/// Behind the help of every call.
pub(super) const CALLS: &str = settings!(
    "
Exit codes:
  0  done: the gateway's signed answer is shown
  1  the answer is no: the gateway refused, and nothing happened
  2  not done: wrong usage, or a file, key or setting that cannot be used; nothing was sent
  3  outcome unknown: it may have happened; query before anything else
  4  nothing happened, and it may go well later: not reached, limited, blocked or busy"
);

/// Behind the help of the doctor.
pub(super) const DOCTOR: &str = settings!(
    "
Exit codes:
  0  nothing is in the way
  1  something is
  2  not done: wrong usage"
);

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Place an order, and print its pay link
    #[command(after_help = CALLS)]
    Place(PlaceArguments),
    /// Ask what became of an order
    #[command(after_help = CALLS)]
    Query(OrderArguments),
    /// Close an order that nobody has paid; asks first
    #[command(after_help = CALLS)]
    Close(EndArguments),
    /// Undo an order whose outcome stays unclear, paid or not; asks first
    #[command(after_help = CALLS)]
    Reverse(EndArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefundCommand {
    /// Ask for a refund; the result comes by query or notification
    #[command(after_help = CALLS)]
    Request(RefundArguments),
    /// Ask what became of a refund
    #[command(after_help = CALLS)]
    Query(RefundQueryArguments),
}

/// How the outcome is shown.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// Print JSON, also when it fails
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the signed request, and send nothing
    #[arg(long, conflicts_with = "json")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// The order's number: 1 to 32 letters and digits, never used before
    #[arg(value_name = "ORDER", required_unless_present = "request")]
    pub(crate) order: Option<OutTradeNo>,
    /// What the buyer pays, in cents: 450 is 4.50
    #[arg(long, value_name = "CENTS", required_unless_present = "request")]
    pub(crate) amount: Option<Amount>,
    /// The order's title, 1 to 30 characters
    #[arg(long, value_name = "TEXT", required_unless_present = "request")]
    pub(crate) subject: Option<Subject>,
    /// What is bought, 1 to 64 characters; the subject when left out
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<Description>,
    /// Three letters
    #[arg(long, value_name = "CODE", default_value = "CAD")]
    pub(crate) currency: Currency,
    /// NATIVE: a QR code; JSAPI: a link on the phone
    #[arg(long, value_name = "SCENE", default_value = "NATIVE")]
    pub(crate) scene: SceneType,
    /// Till or site, 1 to 32 characters
    #[arg(long, value_name = "NAME", default_value = "web")]
    pub(crate) device: DeviceNo,
    /// Send this file, which --dry-run printed, byte for byte: the same order again, never a second one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["order", "amount", "subject", "description", "currency", "scene", "device", "dry_run"])]
    pub(crate) request: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// One order, by its numbers.
#[derive(Debug, Args)]
pub(crate) struct OrderArguments {
    /// The order's number
    #[arg(value_name = "ORDER")]
    pub(crate) order: OutTradeNo,
    /// The gateway's number of the order, if it is known
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ucp_order_no: Option<UcpOrderNo>,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

#[derive(Debug, Args)]
pub(crate) struct EndArguments {
    #[command(flatten)]
    pub(crate) order: OrderArguments,
    /// Do not ask what became of the order before ending it
    #[arg(long)]
    pub(crate) without_query: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefundArguments {
    /// The order's number
    #[arg(value_name = "ORDER", required_unless_present = "request")]
    pub(crate) order: Option<OutTradeNo>,
    /// The refund's number: 1 to 32 letters and digits; a refund that is tried again keeps it
    #[arg(value_name = "REFUND", required_unless_present = "request")]
    pub(crate) refund: Option<OutRefundNo>,
    /// What goes back, in cents
    #[arg(long, value_name = "CENTS", required_unless_present = "request")]
    pub(crate) amount: Option<Amount>,
    /// Why, 1 to 64 characters
    #[arg(long, value_name = "TEXT", default_value = "refund")]
    pub(crate) reason: RefundReason,
    /// The gateway's number of the order; asked for when left out
    #[arg(long, value_name = "NUMBER", requires = "total")]
    pub(crate) ucp_order_no: Option<UcpOrderNo>,
    /// The order's amount, in cents; asked for when left out
    #[arg(long, value_name = "CENTS", requires = "ucp_order_no")]
    pub(crate) total: Option<Amount>,
    /// Send this file, which --dry-run printed, byte for byte: the same refund again, never a second one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["order", "refund", "amount", "reason", "ucp_order_no", "total", "dry_run"])]
    pub(crate) request: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

#[derive(Debug, Args)]
pub(crate) struct RefundQueryArguments {
    /// The order's number
    #[arg(value_name = "ORDER")]
    pub(crate) order: OutTradeNo,
    /// The refund's number
    #[arg(value_name = "REFUND")]
    pub(crate) refund: OutRefundNo,
    /// The gateway's number of the order, if it is known
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ucp_order_no: Option<UcpOrderNo>,
    /// The gateway's number of the refund, if it is known
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ucp_refund_no: Option<UcpRefundNo>,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// The order's number
    #[arg(value_name = "ORDER")]
    pub(crate) order: OutTradeNo,
    /// The gateway's number of the order, from the answer when it was placed
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ucp_order_no: UcpOrderNo,
    /// The order's amount, in cents
    #[arg(long, value_name = "CENTS")]
    pub(crate) amount: Amount,
    /// What is bought: the order's subject
    #[arg(long, value_name = "TEXT")]
    pub(crate) item: Subject,
    /// The link of the app, not of the QR code: the `sign` of the answer when the order was placed
    #[arg(long, value_name = "SIGN")]
    pub(crate) app: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct QrArguments {
    /// The text of the code, a pay link as a rule; standard input when left out or `-`
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// Write a picture, SVG or PNG by the file's ending, in place of printing the code
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
