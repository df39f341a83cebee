//! `ucanpay verify`: is this message signed by that key, or with that secret?

use std::io::Read;

use ucanpay_core::{MessageKind, Received};

use crate::{
    args::VerifyArguments,
    input,
    outcome::{Done, Failure},
    sign::refuse_idle_path,
};

pub(crate) fn verify(arguments: &VerifyArguments, stdin: &mut dyn Read) -> Result<Done, Failure> {
    refuse_idle_path(arguments.scheme, arguments.path.as_deref())?;
    let keys = arguments.key.iter().map(|path| input::public_key(path));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let secret = arguments.md5_secret_file.as_deref();
    let secret = secret.map(input::md5_secret).transpose()?;
    let body = input::message(&arguments.message, stdin)?;
    let (set, path) = (arguments.set.signed, arguments.path.as_deref());
    let received = match secret {
        Some(secret) => Received::verify_by_secret(&body, &secret, set),
        None => Received::verify(&body, &keys, arguments.scheme, set, path),
    };
    let received = received.map_err(|error| Failure::refused(&error))?;
    let kind = received.kind();
    let is_notification = matches!(
        kind,
        MessageKind::PaymentNotification | MessageKind::RefundNotification
    );
    if arguments.notification && !is_notification {
        let text = format!("its signature is genuine, but it is no notification: {kind}");
        return Err(Failure::Refused(text));
    }
    let merchant = match (&arguments.merchant, received.merchant_id()) {
        (Some(expected), Some(named)) if expected != named => {
            let text = format!(
                "it is for the merchant {}, not {expected}",
                named.escape_debug()
            );
            return Err(Failure::Refused(text));
        }
        (_, Some(named)) => format!("merchant {}", named.escape_debug()),
        (_, None) => "it names no merchant".to_owned(),
    };
    Ok(Done::new(format!(
        "verified: {kind}, key {}, {merchant}\n",
        received.key()
    )))
}
