//! Closing and reversing an order: what is asked, and what is answered.

use ucanpay_core::{
    CloseOrder, Nonce, Operation, OutTradeNo, Reverse, TradeStatus, UcpOrderNo, explain,
};

use crate::fixtures::{envelope, merchant};

fn members<O: Operation>(operation: &O) -> serde_json::Value {
    let request = merchant()
        .sign(operation, Nonce::new("n1").unwrap())
        .unwrap();
    let at_hand = ucanpay_core::AtHand::new([crate::fixtures::public_key("merchant-2048")]);
    let explanation = explain(request.body(), &at_hand).unwrap();
    assert_eq!(explanation.verdict, ucanpay_core::Verdict::Verifies);
    let mut members: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    members.as_object_mut().unwrap().remove("sign").unwrap();
    members
}

#[test]
fn both_ask_by_both_numbers_and_leave_out_the_unknown_one() {
    let out_trade_no = OutTradeNo::new("A1").unwrap();
    let ucp_order_no = Some(UcpOrderNo::new("377654578511872").unwrap());
    let common = serde_json::json!({
        "outTradeNo": "A1", "ucpOrderNo": "377654578511872",
        "merchantId": "2000000010", "nonceStr": "n1", "signType": "RSA",
    });
    let close = CloseOrder {
        out_trade_no: out_trade_no.clone(),
        ucp_order_no: ucp_order_no.clone(),
    };
    let reverse = Reverse {
        out_trade_no: out_trade_no.clone(),
        ucp_order_no,
    };
    assert_eq!(members(&close), common);
    assert_eq!(members(&reverse), common);
    assert_eq!(CloseOrder::PATH, "/payment/closeorder");
    assert_eq!(Reverse::PATH, "/payment/reverse");

    let unknown = members(&Reverse {
        out_trade_no,
        ucp_order_no: None,
    });
    assert_eq!(unknown.get("ucpOrderNo"), None);
}

#[test]
fn the_answers_say_what_the_order_is_now_and_nothing_that_did_not_come() {
    let body = envelope(
        r#"{"merchantId":"2000000010","outTradeNo":"A1","ucpOrderNo":"37","tradeStatus":"CLOSED"}"#,
    );
    let closed = merchant().verify_answer::<CloseOrder>(&body).unwrap();
    assert_eq!(closed.trade_status, Some(TradeStatus::Closed));
    assert_eq!(closed.merchant_id.as_deref(), Some("2000000010"));
    assert_eq!(closed.ucp_order_no.as_deref(), Some("37"));

    let body = envelope(r#"{"outTradeNo":"A1","tradeStatus":"revoked"}"#);
    let reversed = merchant().verify_answer::<Reverse>(&body).unwrap();
    assert_eq!(reversed.trade_status, Some(TradeStatus::Revoked));
    assert_eq!(reversed.out_trade_no.as_deref(), Some("A1"));
    assert_eq!(
        (&reversed.merchant_id, &reversed.ucp_order_no),
        (&None, &None)
    );

    let body = envelope(r#"{"outTradeNo":"A1"}"#);
    let silent = merchant().verify_answer::<Reverse>(&body).unwrap();
    assert_eq!(silent.trade_status, None);
}
