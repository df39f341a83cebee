//! The points that the reference leaves open, as switches: what the sandbox does about each, until a merchant has found out
//! what the real gateway does. `docs/sandbox.md` has the table.
//!
//! They come in from [`SandboxConfig`](crate::SandboxConfig), by its methods or by name; `envelope.rs`, `seal.rs`,
//! `guard.rs` and the gateway's decisions go by them. Which members are signed is in `signed_set.rs`.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::clock::{TimeForm, written};
use crate::message::Members;
use crate::signed_set::SignedSet;

/// One switch: its positions, and the word for each on the command line.
macro_rules! switch {
    ($(#[$about:meta])* $name:ident { $($(#[$position_about:meta])* $position:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$position_about])* $position,)+
        }

        impl $name {
            const WORDS: &[(&str, Self)] = &[$(($word, Self::$position)),+];
        }
    };
}

switch! {
    /// Where the error name of a refusal stands. The reference lists the names and never shows one in an answer.
    NameIn {
        /// It is the whole `msg`. The default.
        #[default]
        Msg = "msg",
        /// It is the `code`, and `msg` says why.
        Code = "code",
        /// In a member `errCode` beside `code`, and `msg` says why.
        ErrCode = "errCode",
        /// Nowhere: `msg` is the description that stands beside it in the Chinese tables, as in the one answer of an error
        /// that is printed.
        Chinese = "zh",
        /// Nowhere: `msg` is the description that stands beside it in the English tables.
        English = "en",
    }
}

switch! {
    /// How `data` is written, in answers and notifications. The reference says "JSON string format".
    DataAs {
        /// A JSON object. The default.
        #[default]
        Object = "object",
        /// A JSON string that holds the object.
        String = "string",
    }
}

switch! {
    /// How `code` is written.
    CodeAs {
        /// A JSON number. The default.
        #[default]
        Number = "number",
        /// A JSON string.
        String = "string",
    }
}

switch! {
    /// What placing an order again with the same parameters does. The reference's prose allows it, its table lists
    /// OUT_TRADE_NO_USED.
    ReEntry {
        /// It is answered as the first time. The default.
        #[default]
        Allow = "allow",
        /// It is refused with OUT_TRADE_NO_USED.
        Refuse = "refuse",
    }
}

switch! {
    /// How times are written.
    Times {
        /// Each as its own sample or table has it. The default.
        #[default]
        AsPrinted = "as-printed",
        /// All as `2021-01-29T03:55:56Z`.
        WithOffset = "offset",
        /// All as `2021-01-29T03:55:56`.
        WithoutOffset = "no-offset",
        /// All as `20210129035556`.
        Digits = "digits",
        /// All as `2021-01-29 03:55:56`.
        Spaced = "spaced",
    }
}

switch! {
    /// What of a message is signed, and how, in both directions. The published sample is not complete; the operator's
    /// second site contradicts it.
    Scheme {
        /// SHA-256 of the canonical string, signed with SHA256withRSA. The default.
        #[default]
        Documented = "documented",
        /// The canonical string, signed with SHA256withRSA.
        Single = "single",
        /// The canonical string, signed with SHA1withRSA.
        Sha1 = "sha1",
        /// The canonical string, signed with MD5withRSA.
        Md5Rsa = "md5-rsa",
        /// SHA-256 of the canonical string, signed with SHA1withRSA.
        PrehashSha1 = "prehash-sha1",
        /// SHA-256 of the canonical string, signed with MD5withRSA.
        PrehashMd5Rsa = "prehash-md5-rsa",
        /// SHA-256 of the canonical string in lower-case hexadecimal, signed with SHA256withRSA.
        PrehashHex = "prehash-hex",
        /// The canonical string with the call's path appended, signed with SHA256withRSA. Answers and notifications have
        /// no path.
        PathSuffixed = "path-suffixed",
    }
}

switch! {
    /// What the text that the gateway signs in an answer ends with, under the scheme `path-suffixed`. Notifications, which
    /// answer no call, end with nothing.
    AnswerSuffix {
        /// Nothing. The default.
        #[default]
        None = "none",
        /// The path of the call.
        Path = "path",
    }
}

