//! The points that the reference leaves open, as switches: what the sandbox does about each, until a merchant has found out
//! what the real gateway does. `docs/sandbox.md` has the table.
//!
//! They come in from [`SandboxConfig`](crate::SandboxConfig), by its methods or by name; `envelope.rs`, `seal.rs`,
//! `guard.rs` and the gateway's decisions go by them.

use std::num::NonZeroU32;

use thiserror::Error;

use crate::clock::{TimeForm, written};

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
    /// So many bad requests in a row are followed by a block; `None`: never.
    pub(crate) block_after: Option<NonZeroU32>,
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

const NAMES: [&str; 9] = [
    "name-in",
    "data",
    "code",
    "re-entry",
    "time",
    "scheme",
    "status-case",
    "reverse-paid",
    "block-after",
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
            "block-after" => self.block_after = block_after(word)?,
            _ => {
                return Err(SwitchError::UnknownName {
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
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

fn block_after(word: &str) -> Result<Option<NonZeroU32>, SwitchError> {
    if word == "off" {
        return Ok(None);
    }
    word.parse()
        .map(Some)
        .map_err(|_| SwitchError::UnknownValue {
            name: "block-after".to_owned(),
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
                assert!(
                    row.contains(&format!("`{word}`")) || name == "block-after",
                    "{name}={word}"
                );
                if name != "block-after" {
                    switches.set(&format!("{name}={word}")).unwrap();
                    assert_eq!(switches == Switches::default(), index == 0, "{name}={word}");
                }
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
