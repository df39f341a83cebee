//! What has to do with notifications: a sandbox that sends them, one sent by hand, and a whole series of attacks.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use ucanpay_core::{
    Amount, Currency, MerchantId, OutRefundNo, OutTradeNo, SignatureScheme, SignedSet, TradeStatus,
    UcpOrderNo, UcpRefundNo,
};
use ucanpay_sandbox::command::Serve;

use super::scheme;

pub(super) const SANDBOX: &str = "\
Exit codes:
  0  done
  1  the answer is no: there is no such order, or it cannot be paid or declined any more
  2  not done: wrong usage, or a sandbox that cannot run
  4  nothing happened: no sandbox was reached";

const NOTIFY_EXIT_CODES: &str = "\
Exit codes:
  0  every copy was answered SUCCESS
  1  at least one was not
  2  not done: wrong usage, or a file, key or setting that cannot be used
  4  nothing happened: nobody could be reached";

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Run a gateway on this machine, for development; no real money moves
    #[command(after_help = SANDBOX)]
    Serve(Box<Serve>),
    /// Approve a payment, as the buyer would on the phone page
    #[command(after_help = SANDBOX)]
    Pay(BuyerArguments),
    /// Decline a payment, as the buyer would on the phone page
    #[command(after_help = SANDBOX)]
    Decline(BuyerArguments),
    /// Print the last notification about an order, as it is posted
    #[command(after_help = SANDBOX)]
    Notification(BuyerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct BuyerArguments {
    /// The order's number
    #[arg(value_name = "ORDER")]
    pub(crate) order: OutTradeNo,
    /// Where the sandbox is; UCANPAY_BASE_URL when left out, else http://127.0.0.1:8090
    #[arg(long, value_name = "URL")]
    pub(crate) sandbox: Option<String>,
}

/// A payment that notifications are about, and who signs them.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// Signs in the gateway's name: the private half of a test key whose public half the endpoint trusts
    #[arg(long, value_name = "FILE")]
    pub(crate) platform_private_key: PathBuf,
    /// The order's number
    #[arg(long, value_name = "ORDER")]
    pub(crate) order: OutTradeNo,
    /// The order's amount, in cents
    #[arg(long, value_name = "CENTS")]
    pub(crate) amount: Amount,
    /// The gateway's number of the order, as the answer said when it was placed
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ucp_order_no: UcpOrderNo,
    /// Three letters
    #[arg(long, value_name = "CODE", default_value = "CAD")]
    pub(crate) currency: Currency,
    /// UCANPAY_MERCHANT_ID when left out
    #[arg(long, value_name = "ID")]
    pub(crate) merchant_id: Option<MerchantId>,
    /// The signature scheme: documented, single, sha1, md5-rsa, prehash-sha1, prehash-md5-rsa, prehash-hex; UCANPAY_SCHEME
    /// when left out
    #[arg(long, value_name = "NAME", value_parser = scheme)]
    pub(crate) scheme: Option<SignatureScheme>,
    /// The signed set: documented, or some of without-sign-type, envelope, empty, null-as-nothing, null-as-text, percent, form
    /// with commas between them; UCANPAY_SIGNED_SET when left out
    #[arg(long, value_name = "WORDS")]
    pub(crate) set: Option<SignedSet>,
}

#[derive(Debug, Args)]
#[command(after_help = NOTIFY_EXIT_CODES)]
pub(crate) struct NotifyArguments {
    /// Where it is posted to
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) about: About,
    /// What became of the order
    #[arg(long, value_name = "STATUS", default_value = "SUCCESS", value_parser = trade_status, conflicts_with = "refund")]
    pub(crate) status: TradeStatus,
    /// Notify of this refund instead, which succeeded
    #[arg(long, value_name = "REFUND", requires = "refund_amount")]
    pub(crate) refund: Option<OutRefundNo>,
    /// What went back, in cents
    #[arg(long, value_name = "CENTS", requires = "refund")]
    pub(crate) refund_amount: Option<Amount>,
    /// The gateway's number of the refund
    #[arg(long, value_name = "NUMBER", default_value = "1", requires = "refund")]
    pub(crate) ucp_refund_no: UcpRefundNo,
    /// Set a member before signing, such as totalAmt=1; nothing after the `=` leaves it out; may be given several times
    #[arg(long = "override", value_name = "MEMBER=VALUE", value_parser = member)]
    pub(crate) overrides: Vec<(String, String)>,
    /// Spoil it, so that a careful endpoint refuses it
    #[arg(long, value_name = "HOW", value_enum)]
    pub(crate) corrupt: Option<Spoiling>,
    /// How many copies
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeat: u32,
    /// How many at once
    #[arg(long, value_name = "COPIES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) concurrency: u32,
    /// Print the notification, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) json: bool,
}

/// A way to spoil a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spoiling {
    /// One bit of the signature is turned
    Signature,
    /// No signature at all
    Unsigned,
    /// The amount is changed after signing
    Amount,
    /// Signed with another key
    Key,
    /// signType MD5, with the gateway's public key as the secret
    Md5,
    /// The same signed text cut into other members
    Resplit,
    /// The amount stands there twice: another one, then the one that is signed
    Twice,
    /// Half of it
    Truncate,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every expectation is met
  1  at least one is not
  2  not done: wrong usage, or a file, key or setting that cannot be used
  4  nothing happened: nobody could be reached")]
pub(crate) struct ProbeArguments {
    /// The endpoint for payment notifications
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) about: About,
    /// A page that tells whether the order is paid, asked after each notification; without it only answers are judged
    #[arg(long, value_name = "URL", requires = "paid")]
    pub(crate) order_url: Option<String>,
    /// What stands in that page once the order is paid, and not before, such as '"status":"paid"'
    #[arg(long, value_name = "TEXT", requires = "order_url")]
    pub(crate) paid: Option<String>,
    /// How long an answer may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn trade_status(text: &str) -> Result<TradeStatus, String> {
    Ok(TradeStatus::from(text))
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err("a whole number of seconds, 1 to 600".to_owned()),
    }
}

fn member(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a member is set as in totalAmt=1".to_owned()),
    }
}
