//! What can be asked of the gateway: orders, refunds, pay links and their pictures.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, OutRefundNo, OutTradeNo, RefundReason, SceneType,
    Subject, UcpOrderNo, UcpRefundNo,
};
use ucanpay_storefront::UcanpayAccount;

const EXIT_CODES: &str = "\
Exit codes:
  0  done: the gateway's signed answer is shown
  1  the answer is no: the gateway refused, and nothing happened
  2  not done: wrong usage, or a file, key or setting that cannot be used; nothing was sent
  3  outcome unknown: it may have happened; query before anything else
  4  nothing happened, and it may go well later: not reached, limited, blocked or busy";

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0  nothing is in the way
  1  something is
  2  not done: wrong usage";

/// Behind the help of the orders, and of the refunds.
pub(super) fn calls() -> String {
    with_settings(EXIT_CODES)
}

/// Behind the help of the doctor.
pub(super) fn doctor() -> String {
    with_settings(DOCTOR_EXIT_CODES)
}

fn with_settings(exit_codes: &str) -> String {
    let settings = UcanpayAccount::help();
    format!(
        "\
Settings, from the environment, the same as a shop's. A command needs those without a default that it uses; a call needs
UCANPAY_BASE_URL, too, so that nobody reaches the real gateway by forgetting it:
{settings}
{exit_codes}"
    )
}

/// Behind the help of one call.
fn call() -> String {
    format!(
        "The settings come from the environment, the same as a shop's; `ucanpay order --help` lists them.\n\n{EXIT_CODES}"
    )
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Place an order, and print its pay link
    #[command(after_help = call())]
    Place(PlaceArguments),
    /// Ask what became of an order
    #[command(after_help = call())]
    Query(OrderArguments),
    /// Close an order that nobody has paid; asks first
    #[command(after_help = call())]
    Close(EndArguments),
    /// Undo an order whose outcome stays unclear, paid or not; asks first
    #[command(after_help = call())]
    Reverse(EndArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefundCommand {
    /// Ask for a refund; the result comes by query or notification
    #[command(after_help = call())]
    Request(RefundArguments),
    /// Ask what became of a refund
    #[command(after_help = call())]
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
    /// NATIVE: a QR code; JSAPI: a link on the phone; UCANPAY_SCENE when left out
    #[arg(long, value_name = "SCENE")]
    pub(crate) scene: Option<SceneType>,
    /// Till or site, 1 to 32 characters; UCANPAY_DEVICE when left out
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<DeviceNo>,
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
    /// The order's scene, NATIVE or JSAPI; UCANPAY_SCENE when left out
    #[arg(long, value_name = "SCENE", conflicts_with = "app")]
    pub(crate) scene: Option<SceneType>,
    /// The link of the app, which every scene but NATIVE needs: the `sign` of the answer when the order was placed
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
