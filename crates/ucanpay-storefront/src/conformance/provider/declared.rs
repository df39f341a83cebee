//! What the capabilities declare is what the gateway does, as far as that can be tried: at the edges of what is allowed.
//!
//! Windows and an expiry of the gateway's own are not waited for.

use super::subject::Subject;
use crate::conformance::report::{Report, Shortfall, must};
use crate::id::{PaymentKey, ProviderId, Reference, RefundNumber};
use crate::provider::{Currencies, PaymentIntent, Source};

pub(super) async fn expectations(subject: &Subject<'_>, report: &mut Report) {
    report
        .expect("the ledger's own numbers are allowed", async {
            numbers(subject)
        })
        .await;
    report
        .expect(
            "the longest number with every character that is allowed is taken",
            longest(subject),
        )
        .await;
    report
        .expect(
            "the smallest and the largest amount that are allowed are taken",
            amounts(subject),
        )
        .await;
    report
        .expect("every currency that is named is taken", currencies(subject))
        .await;
    report
        .expect(
            "there is a pay link if, and only if, there is a flow",
            link(subject),
        )
        .await;
}

fn numbers(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let rule = subject.provider.capabilities().numbers;
    let key = PaymentKey {
        provider: ProviderId::new("any")?,
        reference: Reference::random(),
    };
    let late = RefundNumber::of_late_payment(&key);
    for number in [
        key.reference.as_str(),
        RefundNumber::random().as_str(),
        late.as_str(),
    ] {
        must!(rule.allows(number), "{number} is not: the rule is {rule}");
    }
    Ok(())
}

/// As long as allowed, with as many of the special characters as leave room for what makes it unique.
async fn longest(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let rule = subject.provider.capabilities().numbers;
    let unique = Reference::random();
    let special = rule.besides().chars().chain("azAZ09".chars().cycle());
    let room = rule.longest().saturating_sub(unique.as_str().len());
    let special: String = special.take(room).collect();
    let intent = PaymentIntent {
        reference: Reference::new(format!("{unique}{special}"))?,
        ..subject.under_test.intent()
    };
    taken(subject, &intent).await
}

async fn amounts(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let allowed = subject.provider.capabilities().amounts;
    must!(!allowed.is_empty(), "no amount is: {allowed:?}");
    for amount in [*allowed.start(), *allowed.end()] {
        let intent = PaymentIntent {
            amount,
            ..subject.under_test.intent()
        };
        taken(subject, &intent).await?;
    }
    Ok(())
}

async fn currencies(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let named = match subject.provider.capabilities().currencies {
        Currencies::Only(named) => named,
        Currencies::Any => vec![subject.under_test.intent().currency],
    };
    must!(!named.is_empty(), "no currency is allowed");
    for currency in named {
        let intent = PaymentIntent {
            currency,
            ..subject.under_test.intent()
        };
        taken(subject, &intent).await?;
    }
    Ok(())
}

/// Placed, and asked for, it is the payment that was meant, in every member.
async fn taken(subject: &Subject<'_>, intent: &PaymentIntent) -> Result<(), Shortfall> {
    let request = subject.provider.prepare_payment(intent)?;
    let fact = subject.provider.create_payment(intent, &request).await?;
    subject.about(&fact, intent, Source::Answer)?;
    subject.query(intent, None).await.map(drop)
}

async fn link(subject: &Subject<'_>) -> Result<(), Shortfall> {
    let flows = subject.provider.capabilities().flows;
    let intent = subject.under_test.intent();
    let request = subject.provider.prepare_payment(&intent)?;
    let fact = subject.provider.create_payment(&intent, &request).await?;
    let link = fact.pay_link.is_some();
    must!(
        link != flows.is_empty(),
        "the flows are {flows:?}, and the answer brings {} link",
        if link { "a" } else { "no" }
    );
    Ok(())
}
