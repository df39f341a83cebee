//! `ucanpay refund`: requested, and asked about.

use ucanpay_core::{
    Amount, GatewayTime, OrderQuery, OutTradeNo, Refund, RefundQuery, RefundStatus, SignedRequest,
    TradeStatus, UcpOrderNo,
};
use ucanpay_storefront::{NotificationTopic, UcanpayAccount};

use crate::{
    args::{RefundArguments, RefundCommand, RefundQueryArguments},
    gateway::{Asked, kept, send, shown, signed},
    order,
    outcome::{Done, Failure},
    report::{Report, end},
};

pub(crate) fn execute(command: &RefundCommand, account: &UcanpayAccount) -> Result<Done, Failure> {
    match command {
        RefundCommand::Request(arguments) => request(arguments, account),
        RefundCommand::Query(arguments) => query(arguments, account),
    }
}

fn request(arguments: &RefundArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let shown_as = &arguments.shown;
    let request = match &arguments.request {
        Some(file) => kept(file),
        None => operation(arguments, account).and_then(|refund| signed(&refund, account)),
    };
    match request {
        Ok(request) if shown_as.dry_run => Ok(shown(&request)),
        request => end(
            request.and_then(|request| requested(&request, account)),
            shown_as.json,
        ),
    }
}

fn operation(arguments: &RefundArguments, account: &UcanpayAccount) -> Result<Refund, Failure> {
    let (Some(order), Some(refund), Some(amount)) =
        (&arguments.order, &arguments.refund, arguments.amount)
    else {
        let text = "a refund needs the order's number, a number of its own, and --amount";
        return Err(Failure::NotDone(text.to_owned()));
    };
    let (ucp_order_no, total_amount) = match (&arguments.ucp_order_no, arguments.total) {
        (Some(number), Some(total)) => (number.clone(), total),
        _ if arguments.shown.dry_run => {
            let text = "--dry-run sends nothing, so the order cannot be asked about: give --ucp-order-no and --total";
            return Err(Failure::NotDone(text.to_owned()));
        }
        _ => paid(order, account)?,
    };
    Ok(Refund {
        ucp_order_no,
        out_trade_no: order.clone(),
        out_refund_no: refund.clone(),
        total_amount,
        refund_amount: amount,
        reason: arguments.reason.clone(),
        notify_url: account.notify_url(NotificationTopic::Refund)?,
    })
}

/// The gateway's number and amount of an order, if it is paid.
fn paid(order: &OutTradeNo, account: &UcanpayAccount) -> Result<(UcpOrderNo, Amount), Failure> {
    let query = OrderQuery {
        out_trade_no: order.clone(),
        ucp_order_no: None,
    };
    let answer = order::ask(&query, account).map_err(|failure| {
        failure.before("no refund was asked for, because the query for the order failed")
    })?;
    match answer.trade_status {
        Some(TradeStatus::Success | TradeStatus::Refund) => {}
        Some(status) => {
            return Err(Failure::Refused(format!(
                "the order is not paid: its tradeStatus is {status}"
            )));
        }
        None => {
            let text = "the query's answer has no tradeStatus";
            return Err(Failure::Later(text.to_owned()));
        }
    }
    let number = answer.ucp_order_no.map(UcpOrderNo::new);
    match (number, answer.total_amount) {
        (Some(Ok(number)), Some(total)) => Ok((number, total)),
        _ => Err(Failure::NotDone(
            "the query's answer does not have the order's numbers: give --ucp-order-no and --total"
                .to_owned(),
        )),
    }
}

fn requested(request: &SignedRequest<Refund>, account: &UcanpayAccount) -> Result<Report, Failure> {
    let asked = Asked::read(request)?;
    let (order, refund) = (asked.member("outTradeNo")?, asked.member("outRefundNo")?);
    let answer = send(request, account)?;
    let cents = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
    asked.matches(
        &[
            ("merchantId", answer.merchant_id.clone()),
            ("outTradeNo", answer.out_trade_no.clone()),
            ("ucpOrderNo", answer.ucp_order_no.clone()),
            ("outRefundNo", answer.out_refund_no.clone()),
            ("totalAmt", cents(answer.total_amount)),
            ("refundAmt", cents(answer.refund_amount)),
        ],
        &["outTradeNo", "outRefundNo", "refundAmt"],
    )?;
    Ok(Report::default()
        .with("outTradeNo", Some(order))
        .with("ucpOrderNo", answer.ucp_order_no.as_deref())
        .with("outRefundNo", Some(refund))
        .with("ucpRefundNo", answer.ucp_refund_no.as_deref())
        .with("refundAmt", answer.refund_amount.map(Amount::cents))
        .with("totalAmt", answer.total_amount.map(Amount::cents))
        .with("currency", answer.currency.as_deref())
        .with_note(format!(
            "Accepted, which is no refund yet: `ucanpay refund query {order} {refund}` tells what became of it."
        )))
}

fn query(arguments: &RefundQueryArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let query = RefundQuery {
        out_trade_no: arguments.order.clone(),
        ucp_order_no: arguments.ucp_order_no.clone(),
        ucp_refund_no: arguments.ucp_refund_no.clone(),
        out_refund_no: arguments.refund.clone(),
    };
    let request = signed(&query, account);
    match request {
        Ok(request) if arguments.shown.dry_run => Ok(shown(&request)),
        request => end(
            request.and_then(|request| found(&request, account)),
            arguments.shown.json,
        ),
    }
}

fn found(
    request: &SignedRequest<RefundQuery>,
    account: &UcanpayAccount,
) -> Result<Report, Failure> {
    let answer = send(request, account)?;
    Asked::read(request)?.matches(
        &[
            ("merchantId", answer.merchant_id.clone()),
            ("outTradeNo", answer.out_trade_no.clone()),
            ("ucpOrderNo", answer.ucp_order_no.clone()),
            ("outRefundNo", answer.out_refund_no.clone()),
            ("ucpRefundNo", answer.ucp_refund_no.clone()),
        ],
        &["outTradeNo", "outRefundNo"],
    )?;
    let report = Report::default()
        .with("outTradeNo", answer.out_trade_no.as_deref())
        .with("ucpOrderNo", answer.ucp_order_no.as_deref())
        .with("outRefundNo", answer.out_refund_no.as_deref())
        .with("ucpRefundNo", answer.ucp_refund_no.as_deref())
        .with("refundAmt", answer.refund_amount.map(Amount::cents))
        .with("totalAmt", answer.total_amount.map(Amount::cents))
        .with(
            "totalRefundAmt",
            answer.total_refund_amount.map(Amount::cents),
        )
        .with("currency", answer.currency.as_deref())
        .with_text("refundStatus", answer.refund_status.as_ref())
        .with(
            "refundSuccesTime",
            answer.refund_success_time.as_ref().map(GatewayTime::as_str),
        );
    let meaning = match &answer.refund_status {
        Some(RefundStatus::Success) => "Refunded.",
        Some(RefundStatus::Processing) => "Under way: ask again later.",
        Some(RefundStatus::RefundClose) => {
            "Closed, presumably with nothing refunded: look at the merchant portal before a new number is used."
        }
        Some(RefundStatus::Fail) => "Failed: request it again with the same number.",
        _ => {
            let unknown = "It says nothing about the money that is documented: ask again.";
            return Ok(report.with_note(unknown).with_code(3));
        }
    };
    Ok(report.with_note(meaning))
}
