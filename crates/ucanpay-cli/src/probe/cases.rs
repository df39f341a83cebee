//! What is sent, in which order, and what a careful endpoint does with it.
//!
//! Everything that must not pay the order comes first, while it is unpaid; then it is paid, and told so again in every way
//! that a genuine gateway may.

use md5::{Digest as _, Md5};
use ucanpay_core::OutTradeNo;
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::{About, Spoiling},
    notice::{Notice, Seal, enveloped},
    outcome::Failure,
    spoil::{other_amount, spoiled},
};

/// Far beyond any notification, and beyond the usual limits of web servers.
const OVERSIZE: usize = 4 * 1024 * 1024;
/// How many copies come at once.
const CROWD: usize = 16;

/// One thing that is tried.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) sent: Sent,
    pub(super) expected: Expected,
    /// What the order is to be afterwards.
    pub(super) leaves: Order,
    /// What is wrong when the expectation is not met.
    pub(super) otherwise: &'static str,
}

/// How it is sent.
pub(super) enum Sent {
    /// Once.
    Once(String),
    /// So many copies at once.
    Together(String, usize),
    /// The first half of it, and then nothing more; meanwhile this is sent by another connection.
    Stalled(String, String),
}

/// What is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// SUCCESS.
    Success,
    /// Anything but SUCCESS.
    NoSuccess,
    /// SUCCESS or FAIL, as the shop likes: only the order tells whether it was right.
    Answer,
    /// Whatever it likes, but in time.
    InTime,
    /// Anything but SUCCESS, a connection that is closed among it.
    Refusal,
}

/// Whether the order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Unpaid,
    Paid,
}

/// All of them, for one order.
pub(super) fn cases(
    about: &About,
    seal: &Seal,
    account: &UcanpayAccount,
) -> Result<Vec<Case>, Failure> {
    let success = Notice::payment(about, "SUCCESS", account)?;
    let unpaid = Notice::payment(about, "NOTPAY", account)?;
    let mut cases = forged(&success, &unpaid, seal)?;
    cases.extend(misleading(&success, &unpaid, seal)?);
    cases.extend(genuine(&success, &unpaid, seal)?);
    Ok(cases)
}

/// What strangers send: none of it is the gateway's.
fn forged(success: &Notice, unpaid: &Notice, seal: &Seal) -> Result<Vec<Case>, Failure> {
    let spoil = |how| spoiled(success.clone(), how, seal);
    let refused = |name, body, otherwise| Case {
        name,
        sent: Sent::Once(body),
        expected: Expected::NoSuccess,
        leaves: Order::Unpaid,
        otherwise,
    };
    let raised = unpaid.clone().signed(seal)?.with("tradeStatus", "SUCCESS");
    let without_secret = success
        .clone()
        .with("nonceStr", "probe")
        .with("signType", "MD5");
    let text = format!("{}&key=", without_secret.canonical(seal.set)?);
    let digest: String = Md5::digest(text)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Ok(vec![
        refused(
            "no JSON",
            "paid".to_owned(),
            "whatever comes in is taken for a payment",
        ),
        refused(
            "empty data",
            enveloped("{}"),
            "a message without members is taken for a payment",
        ),
        refused(
            "truncated",
            spoil(Spoiling::Truncate)?,
            "half a message is taken for a whole one",
        ),
        refused(
            "unsigned",
            spoil(Spoiling::Unsigned)?,
            "anybody can pay any order: a missing signature has to be refused",
        ),
        refused(
            "bad signature",
            spoil(Spoiling::Signature)?,
            "anybody can pay any order: the signature is not verified",
        ),
        refused(
            "wrong key",
            spoil(Spoiling::Key)?,
            "anybody can pay any order: the signature is verified with a key that the message brings, or not at all",
        ),
        refused(
            "mutated amount",
            spoil(Spoiling::Amount)?,
            "the amount can be changed on the way: it is not part of what is verified",
        ),
        refused(
            "mutated status",
            raised.body(),
            "an unpaid order can be made paid on the way: the status is not part of what is verified",
        ),
        refused(
            "re-split members",
            spoil(Spoiling::Resplit)?,
            "text that a buyer may write can pass for other members: refuse `&` in values, as the signed text is ambiguous",
        ),
        refused(
            "member twice",
            spoil(Spoiling::Twice)?,
            "one of two members of the same name is verified, and perhaps the other one believed: refuse both",
        ),
        refused(
            "MD5 by public key",
            spoil(Spoiling::Md5)?,
            "the message chooses how it is verified, and everybody has the public key: take the algorithm from the settings",
        ),
        refused(
            "MD5 without secret",
            without_secret.with("sign", digest).body(),
            "the message chooses how it is verified, and the secret is empty: take the algorithm from the settings",
        ),
        Case {
            name: "slow sender",
            sent: Sent::Stalled(
                spoil(Spoiling::Signature)?,
                unpaid.clone().signed(seal)?.body(),
            ),
            expected: Expected::InTime,
            leaves: Order::Unpaid,
            otherwise: "one slow sender keeps all others waiting: read bodies at the same time, and with a time-out",
        },
    ])
}

