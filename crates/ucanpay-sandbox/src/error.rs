//! What can go wrong with the sandbox itself. What the gateway *refuses* is `refusal.rs`.

use std::path::PathBuf;

use thiserror::Error;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The sandbox could not be opened, or could not do its own work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The merchant id is not 1–32 characters.
    #[error(
        "the merchant id must have 1 to 32 characters; it is the number UCanPay gives a merchant, for example 2000000010"
    )]
    MerchantId,
    /// The state file cannot be opened: look at its folder and permissions, and whether another sandbox
    /// holds it.
    #[error("the sandbox's state file {} cannot be opened; is its folder there and writable, and is no other sandbox using it?", path.display())]
    OpenState {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: BoxError,
    },
    /// The state file is there but does not hold what this version writes: move it away to start afresh.
    #[error("the sandbox's state cannot be read; move the state file away to start afresh")]
    ReadState(#[source] BoxError),
    /// The seed cannot be read, or one of its orders cannot be placed.
    #[error("the seed cannot be used")]
    Seed(#[source] BoxError),
    /// A change could not be written; it did not happen.
    #[error("the sandbox's state cannot be written, so nothing was changed; is the disk full?")]
    WriteState(#[source] BoxError),
    /// An answer or notification could not be signed.
    #[error("the gateway's private key cannot sign")]
    Signing(#[source] BoxError),
    /// The client that sends notifications could not be set up.
    #[error("the notifier's HTTP client cannot be set up")]
    Notifier(#[source] BoxError),
    /// The clock runs by itself: open the sandbox with a driven clock to move it.
    #[error("the sandbox's clock runs by itself; start it with a driven clock to move it")]
    ClockNotDriven,
    /// The work was cut off because the runtime is shutting down.
    #[error("the sandbox is shutting down")]
    Stopped,
}

impl SandboxError {
    pub(crate) fn signing(source: impl Into<BoxError>) -> Self {
        Self::Signing(source.into())
    }
}

/// An error and its causes in one line.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        line = format!("{line}: {source}");
        cause = source.source();
    }
    line
}
