//! The open points: each switch does over HTTP what its row in `docs/sandbox.md` says, and core reads every variant.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use ucanpay_core::{
    Amount, AnswerError, Currency, Description, DeviceNo, ErrorCode, Md5Secret, Merchant,
    MerchantId, Nonce, Notification, NotifyUrl, Operation, OrderQuery, OutRefundNo, OutTradeNo,
    ReceivedSuffix, Refund, RefundReason, RefundStatus, SceneType, SignatureScheme, Subject,
    TradeStatus, UcpOrderNo, UnifiedOrder, Verified,
};
use ucanpay_sandbox::{Sandbox, SandboxConfig, SwitchError};

use crate::merchant::{MERCHANT_ID, Served, config, http, is_signed, key, order, refund, signed};
use crate::shop::Shop;

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

fn set(settings: &[&str]) -> SandboxConfig {
    settings.iter().fold(config(), |config, setting| {
        config.with_setting(setting).unwrap()
    })
}

async fn placed(settings: &[&str]) -> (Served, Value) {
    let sandbox = Served::start(set(settings)).await;
    let answer = sandbox
        .call("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    (sandbox, answer)
}

async fn refused(settings: &[&str]) -> Value {
    let sandbox = Served::start(set(settings)).await;
    let mut answer = sandbox
        .call("/payment/orderquery", json!({ "outTradeNo": "A1" }))
        .await;
    answer.as_object_mut().unwrap().remove("timestamp").unwrap();
    answer
}

#[tokio::test]
async fn the_error_name_stands_where_it_is_set_to() {
    let why = "no order has these numbers";
    for (setting, expected) in [
        ("name-in=msg", json!({ "code": 1, "msg": "ORDERNOTEXIST" })),
        (
            "name-in=code",
            json!({ "code": "ORDERNOTEXIST", "msg": why }),
        ),
        (
            "name-in=errCode",
            json!({ "code": 1, "msg": why, "errCode": "ORDERNOTEXIST" }),
        ),
    ] {
        assert_eq!(refused(&[setting]).await, expected, "{setting}");
    }
}

#[tokio::test]
async fn the_code_is_a_number_or_a_string() {
    let refusal = refused(&["code=string"]).await;
    assert_eq!(refusal["code"], "1");
    let (_sandbox, answer) = placed(&["code=string"]).await;
    assert_eq!(answer["code"], "0");
}

#[tokio::test]
async fn data_is_an_object_or_a_string_in_answers_and_notifications() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(set(&["data=string"])).await;
    let answer = sandbox
        .call("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    sandbox
        .until("A1", |order| order["deliveries"][0]["accepted"] == true)
        .await;
    let notified: Value = serde_json::from_str(&shop.inbox()[0]).unwrap();
    for envelope in [answer, notified] {
        let data: Value = serde_json::from_str(envelope["data"].as_str().unwrap()).unwrap();
        assert!(is_signed(&data, &key("platform-2048")));
        assert_eq!(data["outTradeNo"], "A1");
    }
}

#[tokio::test]
async fn re_entry_is_answered_or_refused() {
    let (sandbox, first) = placed(&["re-entry=allow"]).await;
    let again = sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
    assert_eq!(again["ucpOrderNo"], first["data"]["ucpOrderNo"]);

    let (sandbox, _) = placed(&["re-entry=refuse"]).await;
    let again = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(again.await, "OUT_TRADE_NO_USED");
    sandbox.control("orders/A1/pay", "").await;
    let paid = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(paid.await, "ORDERPAID");
}

#[tokio::test]
async fn times_are_written_as_printed_or_all_alike() {
    for (setting, [tran_time, found, refunded, stamp]) in [
        (
            "time=as-printed",
            [
                "2026-03-01T12:00:00",
                "2026-03-01T12:00:00Z",
                "20260301120001",
                "2026-03-01T12:00:00Z",
            ],
        ),
        (
            "time=offset",
            [
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:01Z",
                "2026-03-01T12:00:00Z",
            ],
        ),
        (
            "time=no-offset",
            [
                "2026-03-01T12:00:00",
                "2026-03-01T12:00:00",
                "2026-03-01T12:00:01",
                "2026-03-01T12:00:00",
            ],
        ),
        (
            "time=digits",
            [
                "20260301120000",
                "20260301120000",
                "20260301120001",
                "20260301120000",
            ],
        ),
        (
            "time=spaced",
            [
                "2026-03-01 12:00:00",
                "2026-03-01 12:00:00",
                "2026-03-01 12:00:01",
                "2026-03-01 12:00:00",
            ],
        ),
    ] {
        let config = set(&[setting])
            .with_refund_delay(Duration::from_secs(1))
            .with_driven_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400));
        let sandbox = Served::start(config).await;
        let placed = sandbox
            .call("/payment/unifiedorder", order("A1", NOTIFY))
            .await;
        assert_eq!(placed["data"]["tranTime"], tran_time, "{setting}");
        assert_eq!(placed["timestamp"], stamp, "{setting}");
        let query = sandbox.call("/payment/orderquery", json!({ "outTradeNo": "A1" }));
        assert_eq!(query.await["data"]["tranTime"], found, "{setting}");
        sandbox.control("orders/A1/pay", "").await;
        let request = refund(&placed["data"], "R1", 100, NOTIFY);
        assert_eq!(sandbox.call("/payment/refund", request).await["code"], 0);
        sandbox.control("clock", r#"{"advance":"1s"}"#).await;
        let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
        let query = sandbox.call("/payment/refundquery", query);
        assert_eq!(
            query.await["data"]["refundSuccesTime"],
            refunded,
            "{setting}"
        );
    }
}