switch! {
    /// Whether a request may have the nonce of an earlier one. The reference's advice to repeat a call needs it, the
    /// operator's second site calls nonce and signature "unique for each request".
    Nonces {
        /// It may. The default.
        #[default]
        Reusable = "reusable",
        /// It is refused with SIGNERROR.
        Once = "once",
    }
}

switch! {
    /// Whether later calls need the gateway's own numbers, `ucpOrderNo` and `ucpRefundNo`. The tables say so, and a merchant
    /// who lost the answer does not have them.
    OwnNumbers {
        /// They may be left out. The default.
        #[default]
        Optional = "optional",
        /// They may not.
        Mandatory = "mandatory",
    }
}

switch! {
    /// What a query says of an order that is not paid. The English table says that only orders "successfully paid" can be
    /// queried.
    UnpaidOrders {
        /// Its status. The default.
        #[default]
        AreFound = "found",
        /// ORDERNOTEXIST.
        DoNotExist = "not-exist",
    }
}

switch! {
    /// The name for a refund whose amounts are not those of the first request. Both have the same text in the table.
    AmountsDiffer {
        /// REFUND_FEE_MISMATCH. The default.
        #[default]
        FeeMismatch = "REFUND_FEE_MISMATCH",
        /// FREQUENCY_LIMITED.
        FrequencyLimited = "FREQUENCY_LIMITED",
    }
}

switch! {
    /// Whether failed and closed refunds count among the ten of an order.
    FailedRefunds {
        /// They do not. The default.
        #[default]
        DoNotCount = "free",
        /// They do.
        Count = "count",
    }
}

switch! {
    /// How amounts are written. The tables have both.
    Amounts {
        /// Each as its own table has it: a string in the answer to an order query, elsewhere a number. The default.
        #[default]
        AsPrinted = "as-printed",
        /// All as JSON numbers.
        Number = "number",
        /// All as JSON strings.
        String = "string",
    }
}

switch! {
    /// Whether an order may have the `sceneType` MWEB, which the notification's table lists and the order's does not.
    Mweb {
        /// It may not. The default.
        #[default]
        IsRefused = "refuse",
        /// It may.
        IsTaken = "take",
    }
}

switch! {
    /// How long after it was placed an order can be reversed. The prose says 7 days, the text of TRADE_OVERDUE a year.
    ReversalWindow {
        /// 7 days. The default.
        #[default]
        SevenDays = "7d",
        /// 365 days.
        Year = "365d",
    }
}

switch! {
    /// The letter case of `tradeStatus` and `refundStatus`; the samples have both.
    StatusCase {
        /// `SUCCESS`. The default.
        #[default]
        Upper = "upper",
        /// `success`.
        Lower = "lower",
    }
}

switch! {
    /// What `/payment/reverse` does to a paid order. The reference's prose says that the money goes back to the buyer, its
    /// table of errors lists ORDERPAID.
    ReversingAPaidOrder {
        /// All of it goes back, and the order is REVOKED. The default.
        #[default]
        Returns = "return",
        /// It is refused with ORDERPAID.
        IsRefused = "refuse",
    }
}

/// The position of every switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    pub(crate) name_in: NameIn,
    pub(crate) data_as: DataAs,
    pub(crate) code_as: CodeAs,
    pub(crate) re_entry: ReEntry,
    pub(crate) times: Times,
    pub(crate) scheme: Scheme,
    pub(crate) status_case: StatusCase,
    pub(crate) reversing_a_paid_order: ReversingAPaidOrder,
    pub(crate) signed_set: SignedSet,
    pub(crate) answer_suffix: AnswerSuffix,
    pub(crate) nonces: Nonces,
    pub(crate) own_numbers: OwnNumbers,
    pub(crate) unpaid_orders: UnpaidOrders,
    pub(crate) amounts_differ: AmountsDiffer,
    pub(crate) failed_refunds: FailedRefunds,
    pub(crate) amounts: Amounts,
    pub(crate) mweb: Mweb,
    pub(crate) reversal_window: ReversalWindow,
    /// So many bad requests in a row are followed by a block; `None`: never.
    pub(crate) block_after: Option<NonZeroU32>,
    /// After so many attempts a notification is given up; `None`: never.
    pub(crate) notify_times: Option<NonZeroU32>,
}

