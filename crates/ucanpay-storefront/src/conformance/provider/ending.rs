//! Close and reverse.

use super::subject::{Placed, Subject};
use crate::conformance::report::{Report, Shortfall, must};
use crate::provider::{Cancellation, Claim, PaymentStatus, Source};

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect("an unpaid payment is closed, and stays so", async {
            ended(subject, Cancellation::Close).await
        })
        .await;
    report
        .expect("a paid payment is not closed", paid(subject))
        .await;
    report
        .expect(
            "an unpaid payment is reversed, where the capabilities say so",
            async {
                if subject.provider.capabilities().reversal_window.is_none() {
                    return Err(Shortfall::NotTried(
                        "the capabilities say that payments are not reversed".into(),
                    ));
                }
                ended(subject, Cancellation::Reverse).await
            },
        )
        .await;
    report
        .expect("a payment that nobody placed is not ended", async {
            let intent = subject.under_test.intent();
            let answer = subject
                .provider
                .cancel_payment(&intent, None, Cancellation::Close)
                .await;
            must!(answer.is_err(), "it was: {answer:?}");
            Ok(())
        })
        .await;
}

async fn ended(subject: &Subject<'_>, how: Cancellation) -> Result<(), Shortfall> {
    let placed = subject.place().await?;
    let claim = end(subject, &placed, how).await?;
    must!(
        is_ended(&claim),
        "asked to {how:?} an unpaid payment, the gateway says {claim:?}"
    );
    let (_, status) = subject.query(&placed.intent, Some(&placed.number)).await?;
    must!(
        is_ended(&Claim::Payment(status.clone())),
        "ended, it is {status:?} in the answer to a query"
    );
    // Asked once more, it may say so again or refuse; it may not bring the payment back.
    let _ = end(subject, &placed, how).await;
    let (_, status) = subject.query(&placed.intent, Some(&placed.number)).await?;
    must!(
        is_ended(&Claim::Payment(status.clone())),
        "ended twice, it is {status:?}"
    );
    Ok(())
}

async fn paid(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let placed = subject.paid().await?;
    if let Ok(claim) = end(subject, &placed, Cancellation::Close).await {
        must!(
            !is_ended(&claim),
            "asked to close a paid payment, the gateway says {claim:?}"
        );
    }
    let (_, status) = subject.query(&placed.intent, Some(&placed.number)).await?;
    must!(
        status == PaymentStatus::Paid,
        "paid, and asked to be closed, it is {status:?}"
    );
    Ok(())
}

async fn end(
    subject: &Subject<'_>,
    placed: &Placed,
    how: Cancellation,
) -> Result<Claim, Shortfall> {
    let number = Some(placed.number.as_str());
    let fact = subject
        .provider
        .cancel_payment(&placed.intent, number, how)
        .await?;
    subject.about(&fact, &placed.intent, Source::Answer)?;
    Ok(fact.claim)
}

fn is_ended(claim: &Claim) -> bool {
    matches!(
        claim,
        Claim::Payment(PaymentStatus::Closed | PaymentStatus::Reversed)
    )
}
