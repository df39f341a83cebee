//! `ucanpay order`: placed, asked about, closed, reversed.

use std::io::Write;

use ucanpay_core::{
    Amount, CloseOrder, CloseOrderAnswer, Description, GatewayTime, LinkOrder, Operation,
    OrderQuery, OrderQueryAnswer, OutTradeNo, Reverse, ReverseAnswer, SignedRequest, TradeStatus,
    UcpOrderNo, UnifiedOrder,
};

use crate::{
    args::{EndArguments, OrderArguments, OrderCommand, PlaceArguments},
    gateway::{Asked, kept, send, shown, signed},
    outcome::{Done, Failure},
    report::{Report, end, printable},
    settings::Settings,
};

pub(crate) fn execute(
    command: &OrderCommand,
    settings: &Settings<'_>,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    match command {
        OrderCommand::Place(arguments) => place(arguments, settings),
        OrderCommand::Query(arguments) => query(arguments, settings),
        OrderCommand::Close(arguments) => close(arguments, settings, stderr),
        OrderCommand::Reverse(arguments) => reverse(arguments, settings, stderr),
    }
}

fn place(arguments: &PlaceArguments, settings: &Settings<'_>) -> Result<Done, Failure> {
    let request = match &arguments.request {
        Some(file) => kept(file),
        None => unified_order(arguments, settings).and_then(|order| signed(&order, settings)),
    };
    match request {
        Ok(request) if arguments.shown.dry_run => Ok(shown(&request)),
        request => end(
            request.and_then(|request| placed(&request, settings)),
            arguments.shown.json,
        ),
    }
}

fn unified_order(
    arguments: &PlaceArguments,
    settings: &Settings<'_>,
) -> Result<UnifiedOrder, Failure> {
    let (Some(order), Some(amount), Some(subject)) =
        (&arguments.order, arguments.amount, &arguments.subject)
    else {
        let text = "an order needs a number, --amount and --subject";
        return Err(Failure::NotDone(text.to_owned()));
    };
    let description = match &arguments.description {
        Some(description) => description.clone(),
        // The title keeps a narrower rule.
        None => Description::new(subject.as_str())
            .map_err(|error| Failure::NotDone(error.to_string()))?,
    };
    Ok(UnifiedOrder {
        subject: subject.clone(),
        description,
        device_no: arguments.device.clone(),
        total_amount: amount,
        scene: arguments.scene,
        out_trade_no: order.clone(),
        currency: arguments.currency,
        notify_url: settings.notify_url("payment")?,
    })
}

fn placed(
    request: &SignedRequest<UnifiedOrder>,
    settings: &Settings<'_>,
) -> Result<Report, Failure> {
    let asked = Asked::read(request)?;
    let (order, item) = (asked.member("outTradeNo")?, asked.member("subject")?);
    let links = settings.pay_links()?;
    let answer = send(request, settings)?;
    asked.matches(
        &[
            ("outTradeNo", answer.out_trade_no.clone()),
            (
                "totalAmt",
                answer.total_amount.map(|amount| amount.to_string()),
            ),
            ("merchantId", answer.merchant_id.clone()),
        ],
        &["outTradeNo", "totalAmt", "merchantId"],
    )?;
    let (Some(number), Some(amount)) = (&answer.ucp_order_no, answer.total_amount) else {
        let text = "the answer is genuine, but has no ucpOrderNo; query, and tell the operator";
        return Err(Failure::Unknown(text.to_owned()));
    };
    let link = LinkOrder {
        ucp_order_no: number,
        out_trade_no: order,
        amount,
        item,
    };
    Ok(Report::default()
        .with("outTradeNo", Some(order))
        .with("ucpOrderNo", Some(number.as_str()))
        .with("totalAmt", Some(amount.cents()))
        .with("tranTime", answer.transaction_time.as_ref().map(GatewayTime::as_str))
        .with("link", Some(links.dynamic_qr(&link)))
        .with("appLink", Some(links.app(&link, &answer.sign)))
        .with_note(format!(
            "Nothing is paid yet. `ucanpay qr LINK` shows the link as a code, `ucanpay order query {order}` what became of it."
        )))
}

