//! Which members are signed and how their values are written: a setting, since the reference excludes nothing by name.
//!
//! [`Merchant::with_signed_set`](crate::Merchant::with_signed_set) comes in here, `canonical.rs` makes the text of it. A
//! message never chooses: what a set leaves out proves nothing, so nothing that is read from there decides anything.

use std::{fmt, str::FromStr};

/// What becomes of a member that is `null`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NullMembers {
    /// It is skipped.
    Skipped,
    /// It is kept as `name=`.
    AsNothing,
    /// It is kept as `name=null`. A member that holds the text `null` is then refused: the two could not be told apart.
    AsText,
}

/// How values are written; names always stand as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SignedValues {
    /// As they are.
    Plain,
    /// Percent-encoded but for `A-Z a-z 0-9 - . _ ~`, a space as `%20` (RFC 3986).
    Percent,
    /// Encoded as in a form: but for `A-Z a-z 0-9 - . _ *`, a space as `+`.
    Form,
}

/// Which members are signed, and how their values are written. Reference: "Signature Algorithm", step one; it leaves this
/// open, so it is a setting: [`Merchant::with_signed_set`](crate::Merchant::with_signed_set).
///
/// In text, as on a command line or in an environment variable, it is `documented`, or these words with commas between them:
///
/// | word | instead of the documented rule |
/// |---|---|
/// | `without-sign-type` | `signType` is not signed; then it decides nothing either |
/// | `envelope` | the envelope's `code`, `msg` and `timestamp` are signed among the members of `data` |
/// | `empty` | empty strings are kept, as `name=` |
/// | `null-as-nothing` | `null` is kept, as `name=` |
/// | `null-as-text` | `null` is kept, as `name=null` |
/// | `percent` | values are percent-encoded, a space as `%20` |
/// | `form` | values are encoded as in a form, a space as `+` |
///
/// ```
/// use ucanpay_core::{SignedSet, SignedValues};
///
/// let set: SignedSet = "without-sign-type,percent".parse()?;
/// assert_eq!(set, SignedSet { sign_type: false, values: SignedValues::Percent, ..SignedSet::DOCUMENTED });
/// assert_eq!(set.to_string(), "without-sign-type,percent");
/// assert_eq!(SignedSet::default().to_string(), "documented");
/// # Ok::<(), ucanpay_core::SignedSetError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SignedSet {
    /// Whether `signType` is signed.
    pub sign_type: bool,
    /// Whether the envelope's own members are signed too. A request has no envelope.
    pub envelope: bool,
    /// Whether empty strings are kept, as `name=`.
    pub empty: bool,
    /// What becomes of `null`.
    pub null: NullMembers,
    /// How values are written.
    pub values: SignedValues,
}

impl SignedSet {
    /// `documented`: all of the body, or of `data`, but `sign`; without `null` and empty strings; values as they are. The
    /// default.
    pub const DOCUMENTED: Self = Self {
        sign_type: true,
        envelope: false,
        empty: false,
        null: NullMembers::Skipped,
        values: SignedValues::Plain,
    };

    /// Every set, [`DOCUMENTED`](Self::DOCUMENTED) first, those with few words before those with many.
    pub(crate) fn all() -> Vec<Self> {
        let mut sets = vec![Self::DOCUMENTED];
        for alternatives in [
            &[Word::WithoutSignType][..],
            &[Word::Envelope],
            &[Word::Empty],
            &[Word::NullAsNothing, Word::NullAsText],
            &[Word::Percent, Word::Form],
        ] {
            let more: Vec<Self> = sets
                .iter()
                .flat_map(|set| alternatives.iter().map(|word| word.put_into(*set)))
                .collect();
            sets.extend(more);
        }
        sets.sort_by_key(|set| set.words().count());
        sets
    }

    fn words(self) -> impl Iterator<Item = Word> {
        WORDS.into_iter().filter(move |word| word.is_in(self))
    }
}

impl Default for SignedSet {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

/// One departure from the documented set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    WithoutSignType,
    Envelope,
    Empty,
    NullAsNothing,
    NullAsText,
    Percent,
    Form,
}

