//! `ucanpay order`: placed, and asked about. How one is ended is told in `ending.rs`.

use std::io::Write;

use ucanpay_core::{
    Amount, Description, GatewayTime, LinkOrder, OrderQuery, OrderQueryAnswer, SceneType,
    SignedRequest, TradeStatus, UnifiedOrder,
};
use ucanpay_storefront::{NotificationTopic, UcanpayAccount};

use crate::{
    args::{OrderArguments, OrderCommand, PlaceArguments},
    ending,
    gateway::{Asked, kept, send, shown, signed},
    outcome::{Done, Failure},
    report::{Report, end},
};

pub(crate) fn execute(
    command: &OrderCommand,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    match command {
        OrderCommand::Place(arguments) => place(arguments, account),
        OrderCommand::Query(arguments) => query(arguments, account),
        OrderCommand::Close(arguments) => ending::close(arguments, account, stderr),
        OrderCommand::Reverse(arguments) => ending::reverse(arguments, account, stderr),
    }
}

fn place(arguments: &PlaceArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let request = match &arguments.request {
        Some(file) => kept(file),
        None => unified_order(arguments, account).and_then(|order| signed(&order, account)),
    };
    match request {
        Ok(request) if arguments.shown.dry_run => Ok(shown(&request)),
        request => end(
            request.and_then(|request| placed(&request, account)),
            arguments.shown.json,
        ),
    }
}

fn unified_order(
    arguments: &PlaceArguments,
    account: &UcanpayAccount,
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
    let device = arguments.device.clone();
    Ok(UnifiedOrder {
        subject: subject.clone(),
        description,
        device_no: device.map_or_else(|| account.device(), Ok)?,
        total_amount: amount,
        scene: arguments.scene.map_or_else(|| account.scene(), Ok)?,
        out_trade_no: order.clone(),
        currency: arguments.currency,
        notify_url: account.notify_url(NotificationTopic::Payment)?,
    })
}

fn placed(
    request: &SignedRequest<UnifiedOrder>,
    account: &UcanpayAccount,
) -> Result<Report, Failure> {
    let asked = Asked::read(request)?;
    let (order, item) = (asked.member("outTradeNo")?, asked.member("subject")?);
    let scene = asked.member("sceneType")?.parse::<SceneType>();
    let scene =
        scene.map_err(|error| Failure::NotDone(format!("the request was not sent: {error}")))?;
    let links = account.pay_links()?;
    let answer = send(request, account)?;
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
    let link_order = LinkOrder {
        ucp_order_no: number,
        out_trade_no: order,
        amount,
        item,
    };
    let next = match scene {
        SceneType::Native => "`ucanpay qr LINK` shows the link as a code",
        _ => "The buyer opens the link on the phone",
    };
    Ok(Report::default()
        .with("outTradeNo", Some(order))
        .with("ucpOrderNo", Some(number.as_str()))
        .with("totalAmt", Some(amount.cents()))
        .with(
            "tranTime",
            answer.transaction_time.as_ref().map(GatewayTime::as_str),
        )
        .with(
            "link",
            links.in_scene(scene, &link_order, Some(&answer.sign)),
        )
        .with("appLink", Some(links.app(&link_order, &answer.sign)))
        .with_note(format!(
            "Nothing is paid yet. {next}; `ucanpay order query {order}` tells what became of it."
        )))
}

fn query(arguments: &OrderArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let query = order_query(arguments);
    if arguments.shown.dry_run {
        return Ok(shown(&signed(&query, account)?));
    }
    let result = ask(&query, account).map(|answer| {
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
        match answer.trade_status.as_ref().and_then(meaning) {
            Some(meaning) => report.with_note(meaning),
            None => report
                .with_note("It says nothing about the money that is documented: ask again.")
                .with_code(3),
        }
    });
    end(result, arguments.shown.json)
}

pub(crate) fn order_query(arguments: &OrderArguments) -> OrderQuery {
    OrderQuery {
        out_trade_no: arguments.order.clone(),
        ucp_order_no: arguments.ucp_order_no.clone(),
    }
}

/// Asks what became of an order; an answer about another one is none.
pub(crate) fn ask(
    query: &OrderQuery,
    account: &UcanpayAccount,
) -> Result<OrderQueryAnswer, Failure> {
    let request = signed(query, account)?;
    let answer = send(&request, account)?.into_inner();
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

/// What a documented status means.
fn meaning(status: &TradeStatus) -> Option<&'static str> {
    Some(match status {
        TradeStatus::Success => "Paid.",
        TradeStatus::Refund => "Paid, and money has gone or is going back.",
        TradeStatus::NotPay => "Not paid yet.",
        TradeStatus::UserPaying => "The buyer is paying.",
        TradeStatus::Closed => "Closed unpaid.",
        TradeStatus::Revoked => "Reversed.",
        TradeStatus::PayError => {
            "The attempt to pay failed; the buyer may try again until the order is closed."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_nobody_documented_means_nothing() {
        assert_eq!(meaning(&TradeStatus::from("success")), Some("Paid."));
        assert_eq!(meaning(&TradeStatus::from("SETTLING")), None);
    }
}
