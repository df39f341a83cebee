//! What can be told without a network: the settings, and the keys that they name.

use std::path::Path;

use ucanpay_core::{KeyFormat, PublicKey};

use super::{Check, is_local};
use crate::{
    input::{either_key, md5_secret},
    outcome::Failure,
    settings::{
        MD5_SECRET_FILE, MERCHANT_ID, NOTIFY_BASE_URL, PAY_LINK_BASE_URL, PLATFORM_KEY_FILE,
        PRIVATE_KEY_FILE, SCHEME, SIGNED_SET, Settings,
    },
};

pub(super) fn checks(settings: &Settings<'_>) -> Vec<Check> {
    let mut checks = vec![merchant_id(settings)];
    let own = own_key(settings, &mut checks);
    platform_keys(settings, own.as_ref(), &mut checks);
    checks.push(scheme(settings));
    checks.push(signed_set(settings));
    checks.push(notify_urls(settings));
    checks.push(pay_links(settings));
    checks
}

fn merchant_id(settings: &Settings<'_>) -> Check {
    match settings.merchant_id() {
        Ok(id) => Check::good("merchant id", id.as_str()),
        Err(failure) => failed(
            "merchant id",
            &failure,
            &format!("set {MERCHANT_ID} to the number in the merchant portal"),
        ),
    }
}

/// The merchant's own key. Returns its public half.
fn own_key(settings: &Settings<'_>, checks: &mut Vec<Check>) -> Option<PublicKey> {
    let what = "own key";
    let file = match settings.private_key_file() {
        Ok(file) => file,
        Err(failure) => {
            let advice = format!("set {PRIVATE_KEY_FILE}; `ucanpay key generate` makes a key");
            checks.push(failed(what, &failure, &advice));
            return None;
        }
    };
    let (format, key) = match either_key(Path::new(&file)) {
        Ok(read) => read,
        Err(failure) => {
            let advice = "the file holds one RSA private key, as PEM, DER or base64";
            checks.push(failed(what, &failure, advice));
            return None;
        }
    };
    if !format.is_private() {
        let advice = format!("name the private half in {PRIVATE_KEY_FILE}");
        checks.push(Check::bad(
            what,
            format!("{file} holds a public key"),
            advice,
        ));
        return Some(key);
    }
    checks.push(sized(what, format, &key));
    if others_may_read(&file) {
        let advice = format!("chmod 600 {file}");
        checks.push(Check::doubtful(
            what,
            "other users of this machine may read it",
            advice,
        ));
    }
    Some(key)
}

fn platform_keys(settings: &Settings<'_>, own: Option<&PublicKey>, checks: &mut Vec<Check>) {
    let what = "gateway's key";
    let portal = format!(
        "name the file with the gateway's public key in {PLATFORM_KEY_FILE}, as the merchant portal shows it"
    );
    let files = match settings.platform_key_files() {
        Ok(files) => files,
        Err(failure) => {
            checks.push(failed(what, &failure, &portal));
            return;
        }
    };
    for file in &files {
        checks.push(match either_key(Path::new(file)) {
            Err(failure) => failed(what, &failure, &portal),
            Ok((_, key)) if Some(&key) == own => Check::bad(
                what,
                format!(
                    "{file} holds the merchant's own key, and the gateway does not sign with that"
                ),
                &portal,
            ),
            Ok((format, _)) if format.is_private() => Check::bad(
                what,
                format!("{file} holds a private key, which only the gateway can have"),
                &portal,
            ),
            Ok((format, key)) => sized(what, format, &key),
        });
    }
}

/// Live keys are very likely of 1024 bits: the reference's signatures are as long as that.
fn sized(what: &'static str, format: KeyFormat, key: &PublicKey) -> Check {
    let (syntax, encoding) = (format.syntax(), format.encoding());
    let found = format!(
        "RSA, {} bits, {syntax}, {encoding}, {}",
        key.bits(),
        key.fingerprint()
    );
    if key.bits() < 2048 {
        let advice = "shorter than today's rule of 2048; ask the operator whether the gateway takes a longer one";
        return Check::doubtful(what, found, advice);
    }
    Check::good(what, found)
}

#[cfg(unix)]
fn others_may_read(file: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &str) -> bool {
    false
}

/// How what is signed is signed: by RSA under a scheme, or by keyed MD5.
fn scheme(settings: &Settings<'_>) -> Check {
    let what = "scheme";
    if let Ok(Some(file)) = settings.get(MD5_SECRET_FILE) {
        let advice = "name a file that holds the secret, never the secret itself";
        return match md5_secret(MD5_SECRET_FILE, Path::new(&file)) {
            Ok(_) => Check::good(what, "keyed MD5, and no RSA"),
            Err(failure) => failed(what, &failure, advice),
        };
    }
    match settings.scheme() {
        Ok(scheme) => Check::good(what, scheme.name().unwrap_or("one without a name")),
        Err(failure) => {
            let advice = format!("leave {SCHEME} out, or take what `ucanpay explain` has found");
            failed(what, &failure, &advice)
        }
    }
}

fn signed_set(settings: &Settings<'_>) -> Check {
    match settings.signed_set() {
        Ok(set) => Check::good("signed set", set.to_string()),
        Err(failure) => {
            let advice =
                format!("leave {SIGNED_SET} out, or take what `ucanpay explain` has found");
            failed("signed set", &failure, &advice)
        }
    }
}

fn notify_urls(settings: &Settings<'_>) -> Check {
    let what = "notify addresses";
    let urls = settings
        .notify_url("payment")
        .and_then(|payment| Ok((payment, settings.notify_url("refund")?)));
    let advice = format!(
        "set {NOTIFY_BASE_URL} to the shop's address as the gateway reaches it: 64 characters in all, no query"
    );
    let (payment, _) = match urls {
        Ok(urls) => urls,
        Err(failure) => return failed(what, &failure, &advice),
    };
    let length = payment.as_str().chars().count();
    let found = format!("{payment}, {length} of 64 characters");
    let local = |address: &str| reqwest::Url::parse(address).is_ok_and(|url| is_local(&url));
    let gateway_is_local = settings.base_url().is_ok_and(|base| local(&base));
    if local(payment.as_str()) && !gateway_is_local {
        let advice = format!("the gateway cannot reach this machine by that name: {advice}");
        return Check::bad(what, found, advice);
    }
    if payment.as_str().starts_with("http://") && !local(payment.as_str()) {
        let advice = "without TLS anybody on the way reads what is paid: use https";
        return Check::doubtful(what, found, advice);
    }
    Check::good(what, found)
}

fn pay_links(settings: &Settings<'_>) -> Check {
    match settings.get(PAY_LINK_BASE_URL) {
        Ok(Some(url)) => Check::good("pay links", url),
        Ok(None) => Check::doubtful(
            "pay links",
            "the host in the reference, which was switched off in 2025",
            format!("ask the operator for the present one, and set {PAY_LINK_BASE_URL}"),
        ),
        Err(failure) => failed("pay links", &failure, "write it in plain characters"),
    }
}

fn failed(what: &'static str, failure: &Failure, advice: &str) -> Check {
    let found = failure.to_string();
    // What an error says to do next is said here already.
    let found = found.split_once("; ").map_or(&*found, |(found, _)| found);
    Check::bad(what, found, advice)
}
