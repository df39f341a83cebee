//! Where a block is kept so that other machines, and this one after a restart, know of it.

use crate::BoxError;
use async_trait::async_trait;
use std::fmt;
use std::time::SystemTime;

/// A block of one merchant account, kept outside the process: a row of a database, as a rule.
///
/// A gate without one keeps its block in memory, shared by its clones. With one it does both: a block that cannot be
/// written holds in this process all the same. The state is read before each attempt of each call, so reading it
/// should cost little. What its errors say may be logged: no credentials.
///
/// Kept in memory, where a row of a database would stand:
///
/// ```
/// use std::{sync::Mutex, time::{Duration, SystemTime}};
/// use ucanpay_transport::{BoxError, GateState, LONGEST_BLOCK};
///
/// #[derive(Debug, Default)]
/// struct Row(Mutex<Option<SystemTime>>);
///
/// #[async_trait::async_trait]
/// impl GateState for Row {
///     async fn blocked_until(&self) -> Result<Option<SystemTime>, BoxError> {
///         Ok(*self.0.lock().unwrap())
///     }
///     async fn block(&self, until: SystemTime) -> Result<(), BoxError> {
///         let mut row = self.0.lock().unwrap();
///         let kept = row.filter(|kept| *kept <= until + LONGEST_BLOCK);
///         *row = kept.max(Some(until));
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (row, now) = (Row::default(), SystemTime::now());
/// let (minute, hour) = (now + Duration::from_secs(60), now + Duration::from_secs(3600));
/// row.block(hour).await.map_err(|error| error.to_string())?;
/// row.block(minute).await.map_err(|error| error.to_string())?; // never shorter
/// assert_eq!(row.blocked_until().await.ok(), Some(Some(hour)));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait GateState: fmt::Debug + Send + Sync {
    /// Until when nothing may be sent. A time that is over counts as `None`; so does one more than
    /// [`LONGEST_BLOCK`](super::LONGEST_BLOCK) ahead, which only a clock that was set back can leave behind.
    ///
    /// # Errors
    ///
    /// When it cannot be read. Nothing is sent then.
    async fn blocked_until(&self) -> Result<Option<SystemTime>, BoxError>;

    /// Sends nothing more until `until`. Of two overlapping blocks the longer one wins, so this never makes one
    /// shorter; except that a time more than [`LONGEST_BLOCK`](super::LONGEST_BLOCK) beyond `until` gives way to it.
    ///
    /// Called in a task of its own, so that a caller who goes away does not cut it off.
    ///
    /// # Errors
    ///
    /// When it cannot be written. That is logged.
    async fn block(&self, until: SystemTime) -> Result<(), BoxError>;
}
