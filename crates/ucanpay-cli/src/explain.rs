//! `ucanpay explain`: what is signed, and which setting would make it verify.

use std::{io::Read, path::Path};

use ucanpay_core::{AtHand, Md5Secret, explain as explained};
use zeroize::Zeroizing;

use crate::{
    args::ExplainArguments,
    input,
    outcome::{Done, Failure},
};

pub(crate) fn explain(arguments: &ExplainArguments, stdin: &mut dyn Read) -> Result<Done, Failure> {
    let keys = arguments.key.iter().map(|path| input::public_key(path));
    let mut at_hand =
        AtHand::new(keys.collect::<Result<Vec<_>, _>>()?).with_scheme(arguments.scheme);
    if let Some(path) = &arguments.own_key {
        let (_, key) = input::either_key(path)?;
        at_hand = at_hand.with_own_key(key);
    }
    if let Some(path) = &arguments.path {
        at_hand = at_hand.with_path(path);
    }
    if let Some(path) = &arguments.md5_secret_file {
        at_hand = at_hand.with_md5_secret(md5_secret(path)?);
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

fn md5_secret(path: &Path) -> Result<Md5Secret, Failure> {
    let bytes = input::key_file(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| input::about(path, "the secret is not UTF-8".to_owned()))?;
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    Md5Secret::new(secret.as_str())
        .map_err(|_| input::about(path, "the secret is empty".to_owned()))
}
