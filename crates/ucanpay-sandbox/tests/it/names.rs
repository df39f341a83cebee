//! Every name in the reference's error tables, said by its call in the situation that produces it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use ucanpay_core::{AnswerError, Merchant, MerchantId, OrderQuery};

use crate::merchant::{MERCHANT_ID, Served, config, http, key, order, refund, signed};

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

/// Each call's table. Only INVALID_REQUEST of refundquery is left out: it is the refund's text, copied, and fits no query.
const TABLES: [(&str, &[&str]); 6] = [
    (
        "unifiedorder",
        &[
            "INVALID_REQUEST",
            "NOAUTH",
            "ORDERPAID",
            "ORDERCLOSED",
            "SYSTEMERROR",
            "LACK_PARAMS",
            "OUT_TRADE_NO_USED",
            "SIGNERROR",
            "REQUIRE_POST_METHOD",
            "POST_DATA_EMPTY",
            "NOT_UTF8",
        ],
    ),
    ("orderquery", &["ORDERNOTEXIST", "SYSTEMERROR"]),
    (
        "closeorder",
        &[
            "ORDERPAID",
            "SYSTEMERROR",
            "ORDERCLOSED",
            "SIGNERROR",
            "REQUIRE_POST_METHOD",
        ],
    ),
    (
        "reverse",
        &[
            "ORDERPAID",
            "SYSTEMERROR",
            "ORDERCLOSED",
            "SIGNERROR",
            "REQUIRE_POST_METHOD",
            "INVALID_REQ_TOO_MUCH",
            "ERROR",
            "NOTENOUGH",
            "TRADE_OVERDUE",
        ],
    ),
    (
        "refund",
        &[
            "SYSTEMERROR",
            "BIZERR_NEED_RETRY",
            "TRADE_OVERDUE",
            "ERROR",
            "USER_ACCOUNT_ABNORMAL",
            "INVALID_REQ_TOO_MUCH",
            "NOTENOUGH",
            "PARAM_ERROR",
            "REQUIRE_POST_METHOD",
            "SIGNERROR",
            "FREQUENCY_LIMITED",
            "REFUND_FEE_MISMATCH",
            "INVALID_REQUEST",
            "ORDER_NOT_READY",
        ],
    ),
    (
        "refundquery",
        &[
            "SYSTEMERROR",
            "REFUNDNOTEXIST",
            "PARAM_ERROR",
            "REQUIRE_POST_METHOD",
            "SIGNERROR",
        ],
    ),
];

/// An order at a sandbox, and the calls about it.
struct Situation {
    sandbox: Served,
    placed: Value,
    call: &'static str,
}

impl Situation {
    /// The order is placed, and nothing more.
    async fn new(call: &'static str, settings: &[&str]) -> Self {
        let config = settings.iter().fold(config(), |config, setting| {
            config.with_setting(setting).unwrap()
        });
        let config =
            config.with_driven_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400));
        let sandbox = Served::start(config).await;
        let placed = sandbox
            .call("/payment/unifiedorder", order("A1", NOTIFY))
            .await;
        let placed = placed["data"].clone();
        Self {
            sandbox,
            placed,
            call,
        }
    }

    async fn control(&self, path: &str, body: &str) {
        assert_eq!(self.sandbox.control(path, body).await.0, 200, "{path}");
    }

    async fn fault(&self, fault: &str) {
        let plan = json!({ "faults": [{ "fault": fault }] });
        self.control("faults", &plan.to_string()).await;
    }

    /// A request of the call that is in order.
    fn request(&self) -> Value {
        match self.call {
            "unifiedorder" => order("A1", NOTIFY),
            "refund" => refund(&self.placed, "R1", 100, NOTIFY),
            "refundquery" => json!({ "outTradeNo": "A1", "outRefundNo": "R1" }),
            _ => json!({ "outTradeNo": "A1", "ucpOrderNo": self.placed["ucpOrderNo"] }),
        }
    }

    /// The answer to it with these members instead; `null` takes one out.
    async fn answer(&self, changed: Value) -> Value {
        let mut request = self.request();
        for (name, value) in changed.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.sandbox.call(&self.path(), request).await
    }

    fn path(&self) -> String {
        format!("/payment/{}", self.call)
    }
}

