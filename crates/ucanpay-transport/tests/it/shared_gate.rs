//! A block that machines share, and a time of day that jumps.

use crate::scripted::*;
use async_trait::async_trait;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use ucanpay_transport::{
    BoxError, Client, Clock, Effect, Error, Gate, GateState, HeldBack, LONGEST_BLOCK,
};

const SECOND: Duration = Duration::from_secs(1);

/// A row of a database.
#[derive(Debug, Default)]
struct Row {
    until: Mutex<Option<SystemTime>>,
    reads: AtomicU32,
    unreadable: bool,
    unwritable: bool,
    /// How long a write takes.
    slow: Duration,
}

#[async_trait]
impl GateState for Row {
    async fn blocked_until(&self) -> Result<Option<SystemTime>, BoxError> {
        self.reads.fetch_add(1, Relaxed);
        if self.unreadable {
            return Err("the database is down".into());
        }
        Ok(*self.until.lock().unwrap())
    }

    async fn block(&self, until: SystemTime) -> Result<(), BoxError> {
        if self.unwritable {
            return Err("the database is down".into());
        }
        tokio::time::sleep(self.slow).await;
        let mut row = self.until.lock().unwrap();
        *row = (*row).max(Some(until));
        Ok(())
    }
}

/// A machine: its own gate and clock, and the row that it shares with others.
fn machine(row: &Arc<Row>, replies: impl IntoIterator<Item = Reply>) -> (Client, Gateway) {
    client(Gate::builder().state(row.clone()).build(), replies)
}

fn client(gate: Gate, replies: impl IntoIterator<Item = Reply>) -> (Client, Gateway) {
    let gateway = Gateway::replying(replies);
    let client = Client::builder(merchant()).gate(gate);
    (client.build_with(gateway.clone()).unwrap(), gateway)
}

fn is_closed(error: &Error) -> bool {
    matches!(error.held_back(), Some(HeldBack::Closed { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_block_met_by_one_machine_holds_back_the_others() {
    let row = Arc::new(Row::default());
    let (first, _) = machine(&row, [error_name("INVALID_REQ_TOO_MUCH")]);
    let (second, gateway) = machine(&row, [paid()]);
    first.call(&query()).await.unwrap_err();
    let error = second.call(&query()).await.unwrap_err();
    assert!(is_closed(&error), "{error:?}");
    assert!(error.retry_after().unwrap() > 59 * SECOND, "{error:?}");
    assert_eq!(gateway.calls(), 0);
    tokio::time::advance(61 * SECOND).await;
    second.call(&query()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_attempt_reads_the_row_once() {
    let row = Arc::new(Row::default());
    let (client, gateway) = machine(&row, [reset(), reset(), paid()]);
    client.call(&query()).await.unwrap();
    assert_eq!(gateway.calls(), 3);
    assert_eq!(row.reads.load(Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn while_the_row_cannot_be_read_nothing_is_sent() {
    let row = Arc::new(Row {
        unreadable: true,
        ..Row::default()
    });
    let (client, gateway) = machine(&row, []);
    let error = client.call(&query()).await.unwrap_err();
    assert!(
        matches!(error.held_back(), Some(HeldBack::State(_))),
        "{error:?}"
    );
    assert_eq!((error.effect(), error.retry_after()), (Effect::None, None));
    assert_eq!(gateway.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_cannot_be_written_holds_in_this_process_all_the_same() {
    let row = Arc::new(Row {
        unwritable: true,
        ..Row::default()
    });
    let (client, gateway) = machine(&row, [limited("30")]);
    client.call(&query()).await.unwrap_err();
    assert!(is_closed(&client.call(&query()).await.unwrap_err()));
    assert_eq!(gateway.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_holds_the_answer_up_for_a_second_and_is_done_all_the_same() {
    let row = Arc::new(Row {
        slow: 5 * SECOND,
        ..Row::default()
    });
    let (client, _) = machine(&row, [limited("30")]);
    let start = Instant::now();
    let error = client.call(&query()).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 1);
    tokio::time::sleep(5 * SECOND).await;
    assert!(row.until.lock().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_does_not_cut_the_write_off() {
    let row = Arc::new(Row {
        slow: SECOND / 2,
        ..Row::default()
    });
    let (client, _) = machine(&row, [limited("30")]);
    let dropped = tokio::time::timeout(SECOND / 4, client.call(&query())).await;
    assert!(dropped.is_err());
    tokio::time::sleep(SECOND).await;
    assert!(row.until.lock().unwrap().is_some());
    assert!(is_closed(&client.call(&query()).await.unwrap_err()));
}

/// A machine's clock, whose time of day somebody sets.
#[derive(Debug)]
struct Watch {
    started: Instant,
    set: Mutex<SystemTime>,
}

impl Watch {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            set: Mutex::new(SystemTime::UNIX_EPOCH + 500_000 * 3600 * SECOND),
        })
    }

    fn move_by(&self, hours: i64) {
        let mut set = self.set.lock().unwrap();
        let by = Duration::from_secs(3600 * hours.unsigned_abs());
        *set = if hours < 0 { *set - by } else { *set + by };
    }
}

#[async_trait]
impl Clock for Watch {
    fn now(&self) -> SystemTime {
        *self.set.lock().unwrap() + self.uptime()
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_lasts_as_long_as_it_should_whatever_happens_to_the_time_of_day() {
    for hours in [-9000, -1, 1, 9000] {
        let watch = Watch::new();
        let gate = Gate::builder().clock(watch.clone()).build();
        let (client, gateway) = client(gate, [error_name("FREQUENCY_LIMITED"), paid()]);
        client.call(&query()).await.unwrap_err();
        watch.move_by(hours);
        tokio::time::advance(59 * SECOND).await;
        assert!(is_closed(&client.call(&query()).await.unwrap_err()));
        assert_eq!(gateway.calls(), 1);
        tokio::time::advance(SECOND).await;
        client.call(&query()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_leaves_no_shared_block_of_more_than_an_hour() {
    let row = Arc::new(Row::default());
    let watch = Watch::new();
    for (ahead, closed) in [
        (LONGEST_BLOCK, true),
        (LONGEST_BLOCK + SECOND, false),
        (9000 * LONGEST_BLOCK, false),
    ] {
        *row.until.lock().unwrap() = Some(watch.now() + ahead);
        let gate = Gate::builder().clock(watch.clone()).state(row.clone());
        let (client, _) = client(gate.build(), [paid()]);
        let result = client.call(&query()).await;
        assert_eq!(
            result.is_err_and(|error| is_closed(&error)),
            closed,
            "{ahead:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_clock_is_behind_keeps_the_longest_block_too() {
    let (row, ahead, behind) = (Arc::new(Row::default()), Watch::new(), Watch::new());
    *behind.set.lock().unwrap() -= 30 * SECOND;
    let gate = |watch| Gate::builder().clock(watch).state(row.clone()).build();
    let (first, _) = client(gate(ahead), [limited("3600")]);
    let (second, gateway) = client(gate(behind), [paid()]);
    first.call(&query()).await.unwrap_err();
    let error = second.call(&query()).await.unwrap_err();
    assert!(is_closed(&error), "{error:?}");
    assert_eq!(gateway.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_does_not_use_up_the_calls_time_and_with_it_the_gateways_word() {
    let row = Arc::new(Row {
        slow: 5 * SECOND,
        ..Row::default()
    });
    let client = Client::builder(merchant())
        .gate(Gate::builder().state(row.clone()).build())
        .total_timeout(SECOND / 2)
        .build_with(Gateway::replying([limited("30")]))
        .unwrap();
    let error = client.call(&query()).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(30 * SECOND));
}