fn query(arguments: &OrderArguments, settings: &Settings<'_>) -> Result<Done, Failure> {
    let query = order_query(arguments);
    if arguments.shown.dry_run {
        return Ok(shown(&signed(&query, settings)?));
    }
    let result = ask(&query, settings).map(|answer| {
        let note = answer.trade_status.as_ref().map(meaning);
        let report = Report::default()
            .with("outTradeNo", answer.out_trade_no.as_deref())
            .with("ucpOrderNo", answer.ucp_order_no.as_deref())
            .with("totalAmt", answer.total_amount.map(Amount::cents))
            .with("currency", answer.currency.as_deref())
            .with_text("tradeStatus", answer.trade_status.as_ref())
            .with(
                "tranTime",
                answer.transaction_time.as_ref().map(GatewayTime::as_str),
            );
        match note {
            Some(note) => report.with_note(note),
            None => report
                .with_note("The answer has no tradeStatus: it says nothing about the money.")
                .with_code(3),
        }
    });
    end(result, arguments.shown.json)
}

fn order_query(arguments: &OrderArguments) -> OrderQuery {
    OrderQuery {
        out_trade_no: arguments.order.clone(),
        ucp_order_no: arguments.ucp_order_no.clone(),
    }
}

/// Asks what became of an order; an answer about another one is none.
pub(crate) fn ask(
    query: &OrderQuery,
    settings: &Settings<'_>,
) -> Result<OrderQueryAnswer, Failure> {
    let request = signed(query, settings)?;
    let answer = send(&request, settings)?.into_inner();
    Asked::read(&request)?.matches(
        &[
            ("outTradeNo", answer.out_trade_no.clone()),
            ("ucpOrderNo", answer.ucp_order_no.clone()),
            ("merchantId", answer.merchant_id.clone()),
        ],
        &["outTradeNo"],
    )?;
    Ok(answer)
}

fn meaning(status: &TradeStatus) -> &'static str {
    match status {
        TradeStatus::Success => "Paid.",
        TradeStatus::Refund => "Paid, and money has gone or is going back.",
        TradeStatus::NotPay => "Not paid yet.",
        TradeStatus::UserPaying => "The buyer is paying.",
        TradeStatus::Closed => "Closed unpaid.",
        TradeStatus::Revoked => "Reversed.",
        TradeStatus::PayError => {
            "The attempt to pay failed; the buyer may try again until the order is closed."
        }
        _ => "An undocumented status: ask again, and conclude nothing from it.",
    }
}

/// What the order is now, if that is a reason not to end it.
fn in_the_way(
    arguments: &EndArguments,
    settings: &Settings<'_>,
    stderr: &mut dyn Write,
) -> Result<Option<TradeStatus>, Failure> {
    if arguments.without_query {
        return Ok(None);
    }
    let answer = ask(&order_query(&arguments.order), settings).map_err(|failure| {
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

fn close(
    arguments: &EndArguments,
    settings: &Settings<'_>,
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
    bring_to_its_end(&operation, read, &closed, arguments, settings, stderr)
}

fn reverse(
    arguments: &EndArguments,
    settings: &Settings<'_>,
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
    bring_to_its_end(&operation, read, &reversed, arguments, settings, stderr)
}

fn bring_to_its_end<O: Operation>(
    operation: &O,
    read: impl FnOnce(O::Answer) -> Ended,
    wanted: &[TradeStatus],
    arguments: &EndArguments,
    settings: &Settings<'_>,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let OrderArguments {
        order,
        ucp_order_no,
        shown: how,
    } = &arguments.order;
    if how.dry_run {
        return Ok(shown(&signed(operation, settings)?));
    }
    let ended = signed(operation, settings).and_then(|request| {
        if let Some(status) = in_the_way(arguments, settings, stderr)? {
            return Ok(already(order, ucp_order_no.as_ref(), &status));
        }
        let ended = read(send(&request, settings)?.into_inner());
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
