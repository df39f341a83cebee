//! How a command ends: with a text, with a no, or not at all.

use std::error::Error;

/// A command that was carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// For standard output, line breaks included.
    pub(crate) text: String,
    pub(crate) code: u8,
}

impl Done {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: 0,
        }
    }

    /// The answer is no.
    pub(crate) fn no(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: 1,
        }
    }
}

/// What went wrong, in one sentence without secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The message is refused.
    #[error("refused: {0}")]
    Refused(String),
    /// The command could not be carried out.
    #[error("{0}")]
    NotDone(String),
}

impl Failure {
    pub(crate) fn refused(error: &dyn Error) -> Self {
        Self::Refused(chain(error))
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::NotDone(_) => 2,
        }
    }
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