#[tokio::test]
async fn statuses_are_written_in_either_letter_case() {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(set(&["status-case=lower"])).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox.control("orders/A1/pay", "").await;
    let request = refund(&placed, "R1", 100, &shop.url);
    sandbox.data("/payment/refund", request).await;
    sandbox
        .until("A1", |order| {
            order["deliveries"]
                .as_array()
                .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["accepted"] == true))
        })
        .await;
    assert_eq!(shop.data(0)["tradeStatus"], "success");
    assert_eq!(shop.data(1)["refundStatus"], "success");
    let found = sandbox.data("/payment/orderquery", json!({ "outTradeNo": "A1" }));
    assert_eq!(found.await["tradeStatus"], "refund");
    let query = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
    let found = sandbox.data("/payment/refundquery", query);
    assert_eq!(found.await["refundStatus"], "success");
    sandbox
        .data("/payment/unifiedorder", order("A2", &shop.url))
        .await;
    let closed = sandbox.data("/payment/closeorder", json!({ "outTradeNo": "A2" }));
    assert_eq!(closed.await["tradeStatus"], "closed");
}

#[tokio::test]
async fn reversing_a_paid_order_returns_it_or_is_refused() {
    for (setting, expected) in [
        ("reverse-paid=return", "SUCCESS"),
        ("reverse-paid=refuse", "ORDERPAID"),
    ] {
        let (sandbox, _) = placed(&[setting]).await;
        sandbox.control("orders/A1/pay", "").await;
        let answer = sandbox
            .call("/payment/reverse", json!({ "outTradeNo": "A1" }))
            .await;
        assert_eq!(answer["msg"], expected, "{setting}");
    }
}

