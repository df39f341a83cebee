//! A gateway on the workbench: decisions take effect at once, time stands where the test puts it, and
//! messages are neither signed nor sent.

use serde_json::{Value, json};

use crate::call::Call;
use crate::delivery::{Delivery, Notice, Outcome, Postponed};
use crate::gateway::{Change, Decision, Gateway, Terms};
use crate::message::Members;
use crate::order::Order;
use crate::orders::{BuyerRefusal, PayInstruction};
use crate::refusal::ErrorName;
use crate::sending::Sending;
use crate::switches::Switches;

pub(crate) const DAY: i64 = 24 * 60 * 60 * 1000;

pub(crate) struct Bench {
    pub(crate) gateway: Gateway,
    pub(crate) now: i64,
    /// Every notice so far.
    pub(crate) notices: Vec<Notice>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let terms = Terms {
            merchant_id: "2000000010".to_owned(),
            sign_type: "RSA",
            switches: Switches::default(),
            refund_delay: 2000,
            first_notification_delay: 300,
            notify_interval: 15_000,
        };
        Self {
            gateway: Gateway::new(terms),
            now: 1_772_366_400_000,
            notices: Vec::new(),
        }
    }

    /// A bench with the order `A1` of 450 cents, paid.
    pub(crate) fn with_paid_order() -> Self {
        let mut bench = Self::new();
        bench.call(Call::UnifiedOrder, &order()).unwrap();
        bench.pay(PayInstruction::default()).unwrap();
        bench
    }

    pub(crate) fn call(&mut self, call: Call, request: &Value) -> Result<Value, ErrorName> {
        let members = Members::read(&request.to_string()).unwrap();
        self.settle();
        let decision = self.gateway.call(call, &members, self.now);
        let data = self.take_effect(decision).map_err(|refusal| refusal.name)?;
        Ok(serde_json::to_value(data).unwrap())
    }

    pub(crate) fn pay(&mut self, instruction: PayInstruction) -> Result<Order, BuyerRefusal> {
        let decision = self.gateway.pay("A1", instruction, self.now);
        self.take_effect(decision)
    }

    pub(crate) fn decline(&mut self) -> Result<Order, BuyerRefusal> {
        let decision = self.gateway.decline("A1", self.now);
        self.take_effect(decision)
    }

    pub(crate) fn fail_next_refund(&mut self) {
        let decision = self.gateway.fail_next_refund("A1");
        self.take_effect(decision).unwrap();
    }

    pub(crate) fn attempted(&mut self, delivery: u64, outcome: Outcome) {
        let decision = self.gateway.attempted(delivery, outcome, None, self.now);
        self.take_effect(decision);
    }

    pub(crate) fn begin_attempt(&mut self, delivery: u64) -> Option<Sending> {
        let decision = self.gateway.begin_attempt(delivery, self.now);
        self.take_effect(decision)
    }

    /// Lets time pass, and refunds have their results.
    pub(crate) fn wait(&mut self, ms: i64) {
        self.now += ms;
        self.settle();
    }

    pub(crate) fn status(&mut self) -> String {
        let answer = self
            .call(
                Call::OrderQuery,
                &json!({ "outTradeNo": "A1", "nonceStr": "n", "signType": "RSA" }),
            )
            .unwrap();
        answer["tradeStatus"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ucp_order_no(&self) -> String {
        self.gateway.order("A1").unwrap().ucp_order_no.to_string()
    }

    /// A refund of the order `A1`.
    pub(crate) fn refund(&self, number: &str, cents: i64) -> Value {
        json!({
            "ucpOrderNo": self.ucp_order_no(), "outTradeNo": "A1", "outRefundNo": number, "totalAmt": 450, "refundAmt": cents,
            "refundDesc": "商品已售完", "notifyUrl": "http://127.0.0.1:3000/ucanpay/refund", "nonceStr": "n", "signType": "RSA",
        })
    }

    fn settle(&mut self) {
        let decision = self.gateway.settle(self.now);
        self.take_effect(decision);
    }

    fn take_effect<T>(&mut self, decision: Decision<T>) -> T {
        self.gateway.apply(decision.changes);
        for draw in decision.draws {
            self.gateway.faults.record(draw);
        }
        for notice in decision.notices {
            let id = self.gateway.next_delivery();
            self.gateway.apply([Change::Delivery(Delivery {
                id,
                out_trade_no: notice.out_trade_no.clone(),
                topic: notice.topic,
                url: notice.url.clone(),
                body: serde_json::to_string(&notice.data).unwrap(),
                next_attempt_at: Some(notice.first_attempt_at),
                postponed: Postponed::Never,
            })]);
            self.notices.push(notice);
        }
        decision.answer
    }
}

/// The order `A1` of 450 cents.
pub(crate) fn order() -> Value {
    json!({
        "subject": "coffee", "body": "two coffees", "deviceNo": "web", "totalAmt": 450, "merchantId": "2000000010", "sceneType": "NATIVE",
        "outTradeNo": "A1", "currency": "CAD", "notifyUrl": "http://127.0.0.1:3000/ucanpay/payment", "nonceStr": "n", "signType": "RSA",
    })
}

/// The same request with one member replaced, or taken out by `null`.
pub(crate) fn with(mut request: Value, name: &str, value: impl Into<Value>) -> Value {
    request[name] = value.into();
    request
}
