//! Where the gateway sends notifications.

use super::{Problem, checked_text};

checked_text!(
    /// The address a notification is posted to. It travels inside the signed string, hence the narrow rule.
    ///
    /// ```
    /// use ucanpay_core::NotifyUrl;
    ///
    /// let url = NotifyUrl::new("https://shop.example/ucanpay/payment")?;
    /// assert_eq!(url.as_str(), "https://shop.example/ucanpay/payment");
    /// assert!(NotifyUrl::new("https://shop.example/ucanpay?order=1").is_err());
    /// # Ok::<(), ucanpay_core::FieldError>(())
    /// ```
    NotifyUrl,
    "notifyUrl",
    "at most 64 characters, an absolute http or https URL without user, query, fragment, `&` or `=`",
    check
);

fn check(url: &str) -> Result<(), Problem> {
    if url.is_empty() {
        return Err(Problem::Empty);
    }
    let found = url.chars().count();
    if found > 64 {
        return Err(Problem::TooLong { found });
    }
    let forbidden = |c: char| !c.is_ascii_graphic() || "?#&=\"<>\\^`{|}".contains(c);
    if let Some(character) = url.chars().find(|c| forbidden(*c)) {
        return Err(Problem::Character(character));
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err(Problem::Other("does not start with http:// or https://"));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if is_host_and_port(authority) {
        Ok(())
    } else {
        Err(Problem::Other("has no proper host"))
    }
}

fn is_host_and_port(authority: &str) -> bool {
    // Only an address in brackets holds colons of its own.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_is_good = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
    };
    let port_is_good = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    });
    host_is_good && port_is_good
}

#[cfg(test)]
mod tests {
    use super::NotifyUrl;

    #[test]
    fn plain_http_and_https_addresses_are_accepted() {
        for url in [
            "http://abccompany.com/ucpay/pay.php",
            "https://shop.example",
            "https://shop.example:8443/ucanpay/payment",
            "http://127.0.0.1:3000/ucanpay/refund",
            "http://[::1]:3000/n",
            "http://[::1]/n",
        ] {
            assert_eq!(
                NotifyUrl::new(url).map(|url| url.to_string()).as_deref(),
                Ok(url)
            );
        }
    }

    #[test]
    fn anything_that_is_not_such_an_address_is_refused() {
        let long = format!("https://shop.example/{}", "a".repeat(50));
        for url in [
            "",
            "shop.example/pay",
            "/pay",
            "ftp://shop.example/pay",
            "https:///pay",
            "https://user@shop.example/pay",
            "https://shop.example/pay?x",
            "https://shop.example/pay#x",
            "https://shop.example/a&b",
            "https://shop.example/a=b",
            "https://shop.example/a b",
            "https://shop.example/caf\u{e9}",
            "https://shop.example:/pay",
            "https://shop.example:0/pay",
            "https://shop.example:99999/pay",
            "https://[shop]/pay",
            "https://shop.example\n/pay",
            long.as_str(),
        ] {
            assert!(NotifyUrl::new(url).is_err(), "{url}");
        }
    }
}
