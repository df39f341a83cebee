//! What a sandbox is set to.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ucanpay_core::{PrivateKey, PublicKey};

use crate::clock::{Clock, SystemClock, Time};
use crate::gateway::Terms;
use crate::seed::Seed;
use crate::switches::{
    CodeAs, DataAs, NameIn, ReEntry, ReversingAPaidOrder, Scheme, StatusCase, SwitchError,
    Switches, Times,
};

/// Where the sandbox keeps its orders, refunds and pending notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Gone when the sandbox ends.
    #[default]
    Memory,
    /// One SQLite file, made if it is not there. Everything is found again after a restart, also after a
    /// kill. Only one sandbox at a time can hold it.
    File(PathBuf),
}

/// The settings of a [`Sandbox`](crate::Sandbox).
///
/// ```no_run
/// use std::time::Duration;
/// use ucanpay_core::{PrivateKey, PublicKey};
/// use ucanpay_sandbox::{SandboxConfig, State};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let merchant_key = PublicKey::from_bytes(&std::fs::read("merchant.pub.pem")?)?;
/// let platform_key = PrivateKey::from_bytes(&std::fs::read("platform.pem")?)?;
/// let config = SandboxConfig::new("2000000010", merchant_key, platform_key)
///     .with_state(State::File("sandbox.db".into()))
///     .with_notify_interval(Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    pub(crate) merchant_id: String,
    pub(crate) merchant_key: PublicKey,
    pub(crate) platform_key: PrivateKey,
    pub(crate) state: State,
    pub(crate) notify_interval: Duration,
    pub(crate) refund_delay: Duration,
    pub(crate) first_notification_delay: Duration,
    pub(crate) allow_remote: bool,
    pub(crate) switches: Switches,
    pub(crate) time: Time,
    pub(crate) seed: Seed,
}

impl SandboxConfig {
    /// A gateway that knows one merchant: `merchant_key` checks what the merchant sends, `platform_key`
    /// signs what the gateway sends.
    ///
    /// State is in memory, notifications go out after 0.3 s and then every 15 s until SUCCESS, refunds
    /// have their result after 2 s, and notifications go to this machine only.
    pub fn new(
        merchant_id: impl Into<String>,
        merchant_key: PublicKey,
        platform_key: PrivateKey,
    ) -> Self {
        Self {
            merchant_id: merchant_id.into(),
            merchant_key,
            platform_key,
            state: State::Memory,
            notify_interval: Duration::from_secs(15),
            refund_delay: Duration::from_secs(2),
            first_notification_delay: Duration::from_millis(300),
            allow_remote: false,
            switches: Switches::default(),
            time: Time::Running(Arc::new(SystemClock)),
            seed: Seed::default(),
        }
    }

    /// Where state is kept.
    #[must_use]
    pub fn with_state(self, state: State) -> Self {
        Self { state, ..self }
    }

    /// What it begins with when it has no orders yet, and begins with again after a reset. The seed's fault plan holds
    /// from every start, since plans are not kept.
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// How long after a failed attempt a notification is sent again; 15 s at the real gateway.
    #[must_use]
    pub fn with_notify_interval(self, notify_interval: Duration) -> Self {
        Self {
            notify_interval,
            ..self
        }
    }

    /// How long a refund is PROCESSING.
    #[must_use]
    pub fn with_refund_delay(self, refund_delay: Duration) -> Self {
        Self {
            refund_delay,
            ..self
        }
    }

    /// How long after the event its notification goes out first.
    #[must_use]
    pub fn with_first_notification_delay(self, first_notification_delay: Duration) -> Self {
        Self {
            first_notification_delay,
            ..self
        }
    }

    /// Whether notifications may go to other machines than this one. Off by default: a notify URL may
    /// name a real shop.
    #[must_use]
    pub fn with_allow_remote(self, allow_remote: bool) -> Self {
        Self {
            allow_remote,
            ..self
        }
    }

    /// Sets one of the switches below by its name, as the command's `--set` does: `name-in=code`. `docs/sandbox.md` has the
    /// table.
    ///
    /// # Errors
    /// [`SwitchError`], which says what the names and values are.
    pub fn with_setting(mut self, setting: &str) -> Result<Self, SwitchError> {
        self.switches.set(setting)?;
        Ok(self)
    }

    /// Where the error name of a refusal stands.
    #[must_use]
    pub fn with_name_in(mut self, name_in: NameIn) -> Self {
        self.switches.name_in = name_in;
        self
    }

    /// How `data` is written.
    #[must_use]
    pub fn with_data_as(mut self, data_as: DataAs) -> Self {
        self.switches.data_as = data_as;
        self
    }

    /// How `code` is written.
    #[must_use]
    pub fn with_code_as(mut self, code_as: CodeAs) -> Self {
        self.switches.code_as = code_as;
        self
    }

    /// What placing an order again does.
    #[must_use]
    pub fn with_re_entry(mut self, re_entry: ReEntry) -> Self {
        self.switches.re_entry = re_entry;
        self
    }

    /// How times are written.
    #[must_use]
    pub fn with_times(mut self, times: Times) -> Self {
        self.switches.times = times;
        self
    }

    /// What is signed, and how, in both directions.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.switches.scheme = scheme;
        self
    }

    /// The letter case of statuses.
    #[must_use]
    pub fn with_status_case(mut self, status_case: StatusCase) -> Self {
        self.switches.status_case = status_case;
        self
    }

    /// What reversing a paid order does.
    #[must_use]
    pub fn with_reversing_a_paid_order(
        mut self,
        reversing_a_paid_order: ReversingAPaidOrder,
    ) -> Self {
        self.switches.reversing_a_paid_order = reversing_a_paid_order;
        self
    }

    /// After how many bad requests in a row every call is refused with INVALID_REQ_TOO_MUCH for 60 s. The reference says "too
    /// many" and no number, so it is `None`, never, unless it is set.
    #[must_use]
    pub fn with_block_after(mut self, bad_requests: Option<NonZeroU32>) -> Self {
        self.switches.block_after = bad_requests;
        self
    }

    /// Another source of time that runs by itself.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self {
            time: Time::Running(clock),
            ..self
        }
    }

    /// A clock that stands at `start` until [`Sandbox::advance`](crate::Sandbox::advance) or `POST /_sandbox/clock`
    /// moves it on: a test sees fifteen seconds, or seven days, go by at once. Sandboxes opened with clones of this
    /// configuration share it. It is not kept in a state file.
    #[must_use]
    pub fn with_driven_clock(self, start: SystemTime) -> Self {
        Self {
            time: Time::standing_at(start),
            ..self
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Terms {
            merchant_id: self.merchant_id.clone(),
            switches: self.switches,
            refund_delay: ms(self.refund_delay),
            first_notification_delay: ms(self.first_notification_delay),
            notify_interval: ms(self.notify_interval),
        }
    }
}
