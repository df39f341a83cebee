//! Answers: verified, refused by the gateway, or not to be trusted.

use ucanpay_core::{
    AnswerError, ErrorClass, ErrorCode, GatewayError, OrderQuery, ReadError, Refund, RefundQuery,
    RefundStatus, TradeStatus, UnifiedOrder, Untrusted,
};

use crate::fixtures::{envelope, merchant, private_key, signed_data};

const ORDER: &str = r#"{"tranTime":"2021-01-29T03:55:56","totalAmt":450,"merchantId":"2000000010","outTradeNo":"A1","signType":"RSA","ucpOrderNo":"377654578511872","nonceStr":"n"}"#;

fn rejected(body: &str) -> GatewayError {
    match merchant().verify_answer::<Refund>(body.as_bytes()) {
        Err(AnswerError::Rejected(error)) => error,
        other => panic!("{body}: {other:?}"),
    }
}

fn code_of(body: &str) -> ErrorCode {
    rejected(body).code().clone()
}

#[test]
fn a_verified_answer_is_read_with_the_signature_that_pay_links_need() {
    let body = envelope(ORDER);
    let answer = merchant().verify_answer::<UnifiedOrder>(&body).unwrap();
    assert_eq!(answer.ucp_order_no.as_deref(), Some("377654578511872"));
    assert_eq!(answer.total_amount.unwrap().cents(), 450);
    let whole: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer.sign, whole["data"]["sign"].as_str().unwrap());
}

#[test]
fn data_may_be_a_string_and_code_may_be_one_too() {
    let data = signed_data(&private_key("platform-2048"), ORDER);
    let body = serde_json::json!({"code": "0", "msg": null, "data": data}).to_string();
    assert!(
        merchant()
            .verify_answer::<UnifiedOrder>(body.as_bytes())
            .is_ok()
    );
}

