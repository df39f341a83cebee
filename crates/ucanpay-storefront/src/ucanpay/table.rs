//! The settings of an account: what each is called, what it is, and what it is unless set.
//!
//! It is the one list. The names that are read, the tables in the documentation of
//! [`UcanpayAccount`](super::UcanpayAccount) and the help of a program are made of it.

use std::fmt::Write as _;

use crate::settings::variable;

/// In front of their names in the environment.
pub(super) const PREFIX: &str = "UCANPAY";

/// Rows become constants, and the macros `required_rows` and `default_rows`, for `#[doc]` takes nothing but a literal.
macro_rules! settings {
    (
        required: $($required:literal, $what:literal;)+
        default: $($name:literal, $meaning:literal, $default:literal;)+
    ) => {
        pub(super) const NAMES: [&str; 18] = [$($required,)+ $($name,)+];

        /// Name, meaning, and the default if there is one.
        const ROWS: [(&str, &str, Option<&str>); 18] =
            [$(($required, $what, None),)+ $(($name, $meaning, Some($default)),)+];

        macro_rules! required_rows {
            () => { concat!($("| `", $required, "` | ", $what, " |\n"),+) };
        }
        macro_rules! default_rows {
            () => { concat!($("| `", $name, "` | ", $meaning, " | ", $default, " |\n"),+) };
        }
        pub(super) use {default_rows, required_rows};
    };
}

settings! {
    required:
    "merchant_id", "the merchant's number, from the portal";
    "private_key_file", "the file with the merchant's own key";
    "platform_key_file", "the file with the gateway's public key; several, during a rotation, with commas between";
    "notify_base_url", "the shop as the gateway reaches it, such as `https://shop.example`; `/ucanpay/payment` and `/ucanpay/refund` are put behind it, 64 characters in all";

    default:
    "base_url", "the gateway", "`https://api.ucanpay.ca`";
    "scheme", "the signature: the name of a scheme, such as `single`", "`documented`";
    "signed_set", "which members are signed, and how: words such as `without-sign-type`, with commas between", "`documented`";
    "received_suffix", "the path behind what the gateway signs, for `path-suffixed`: `none`, `call` (that of the call it answers), or a path", "`none`";
    "md5_secret_file", "the file with the secret of the keyed MD5, which then takes the place of RSA; the keys are still read", "RSA";
    "fresh_nonce_on_retry", "`true`: what is sent again is signed anew with another nonce", "`false`";
    "scene", "how buyers come to the payment: `NATIVE` (a link that is also shown as QR code), `JSAPI` (a link opened on the phone), `MWEB` only when UCanPay has said so", "`NATIVE`";
    "device", "the till or site named in every order, 1 to 32 characters", "`web`";
    "pay_link_base_url", "where pay links lead; ask the operator, for the printed address was switched off", "as printed";
    "pay_link_package", "the Android package that pay links name", "`ca.ucanpay.wapp`";
    "pay_link_style", "how pay links are encoded: `as-printed` or `fully-encoded`", "`as-printed`";
    "pay_link_amount", "the amount in pay links: `cents` (450) or `decimal` (4.50)", "`cents`";
    "pay_link_out_order_no", "which number `outOrderNo` is in the app's link: `ucpOrderNo` or `outTradeNo`", "`ucpOrderNo`";
    "pay_link_joint", "what stands behind `outOrderNo` in the app's link: `bare` (an `&`) or `encoded`", "`bare`";
}

/// Two lines for each setting, by its variable.
pub(super) fn help() -> String {
    let mut help = String::new();
    for (name, meaning, default) in ROWS {
        let default = default.map_or_else(String::new, |default| format!(" [default: {default}]"));
        writeln!(
            help,
            "  {}\n      {meaning}{default}",
            variable(PREFIX, name)
        )
        .expect("writing to a String cannot fail");
    }
    help
}
