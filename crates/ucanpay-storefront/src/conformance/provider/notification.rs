//! Genuine notifications are taken, altered ones are not.

use bytes::Bytes;

use super::subject::{Placed, Subject};
use crate::conformance::report::{Report, Shortfall, must};
use crate::provider::{
    Claim, Fact, NotificationTopic, PaymentStatus, RawNotification, RefundStatus,
};

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect(
            "a payment is notified, and the notification is taken",
            async { told_of_payment(subject).await.map(drop) },
        )
        .await;
    report
        .expect("a copy of a notification says the same", async {
            let (_, notification, fact) = told_of_payment(subject).await?;
            let copy = subject.provider.parse_notification(&notification)?;
            must!(same(&fact, &copy), "read twice, it says two things");
            must!(
                fact.evidence == copy.evidence,
                "the proof changes from one reading to the next"
            );
            Ok(())
        })
        .await;
    report
        .expect("no altered payment notification is believed", async {
            let (_, notification, fact) = told_of_payment(subject).await?;
            unalterable(subject, &notification, &fact)
        })
        .await;
    report
        .expect("no altered refund notification is believed", async {
            let placed = subject.paid().await?;
            let (notification, fact) = told_of_refund(subject, &placed).await?;
            unalterable(subject, &notification, &fact)
        })
        .await;
    report
        .expect("what is no notification is refused", async {
            nonsense(subject)
        })
        .await;
}

async fn told_of_payment(
    subject: &Subject<'_>,
) -> Result<(Placed, RawNotification, Fact), Shortfall> {
    let placed = subject.paid().await?;
    let (notification, fact) = subject
        .notified(&placed, |claim| {
            *claim == Claim::Payment(PaymentStatus::Paid)
        })
        .await?;
    must!(
        fact.gateway_number.as_deref() == Some(placed.number.as_str()),
        "placed as {}, it is {:?} in the notification",
        placed.number,
        fact.gateway_number
    );
    Ok((placed, notification, fact))
}

async fn told_of_refund(
    subject: &Subject<'_>,
    placed: &Placed,
) -> Result<(RawNotification, Fact), Shortfall> {
    let asked = subject.refund(placed, 1).await?;
    let settled = subject.under_test.settle_refund(&asked.intent.number).await;
    super::subject::theirs(settled, "settle_refund")?;
    subject
        .notified(placed, |claim| {
            matches!(claim, Claim::Refund(_, RefundStatus::Succeeded))
        })
        .await
}

/// Every bit of the body is turned once, and the body is cut at every place. Such a copy is refused; or it differs only in
/// what nobody signs, and then it says exactly the same.
fn unalterable(
    subject: &Subject<'_>,
    genuine: &RawNotification,
    fact: &Fact,
) -> Result<(), Shortfall> {
    let believed = |body: Vec<u8>| {
        let copy = RawNotification {
            body: Bytes::from(body),
            ..genuine.clone()
        };
        let read = subject.provider.parse_notification(&copy).ok();
        read.is_some_and(|read| !same(fact, &read))
    };
    for place in 0..genuine.body.len() {
        for bit in 0..8 {
            let mut body = genuine.body.to_vec();
            body[place] ^= 1 << bit;
            must!(
                !believed(body),
                "with bit {bit} of byte {place} turned it is believed, and says something else"
            );
        }
        let cut = subject.provider.parse_notification(&RawNotification {
            body: genuine.body.slice(..place),
            ..genuine.clone()
        });
        must!(
            cut.is_err(),
            "cut after {place} of {} bytes it is believed",
            genuine.body.len()
        );
    }
    Ok(())
}

fn nonsense(subject: &Subject<'_>) -> Result<(), Shortfall> {
    for body in ["", "{}", "[]", "null", "success=true", "\u{0}", "<xml/>"] {
        for topic in [NotificationTopic::Payment, NotificationTopic::Refund] {
            let refused = subject
                .provider
                .parse_notification(&RawNotification::new(topic, body));
            must!(refused.is_err(), "{body:?} was taken for a notification");
        }
    }
    Ok(())
}

/// Whether two facts claim the same of the same payment.
fn same(one: &Fact, other: &Fact) -> bool {
    one.merchant == other.merchant
        && one.reference == other.reference
        && one.gateway_number == other.gateway_number
        && one.amount == other.amount
        && one.currency == other.currency
        && one.pay_link == other.pay_link
        && one.claim == other.claim
        && one.missing == other.missing
}
