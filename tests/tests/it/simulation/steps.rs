//! What happens in a world: buyers, the gateway, the shop, people, time, and trouble.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use ucanpay_core::{
    Amount, CloseOrder, NotifyUrl, OutRefundNo, OutTradeNo, Refund, RefundReason, Reverse,
    UcpOrderNo,
};
use ucanpay_storefront::{
    Closing, Reference, RefundNumber, RefundRequest, RefundState, StartError, StartPayment,
};
use ucanpay_transport::{Client, InProcess};

use super::mortal::Life;
use super::proofs::order_of;
use super::world::{Handler, INSTANCES, Instance, World, reference};

/// How many orders a history has at most: few, so that much happens to each.
const ORDERS: usize = 5;

type Happening<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl World {
    /// One thing happens; or several at once.
    pub(crate) async fn happen(&self) {
        match self.dice.below(100) {
            0..12 => self.pass().await,
            12..15 => self.light_a_fuse(),
            15..18 => self.plan_trouble().await,
            18..19 => self.change_key(),
            19..40 => {
                let crowd: Vec<_> = (0..2 + self.dice.below(2)).map(|_| self.one()).collect();
                futures_util::future::join_all(crowd).await;
                self.seen.see("several things at once");
            }
            _ => self.one().await,
        }
    }

    /// One thing happens to the refunds of a payment.
    pub(crate) async fn happen_to_refunds(&self) {
        match self.dice.below(100) {
            0..30 => self.refund().await,
            30..50 => self.settle_refund().await,
            50..65 => self.notify().await,
            65..80 => self.work().await,
            80..88 => self.pass().await,
            88..91 => self.look_at_reviews().await,
            91..94 => self.light_a_fuse(),
            94..97 => self.plan_trouble().await,
            _ => drop(tokio::join!(self.refund(), self.refund(), self.work())),
        }
    }

    /// One thing that may happen beside others.
    fn one(&self) -> Happening<'_> {
        let (what, happening): (_, Happening<'_>) = match self.dice.below(100) {
            0..8 => ("start", Box::pin(self.start())),
            8..22 => ("buyer", Box::pin(self.buyer())),
            22..42 => ("notify", Box::pin(self.notify())),
            42..62 => ("work", Box::pin(self.work())),
            62..68 => ("refresh", Box::pin(self.refresh())),
            68..72 => ("close", Box::pin(self.close())),
            72..76 => ("reverse", Box::pin(self.reverse())),
            76..84 => ("refund", Box::pin(self.refund())),
            84..91 => ("settle refund", Box::pin(self.settle_refund())),
            91..96 => ("look at reviews", Box::pin(self.look_at_reviews())),
            96..98 => ("portal", Box::pin(self.portal())),
            _ => ("resend", Box::pin(self.resend())),
        };
        self.audit.note(format!("- {what}"));
        happening
    }

    /// Something comes between a request and its answer: at the worst moment, if it can.
    pub(crate) fn meanwhile(&self) -> Happening<'_> {
        let nothing = self.nested.load(SeqCst) >= 2;
        if nothing || !self.dice.percent(self.between.load(SeqCst)) {
            return Box::pin(async {});
        }
        Box::pin(async {
            self.nested.fetch_add(1, SeqCst);
            let _back = Back(self);
            self.seen
                .see("something came between a request and its answer");
            match self.dice.below(100) {
                0..12 => {
                    // Longer than a lease: what comes back then is stale.
                    let seconds = self.dice.one_of(&[5, 40, 61, 100, 7_300]);
                    let by = Duration::from_secs(seconds.unwrap());
                    self.clock.advance(by);
                    self.sandbox.advance(by).await.unwrap();
                }
                _ => self.one().await,
            }
        })
    }

    fn some_instance(&self) -> usize {
        self.dice.below(INSTANCES)
    }

    fn some_order(&self) -> Option<Reference> {
        self.dice.one_of(&self.references())
    }

    /// Work of an instance, which may die meanwhile: then another takes its place. Or whoever asked for it goes away.
    async fn at<T>(&self, place: usize, work: impl Future<Output = T>) -> Option<T> {
        let life = self.at_instance(place).life;
        let polls = match self.dice.percent(10) {
            true => self.dice.below(8),
            false => usize::MAX,
        };
        let done = tokio::select! {
            biased;
            done = for_polls(polls, work) => done,
            () = life.end() => None,
        };
        if done.is_none() && !life.is_over() {
            self.seen.see("a caller went away");
        }
        self.bury(place, &life);
        done
    }

    /// Another process in the place of one that has died.
    fn bury(&self, place: usize, life: &Life) {
        if life.is_over() && self.at_instance(place).life.is(life) {
            let next = self.instance();
            self.instances.lock().unwrap()[place] = next;
        }
    }

    /// The order of this number is started, and nothing goes wrong.
    pub(crate) async fn begin(&self, number: usize) {
        self.orders.store(number, SeqCst);
        let payments = self.at_instance(0).payments;
        payments.start(order_of(number)).await.unwrap();
    }

    /// The buyer pays it, and no notification of that is ever sent.
    pub(crate) async fn pays_silently(&self, number: usize) {
        let path = format!("/_sandbox/orders/{}/pay", reference(number).as_str());
        self.control("POST", &path, r#"{"notify":false}"#).await;
    }

    async fn start(&self) {
        let (place, again) = (self.some_instance(), self.dice.percent(20));
        if !again && self.orders.load(SeqCst) < ORDERS {
            self.orders.fetch_add(1, SeqCst);
        }
        let Some(reference) = (match again {
            true => self.some_order(),
            false => Some(reference(self.orders.load(SeqCst))),
        }) else {
            return;
        };
        let payments = self.at_instance(place).payments;
        let start = StartPayment {
            reference,
            ..order_of(1)
        };
        let started = self
            .at(place, async move { payments.start(start).await })
            .await;
        match started {
            None | Some(Ok(_) | Err(StartError::Store(_))) => {}
            Some(Err(error)) => self
                .audit
                .broke("an order can be started", &error.to_string()),
        }
    }

    async fn buyer(&self) {
        let Some(order) = self.some_order() else {
            return;
        };
        let (what, body) = match self.dice.below(10) {
            // Two cents less: one less and the fault that says one cent more would come to the right amount.
            0 if self.dice.percent(20) => ("pay", json!({"amount": 448})),
            0 => ("decline", json!({})),
            1 => ("stall", json!({})),
            2 => ("pay", json!({"late": true})),
            3 => ("pay", json!({"notify": false})),
            4 => ("pay", json!({"notify_after": "40s"})),
            _ => ("pay", json!({})),
        };
        let path = format!("/_sandbox/orders/{}/{what}", order.as_str());
        let body = if what == "pay" {
            body.to_string()
        } else {
            String::new()
        };
        self.control("POST", &path, &body).await;
    }

    pub(crate) async fn notify(&self) {
        let place = self.some_instance();
        let Instance { router, life, .. } = self.at_instance(place);
        // The gateway is no part of the process: it hangs up after a while, and comes again.
        let sent = self.sandbox.deliver_due_to(router).await.unwrap();
        self.bury(place, &life);
        if sent > 0 {
            self.seen.see("a notification was sent");
        }
    }

    /// An old notification comes again, as it was.
    async fn resend(&self) {
        let known = self.control("GET", "/_sandbox/deliveries", "").await;
        let known = known["deliveries"].as_array().cloned().unwrap_or_default();
        if let Some(delivery) = self.dice.one_of(&known) {
            let path = format!("/_sandbox/deliveries/{}/resend", delivery["id"]);
            self.control("POST", &path, "").await;
            self.seen.see("an old notification was sent again");
        }
        self.notify().await;
    }

    /// Time passes for everybody alike.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sandbox.advance(by).await.unwrap();
        tokio::time::advance(by).await;
    }

    async fn pass(&self) {
        let seconds = [1, 1, 5, 15, 15, 60, 60, 600, 600, 7_300];
        let seconds = self.dice.one_of(&seconds).unwrap();
        self.advance(Duration::from_secs(seconds)).await;
    }

    /// An instance does what it does by itself.
    async fn work(&self) {
        let place = self.some_instance();
        self.at(place, self.run(place)).await;
    }

    pub(crate) fn run(&self, place: usize) -> impl Future<Output = ()> + Send + use<> {
        let Instance { payments, life, .. } = self.at_instance(place);
        let shop = Arc::clone(&self.shop);
        async move {
            payments
                .run(Arc::new(Handler { shop, life }), async {})
                .await;
        }
    }

    async fn refresh(&self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.at_instance(place).payments);
        self.at(place, async move { drop(payments.refresh(&key).await) })
            .await;
    }

    async fn close(&self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.at_instance(place).payments);
        let closing = self
            .at(place, async move { payments.close(&key).await })
            .await;
        if let Some(Ok(closing)) = closing {
            self.seen.see(match closing {
                Closing::Closed(_) => "an order was closed",
                Closing::Paid(_) => "an order was paid when it was to be closed",
                _ => "a close stayed open",
            });
        }
    }

    async fn reverse(&self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.at_instance(place).payments);
        let reversed = self
            .at(place, async move { payments.reverse(&key).await })
            .await;
        if let Some(Ok(_)) = reversed {
            self.seen.see("a reversal was asked for");
        }
    }

    async fn refund(&self) {
        let place = self.some_instance();
        let Some(order) = self.some_order() else {
            return;
        };
        let (key, payments) = (self.key(&order), self.at_instance(place).payments);
        let view = self.view(&order).await;
        // Often one that failed, once more under its number; now and then any of ours, as a click that came twice.
        let refunds = view.iter().flat_map(|view| &view.refunds);
        let ours: Vec<_> = refunds.filter(|row| row.request.is_some()).collect();
        let failed = ours.iter().filter(|row| row.state == RefundState::Failed);
        let failed: Vec<_> = failed.collect();
        let (number, amount) = match (self.dice.one_of(&failed), self.dice.one_of(&ours)) {
            (Some(failed), _) if self.dice.percent(60) => {
                self.seen.see("a refund that failed was asked for again");
                (failed.number.clone(), failed.amount)
            }
            (_, Some(any)) if self.dice.percent(20) => (any.number.clone(), any.amount),
            _ => {
                let number = self.refunds.fetch_add(1, SeqCst) + 1;
                let cents = [10, 10, 50, 100, 200, 450];
                let amount = Amount::new(self.dice.one_of(&cents).unwrap()).unwrap();
                let number = RefundNumber::new(format!("F{number}")).unwrap();
                (number, amount)
            }
        };
        let request = RefundRequest {
            number: Some(number),
            amount,
            reason: "spilt".into(),
        };
        let asked = self
            .at(place, async move { payments.refund(&key, request).await })
            .await;
        if let Some(Ok(_)) = asked {
            self.seen.see("a refund was asked for");
        }
    }

    async fn settle_refund(&self) {
        let orders = self.gateway().await;
        let refunds = orders
            .iter()
            .flat_map(|order| order["refunds"].as_array().unwrap());
        let open: Vec<String> = refunds
            .filter(|refund| refund["refundStatus"] == "PROCESSING")
            .map(|refund| refund["outRefundNo"].as_str().unwrap().to_owned())
            .collect();
        if let Some(number) = self.dice.one_of(&open) {
            let how = self
                .dice
                .one_of(&["succeed", "succeed", "fail", "fail", "close"]);
            let path = format!("/_sandbox/refunds/{number}/{}", how.unwrap());
            self.control("POST", &path, "").await;
        }
    }

    async fn look_at_reviews(&self) {
        let place = self.some_instance();
        let payments = self.at_instance(place).payments;
        let looked = self
            .at(place, async move {
                let waiting = payments.under_review(1).await.ok()?;
                let view = waiting.first()?;
                let open = view.open_discrepancies().next()?.number;
                let key = &view.payment.key;
                payments.settle_review(key, open, "seen").await.ok()
            })
            .await;
        if let Some(Some(_)) = looked {
            self.seen.see("a person looked at what did not fit");
        }
    }

    /// Somebody works in the merchant portal: gives money back, reverses an order, or closes it.
    async fn portal(&self) {
        let Some(reference) = self.some_order() else {
            return;
        };
        let orders = self.gateway().await;
        let mut orders = orders.iter();
        let Some(order) = orders.find(|row| row["outTradeNo"] == reference.as_str()) else {
            return;
        };
        let ucp_order_no = UcpOrderNo::new(order["ucpOrderNo"].as_str().unwrap()).unwrap();
        let out_trade_no = OutTradeNo::new(reference.as_str()).unwrap();
        let gateway = InProcess::<_, Body>::new(self.sandbox.router());
        let portal = Client::builder(self.merchant(false)).build_with(gateway);
        let portal = portal.unwrap();
        let done = match self.dice.below(10) {
            0..2 => {
                let close = CloseOrder {
                    out_trade_no,
                    ucp_order_no: Some(ucp_order_no),
                };
                let closed = portal.call(&close).await.is_ok();
                closed.then_some("an order was closed in the portal")
            }
            2..4 => {
                let reverse = Reverse {
                    out_trade_no,
                    ucp_order_no: Some(ucp_order_no),
                };
                // Whether it was done is not known, if the answer is lost.
                self.reversed_elsewhere.lock().unwrap().insert(reference);
                let reversed = portal.call(&reverse).await.is_ok();
                reversed.then_some("an order was reversed in the portal")
            }
            _ => {
                let number = self.refunds.fetch_add(1, SeqCst) + 1;
                let refund = Refund {
                    ucp_order_no,
                    out_trade_no,
                    out_refund_no: OutRefundNo::new(format!("P{number}")).unwrap(),
                    total_amount: Amount::new(450).unwrap(),
                    refund_amount: Amount::new(50).unwrap(),
                    reason: RefundReason::new("by telephone").unwrap(),
                    notify_url: NotifyUrl::new("http://shop.invalid/ucanpay/refund").unwrap(),
                };
                let refunded = portal.call(&refund).await.is_ok();
                refunded.then_some("money went back through the portal")
            }
        };
        if let Some(done) = done {
            self.seen.see(done);
        }
    }

    fn light_a_fuse(&self) {
        let (place, steps) = (self.some_instance(), self.dice.below(20));
        let steps = i64::try_from(steps).unwrap();
        self.at_instance(place).life.light_the_fuse(steps);
    }

    /// The merchant's key changes: at the gateway first; then the shop is started anew with it.
    fn change_key(&self) {
        if self.gateway_has_former_key.swap(false, SeqCst) {
            self.seen.see("the gateway learnt of a new key");
        } else if self.shop_has_former_key.swap(false, SeqCst) {
            self.seen.see("the shop was started anew with a new key");
            for place in 0..INSTANCES {
                let next = self.instance();
                let last = std::mem::replace(&mut self.instances.lock().unwrap()[place], next);
                last.life.light_the_fuse(0);
            }
        }
    }

    async fn plan_trouble(&self) {
        const FAULTS: [&str; 24] = [
            "call.drop",
            "call.delay",
            "call.truncate",
            "call.lost_answer",
            "call.system_error_done",
            "call.system_error_not_done",
            "call.too_many_requests",
            "call.block",
            "call.corrupt_signature",
            "notification.drop",
            "notification.delay",
            "notification.duplicate",
            "notification.reorder",
            "notification.corrupt",
            "notification.truncate",
            "notification.wrong_amount",
            "buyer.late_payment",
            "refund.stuck",
            "refund.fail",
            "refund.close",
            "refund.not_enough",
            "refund.account_closed",
            "refund.limited",
            "refund.error",
        ];
        self.count_faults().await;
        let mut rules = Vec::new();
        for fault in FAULTS {
            if self.dice.percent(25) {
                let often = if fault == "call.block" { 2 } else { 15 };
                let chance = f64::from(u8::try_from(1 + self.dice.below(often)).unwrap()) / 50.0;
                rules.push(json!({"fault": fault, "chance": chance}));
            }
        }
        let plan = json!({"seed": self.dice.next() >> 12, "faults": rules});
        self.control("POST", "/_sandbox/faults", &plan.to_string())
            .await;
        *self.shop.troubled.lock().unwrap() = u32::try_from(self.dice.below(4)).unwrap();
        let trouble = self.dice.one_of(&[0, 0, 0, 1, 5]).unwrap();
        self.trouble.store(trouble, SeqCst);
        let between = self.dice.one_of(&[0, 5, 15, 30]).unwrap();
        self.between.store(between, SeqCst);
    }

    /// Notes which faults have struck.
    async fn count_faults(&self) {
        let plan = self.control("GET", "/_sandbox/faults", "").await;
        for rule in plan["faults"].as_array().unwrap() {
            if rule["happened"].as_u64().unwrap() > 0 {
                self.seen.see(rule["fault"].as_str().unwrap());
            }
        }
    }

    /// The gateway has executed every refund that it took.
    async fn settle_refunds(&self) {
        for order in self.gateway().await {
            for refund in order["refunds"].as_array().unwrap() {
                if refund["refundStatus"] == "PROCESSING" {
                    let number = refund["outRefundNo"].as_str().unwrap();
                    let path = format!("/_sandbox/refunds/{number}/succeed");
                    self.control("POST", &path, "").await;
                }
            }
        }
    }

    /// No more faults, no more deaths, no more buyers: what is under way comes to its end.
    pub(crate) async fn come_to_rest(&self) {
        self.count_faults().await;
        self.control("DELETE", "/_sandbox/faults", "").await;
        *self.shop.troubled.lock().unwrap() = 0;
        self.trouble.store(0, SeqCst);
        self.between.store(0, SeqCst);
        self.gateway_has_former_key.store(false, SeqCst);
        let former = self.shop_has_former_key.swap(false, SeqCst);
        for place in 0..INSTANCES {
            let life = self.at_instance(place).life;
            life.spare();
            if former || life.is_over() {
                let next = self.instance();
                self.instances.lock().unwrap()[place] = next;
            }
        }
        let minute = Duration::from_secs(60);
        let rounds = [minute / 4; 16].into_iter().chain([minute * 10; 60]);
        for (nth, round) in rounds.enumerate() {
            self.rest(round, nth % 4 == 0).await;
        }
        // Of a reversal in the portal the gateway tells only who asks; and somebody does.
        let reversed = self.reversed_elsewhere.lock().unwrap().clone();
        for order in reversed {
            let view = self.view(&order).await;
            if view.is_some_and(|view| view.payment.state.is_settled()) {
                let (key, payments) = (self.key(&order), self.at_instance(0).payments);
                drop(payments.refresh(&key).await);
            }
        }
        for nth in 0..8 {
            self.rest(minute / 4, nth == 0).await;
        }
    }

    /// Some time of rest, in which each instance does what it does by itself.
    async fn rest(&self, time: Duration, settle_refunds: bool) {
        self.advance(time).await;
        if settle_refunds {
            self.settle_refunds().await;
        }
        self.notify().await;
        for place in 0..INSTANCES {
            self.run(place).await;
        }
    }
}

/// One level up again, also when whoever waited for it has gone away.
struct Back<'a>(&'a World);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.nested.fetch_sub(1, SeqCst);
    }
}

/// The work, as long as somebody asks for it: so many times.
async fn for_polls<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut left, mut work) = (polls, pin!(work));
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}
