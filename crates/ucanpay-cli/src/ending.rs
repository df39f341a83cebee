//! `ucanpay order close` and `reverse`: an order is ended, after a query that says whether there is something to end.

use std::io::Write;

use ucanpay_core::{
    CloseOrder, CloseOrderAnswer, Operation, OutTradeNo, Reverse, ReverseAnswer, TradeStatus,
    UcpOrderNo,
};
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::{EndArguments, OrderArguments},
    gateway::{Asked, send, shown, signed},
    order::{ask, order_query},
    outcome::{Done, Failure},
    report::{Report, end, printable},
};

/// What the order is now, if that is a reason not to end it.
fn in_the_way(
    arguments: &EndArguments,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Option<TradeStatus>, Failure> {
    if arguments.without_query {
        return Ok(None);
    }
    let answer = ask(&order_query(&arguments.order), account).map_err(|failure| {
        failure.before("the order was not ended, because the query before that (--without-query leaves it out) failed")
    })?;
    let status = answer.trade_status;
    if let Some(status) = &status {
        // Nobody to tell is no reason to stop.
        let _ = writeln!(stderr, "tradeStatus is {}", printable(status.as_str()));
    }
    Ok(status.filter(|status| {
        matches!(
            status,
            TradeStatus::Success | TradeStatus::Refund | TradeStatus::Closed | TradeStatus::Revoked
        )
    }))
}

/// What the answers of the two ways to end an order have in common.
struct Ended {
    merchant_id: Option<String>,
    out_trade_no: Option<String>,
    ucp_order_no: Option<String>,
    status: Option<TradeStatus>,
}

pub(crate) fn close(
    arguments: &EndArguments,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let operation = CloseOrder {
        out_trade_no: arguments.order.order.clone(),
        ucp_order_no: arguments.order.ucp_order_no.clone(),
    };
    let read = |answer: CloseOrderAnswer| Ended {
        merchant_id: answer.merchant_id,
        out_trade_no: answer.out_trade_no,
        ucp_order_no: answer.ucp_order_no,
        status: answer.trade_status,
    };
    let closed = [TradeStatus::Closed, TradeStatus::Revoked];
    bring_to_its_end(&operation, read, &closed, arguments, account, stderr)
}

pub(crate) fn reverse(
    arguments: &EndArguments,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let operation = Reverse {
        out_trade_no: arguments.order.order.clone(),
        ucp_order_no: arguments.order.ucp_order_no.clone(),
    };
    let read = |answer: ReverseAnswer| Ended {
        merchant_id: answer.merchant_id,
        out_trade_no: answer.out_trade_no,
        ucp_order_no: answer.ucp_order_no,
        status: answer.trade_status,
    };
    // Only a signed REVOKED is a reversal.
    let reversed = [TradeStatus::Revoked];
    bring_to_its_end(&operation, read, &reversed, arguments, account, stderr)
}

fn bring_to_its_end<O: Operation>(
    operation: &O,
    read: impl FnOnce(O::Answer) -> Ended,
    wanted: &[TradeStatus],
    arguments: &EndArguments,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let OrderArguments {
        order,
        ucp_order_no,
        shown: how,
    } = &arguments.order;
    if how.dry_run {
        return Ok(shown(&signed(operation, account)?));
    }
    let ended = signed(operation, account).and_then(|request| {
        if let Some(status) = in_the_way(arguments, account, stderr)? {
            return Ok(already(order, ucp_order_no.as_ref(), &status));
        }
        let ended = read(send(&request, account)?.into_inner());
        let numbers = [
            ("outTradeNo", ended.out_trade_no.clone()),
            ("ucpOrderNo", ended.ucp_order_no.clone()),
            ("merchantId", ended.merchant_id.clone()),
        ];
        Asked::read(&request)?.matches(&numbers, &["outTradeNo"])?;
        let has_ended = ended
            .status
            .as_ref()
            .is_some_and(|now| wanted.contains(now));
        Ok(finished(order, ended, has_ended))
    });
    end(ended, how.json)
}

/// The order had ended before: nothing was sent but the query.
fn already(order: &OutTradeNo, number: Option<&UcpOrderNo>, status: &TradeStatus) -> Report {
    let report = Report::default()
        .with("outTradeNo", Some(order.as_str()))
        .with("ucpOrderNo", number.map(UcpOrderNo::as_str))
        .with_text("tradeStatus", Some(status));
    match status {
        TradeStatus::Success | TradeStatus::Refund => report
            .with_note(format!(
                "It is paid, so it was left as it is: `ucanpay refund request {order} …` gives money back."
            ))
            .with_code(1),
        _ => report.with_note("It had ended before; nothing was sent but the query."),
    }
}

fn finished(order: &OutTradeNo, ended: Ended, has_ended: bool) -> Report {
    let report = Report::default()
        .with("outTradeNo", Some(order.as_str()))
        .with("ucpOrderNo", ended.ucp_order_no)
        .with_text("tradeStatus", ended.status);
    if has_ended {
        return report
            .with_note("It has ended. Money may be on its way all the same: query again later.");
    }
    report
        .with_note(format!(
            "The answer does not say that it has ended: `ucanpay order query {order}` before anything else."
        ))
        .with_code(3)
}