/// A setting that no switch understands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// It is not `name=value`.
    #[error("a setting is written name=value, such as name-in=code")]
    NotNameAndValue,
    /// No switch has this name.
    #[error("no setting is called {name}; there are {}", NAMES.join(", "))]
    UnknownName {
        /// The name that was given.
        name: String,
    },
    /// The switch has no such position.
    #[error("{name} is one of {}", positions.join(", "))]
    UnknownValue {
        /// The switch.
        name: String,
        /// What it can be set to.
        positions: Vec<&'static str>,
    },
}

const NAMES: [&str; 20] = [
    "name-in",
    "data",
    "code",
    "re-entry",
    "time",
    "amount",
    "status-case",
    "scheme",
    "signed-set",
    "answer-suffix",
    "nonce",
    "own-numbers",
    "unpaid",
    "mweb",
    "reverse-paid",
    "reverse-window",
    "amounts-differ",
    "failed-refunds",
    "block-after",
    "notify-times",
];

impl Switches {
    /// Sets one switch, as in `name-in=code`.
    pub(crate) fn set(&mut self, setting: &str) -> Result<(), SwitchError> {
        let (name, word) = setting
            .split_once('=')
            .ok_or(SwitchError::NotNameAndValue)?;
        match name {
            "name-in" => self.name_in = position(name, word, NameIn::WORDS)?,
            "data" => self.data_as = position(name, word, DataAs::WORDS)?,
            "code" => self.code_as = position(name, word, CodeAs::WORDS)?,
            "re-entry" => self.re_entry = position(name, word, ReEntry::WORDS)?,
            "time" => self.times = position(name, word, Times::WORDS)?,
            "scheme" => self.scheme = position(name, word, Scheme::WORDS)?,
            "status-case" => self.status_case = position(name, word, StatusCase::WORDS)?,
            "reverse-paid" => {
                self.reversing_a_paid_order = position(name, word, ReversingAPaidOrder::WORDS)?;
            }
            "signed-set" => self.signed_set = signed_set(word)?,
            "answer-suffix" => self.answer_suffix = position(name, word, AnswerSuffix::WORDS)?,
            "nonce" => self.nonces = position(name, word, Nonces::WORDS)?,
            "own-numbers" => self.own_numbers = position(name, word, OwnNumbers::WORDS)?,
            "unpaid" => self.unpaid_orders = position(name, word, UnpaidOrders::WORDS)?,
            "amounts-differ" => self.amounts_differ = position(name, word, AmountsDiffer::WORDS)?,
            "failed-refunds" => self.failed_refunds = position(name, word, FailedRefunds::WORDS)?,
            "amount" => self.amounts = position(name, word, Amounts::WORDS)?,
            "mweb" => self.mweb = position(name, word, Mweb::WORDS)?,
            "reverse-window" => self.reversal_window = position(name, word, ReversalWindow::WORDS)?,
            "block-after" => self.block_after = count(name, word)?,
            "notify-times" => self.notify_times = count(name, word)?,
            _ => {
                return Err(SwitchError::UnknownName {
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The merchant's settings that go with these, where they are not the usual ones, by their names after `UCANPAY_`.
    pub(crate) fn of_the_merchant(self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        if self.scheme != Scheme::default() {
            let word = Scheme::WORDS
                .iter()
                .find(|(_, scheme)| *scheme == self.scheme);
            settings.extend(word.map(|(word, _)| ("SCHEME", (*word).to_owned())));
        }
        if self.signed_set != SignedSet::default() {
            settings.push(("SIGNED_SET", self.signed_set.to_string()));
        }
        if self.answer_suffix == AnswerSuffix::Path {
            settings.push(("RECEIVED_SUFFIX", "call".to_owned()));
        }
        if self.nonces == Nonces::Once {
            settings.push(("FRESH_NONCE_ON_RETRY", "true".to_owned()));
        }
        settings
    }

    /// A time as it goes out, where the reference prints it in this form.
    pub(crate) fn time(self, at: i64, printed: TimeForm) -> String {
        let form = match self.times {
            Times::AsPrinted => printed,
            Times::WithOffset => TimeForm::WithOffset,
            Times::WithoutOffset => TimeForm::WithoutOffset,
            Times::Digits => TimeForm::Digits,
            Times::Spaced => TimeForm::Spaced,
        };
        written(at, form)
    }

    /// The members with an amount that the reference prints as a number.
    pub(crate) fn with_amount(self, members: Members, name: &str, cents: i64) -> Members {
        match self.amounts {
            Amounts::AsPrinted | Amounts::Number => members.with_number(name, cents),
            Amounts::String => members.with(name, cents.to_string()),
        }
    }

    /// The members with an amount that the reference prints as a string.
    pub(crate) fn with_amount_in_a_string(
        self,
        members: Members,
        name: &str,
        cents: i64,
    ) -> Members {
        match self.amounts {
            Amounts::AsPrinted | Amounts::String => members.with(name, cents.to_string()),
            Amounts::Number => members.with_number(name, cents),
        }
    }

    /// A status as it goes out.
    pub(crate) fn status(self, status: &str) -> String {
        match self.status_case {
            StatusCase::Upper => status.to_owned(),
            StatusCase::Lower => status.to_ascii_lowercase(),
        }
    }
}

fn position<P: Copy>(
    name: &str,
    word: &str,
    words: &[(&'static str, P)],
) -> Result<P, SwitchError> {
    let found = words.iter().find(|(known, _)| *known == word);
    found
        .map(|(_, position)| *position)
        .ok_or_else(|| SwitchError::UnknownValue {
            name: name.to_owned(),
            positions: words.iter().map(|(known, _)| *known).collect(),
        })
}

fn signed_set(words: &str) -> Result<SignedSet, SwitchError> {
    SignedSet::read(words).ok_or_else(|| SwitchError::UnknownValue {
        name: "signed-set".to_owned(),
        positions: SignedSet::WORDS.to_vec(),
    })
}

/// A number from 1, or `off`.
fn count(name: &str, word: &str) -> Result<Option<NonZeroU32>, SwitchError> {
    if word == "off" {
        return Ok(None);
    }
    word.parse()
        .map(Some)
        .map_err(|_| SwitchError::UnknownValue {
            name: name.to_owned(),
            positions: vec!["off", "a whole number from 1"],
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_is_set_by_each_of_its_words_and_stands_in_the_docs() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");
        let page = std::fs::read_to_string(page).unwrap();
        for name in NAMES {
            let mut switches = Switches::default();
            let Err(SwitchError::UnknownValue { positions, .. }) =
                switches.set(&format!("{name}=?"))
            else {
                panic!("{name}")
            };
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")))
                .unwrap_or_else(|| panic!("no row for {name}"));
            for (index, word) in positions.iter().enumerate() {
                let word = match *word {
                    "a whole number from 1" => "1",
                    word => word,
                };
                assert!(row.contains(&format!("`{word}`")), "{name}={word}");
                switches.set(&format!("{name}={word}")).unwrap();
                assert_eq!(switches == Switches::default(), index == 0, "{name}={word}");
            }
        }
    }

    #[test]
    fn a_block_is_off_or_follows_a_number_of_bad_requests() {
        let mut switches = Switches::default();
        switches.set("block-after=5").unwrap();
        assert_eq!(switches.block_after, NonZeroU32::new(5));
        switches.set("block-after=off").unwrap();
        assert_eq!(switches.block_after, None);
        for wrong in ["block-after=0", "block-after=-1", "block-after=on"] {
            assert!(switches.set(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_setting_says_what_would_be_right() {
        for (setting, expected) in [
            ("name-in", "written name=value"),
            (
                "name=msg",
                "no setting is called name; there are name-in, data",
            ),
            ("name-in=data", "name-in is one of msg, code, errCode"),
        ] {
            let error = Switches::default().set(setting).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
