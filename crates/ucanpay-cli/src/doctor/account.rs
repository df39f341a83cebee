//! What can be told without a network: the settings, and the keys that they name.

use ucanpay_core::PublicKey;
use ucanpay_storefront::{NotificationTopic, SettingError, UcanpayAccount};

use super::{Check, is_local};

pub(super) fn checks(account: &UcanpayAccount) -> Vec<Check> {
    let id = account.merchant_id();
    let mut checks = vec![Check::of("merchant id", id.map(|id| id.to_string()))];
    own_key(account, &mut checks);
    platform_keys(account, &mut checks);
    checks.push(Check::of("scheme", scheme(account)));
    let set = account.signed_set();
    checks.push(Check::of("signed set", set.map(|set| set.to_string())));
    let repeats = account.fresh_nonce_on_retry().map(|fresh| match fresh {
        true => "signed anew",
        false => "the same bytes",
    });
    checks.push(Check::of("sent again", repeats));
    checks.push(notify_urls(account));
    checks.push(Check::of(
        "scene",
        account.scene().map(|scene| scene.as_str()),
    ));
    let device = account.device();
    checks.push(Check::of("device", device.map(|device| device.to_string())));
    checks.push(pay_links(account));
    checks
}

fn own_key(account: &UcanpayAccount, checks: &mut Vec<Check>) {
    let what = "own key";
    let key = match account.private_key() {
        Ok(key) => key,
        Err(error) => return checks.push(Check::wrong(what, &error)),
    };
    checks.push(sized(what, key.public_key()));
    if let Ok(Some(file)) = account.written().optional("private_key_file")
        && others_may_read(file.text())
    {
        let advice = format!("chmod 600 {}", file.text());
        let found = "other users of this machine may read it";
        checks.push(Check::doubtful(what, found, advice));
    }
}

fn platform_keys(account: &UcanpayAccount, checks: &mut Vec<Check>) {
    let what = "gateway's key";
    let setting = account.written().place("platform_key_file");
    let keys = account.platform_keys().and_then(|keys| {
        // That the merchant's own key is among them shows only where both are.
        match account.merchant() {
            Err(error) if error.setting() == setting => Err(error),
            _ => Ok(keys),
        }
    });
    match keys {
        Ok(keys) => checks.extend(keys.iter().map(|key| sized(what, key))),
        Err(error) => checks.push(Check::wrong(what, &error)),
    }
}

/// Live keys are very likely of 1024 bits: the reference's signatures are as long as that.
fn sized(what: &'static str, key: &PublicKey) -> Check {
    let found = format!("RSA, {} bits, {}", key.bits(), key.fingerprint());
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
fn scheme(account: &UcanpayAccount) -> Result<&'static str, SettingError> {
    let scheme = account.scheme()?;
    account.received_suffix()?;
    Ok(match account.md5_secret()? {
        Some(_) => "keyed MD5, and no RSA",
        None => scheme.name().unwrap_or("one without a name"),
    })
}

fn notify_urls(account: &UcanpayAccount) -> Check {
    let what = "notify addresses";
    let payment = match account.notify_url(NotificationTopic::Payment) {
        Ok(payment) => payment,
        Err(error) => return Check::wrong(what, &error),
    };
    let length = payment.as_str().chars().count();
    let found = format!("{payment}, {length} of 64 characters");
    let local = |address: &str| reqwest::Url::parse(address).is_ok_and(|url| is_local(&url));
    let gateway_is_local = account.base_url().is_ok_and(|base| local(base.text()));
    if local(payment.as_str()) && !gateway_is_local {
        let advice = "the gateway cannot reach this machine by that name: write the shop's address as the gateway reaches it";
        return Check::bad(what, found, advice);
    }
    if payment.as_str().starts_with("http://") && !local(payment.as_str()) {
        let advice = "without TLS anybody on the way reads what is paid: use https";
        return Check::doubtful(what, found, advice);
    }
    Check::good(what, found)
}

fn pay_links(account: &UcanpayAccount) -> Check {
    let what = "pay links";
    let name = "pay_link_base_url";
    let lead_to = account
        .pay_links()
        .and_then(|_| account.written().optional(name));
    match lead_to {
        Ok(Some(url)) => Check::good(what, url.text()),
        Ok(None) => Check::doubtful(
            what,
            "the host in the reference, which was switched off in 2025",
            format!(
                "ask the operator for the present one, and set {}",
                account.written().place(name)
            ),
        ),
        Err(error) => Check::wrong(what, &error),
    }
}
