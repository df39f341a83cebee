//! How a command ends: with a text, with a no, or not at all.

use std::error::Error;

use serde_json::{Map, Value, json};
use ucanpay_core::ErrorClass;
use ucanpay_storefront::SettingError;
use ucanpay_transport::{Effect, Error as CallError};

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
    /// The message is refused, or the gateway's answer is no.
    #[error("refused: {0}")]
    Refused(String),
    /// The command could not be carried out.
    #[error("{0}")]
    NotDone(String),
    /// It may or may not have happened.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// Nothing happened, and it may go well later.
    #[error("nothing happened: {0}")]
    Later(String),
    /// One of these, as a call of the gateway ended.
    #[error("{failure}")]
    Call {
        failure: Box<Failure>,
        /// What the gateway said, for programs.
        gateway: Map<String, Value>,
    },
}

impl Failure {
    pub(crate) fn refused(error: &dyn Error) -> Self {
        Self::Refused(chain(error))
    }

    /// The same of a query that came before a call: whatever became of it, nothing has happened.
    pub(crate) fn before(self, what: &str) -> Self {
        match self {
            Self::Call { failure, gateway } => Self::Call {
                failure: Box::new(failure.before(what)),
                gateway,
            },
            Self::Refused(text) => Self::Refused(format!("{what}: {text}")),
            Self::NotDone(text) => Self::NotDone(text),
            Self::Unknown(text) | Self::Later(text) => Self::Later(format!("{what}: {text}")),
        }
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::NotDone(_) => 2,
            Self::Unknown(_) => 3,
            Self::Later(_) => 4,
            Self::Call { failure, .. } => failure.code(),
        }
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Value {
        let result = match self.code() {
            1 => "refused",
            3 => "unknown",
            4 => "later",
            _ => "not_done",
        };
        let mut object = match self {
            Self::Call { gateway, .. } => gateway.clone(),
            _ => Map::new(),
        };
        object.insert("result".to_owned(), result.into());
        object.insert("error".to_owned(), self.to_string().into());
        object.into()
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        Self::NotDone(error.to_string())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let mut text = chain(&error);
        let mut gateway = Map::new();
        if let Some(said) = error.gateway() {
            let said = json!({"name": said.code().name(), "message": said.message(), "signed": said.signed()});
            gateway.insert("gateway".to_owned(), said);
        }
        let wait = error.retry_after();
        if let Some(wait) = wait {
            let seconds = wait.as_secs().max(1);
            if !matches!(error, CallError::RateLimited { .. }) {
                text.push_str(&format!("; come again in {seconds} s"));
            }
            gateway.insert("retryAfterSeconds".to_owned(), seconds.into());
        }
        let class = error.gateway().map(|said| said.code().class());
        let failure = match (&error, error.effect()) {
            (CallError::InvalidRequest(_) | CallError::Config(_), _) => Self::NotDone(text),
            (_, Effect::Unknown | Effect::Done) => Self::Unknown(text),
            (CallError::Rejected { .. }, Effect::None)
                if wait.is_none()
                    && !matches!(class, Some(ErrorClass::NotDoneBusy | ErrorClass::Blocked)) =>
            {
                Self::Refused(text)
            }
            (_, Effect::None) => Self::Later(text),
        };
        Self::Call {
            failure: Box::new(failure),
            gateway,
        }
    }
}

/// An error and its causes, in one line. A cause that an error tells already is not told twice.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        source = cause.source();
    }
    text
}