#[test]
fn members_that_did_not_come_are_none() {
    let body = envelope(r#"{"outTradeNo":"A1","tradeStatus":"","currency":null}"#);
    let answer = merchant().verify_answer::<OrderQuery>(&body).unwrap();
    assert_eq!(answer.trade_status, None);
    assert_eq!(answer.total_amount, None);
    assert_eq!(answer.currency, None);
    assert_eq!(answer.transaction_time, None);
}

#[test]
fn answers_are_read_leniently() {
    let body = envelope(
        r#"{"outTradeNo":"A1","tradeStatus":"userPaying","totalAmt":"000450","ucpOrderNo":377654578511872}"#,
    );
    let answer = merchant().verify_answer::<OrderQuery>(&body).unwrap();
    assert_eq!(answer.trade_status, Some(TradeStatus::UserPaying));
    assert_eq!(answer.total_amount.unwrap().cents(), 450);
    assert_eq!(answer.ucp_order_no.as_deref(), Some("377654578511872"));

    let body = envelope(
        r#"{"refundStatus":"PROCESSING","totalRefundAmt":0,"refundSuccessTime":"soon","refundAmt":9223372036854775807}"#,
    );
    let answer = merchant().verify_answer::<RefundQuery>(&body).unwrap();
    assert_eq!(answer.refund_status, Some(RefundStatus::Processing));
    assert_eq!(answer.total_refund_amount, None);
    assert_eq!(
        answer.refund_success_time.as_ref().unwrap().as_str(),
        "soon"
    );
    assert_eq!(answer.refund_amount.unwrap().cents(), i64::MAX);
}

#[test]
fn an_amount_that_is_not_whole_cents_is_refused_even_when_signed() {
    for amount in [
        "0",
        "-1",
        "1.0",
        "1e2",
        "9223372036854775808",
        "\"+1\"",
        "\" 1\"",
        "\"1,0\"",
        "true",
        "\"0\"",
    ] {
        let body = envelope(&format!(r#"{{"totalAmt":{amount}}}"#));
        let result = merchant().verify_answer::<OrderQuery>(&body);
        let expected = matches!(
            result,
            Err(AnswerError::Malformed(ReadError::Invalid {
                member: "totalAmt",
                ..
            }))
        );
        assert!(expected, "{amount}: {result:?}");
    }
}

#[test]
fn success_without_verifiable_data_is_untrusted() {
    for (body, why) in [
        (r#"{"code":0}"#, Untrusted::NoData),
        (r#"{"code":0,"data":null}"#, Untrusted::NoData),
        (r#"{"code":0,"data":""}"#, Untrusted::NoData),
        (r#"{"code":0,"data":{}}"#, Untrusted::NoSignature),
        (
            r#"{"code":0,"data":{"tradeStatus":"SUCCESS","sign":"AAAA"}}"#,
            Untrusted::NoMatchingKey { keys: 1 },
        ),
        (
            r#"{"code":1,"msg":"ORDERPAID","data":{"sign":"AAAA"}}"#,
            Untrusted::NoMatchingKey { keys: 1 },
        ),
    ] {
        let result = merchant().verify_answer::<OrderQuery>(body.as_bytes());
        assert_eq!(result, Err(AnswerError::Untrusted(why)), "{body}");
    }
}

#[test]
fn what_is_no_envelope_is_malformed() {
    for body in [
        "",
        "OK",
        "<html></html>",
        "[]",
        "null",
        "{}",
        r#"{"msg":"x"}"#,
        r#"{"code":0,"data":[1]}"#,
        r#"{"code":0,"data":7}"#,
        r#"{"code":0,"data":"x"}"#,
        r#"{"code":0,"code":0}"#,
        r#"{"message":"hello"}"#,
    ] {
        let result = merchant().verify_answer::<OrderQuery>(body.as_bytes());
        assert!(
            matches!(result, Err(AnswerError::Malformed(_))),
            "{body}: {result:?}"
        );
    }
}

#[test]
fn data_that_cannot_be_read_is_refused_with_what_is_wrong_in_it() {
    let duplicate = ReadError::Duplicate {
        name: "nonceStr".to_owned(),
    };
    let no_object = ReadError::Invalid {
        member: "data",
        expected: "an object, or a string that holds one",
    };
    for (data, why) in [
        (r#"{"nonceStr":"a","nonceStr":"b"}"#, duplicate),
        ("[1]", no_object.clone()),
        ("7", no_object),
    ] {
        let body = format!(r#"{{"code":0,"data":{data}}}"#);
        let result = merchant().verify_answer::<OrderQuery>(body.as_bytes());
        assert_eq!(result, Err(AnswerError::Malformed(why)), "{body}");
    }
}

#[test]
fn an_error_name_is_found_wherever_it_may_stand() {
    for body in [
        r#"{"code":"NOTENOUGH","msg":"x"}"#,
        r#"{"code":1,"msg":"NOTENOUGH"}"#,
        r#"{"code":1,"msg":" NOTENOUGH: top up first"}"#,
        r#"{"code":1,"msg":"NOTENOUGH，商户"}"#,
        r#"{"code":1,"msg":"x","errCode":"NOTENOUGH"}"#,
        r#"{"code":1,"msg":"x","err_code":"NOTENOUGH"}"#,
        r#"{"code":1,"msg":"x","errorCode":"NOTENOUGH"}"#,
        r#"{"code":1,"msg":"余额不足"}"#,
        r#"{"code":1,"msg":"Insufficient balance."}"#,
    ] {
        assert_eq!(code_of(body), ErrorCode::NotEnough, "{body}");
    }
    let data = signed_data(&private_key("platform-2048"), r#"{"errCode":"NOTENOUGH"}"#);
    let error = rejected(&format!(r#"{{"code":1,"msg":"x","data":{data}}}"#));
    assert_eq!(error.code(), &ErrorCode::NotEnough);
    assert!(error.signed());
}

#[test]
fn an_unknown_error_is_kept_and_its_outcome_is_unknown() {
    let error = rejected(r#"{"code":40001,"msg":"no idea","timestamp":{"nested":[1]}}"#);
    assert_eq!(error.code(), &ErrorCode::Other("40001".to_owned()));
    assert_eq!(error.code().class(), ErrorClass::OutcomeUnknown);
    assert_eq!(error.message(), "no idea");
    assert!(!error.signed());
    let named = r#"{"code":1,"msg":"x","errCode":"NEW_NAME"}"#;
    assert_eq!(code_of(named), ErrorCode::Other("NEW_NAME".to_owned()));
}

#[test]
fn a_long_message_is_cut_and_loses_its_control_characters() {
    let message = format!("\\u001b[2J{}", "é".repeat(1000));
    let error = rejected(&format!(r#"{{"code":1,"msg":"{message}"}}"#));
    assert_eq!(error.message().chars().count(), 256);
    assert!(error.message().starts_with("[2J"));
}

#[test]
fn each_description_of_the_tables_is_understood() {
    for (text, code) in [
        ("签名失败", ErrorCode::SignError),
        ("signature failed", ErrorCode::SignError),
        (
            "订单金额或退款金额与之前请求不一致，请核实后再试",
            ErrorCode::RefundFeeMismatch,
        ),
        ("系统错误", ErrorCode::SystemError),
        ("System Error", ErrorCode::SystemError),
        ("业务错误", ErrorCode::Error),
        ("Too many invalid requests", ErrorCode::InvalidReqTooMuch),
        ("请使用post方法", ErrorCode::RequirePostMethod),
        ("此交易订单号不存在", ErrorCode::OrderNotExist),
        ("订单已支付", ErrorCode::OrderPaid),
        ("编码格式错误", ErrorCode::NotUtf8),
    ] {
        let body = serde_json::json!({"code": 1, "msg": text}).to_string();
        assert_eq!(code_of(&body), code, "{text}");
    }
}

#[test]
fn no_error_that_may_hide_a_payment_is_classed_as_not_done() {
    for name in [
        "SYSTEMERROR",
        "ERROR",
        "ORDERPAID",
        "ORDERCLOSED",
        "OUT_TRADE_NO_USED",
        "ORDERNOTEXIST",
        "REFUNDNOTEXIST",
        "INVALID_REQUEST",
        "TRADE_OVERDUE",
        "anything else",
    ] {
        let class = code_of(&format!(r#"{{"code":"{name}"}}"#)).class();
        let careful = matches!(class, ErrorClass::OutcomeUnknown | ErrorClass::AskFirst);
        assert!(careful, "{name}: {class:?}");
    }
}

#[test]
fn an_error_name_is_found_behind_a_bracket_and_in_any_of_its_members() {
    for message in [
        "SYSTEMERROR",
        "[SYSTEMERROR] try again",
        "SYSTEMERROR.retry",
        "SYSTEMERROR-系统错误",
        "SYSTEMERROR|x",
        "（SYSTEMERROR）",
    ] {
        let body = serde_json::json!({"code": 1, "msg": message}).to_string();
        assert_eq!(code_of(&body), ErrorCode::SystemError, "{message}");
    }
    let body = r#"{"code":1,"msg":"fail","errCode":"1001","err_code":"ORDERPAID"}"#;
    assert_eq!(code_of(body), ErrorCode::OrderPaid);
    let body = r#"{"code":1,"msg":"the word SYSTEMERROR further on"}"#;
    assert_eq!(code_of(body), ErrorCode::Other("1".into()));
}

#[test]
fn a_word_from_the_front_door_is_the_gateways_and_unsigned() {
    let error = rejected(r#"{"status":401,"error":"Unauthorized","message":"bad key"}"#);
    assert_eq!(error.code(), &ErrorCode::Other("Unauthorized".into()));
    assert_eq!(error.message(), "bad key");
    assert!(!error.signed());
}

#[test]
fn debug_of_a_verified_message_shows_neither_the_signed_text_nor_the_signature() {
    let body = envelope(ORDER);
    let answer = merchant().verify_answer::<UnifiedOrder>(&body).unwrap();
    let text = answer.signed_text().to_owned();
    let shown = format!("{answer:?}");
    assert!(!shown.contains(&text));
    assert!(shown.contains("PlatformKey"));
}