#[tokio::test]
async fn too_many_bad_requests_in_a_row_block_every_call_for_a_minute() {
    let config = config()
        .with_block_after(NonZeroU32::new(3))
        .with_driven_clock(SystemTime::UNIX_EPOCH);
    let sandbox = Served::start(config).await;
    let forged = signed(order("A1", NOTIFY), &key("merchant-1024")).to_string();
    let query = json!({ "outTradeNo": "A1" });
    for round in 0..2 {
        for _ in 0..2 {
            let answer = sandbox.send("/payment/unifiedorder", forged.clone()).await;
            assert_eq!(answer["msg"], "SIGNERROR");
        }
        // A request in order breaks the row the first time.
        let third = if round == 0 {
            sandbox.call("/payment/orderquery", query.clone()).await
        } else {
            sandbox.send("/payment/unifiedorder", forged.clone()).await
        };
        assert_eq!(third["msg"], ["ORDERNOTEXIST", "SIGNERROR"][round]);
    }
    for path in [
        "/payment/orderquery",
        "/payment/unifiedorder",
        "/payment/refund",
    ] {
        let answer = sandbox.refusal(path, order("A1", NOTIFY)).await;
        assert_eq!(answer, "INVALID_REQ_TOO_MUCH", "{path}");
    }
    sandbox.control("clock", r#"{"advance":"59s"}"#).await;
    let blocked = sandbox.refusal("/payment/orderquery", query.clone());
    assert_eq!(blocked.await, "INVALID_REQ_TOO_MUCH");
    sandbox.control("clock", r#"{"advance":"1s"}"#).await;
    let open = sandbox.refusal("/payment/orderquery", query);
    assert_eq!(open.await, "ORDERNOTEXIST");
    assert_eq!(sandbox.look("orders").await["orders"], json!([]));
}

#[tokio::test]
async fn a_setting_that_is_not_understood_is_an_error() {
    assert!(matches!(
        config().with_setting("name-in=nowhere"),
        Err(SwitchError::UnknownValue { .. })
    ));
}

/// Core's merchant, which shares no reading of the protocol with the sandbox.
fn merchant() -> Merchant {
    Merchant::new(
        MerchantId::new(MERCHANT_ID).unwrap(),
        key("merchant-2048"),
        [key("platform-2048").public_key().clone()],
    )
    .unwrap()
}

/// One payment and refund through core's merchant.
async fn core_reads(setting: &str) {
    let merchant = match setting.split_once('=').unwrap() {
        ("scheme", name) => merchant().with_scheme(SignatureScheme::by_name(name).unwrap()),
        ("signed-set", words) => merchant().with_signed_set(words.parse().unwrap()),
        _ => merchant(),
    };
    pays_and_refunds(merchant, set(&[setting]), setting).await;
}

async fn pays_and_refunds(merchant: Merchant, config: SandboxConfig, setting: &str) {
    let shop = Shop::open(0).await;
    let sandbox = Served::start(config).await;
    let core = Core {
        merchant,
        base: sandbox.base.clone(),
    };
    let order = UnifiedOrder {
        subject: Subject::new("coffee").unwrap(),
        description: Description::new("two coffees").unwrap(),
        device_no: DeviceNo::default(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        currency: Currency::CAD,
        notify_url: NotifyUrl::new(&shop.url).unwrap(),
    };
    let query = OrderQuery {
        out_trade_no: order.out_trade_no.clone(),
        ucp_order_no: None,
    };
    let Err(AnswerError::Rejected(unknown)) = core.call(&query).await else {
        panic!("{setting}")
    };
    assert_eq!(*unknown.code(), ErrorCode::OrderNotExist, "{setting}");

    let placed = core.call(&order).await.unwrap();
    let ucp_order_no = placed.ucp_order_no.clone().unwrap();
    sandbox.control("orders/A1/pay", "").await;
    let found = core.call(&query).await.unwrap();
    assert_eq!(found.trade_status, Some(TradeStatus::Success), "{setting}");
    assert_eq!(found.total_amount, Some(order.total_amount), "{setting}");
    let time = found.transaction_time.as_ref().unwrap();
    assert!(time.civil().is_some(), "{setting}: {time:?}");

    let refund = Refund {
        ucp_order_no: UcpOrderNo::new(&ucp_order_no).unwrap(),
        out_trade_no: order.out_trade_no.clone(),
        out_refund_no: OutRefundNo::new("R1").unwrap(),
        total_amount: order.total_amount,
        refund_amount: Amount::new(100).unwrap(),
        reason: RefundReason::new("sold out").unwrap(),
        notify_url: NotifyUrl::new(&shop.url).unwrap(),
    };
    core.call(&refund).await.unwrap();
    sandbox
        .until("A1", |order| {
            order["deliveries"]
                .as_array()
                .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["accepted"] == true))
        })
        .await;
    for body in shop.inbox() {
        let notification = core.merchant.verify_notification(body.as_bytes()).unwrap();
        match &*notification {
            Notification::Payment(payment) => {
                assert_eq!(payment.trade_status, TradeStatus::Success, "{setting}");
            }
            Notification::Refund(refund) => {
                assert_eq!(refund.refund_status, RefundStatus::Success, "{setting}");
            }
            _ => panic!("{setting}"),
        }
    }
}

struct Core {
    merchant: Merchant,
    base: String,
}

impl Core {
    async fn call<O: Operation>(&self, operation: &O) -> Result<Verified<O::Answer>, AnswerError> {
        let request = self.merchant.sign(operation, Nonce::random()).unwrap();
        let sent = http()
            .post(format!("{}{}", self.base, O::PATH))
            .body(request.body().to_vec())
            .send();
        let answer = sent.await.unwrap().bytes().await.unwrap();
        self.merchant.verify_answer::<O>(&answer)
    }
}

#[tokio::test]
async fn core_reads_every_variant() {
    for setting in [
        "name-in=msg",
        "name-in=code",
        "name-in=errCode",
        "data=string",
        "code=string",
        "time=offset",
        "time=no-offset",
        "time=digits",
        "time=spaced",
        "name-in=zh",
        "name-in=en",
        "amount=number",
        "amount=string",
        "status-case=lower",
    ] {
        core_reads(setting).await;
    }
}

#[tokio::test]
async fn core_signs_and_verifies_every_signed_set() {
    for words in [
        "without-sign-type",
        "envelope",
        "empty",
        "null-as-nothing",
        "null-as-text",
        "percent",
        "form",
        "without-sign-type,envelope,empty,null-as-nothing,form",
    ] {
        core_reads(&format!("signed-set={words}")).await;
    }
    let (sandbox, answer) = placed(&["signed-set=without-sign-type"]).await;
    assert_eq!(answer["msg"], "SIGNERROR", "one set is not another");
    drop(sandbox);
}

#[tokio::test]
async fn core_pays_by_keyed_md5_and_by_nothing_else_then() {
    const SECRET: &str = "a secret of these tests";
    let config = || config().with_md5_secret(SECRET);
    let secret = Md5Secret::new(SECRET).unwrap();
    pays_and_refunds(merchant().with_keyed_md5(secret), config(), "MD5").await;
    let sandbox = Served::start(config()).await;
    let by_rsa = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(by_rsa.await, "SIGNERROR");
}

#[tokio::test]
async fn the_signed_text_of_answers_ends_with_the_path_where_it_is_set_to() {
    let merchant = merchant()
        .with_scheme(SignatureScheme::PATH_SUFFIXED)
        .with_received_suffix(ReceivedSuffix::OperationPath);
    let settings = ["scheme=path-suffixed", "answer-suffix=path"];
    pays_and_refunds(merchant, set(&settings), "answer-suffix=path").await;
}

#[tokio::test]
async fn a_nonce_may_come_again_or_is_refused() {
    let (sandbox, _) = placed(&["nonce=once"]).await;
    // The merchant of these tests has one nonce.
    let again = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(again.await, "SIGNERROR");
    let core = Core {
        merchant: merchant(),
        base: sandbox.base.clone(),
    };
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        ucp_order_no: None,
    };
    for _ in 0..2 {
        let found = core.call(&query).await.unwrap();
        assert_eq!(found.trade_status, Some(TradeStatus::NotPay));
    }
}

