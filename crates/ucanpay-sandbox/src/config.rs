//! What a sandbox is set to.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ucanpay_core::{PrivateKey, PublicKey};

use crate::clock::{Clock, SystemClock, Time};
use crate::gateway::Terms;
use crate::keyed_md5::{MD5, Md5Key};
use crate::seed::Seed;
use crate::switches::{
    Amounts, AmountsDiffer, AnswerSuffix, CodeAs, DataAs, FailedRefunds, Mweb, NameIn, Nonces,
    OwnNumbers, ReEntry, ReversalWindow, ReversingAPaidOrder, Scheme, StatusCase, SwitchError,
    Switches, Times, UnpaidOrders,
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
    pub(crate) md5_secret: Option<Md5Key>,
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
            md5_secret: None,
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

    /// Keyed MD5 in place of RSA, in both directions: `signType` is MD5, and the keys are at rest. Use a secret that is used
    /// nowhere else.
    #[must_use]
    pub fn with_md5_secret(self, secret: impl Into<String>) -> Self {
        let md5_secret = Some(Md5Key::new(secret.into()));
        Self { md5_secret, ..self }
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

    /// After how many bad requests in a row every call is refused with INVALID_REQ_TOO_MUCH for 60 s. The reference says "too
    /// many" and no number, so it is `None`, never, unless it is set.
    #[must_use]
    pub fn with_block_after(mut self, bad_requests: Option<NonZeroU32>) -> Self {
        self.switches.block_after = bad_requests;
        self
    }

    /// After how many attempts a notification is given up. The reference says that it may be, and no number, so it is `None`,
    /// never, unless it is set.
    #[must_use]
    pub fn with_notify_times(mut self, attempts: Option<NonZeroU32>) -> Self {
        self.switches.notify_times = attempts;
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
            sign_type: if self.md5_secret.is_some() {
                MD5
            } else {
                "RSA"
            },
            switches: self.switches,
            refund_delay: ms(self.refund_delay),
            first_notification_delay: ms(self.first_notification_delay),
            notify_interval: ms(self.notify_interval),
        }
    }
}

/// A method for each switch that has positions.
macro_rules! switches {
    ($($(#[$about:meta])* $method:ident($field:ident: $position:ty);)+) => {
        impl SandboxConfig {
            $(
                $(#[$about])*
                #[must_use]
                pub fn $method(mut self, $field: $position) -> Self {
                    self.switches.$field = $field;
                    self
                }
            )+
        }
    };
}

switches! {
    /// Where the error name of a refusal stands.
    with_name_in(name_in: NameIn);
    /// How `data` is written.
    with_data_as(data_as: DataAs);
    /// How `code` is written.
    with_code_as(code_as: CodeAs);
    /// What placing an order again does.
    with_re_entry(re_entry: ReEntry);
    /// How times are written.
    with_times(times: Times);
    /// How amounts are written.
    with_amounts(amounts: Amounts);
    /// The letter case of statuses.
    with_status_case(status_case: StatusCase);
    /// How what is signed is signed, in both directions.
    with_scheme(scheme: Scheme);
    /// What the signed text of an answer ends with, under the scheme `path-suffixed`.
    with_answer_suffix(answer_suffix: AnswerSuffix);
    /// Whether a nonce may come again.
    with_nonces(nonces: Nonces);
    /// Whether later calls need the gateway's own numbers.
    with_own_numbers(own_numbers: OwnNumbers);
    /// What a query says of an order that is not paid.
    with_unpaid_orders(unpaid_orders: UnpaidOrders);
    /// Whether an order may be an MWEB one.
    with_mweb(mweb: Mweb);
    /// What reversing a paid order does.
    with_reversing_a_paid_order(reversing_a_paid_order: ReversingAPaidOrder);
    /// How long an order can be reversed.
    with_reversal_window(reversal_window: ReversalWindow);
    /// The name for a refund whose amounts are not those of the first request.
    with_amounts_differ(amounts_differ: AmountsDiffer);
    /// Whether failed refunds count among the ten of an order.
    with_failed_refunds(failed_refunds: FailedRefunds);
}
