//! The ledger counted: what is unsettled and for how long, what waits for a person, what waits for delivery.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::ProviderId;
use crate::time::Timestamp;

/// The upper ends of the first four ages in [`Unsettled::by_age`]: a minute, a quarter of an hour, two hours, a day.
pub const AGES: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// How far back [`Census::paid`] and [`Census::recovered`] look: a day.
pub const LATELY: Duration = Duration::from_secs(24 * 3_600);

/// What stands in the ledger at one moment.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::ledger::Census;
/// use ucanpay_storefront::{ProviderId, Timestamp};
///
/// let now = Timestamp::from_millis(1_795_509_000_000);
/// let earlier = now.before(Duration::from_secs(30));
/// let terrace = ProviderId::new("terrace")?;
/// let mut census = Census::default(); // as a store makes it of its rows
/// census.account(&terrace).payments.add(earlier, now, now);
/// census.undelivered.add(now);
/// census.undelivered.add(earlier);
/// assert_eq!(census.accounts[&terrace].payments.due.count, 1);
/// assert_eq!((census.undelivered.count, census.undelivered.since), (2, Some(earlier)));
/// # Ok::<(), ucanpay_storefront::IdError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The accounts of which anything is unsettled, or that were blocked once.
    pub accounts: BTreeMap<ProviderId, AccountCensus>,
    /// Discrepancies that nobody has closed.
    pub reviews: Backlog,
    /// Events that wait for their delivery; those that wait behind a parked one are among them.
    pub undelivered: Backlog,
    /// Events that wait for a person.
    pub parked: Backlog,
    /// Payments that turned paid [lately](LATELY).
    pub paid: u64,
    /// How many payments were [found paid by asking](crate::ledger::EventKind::RecoveredByQuery) lately, their
    /// notification not having come by then.
    pub recovered: u64,
}

/// What stands in the ledger about one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountCensus {
    /// Payments of which something is still expected.
    pub payments: Unsettled,
    /// What ended, and may turn out otherwise: closed payments, paid ones whose reversal was refused, failed refunds. They rest
    /// after six hours.
    pub watched: Unsettled,
    /// Refunds of which something is still expected.
    pub refunds: Unsettled,
    /// Until when the gateway takes no calls of it, as last noted; [`Block::rest`](crate::ledger::Block::rest) says
    /// whether that still counts.
    pub blocked_until: Option<Timestamp>,
}

/// Rows of which something is still expected.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::Timestamp;
/// use ucanpay_storefront::ledger::Unsettled;
///
/// let now = Timestamp::from_millis(1_795_509_000_000);
/// let ago = |seconds| now.before(Duration::from_secs(seconds));
/// let mut rows = Unsettled::default();
/// rows.add(ago(20), ago(5), now); // recorded 20 s ago, and due for 5 s
/// rows.add(ago(600), now.after(Duration::from_secs(30)), now);
/// assert_eq!((rows.total(), rows.by_age), (2, [1, 1, 0, 0, 0]));
/// assert_eq!((rows.due.count, rows.due.since), (1, Some(ago(5))));
///
/// let mut all = rows;
/// all.join(rows);
/// assert_eq!(all.total(), 4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// How many, by the time since they were recorded: up to each of [`AGES`], and older.
    pub by_age: [u64; 5],
    /// Those whose time to be asked for has come.
    pub due: Backlog,
}

/// A number of things that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub count: u64,
    /// Since when the one waits that has waited longest.
    pub since: Option<Timestamp>,
}

impl Unsettled {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_age.iter().sum()
    }

    /// Counts others in.
    pub fn join(&mut self, others: Self) {
        for (count, more) in self.by_age.iter_mut().zip(others.by_age) {
            *count += more;
        }
        self.due.count += others.due.count;
        self.due.since = match (self.due.since, others.due.since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Counts a row in.
    pub fn add(&mut self, recorded: Timestamp, next_check: Timestamp, now: Timestamp) {
        let age = now.since(recorded);
        let place = AGES.iter().position(|end| age < *end).unwrap_or(4);
        if let Some(count) = self.by_age.get_mut(place) {
            *count += 1;
        }
        if next_check <= now {
            self.due.add(next_check);
        }
    }
}

impl Backlog {
    /// Counts one in.
    pub fn add(&mut self, since: Timestamp) {
        self.count += 1;
        self.since = Some(self.since.map_or(since, |first| first.min(since)));
    }
}

impl Census {
    /// The account's row, made where it is missing.
    pub fn account(&mut self, id: &ProviderId) -> &mut AccountCensus {
        self.accounts.entry(id.clone()).or_default()
    }
}
