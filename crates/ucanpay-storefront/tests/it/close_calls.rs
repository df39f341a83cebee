//! The database is gone, the caller is gone: nothing is acknowledged that was not committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use ucanpay_core::Amount;
use ucanpay_storefront::ledger::{Applied, Census, Command, History, Lease, Outcome, Tell};
use ucanpay_storefront::provider::PaymentStatus;
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{
    Clock as _, LatePolicy, NotificationError, NotificationTopic, PaymentKey, PaymentProvider as _,
    PaymentState, PaymentStore, PaymentView, Policies, ProviderId, RawNotification, RefundRequest,
    RefundState, Reversal, SqliteStore, StoreError, Timestamp,
};

use crate::gateway::{Fault, HANG};
use crate::shop::{Shop, shops};

/// A store whose database can be taken away.
#[derive(Debug)]
struct Flaky {
    inner: Arc<dyn PaymentStore>,
    gone: AtomicBool,
    /// Whether an account is blocked cannot be read; all else can.
    silent: AtomicBool,
    /// What another process commits just before this one.
    meanwhile: Mutex<Option<Meanwhile>>,
}

/// Before which command, and what.
struct Meanwhile(fn(&Command) -> bool, Box<dyn FnOnce() -> Command + Send>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Flaky {
    fn over(shop: &Shop) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(&shop.store),
            gone: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            meanwhile: Mutex::default(),
        })
    }

    fn there(&self) -> Result<(), StoreError> {
        if self.gone.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl PaymentStore for Flaky {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.there()?;
        let first = {
            let mut meanwhile = self.meanwhile.lock().unwrap();
            meanwhile.take_if(|Meanwhile(before, _)| before(&command))
        };
        if let Some(Meanwhile(_, first)) = first {
            self.inner.apply(key, first(), now).await?;
        }
        self.inner.apply(key, command, now).await
    }
    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.there()?;
        self.inner.load(key).await
    }
    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.there()?;
        self.inner.history(key).await
    }
    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        self.there()?;
        self.inner.census(now).await
    }
    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.there()?;
        self.inner.recent(limit).await
    }
    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.there()?;
        self.inner.under_review(limit).await
    }
    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        self.there()?;
        if self.silent.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("no connection is free".into()));
        }
        self.inner.blocked_until(account).await
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        self.there()?;
        self.inner.claim_due(account, now, until, limit).await
    }
    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.there()?;
        self.inner.claim_events(now, until, limit).await
    }
    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        self.there()?;
        self.inner.settle_events(ended).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.there()?;
        self.inner.parked_events(limit).await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.inner.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.there()?;
        self.inner.unpark_event(id, unparking, now).await
    }
}

