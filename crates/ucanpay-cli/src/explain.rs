//! `ucanpay explain`: what is signed, and which setting would make it verify.

use std::io::Read;

use ucanpay_core::{AtHand, explain as explained};

use crate::{
    args::ExplainArguments,
    input,
    outcome::{Done, Failure},
};

pub(crate) fn explain(arguments: &ExplainArguments, stdin: &mut dyn Read) -> Result<Done, Failure> {
    let keys = arguments.key.iter().map(|path| input::public_key(path));
    let mut at_hand = AtHand::new(keys.collect::<Result<Vec<_>, _>>()?)
        .with_scheme(arguments.scheme)
        .with_signed_set(arguments.set.signed);
    if let Some(path) = &arguments.own_key {
        let (_, key) = input::either_key(path)?;
        at_hand = at_hand.with_own_key(key);
    }
    if let Some(path) = &arguments.path {
        at_hand = at_hand.with_path(path);
    }
    if let Some(path) = &arguments.md5_secret_file {
        at_hand = at_hand.with_md5_secret(input::md5_secret(path)?);
    }
    let body = input::message(&arguments.message, stdin)?;
    let explanation = explained(&body, &at_hand).map_err(|error| Failure::refused(&error))?;
    if !arguments.json {
        return Ok(Done::new(format!("{explanation}\n")));
    }
    let json = serde_json::to_string_pretty(&explanation)
        .map_err(|error| Failure::NotDone(format!("the explanation cannot be written: {error}")))?;
    Ok(Done::new(format!("{json}\n")))
}