/// Truly signed, and yet not this order's payment.
fn misleading(success: &Notice, unpaid: &Notice, seal: &Seal) -> Result<Vec<Case>, Failure> {
    let answered = |name, notice: Notice, otherwise| {
        Ok::<_, Failure>(Case {
            name,
            sent: Sent::Once(notice.signed(seal)?.body()),
            expected: Expected::Answer,
            leaves: Order::Unpaid,
            otherwise,
        })
    };
    let success = || success.clone();
    Ok(vec![
        answered(
            "not paid yet",
            unpaid.clone(),
            "the status is not looked at: only SUCCESS and REFUND are a payment",
        )?,
        answered(
            "wrong amount",
            success().with("totalAmt", other_amount(&success())),
            "what was paid is not held against what the order costs",
        )?,
        answered(
            "wrong currency",
            success().with("currency", "XTS"),
            "another currency is taken for the order's",
        )?,
        answered(
            "wrong merchant",
            success().with("merchantId", "PROBE"),
            "what was paid to another merchant is taken for one's own",
        )?,
        answered(
            "wrong order",
            success().with("outTradeNo", OutTradeNo::random().as_str()),
            "an order that is not there has to be answered too, and must not touch another one",
        )?,
    ])
}

/// What the gateway itself may send, and has to be told SUCCESS for.
fn genuine(success: &Notice, unpaid: &Notice, seal: &Seal) -> Result<Vec<Case>, Failure> {
    let again = || success.clone().signed(seal);
    let first = again()?;
    let taken = |name, sent, otherwise| Case {
        name,
        sent,
        expected: Expected::Success,
        leaves: Order::Paid,
        otherwise,
    };
    let copies = "a copy has to be answered SUCCESS, or the gateway goes on sending it";
    let reading = "it is the same message in other bytes, and a gateway may write it so";
    Ok(vec![
        taken(
            "genuine",
            Sent::Once(first.body()),
            "the payment is not taken: look at order, amount, merchant and key that the probe was given, then at the endpoint",
        ),
        taken("duplicate", Sent::Once(first.body()), copies),
        taken(
            "concurrent",
            Sent::Together(first.body(), CROWD),
            "copies at the same time have to be answered SUCCESS, each of them",
        ),
        taken("new nonce", Sent::Once(again()?.body()), copies),
        taken(
            "reordered members",
            Sent::Once(again()?.reordered().body()),
            reading,
        ),
        taken(
            "re-encoded text",
            Sent::Once(enveloped(&again()?.escaped_data())),
            reading,
        ),
        taken(
            "data as text",
            Sent::Once(again()?.body_with_text()),
            reading,
        ),
        taken(
            "unknown member",
            Sent::Once(success.clone().with("probe", "new").signed(seal)?.body()),
            "a member that is not documented is signed as well, and no reason to refuse",
        ),
        Case {
            name: "earlier news",
            sent: Sent::Once(unpaid.clone().signed(seal)?.body()),
            expected: Expected::Answer,
            leaves: Order::Paid,
            otherwise: "news from before the payment must not undo it",
        },
        Case {
            name: "oversized",
            sent: Sent::Once(format!("{}{}", " ".repeat(OVERSIZE), first.body())),
            expected: Expected::Refusal,
            leaves: Order::Paid,
            otherwise: "4 MiB are read for a message of 1 KiB: set a limit of 64 KiB",
        },
        taken(
            "replayed at last",
            Sent::Once(first.body()),
            "after all this a copy is not answered SUCCESS any more",
        ),
    ])
}