/// What the gateway says in the situation that produces this name.
async fn said(call: &'static str, name: &str, setting: &str) -> Value {
    let also = match (call, name) {
        ("unifiedorder", "OUT_TRADE_NO_USED") => "re-entry=refuse",
        ("reverse", "ORDERPAID") => "reverse-paid=refuse",
        _ => "scheme=documented",
    };
    let it = Situation::new(call, &[setting, also]).await;
    let path = it.path();
    match (call, name) {
        (_, "SYSTEMERROR") => it.fault("call.system_error_not_done").await,
        (_, "INVALID_REQ_TOO_MUCH") => it.fault("call.block").await,
        (_, "SIGNERROR") => {
            let forged = signed(it.request(), &key("merchant-1024"));
            return it.sandbox.send(&path, forged.to_string()).await;
        }
        (_, "REQUIRE_POST_METHOD") => {
            let got = http()
                .get(format!("{}{path}", it.sandbox.base))
                .send()
                .await;
            return serde_json::from_slice(&got.unwrap().bytes().await.unwrap()).unwrap();
        }
        ("unifiedorder", "INVALID_REQUEST") => return it.answer(json!({ "totalAmt": 451 })).await,
        ("unifiedorder", "LACK_PARAMS") => return it.answer(json!({ "subject": null })).await,
        ("unifiedorder", "NOAUTH") => {
            let mut request = signed(it.request(), &key("merchant-2048"));
            request["merchantId"] = "2000000011".into();
            return it.sandbox.send(&path, request.to_string()).await;
        }
        ("unifiedorder", "POST_DATA_EMPTY") => return it.sandbox.send(&path, "").await,
        ("unifiedorder", "NOT_UTF8") => {
            return it.sandbox.send(&path, &b"{\"a\":\"\xff\"}"[..]).await;
        }
        ("orderquery", "ORDERNOTEXIST") => return it.answer(json!({ "outTradeNo": "A2" })).await,
        ("reverse", "ERROR") => return it.answer(json!({ "outTradeNo": "A2" })).await,
        (_, "ORDERCLOSED") => {
            let named = json!({ "outTradeNo": "A1" });
            it.sandbox.data("/payment/closeorder", named).await;
        }
        ("unifiedorder" | "closeorder" | "reverse", "ORDERPAID") => {
            it.control("orders/A1/pay", "").await;
        }
        ("reverse", "TRADE_OVERDUE") => it.control("clock", r#"{"advance":"8d"}"#).await,
        ("refund", "ORDER_NOT_READY") => it.control("orders/A1/stall", "").await,
        ("refund", "PARAM_ERROR") => return it.answer(json!({ "refundDesc": null })).await,
        ("refundquery", "PARAM_ERROR") => return it.answer(json!({ "outRefundNo": null })).await,
        // Nobody has paid, or asked for this refund.
        ("refund", "INVALID_REQUEST")
        | ("refundquery", "REFUNDNOTEXIST")
        | (_, "OUT_TRADE_NO_USED") => {}
        ("refund" | "reverse", name) => {
            it.control("orders/A1/pay", "").await;
            match name {
                "TRADE_OVERDUE" => it.control("clock", r#"{"advance":"366d"}"#).await,
                "ERROR" => it.fault("refund.error").await,
                "USER_ACCOUNT_ABNORMAL" => it.fault("refund.account_closed").await,
                "NOTENOUGH" => it.fault("refund.not_enough").await,
                "FREQUENCY_LIMITED" => it.fault("refund.limited").await,
                "REFUND_FEE_MISMATCH" => return it.answer(json!({ "totalAmt": 451 })).await,
                "BIZERR_NEED_RETRY" => {
                    it.fault("refund.stuck").await;
                    assert_eq!(it.answer(json!({})).await["code"], 0);
                    return it.answer(json!({ "outRefundNo": "R2" })).await;
                }
                _ => panic!("{call} {name}"),
            }
        }
        _ => panic!("{call} {name}"),
    }
    it.answer(json!({})).await
}

#[tokio::test]
async fn every_name_of_the_tables_is_said_where_it_belongs() {
    for (call, names) in TABLES {
        for name in names {
            let answer = said(call, name, "name-in=msg").await;
            assert_eq!(answer["msg"], *name, "{call}: {answer}");
            assert!(answer.get("data").is_none(), "{call} {name}");
        }
    }
}

#[tokio::test]
async fn core_knows_every_name_by_its_description_in_either_language() {
    let merchant = Merchant::new(
        MerchantId::new(MERCHANT_ID).unwrap(),
        key("merchant-2048"),
        [key("platform-2048").public_key().clone()],
    )
    .unwrap();
    for (call, names) in TABLES {
        for name in names {
            for language in ["zh", "en"] {
                let answer = said(call, name, &format!("name-in={language}")).await;
                assert!(!answer.to_string().contains(*name), "{answer}");
                let read = merchant.verify_answer::<OrderQuery>(answer.to_string().as_bytes());
                let Err(AnswerError::Rejected(error)) = read else {
                    panic!("{call} {name}: {answer}")
                };
                // Where two names share a description, core takes the one that asks for more care.
                let expected = match (*name, language) {
                    ("FREQUENCY_LIMITED", _) => "REFUND_FEE_MISMATCH",
                    ("PARAM_ERROR", "zh") => "INVALID_REQUEST",
                    ("ERROR", "en") => "SYSTEMERROR",
                    (name, _) => name,
                };
                assert_eq!(error.code().name(), expected, "{call} {language}: {answer}");
            }
        }
    }
}