#[tokio::test]
async fn a_request_that_a_fault_undoes_has_not_used_its_nonce() {
    let sandbox = Served::start(set(&["nonce=once"])).await;
    let fault = r#"{"faults":[{"fault":"call.system_error_not_done","times":1}]}"#;
    sandbox.control("faults", fault).await;
    let first = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(first.await, "SYSTEMERROR");
    sandbox
        .data("/payment/unifiedorder", order("A1", NOTIFY))
        .await;
}

#[tokio::test]
async fn the_gateway_s_own_numbers_may_be_left_out_or_not() {
    let named = json!({ "outTradeNo": "A1", "outRefundNo": "R1" });
    for (setting, expected) in [
        (
            "own-numbers=optional",
            ["SUCCESS", "REFUNDNOTEXIST", "SUCCESS", "ORDERCLOSED"],
        ),
        (
            "own-numbers=mandatory",
            ["ORDERNOTEXIST", "PARAM_ERROR", "PARAM_ERROR", "ERROR"],
        ),
    ] {
        let (sandbox, _) = placed(&[setting]).await;
        let calls = ["orderquery", "refundquery", "closeorder", "reverse"];
        for (call, expected) in calls.into_iter().zip(expected) {
            let answer = sandbox
                .call(&format!("/payment/{call}"), named.clone())
                .await;
            assert_eq!(answer["msg"], expected, "{setting} {call}");
        }
    }
}

#[tokio::test]
async fn an_unpaid_order_is_found_or_does_not_exist() {
    let (sandbox, _) = placed(&["unpaid=not-exist"]).await;
    let query = json!({ "outTradeNo": "A1" });
    let unpaid = sandbox.refusal("/payment/orderquery", query.clone());
    assert_eq!(unpaid.await, "ORDERNOTEXIST");
    sandbox.control("orders/A1/pay", "").await;
    let paid = sandbox.data("/payment/orderquery", query).await;
    assert_eq!(paid["tradeStatus"], "SUCCESS");
}