const WORDS: [Word; 7] = [
    Word::WithoutSignType,
    Word::Envelope,
    Word::Empty,
    Word::NullAsNothing,
    Word::NullAsText,
    Word::Percent,
    Word::Form,
];

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::WithoutSignType => "without-sign-type",
            Self::Envelope => "envelope",
            Self::Empty => "empty",
            Self::NullAsNothing => "null-as-nothing",
            Self::NullAsText => "null-as-text",
            Self::Percent => "percent",
            Self::Form => "form",
        }
    }

    fn put_into(self, mut set: SignedSet) -> SignedSet {
        match self {
            Self::WithoutSignType => set.sign_type = false,
            Self::Envelope => set.envelope = true,
            Self::Empty => set.empty = true,
            Self::NullAsNothing => set.null = NullMembers::AsNothing,
            Self::NullAsText => set.null = NullMembers::AsText,
            Self::Percent => set.values = SignedValues::Percent,
            Self::Form => set.values = SignedValues::Form,
        }
        set
    }

    fn is_in(self, set: SignedSet) -> bool {
        self.put_into(set) == set
    }
}

impl fmt::Display for SignedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DOCUMENTED {
            return f.write_str("documented");
        }
        for (index, word) in self.words().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(word.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for SignedSet {
    type Err = SignedSetError;

    /// White space around a word is allowed; a word twice, and two that exclude each other, are not.
    fn from_str(text: &str) -> Result<Self, SignedSetError> {
        if text.trim() == "documented" {
            return Ok(Self::DOCUMENTED);
        }
        let mut set = Self::DOCUMENTED;
        for part in text.split(',').map(str::trim) {
            let word = WORDS.into_iter().find(|word| word.as_str() == part);
            let word = word.ok_or(match part {
                "documented" => SignedSetError::Contradiction,
                _ => SignedSetError::UnknownWord,
            })?;
            let before = set;
            set = word.put_into(set);
            // Each word adds one to those before it, unless it stood there or takes the place of another.
            if set.words().count() == before.words().count() {
                return Err(SignedSetError::Contradiction);
            }
        }
        Ok(set)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SignedSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is no [`SignedSet`]. It does not repeat the text: write one that the table there allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignedSetError {
    /// A word is unknown, or there is none.
    #[error(
        "a signed set is `documented`, or some of these words with commas between them: without-sign-type, envelope, empty, \
         null-as-nothing, null-as-text, percent, form"
    )]
    UnknownWord,
    /// A word stands twice, or beside one that it excludes.
    #[error(
        "each word of a signed set stands once; `documented` stands alone; null-as-nothing excludes null-as-text, and percent \
         excludes form"
    )]
    Contradiction,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_a_text_of_its_own_and_is_read_back_from_it() {
        let sets = SignedSet::all();
        assert_eq!(sets.len(), 72);
        assert_eq!(sets[0], SignedSet::DOCUMENTED);
        let mut texts: Vec<String> = sets.iter().map(ToString::to_string).collect();
        for (set, text) in sets.iter().zip(&texts) {
            assert_eq!(text.parse(), Ok(*set), "{text}");
            assert_eq!(format!(" {} ", text.replace(',', " , ")).parse(), Ok(*set));
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 72);
        assert!(
            SignedSetError::UnknownWord
                .to_string()
                .contains("documented")
        );
        for word in WORDS {
            let known = SignedSetError::UnknownWord.to_string();
            assert!(known.contains(word.as_str()), "{known}");
        }
    }

    #[test]
    fn what_is_unknown_twice_or_contradictory_is_refused() {
        let read = |text: &str| text.parse::<SignedSet>();
        for unknown in [
            "",
            ",",
            "empty,",
            "Empty",
            "sign-type",
            "empty percent",
            "s3cret",
        ] {
            assert_eq!(read(unknown), Err(SignedSetError::UnknownWord), "{unknown}");
        }
        for contradiction in [
            "documented,empty",
            "empty,documented",
            "empty,empty",
            "percent,form",
            "null-as-text,empty,null-as-nothing",
        ] {
            assert_eq!(
                read(contradiction),
                Err(SignedSetError::Contradiction),
                "{contradiction}"
            );
        }
    }
}
