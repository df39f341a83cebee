//! Preparing, placing, asking.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::subject::{Subject, numbered};
use crate::conformance::report::{Report, Shortfall, must};
use crate::provider::{Acknowledgement, Effect, PaymentStatus};

/// How many send the same bytes at once.
const AT_ONCE: usize = 8;

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect("id, merchant and capabilities stay the same", async {
            stays(subject)
        })
        .await;
    report
        .expect("preparing a payment places nothing", nothing_sent(subject))
        .await;
    report
        .expect("a prepared payment depends on its intent", async {
            prepared(subject)
        })
        .await;
    report
        .expect(
            "a request under the present key is not signed anew",
            async {
                let request = subject
                    .provider
                    .prepare_payment(&subject.under_test.intent())?;
                let renewed = subject.provider.renew(&request)?;
                must!(renewed.is_none(), "it was signed anew");
                Ok(())
            },
        )
        .await;
    report
        .expect(
            "a placed payment is answered with the gateway's number",
            async { subject.place().await.map(drop) },
        )
        .await;
    report
        .expect(
            "the same bytes sent again are the same order",
            again(subject),
        )
        .await;
    report
        .expect(
            "the same bytes sent by many at once are one order",
            at_once(subject),
        )
        .await;
    report
        .expect(
            "a number the gateway does not know is an error",
            unknown(subject),
        )
        .await;
    report
        .expect("an unpaid payment is not said to be paid", unpaid(subject))
        .await;
    report
        .expect("a paid payment is found paid by asking", paid(subject))
        .await;
    report
        .expect(
            "a lost answer leaves the effect unknown, and the same bytes bring the order",
            lost(subject),
        )
        .await;
    report
        .expect(
            "taken and refused notifications are answered differently",
            async {
                let taken = subject.provider.acknowledge(Acknowledgement::Committed);
                let refused = subject
                    .provider
                    .acknowledge(Acknowledgement::Refused("not verified"));
                must!(taken != refused, "both are answered by {:?}", taken.body);
                Ok(())
            },
        )
        .await;
}

fn stays(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let (one, other) = (&subject.provider, subject.under_test.provider());
    must!(one.id() == other.id(), "the id changes");
    must!(one.merchant() == other.merchant(), "the merchant changes");
    must!(!one.merchant().is_empty(), "the merchant is empty");
    must!(
        one.capabilities() == other.capabilities(),
        "the capabilities change"
    );
    Ok(())
}

async fn nothing_sent(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let intent = subject.under_test.intent();
    subject.provider.prepare_payment(&intent)?;
    let answer = subject.provider.query_payment(&intent, None).await;
    must!(
        answer.is_err(),
        "the gateway knows a payment that was only prepared"
    );
    Ok(())
}

/// A nonce may differ from time to time; where the request goes and who signs it may not.
fn prepared(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let (intent, other) = (subject.under_test.intent(), subject.under_test.intent());
    must!(
        intent.reference != other.reference,
        "`ProviderUnderTest::intent` gives the same number twice"
    );
    let one = subject.provider.prepare_payment(&intent)?;
    let two = subject.provider.prepare_payment(&intent)?;
    must!(
        (&one.path, &one.key) == (&two.path, &two.key),
        "path or key change from one time to the next"
    );
    must!(
        !one.key.is_empty(),
        "the request does not say by which key it was signed"
    );
    let another = subject.provider.prepare_payment(&other)?;
    must!(
        one.body != another.body,
        "another payment has the same body"
    );
    Ok(())
}

async fn again(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.place().await?;
    let provider = &subject.provider;
    for _ in 0..2 {
        let fact = provider
            .create_payment(&placed.intent, &placed.request)
            .await?;
        let number = numbered(&fact)?;
        must!(
            number == placed.number,
            "sent again, order {} became {number}",
            placed.number
        );
    }
    Ok(())
}

/// Some may be told to come again later; none may make a second order.
async fn at_once(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let intent = subject.under_test.intent();
    let request = subject.provider.prepare_payment(&intent)?;
    let mut calls = JoinSet::new();
    for _ in 0..AT_ONCE {
        let provider = Arc::clone(&subject.provider);
        let (intent, request) = (intent.clone(), request.clone());
        calls.spawn(async move { provider.create_payment(&intent, &request).await });
    }
    let mut numbers = Vec::new();
    while let Some(called) = calls.join_next().await {
        if let Ok(fact) = called? {
            numbers.push(numbered(&fact)?);
        }
    }
    let (fact, _) = subject.query(&intent, None).await?;
    let number = numbered(&fact)?;
    must!(
        numbers.iter().all(|other| *other == number),
        "asked for, the order is {number}; those who sent it were told {numbers:?}"
    );
    Ok(())
}

async fn unknown(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let intent = subject.under_test.intent();
    let answer = subject.provider.query_payment(&intent, None).await;
    must!(answer.is_err(), "a payment nobody placed: {answer:?}");
    let placed = subject.place().await?;
    let inquiry = crate::provider::RefundInquiry {
        reference: placed.intent.reference.clone(),
        gateway_number: Some(placed.number.clone()),
        number: crate::id::RefundNumber::random(),
        refund_gateway_number: None,
    };
    let answer = subject.provider.query_refund(&inquiry).await;
    must!(answer.is_err(), "a refund nobody asked for: {answer:?}");
    Ok(())
}

async fn unpaid(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.place().await?;
    for number in [None, Some(placed.number.as_str())] {
        let (fact, status) = subject.query(&placed.intent, number).await?;
        must!(
            matches!(status, PaymentStatus::NotPaid | PaymentStatus::Paying),
            "nobody has paid, and the gateway says {status:?}"
        );
        let stated = numbered(&fact)?;
        must!(
            stated == placed.number,
            "placed as {}, it is {stated} in the answer to a query",
            placed.number
        );
    }
    Ok(())
}

async fn paid(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    for number in [None, Some(placed.number.as_str())] {
        let (_, status) = subject.query(&placed.intent, number).await?;
        must!(
            status == PaymentStatus::Paid,
            "the buyer has paid, and the gateway says {status:?}"
        );
    }
    let again = subject
        .provider
        .create_payment(&placed.intent, &placed.request)
        .await;
    if let Ok(fact) = again {
        let number = numbered(&fact)?;
        must!(
            number == placed.number,
            "sent once more after it was paid, order {} became {number}",
            placed.number
        );
    }
    Ok(())
}

async fn lost(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let intent = subject.under_test.intent();
    let request = subject.provider.prepare_payment(&intent)?;
    if !subject.under_test.lose_next_answer().await {
        return Err(Shortfall::NotTried(
            "`ProviderUnderTest::lose_next_answer` is not implemented".into(),
        ));
    }
    match subject.provider.create_payment(&intent, &request).await {
        Ok(fact) => {
            return Err(Shortfall::NotMet(format!(
                "the answer was lost, and the call brought {fact:?}"
            )));
        }
        Err(error) => must!(
            error.effect() != Effect::None,
            "the answer was lost, and the error says that nothing happened: {error}"
        ),
    }
    let (asked, _) = subject.query(&intent, None).await?;
    let fact = subject.provider.create_payment(&intent, &request).await?;
    let (asked, sent) = (numbered(&asked)?, numbered(&fact)?);
    must!(
        asked == sent,
        "the lost answer stood for order {asked}, and the same bytes brought {sent}"
    );
    Ok(())
}