#[tokio::test]
async fn an_mweb_order_is_refused_or_taken() {
    let mut mweb = order("A1", NOTIFY);
    mweb["sceneType"] = "MWEB".into();
    for (setting, expected) in [("mweb=refuse", "INVALID_REQUEST"), ("mweb=take", "SUCCESS")] {
        let sandbox = Served::start(set(&[setting])).await;
        let answer = sandbox.call("/payment/unifiedorder", mweb.clone()).await;
        assert_eq!(answer["msg"], expected);
    }
}

#[tokio::test]
async fn an_order_can_be_reversed_for_seven_days_or_a_year() {
    for (setting, after, expected) in [
        ("reverse-window=7d", "8d", "TRADE_OVERDUE"),
        ("reverse-window=365d", "365d", "SUCCESS"),
        ("reverse-window=365d", "366d", "TRADE_OVERDUE"),
    ] {
        let config = set(&[setting]).with_driven_clock(SystemTime::UNIX_EPOCH);
        let sandbox = Served::start(config).await;
        sandbox
            .data("/payment/unifiedorder", order("A1", NOTIFY))
            .await;
        let advance = json!({ "advance": after }).to_string();
        sandbox.control("clock", &advance).await;
        let answer = sandbox.call("/payment/reverse", json!({ "outTradeNo": "A1" }));
        assert_eq!(answer.await["msg"], expected, "{setting} {after}");
    }
}

#[tokio::test]
async fn amounts_that_differ_have_either_of_two_names() {
    for name in ["REFUND_FEE_MISMATCH", "FREQUENCY_LIMITED"] {
        let (sandbox, placed) = placed(&[&format!("amounts-differ={name}")]).await;
        sandbox.control("orders/A1/pay", "").await;
        let mut request = refund(&placed["data"], "R1", 100, NOTIFY);
        request["totalAmt"] = 451.into();
        assert_eq!(sandbox.refusal("/payment/refund", request).await, name);
    }
}

#[tokio::test]
async fn failed_refunds_count_among_the_ten_or_do_not() {
    for (setting, expected) in [
        ("failed-refunds=free", "SUCCESS"),
        ("failed-refunds=count", "INVALID_REQUEST"),
    ] {
        let (sandbox, placed) = placed(&[setting]).await;
        sandbox.control("orders/A1/pay", "").await;
        let fault = r#"{"faults":[{"fault":"refund.stuck"}]}"#;
        sandbox.control("faults", fault).await;
        for index in 0..10 {
            let request = refund(&placed["data"], &format!("R{index}"), 1, NOTIFY);
            assert_eq!(sandbox.call("/payment/refund", request).await["code"], 0);
            sandbox.control(&format!("refunds/R{index}/fail"), "").await;
        }
        let request = refund(&placed["data"], "R10", 1, NOTIFY);
        let eleventh = sandbox.call("/payment/refund", request).await;
        assert_eq!(eleventh["msg"], expected, "{setting}");
    }
}

#[tokio::test]
async fn a_notification_is_given_up_after_so_many_attempts() {
    let config = set(&["notify-times=3"]).with_driven_clock(SystemTime::UNIX_EPOCH);
    let sandbox = Sandbox::open(config).await.unwrap();
    let router = sandbox.router();
    let post = async |path: &str, body: String| {
        let request = Request::post(path).body(Body::from(body)).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let request = signed(order("A1", NOTIFY), &key("merchant-2048"));
    post("/payment/unifiedorder", request.to_string()).await;
    post("/_sandbox/orders/A1/pay", String::new()).await;
    let mut attempts = 0;
    for _ in 0..10 {
        sandbox.advance(Duration::from_secs(15)).await.unwrap();
        attempts += sandbox.deliver_due_to(Router::new()).await.unwrap();
    }
    assert_eq!(attempts, 3);
    // By hand it goes once more.
    post("/_sandbox/deliveries/1/resend", String::new()).await;
    assert_eq!(sandbox.deliver_due_to(Router::new()).await.unwrap(), 1);
}

#[tokio::test]
async fn core_signs_and_verifies_under_every_scheme() {
    for scheme in [
        "documented",
        "single",
        "sha1",
        "md5-rsa",
        "prehash-sha1",
        "prehash-md5-rsa",
        "prehash-hex",
        "path-suffixed",
    ] {
        core_reads(&format!("scheme={scheme}")).await;
    }
    let sandbox = Served::start(set(&["scheme=single"])).await;
    let documented = sandbox.refusal("/payment/unifiedorder", order("A1", NOTIFY));
    assert_eq!(documented.await, "SIGNERROR", "one scheme is not another");
}
