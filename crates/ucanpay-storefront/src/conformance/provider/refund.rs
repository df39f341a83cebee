//! Money goes back once.

use super::subject::{Subject, refund_claim, theirs};
use crate::conformance::report::{Report, Shortfall, must};
use crate::provider::{Effect, RefundInquiry, RefundStatus};

/// The most refunds of one payment that are really tried.
const MOST: u32 = 12;

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect("a refund is taken and found by asking", found(subject))
        .await;
    report
        .expect(
            "the same bytes sent again are the same refund",
            again(subject),
        )
        .await;
    report
        .expect("preparing a refund returns nothing", nothing_sent(subject))
        .await;
    report
        .expect("an unpaid payment is not refunded", unpaid(subject))
        .await;
    report
        .expect(
            "a payment takes as many refunds as the capabilities say",
            as_many(subject),
        )
        .await;
    report
        .expect(
            "a lost answer to a refund leaves the effect unknown, and it is one refund",
            lost(subject),
        )
        .await;
}

async fn found(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    let asked = subject.refund(&placed, 100).await?;
    for known in [false, true] {
        let status = subject.query_refund(&placed, &asked, known).await?;
        must!(
            matches!(status, RefundStatus::Processing | RefundStatus::Succeeded),
            "just taken, the refund is {status:?}"
        );
    }
    theirs(
        subject.under_test.settle_refund(&asked.intent.number).await,
        "settle_refund",
    )?;
    let status = subject.query_refund(&placed, &asked, true).await?;
    must!(
        status == RefundStatus::Succeeded,
        "the refund has ended well, and the gateway says {status:?}"
    );
    Ok(())
}

async fn again(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    let asked = subject.refund(&placed, 100).await?;
    for _ in 0..2 {
        let fact = subject.provider.refund_payment(&asked.request).await?;
        let number = refund_claim(&fact)?.gateway_number.clone();
        must!(
            number.as_ref() == Some(&asked.number),
            "sent again, refund {} became {number:?}",
            asked.number
        );
    }
    Ok(())
}

async fn nothing_sent(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    let intent = crate::provider::RefundIntent {
        reference: placed.intent.reference.clone(),
        gateway_number: placed.number.clone(),
        total: placed.intent.amount,
        number: crate::id::RefundNumber::random(),
        amount: placed.intent.amount,
        reason: "spilt".into(),
    };
    subject.provider.prepare_refund(&intent)?;
    let answer = subject
        .provider
        .query_refund(&RefundInquiry {
            reference: intent.reference,
            gateway_number: Some(intent.gateway_number),
            number: intent.number,
            refund_gateway_number: None,
        })
        .await;
    must!(
        answer.is_err(),
        "the gateway knows a refund that was only prepared"
    );
    Ok(())
}

async fn unpaid(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.place().await?;
    let asked = subject.refund(&placed, 100).await;
    must!(asked.is_err(), "an unpaid payment was refunded");
    Ok(())
}

async fn as_many(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let limits = subject.provider.capabilities().refunds;
    must!(
        limits.count > 0 && !limits.window.is_zero(),
        "no refund at all: {limits:?}"
    );
    let placed = subject.paid().await?;
    for nth in 1..=limits.count.min(MOST) {
        let asked = subject
            .refund(&placed, 1)
            .await
            .map_err(|error| match error {
                Shortfall::NotMet(reason) => {
                    Shortfall::NotMet(format!("refund {nth} of {}: {reason}", limits.count))
                }
                other => other,
            })?;
        theirs(
            subject.under_test.settle_refund(&asked.intent.number).await,
            "settle_refund",
        )?;
    }
    Ok(())
}

async fn lost(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    let intent = crate::provider::RefundIntent {
        reference: placed.intent.reference.clone(),
        gateway_number: placed.number.clone(),
        total: placed.intent.amount,
        number: crate::id::RefundNumber::random(),
        amount: placed.intent.amount,
        reason: "spilt".into(),
    };
    let request = subject.provider.prepare_refund(&intent)?;
    if !subject.under_test.lose_next_answer().await {
        return Err(Shortfall::NotTried(
            "`ProviderUnderTest::lose_next_answer` is not implemented".into(),
        ));
    }
    match subject.provider.refund_payment(&request).await {
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
    // All of the money: a second refund could not be taken, and must not be needed.
    let fact = subject.provider.refund_payment(&request).await?;
    let claim = refund_claim(&fact)?;
    subject.about_refund(
        &fact,
        claim,
        &placed,
        &intent,
        crate::provider::Source::Answer,
    )
}
