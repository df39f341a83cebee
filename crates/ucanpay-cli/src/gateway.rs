//! One call of the gateway: signed, or taken from a file; shown, or sent; and what came back held against what was asked.

use std::path::Path;

use ucanpay_core::{Fields, Nonce, Operation, SignedRequest, Value, Verified};
use ucanpay_storefront::UcanpayAccount;

use crate::{
    input,
    outcome::{Done, Failure},
};

/// The signed request, to be looked at or kept: its bytes and a line break.
pub(crate) fn shown<O: Operation>(request: &SignedRequest<O>) -> Done {
    let body = String::from_utf8_lossy(request.body());
    Done::new(format!("{body}\n"))
}

/// Signs `operation` with a fresh nonce.
pub(crate) fn signed<O: Operation>(
    operation: &O,
    account: &UcanpayAccount,
) -> Result<SignedRequest<O>, Failure> {
    account
        .merchant()?
        .sign(operation, Nonce::random())
        .map_err(|error| Failure::NotDone(crate::outcome::chain(&error)))
}

/// A request that [`shown`] printed, byte for byte.
pub(crate) fn kept<O: Operation>(file: &Path) -> Result<SignedRequest<O>, Failure> {
    let mut bytes = input::file(file)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(SignedRequest::frozen(bytes))
}

/// Sends the request until it is answered, as a shop's client does.
pub(crate) fn send<O: Operation>(
    request: &SignedRequest<O>,
    account: &UcanpayAccount,
) -> Result<Verified<O::Answer>, Failure> {
    // Nobody is to reach the real gateway by forgetting something.
    account.base_url()?;
    let client = account.client()?;
    Ok(block_on(client.send(request))??)
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::NotDone(format!("this process cannot use a network: {error}")))?;
    Ok(runtime.block_on(future))
}

/// What was asked, as it stands in the signed request.
pub(crate) struct Asked<'a>(Fields<'a>);

impl<'a> Asked<'a> {
    pub(crate) fn read<O: Operation>(request: &'a SignedRequest<O>) -> Result<Self, Failure> {
        let fields = Fields::parse(request.body()).map_err(|error| {
            Failure::NotDone(format!(
                "the request cannot be read, and was not sent: {error}"
            ))
        })?;
        Ok(Self(fields))
    }

    /// A member of the request that has to be there.
    pub(crate) fn member(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)
            .ok_or_else(|| Failure::NotDone(format!("the request has no {name}, and was not sent")))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::signed_text)
    }

    /// A genuine answer to something else says nothing about what was asked: each member that came must be the one sent,
    /// and those that are `needed` must have come.
    pub(crate) fn matches(
        &self,
        answered: &[(&str, Option<String>)],
        needed: &[&str],
    ) -> Result<(), Failure> {
        for (name, got) in answered {
            let sent = self.text(name);
            match got {
                Some(got) if sent.is_some_and(|sent| sent != got) => {
                    return Err(Failure::Unknown(format!(
                        "the answer is genuine, but its {name} is not the one that was sent; query, and tell the operator"
                    )));
                }
                None if needed.contains(name) => {
                    return Err(Failure::Unknown(format!(
                        "the answer is genuine, but has no {name}; query, and tell the operator"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ucanpay_core::UnifiedOrder;

    use super::*;

    fn matches(answered: &[(&str, Option<&str>)]) -> Result<(), Failure> {
        let body = br#"{"outTradeNo":"A1","totalAmt":450,"merchantId":"7"}"#;
        let request = SignedRequest::<UnifiedOrder>::frozen(body.to_vec());
        let answered: Vec<(&str, Option<String>)> = answered
            .iter()
            .map(|(name, value)| (*name, value.map(str::to_owned)))
            .collect();
        Asked::read(&request)
            .unwrap()
            .matches(&answered, &["outTradeNo", "totalAmt"])
    }

    #[test]
    fn a_genuine_answer_to_something_else_leaves_the_outcome_unknown() {
        let (order, amount) = (("outTradeNo", Some("A1")), ("totalAmt", Some("450")));
        assert_eq!(matches(&[order, amount, ("ucpOrderNo", Some("9"))]), Ok(()));
        assert_eq!(matches(&[order, amount, ("merchantId", None)]), Ok(()));
        for (answered, said) in [
            ([("outTradeNo", Some("A2")), amount], "its outTradeNo"),
            ([order, ("totalAmt", Some("451"))], "its totalAmt"),
            ([order, ("totalAmt", None)], "has no totalAmt"),
        ] {
            let failure = matches(&answered).unwrap_err();
            assert_eq!(failure.code(), 3);
            assert!(failure.to_string().contains(said), "{failure}");
        }
    }
}