#[tokio::test]
async fn while_the_database_is_gone_nothing_is_acknowledged_and_the_next_copy_is() {
    for shop in shops().await {
        let flaky = Flaky::over(&shop);
        let front = Shop::with(
            flaky.clone(),
            shop.gateway.clone(),
            Arc::clone(&shop.clock),
            None,
        );
        front.start("A1", 450).await.unwrap();
        let note = front.gateway.payment_note("A1", &json!({}));
        flaky.gone.store(true, Ordering::SeqCst);
        let refused = front.note(note.clone()).await;
        assert!(matches!(
            refused,
            Err(NotificationError::Unavailable { .. })
        ));
        flaky.gone.store(false, Ordering::SeqCst);
        assert_eq!(
            front.view("A1").await.payment.state,
            PaymentState::AwaitingPayment
        );
        let _receipt = front.note(note).await.unwrap();
        assert_eq!(front.view("A1").await.payment.state, PaymentState::Paid);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_at_any_moment_leaves_a_whole_ledger() {
    for shop in shops().await {
        for polls in 0..40 {
            let reference = format!("A{polls}");
            shop.start(&reference, 450).await.unwrap();
            let note = shop.gateway.payment_note(&reference, &json!({}));
            let mut call = Box::pin(shop.note(note.clone()));
            for _ in 0..polls {
                let waker = std::task::Waker::noop();
                let mut context = std::task::Context::from_waker(waker);
                if std::future::Future::poll(call.as_mut(), &mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(call);
            let _receipt = shop.note(note).await.unwrap();
            assert_eq!(
                shop.view(&reference).await.payment.state,
                PaymentState::Paid
            );
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn what_a_caller_began_who_hung_up_goes_on_to_its_end() {
    for shop in shops().await {
        shop.paid("A1", 450).await;
        shop.gateway.next_call(Fault::Hangs);
        let call = shop.refund("A1", "R1", 100);
        let heard = tokio::time::timeout(HANG / 4, call).await;
        assert!(heard.is_err(), "the caller does not wait for the answer");
        for _ in 0..100 {
            tokio::time::sleep(HANG / 4).await;
            let refunds = shop.view("A1").await.refunds;
            if refunds
                .iter()
                .any(|row| row.state == RefundState::Processing)
            {
                break;
            }
        }
        // Nobody asked again: the answer was taken in when it came.
        assert_eq!(
            shop.view("A1").await.refunds[0].state,
            RefundState::Processing
        );
        assert_eq!(shop.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn what_was_recorded_and_sent_is_never_reported_as_not_recorded() {
    for shop in shops().await {
        let flaky = Flaky::over(&shop);
        let gateway = shop.gateway.clone();
        let front = Shop::with(flaky.clone(), gateway, Arc::clone(&shop.clock), None);
        front.paid("A1", 450).await;
        // The database goes away while the call is out.
        front.gateway.next_call(Fault::Hangs);
        let refund = {
            let payments = front.payments.clone();
            let key = front.key("A1");
            tokio::spawn(async move {
                let request = RefundRequest {
                    number: None,
                    amount: Amount::new(100).unwrap(),
                    reason: "spilt".into(),
                };
                payments.refund(&key, request).await
            })
        };
        tokio::time::sleep(HANG / 2).await;
        flaky.gone.store(true, Ordering::SeqCst);
        let refund = refund.await.unwrap().expect("it was recorded");
        flaky.gone.store(false, Ordering::SeqCst);
        assert_eq!(refund.state, RefundState::Requested);
        front.pass(61).await;
        let view = front.view("A1").await;
        assert_eq!(view.refunds[0].state, RefundState::Processing);
        assert_eq!(view.refunds.len(), 1);
        assert_eq!(front.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn while_the_ledger_cannot_say_whether_the_account_is_blocked_nothing_is_sent() {
    for shop in shops().await {
        let flaky = Flaky::over(&shop);
        let gateway = shop.gateway.clone();
        let front = Shop::with(flaky.clone(), gateway, Arc::clone(&shop.clock), None);
        front.paid("P1", 450).await;
        let calls = front.gateway.calls();
        flaky.silent.store(true, Ordering::SeqCst);
        let started = front.start("A1", 450).await.unwrap();
        let trouble = started.payment.trouble.expect("why there is no link");
        assert!(trouble.contains("no connection is free"), "{trouble}");
        let refund = front.refund("P1", "R1", 100).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        assert_eq!(front.gateway.calls(), calls);
        flaky.silent.store(false, Ordering::SeqCst);
        front.pass(16).await;
        assert!(front.view("A1").await.payment.pay_link.is_some());
        assert_eq!(front.gateway.executed_refunds(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_leaves_no_row_unasked() {
    for shop in shops().await {
        let year = Duration::from_secs(365 * 86_400);
        shop.clock.advance(year);
        shop.start("A1", 450).await.unwrap();
        shop.gateway.next_call(Fault::AnswerLost);
        shop.start("A2", 450).await.unwrap();
        shop.clock.set_back(year);
        shop.gateway.set_status("A1", PaymentStatus::Paid);
        shop.pass(61).await;
        assert_eq!(shop.view("A1").await.payment.state, PaymentState::Paid);
        assert_eq!(
            shop.view("A2").await.payment.state,
            PaymentState::AwaitingPayment
        );
        let told = shop.event_words().await;
        assert!(told.contains(&"payment_succeeded"), "{told:?}");
        shop.check().await;
    }
}

#[tokio::test]
async fn an_instance_whose_clock_is_a_little_behind_takes_nothing_that_another_has() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        shop.clock.advance(Duration::from_secs(2 * 86_400));
        let account = shop.key("A1").provider;
        let ahead = shop.clock.now();
        shop.clock.set_back(Duration::from_secs(2));
        let behind = shop.clock.now();
        let until = |now: Timestamp| now.after(Duration::from_secs(60));
        let due = shop
            .store
            .claim_due(&account, ahead, until(ahead), 9)
            .await
            .unwrap();
        assert_eq!(due.len(), 1);
        let taken = shop.store.claim_due(&account, behind, until(behind), 9);
        assert!(taken.await.unwrap().is_empty(), "leased to the other");
        let (key, lease) = due.into_iter().next().unwrap();
        let claim = Command::Claim(lease.target.clone(), until(behind));
        let claimed = shop.store.apply(&key, claim, behind).await.unwrap();
        assert_eq!(claimed.outcome, Outcome::Busy);

        let events = shop.store.claim_events(ahead, until(ahead), 9).await;
        assert_eq!(events.unwrap().len(), 1);
        let events = shop.store.claim_events(behind, until(behind), 9).await;
        assert!(events.unwrap().is_empty(), "leased to the other");

        // Put off as far as anything is, by the clock that is ahead.
        let put_off = Command::GiveUp {
            lease,
            trouble: "busy".to_owned(),
            tell: Tell::Nobody,
            hold: Some(Duration::from_secs(86_400)),
            block: None,
        };
        let noted = shop.store.apply(&key, put_off, ahead).await.unwrap();
        assert_eq!(noted.outcome, Outcome::Noted);
        let due = shop
            .store
            .claim_due(&account, behind, until(behind), 9)
            .await;
        assert!(due.unwrap().is_empty(), "put off by the other");
    }
}

#[tokio::test]
async fn a_ledger_that_would_not_outlive_its_connections_is_refused() {
    for url in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://shop?mode=memory",
    ] {
        let refused = SqliteStore::open(url).await;
        assert!(matches!(refused, Err(StoreError::Setup { .. })), "{url}");
    }
}

#[tokio::test]
async fn eight_processes_that_open_a_fresh_file_at_once_all_get_it() {
    for _ in 0..5 {
        let folder = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
        let opens: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { SqliteStore::open(&url).await })
            })
            .collect();
        for open in opens {
            open.await.unwrap().expect("the file opens");
        }
    }
}

/// The answer "paid" is committed, then a reversal is told, and only then the row is taken for the refund, or the refund
/// recorded.
#[tokio::test]
async fn a_late_payment_whose_reversal_is_told_before_its_refund_is_recorded_is_not_refunded_besides()
 {
    let shops = [(false, shops().await), (true, shops().await)];
    let shops = shops.into_iter();
    for (taken, shop) in
        shops.flat_map(|(taken, shops)| shops.into_iter().map(move |shop| (taken, shop)))
    {
        let flaky = Flaky::over(&shop);
        let clock = Arc::clone(&shop.clock);
        let mut front = Shop::with(flaky.clone(), shop.gateway.clone(), clock, None);
        let policies = Policies::default().with_late_payment(LatePolicy::AutoRefund);
        front.payments = front.payments.with_policies(policies);
        front.start("A1", 450).await.unwrap();
        let _closing = front.payments.close(&front.key("A1")).await.unwrap();
        front.gateway.set_status("A1", PaymentStatus::Paid);
        let note = front.gateway.payment_note("A1", &json!({}));
        let _receipt = front.note(note).await.unwrap();

        let revoked = json!({"status": "REVOKED"});
        let revoked = front.gateway.payment_note("A1", &revoked);
        let revoked = RawNotification::new(NotificationTopic::Payment, revoked);
        let fact = front.gateway.parse_notification(&revoked).unwrap();
        let gateway = front.gateway.clone();
        let reversed = move || {
            gateway.set_status("A1", PaymentStatus::Reversed);
            Command::Observe(Box::new(fact), None)
        };
        let before: fn(&Command) -> bool = match taken {
            false => |command| matches!(command, Command::Claim(..)),
            true => |command| matches!(command, Command::RequestRefund(..)),
        };
        *flaky.meanwhile.lock().unwrap() = Some(Meanwhile(before, Box::new(reversed)));
        front.payments.reconcile().await.unwrap();
        assert!(flaky.meanwhile.lock().unwrap().is_none());
        assert!(front.view("A1").await.refunds.is_empty());
        // Whatever cast doubt on it is asked about at once.
        front.pass(2).await;
        let view = front.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        front.pass_by(60, 10).await;
        assert_eq!(front.gateway.executed_refunds(), 0);
        let view = front.view("A1").await;
        assert_eq!(view.payment.reversal, Some(Reversal::Done));
        shop.check().await;
    }
}
