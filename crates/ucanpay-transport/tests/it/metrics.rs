//! What is counted: the names and labels of `docs/transport.md`.

use crate::scripted::*;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use ucanpay_transport::{Client, Gate, RateLimit, RetryPolicy};

const PAGE: &str = include_str!("../../../../docs/transport.md");

/// Runs `calls` on a clock of its own, and returns the counters with their labels, and the names of the histograms.
fn counted(calls: impl Future<Output = ()>) -> (BTreeMap<String, u64>, BTreeSet<String>) {
    let recorder = DebuggingRecorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(calls));
    let (mut counters, mut histograms) = (BTreeMap::new(), BTreeSet::new());
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let key = key.key();
        let labels = key.labels().map(metrics::Label::value).collect::<Vec<_>>();
        match value {
            DebugValue::Counter(count) => {
                counters.insert(format!("{} {}", key.name(), labels.join(" ")), count);
            }
            _ => drop(histograms.insert(key.name().to_owned())),
        }
    }
    (counters, histograms)
}

async fn some_of_everything() {
    let replies = [paid(), reset(), paid(), reset(), limited("5")];
    let gate = Gate::builder().rate_limit(RateLimit::new(1, Duration::from_secs(1)));
    let client = Client::builder(merchant())
        .gate(gate.build())
        .retry(RetryPolicy::default().with_budget(0, 100))
        .build_with(Gateway::replying(replies))
        .unwrap();
    client.call(&query()).await.unwrap();
    // The one answer has earned the one retry; the answer to that earns the next.
    client.call(&query()).await.unwrap();
    for _ in 0..2 {
        // A retry that meets a limit; then, a call that is held back.
        client.call(&query()).await.unwrap_err();
    }
    let broke = Client::builder(merchant())
        .retry(RetryPolicy::default().with_budget(0, 0))
        .build_with(Gateway::replying([reset()]))
        .unwrap();
    broke.call(&query()).await.unwrap_err();
}

#[test]
fn calls_attempts_outcomes_and_waits_are_counted_by_name() {
    let (counters, _) = counted(some_of_everything());
    let expected = [
        ("ucanpay_attempts_total OrderQuery answered", 2),
        ("ucanpay_attempts_total OrderQuery outcome_unknown", 3),
        ("ucanpay_attempts_total OrderQuery rate_limited", 1),
        ("ucanpay_calls_total OrderQuery answered", 2),
        ("ucanpay_calls_total OrderQuery held_back", 1),
        ("ucanpay_calls_total OrderQuery outcome_unknown", 1),
        ("ucanpay_calls_total OrderQuery rate_limited", 1),
        ("ucanpay_gate_closed_total ", 1),
        ("ucanpay_gate_waits_total block refused", 1),
        ("ucanpay_gate_waits_total rate passed", 4),
        ("ucanpay_retries_withheld_total ", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counters, BTreeMap::from(expected));
}

#[test]
fn a_dropped_call_is_counted_as_dropped() {
    let (counters, _) = counted(async {
        let client = Client::with_service(merchant(), Gateway::replying([Reply::Hang]));
        let second = Duration::from_secs(1);
        let dropped = tokio::time::timeout(second, client.call(&query())).await;
        assert!(dropped.is_err());
    });
    for name in ["calls", "attempts"] {
        let name = format!("ucanpay_{name}_total OrderQuery dropped");
        assert_eq!(counters.get(&name), Some(&1), "{counters:?}");
    }
}

#[test]
fn the_page_lists_every_name_and_no_other() {
    let (counters, histograms) = counted(some_of_everything());
    let mut counted = histograms;
    for counter in counters.keys() {
        counted.extend(counter.split(' ').next().map(str::to_owned));
    }
    let listed = PAGE.split('`').filter(|word| word.starts_with("ucanpay_"));
    assert_eq!(counted, listed.map(str::to_owned).collect());
}
