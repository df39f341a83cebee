//! A proxy's address, with its credentials. Nothing here is ever shown.

use reqwest::Url;

/// An address that reqwest is known to take: one that it cannot read, it passes over, and goes out directly.
#[derive(Clone)]
pub(super) struct ProxyUrl(Url);

impl ProxyUrl {
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        let url = Url::parse(url).map_err(|_| {
            "it is no address; write it as http://proxy.example:3128, and percent-encode special characters in the \
             credentials"
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it must begin with http:// or https://");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "it must end after host and port; percent-encode a /, ? or # in the credentials",
            );
        }
        if url.as_str().parse::<http::Uri>().is_err() {
            return Err(
                "its host or its credentials hold a character that must be percent-encoded",
            );
        }
        Ok(Self(url))
    }

    pub(super) fn to_reqwest(&self) -> Result<reqwest::Proxy, &'static str> {
        reqwest::Proxy::all(self.0.clone()).map_err(|_| "the HTTP client does not take it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_or_without_credentials_is_taken() {
        for url in [
            "http://proxy.example",
            "http://proxy.example:3128/",
            "https://proxy.example:3129",
            "http://user@proxy.example:3128",
            "http://user:p%40ss%2Fword@10.0.0.1:3128",
            "http://[::1]:3128",
        ] {
            assert!(ProxyUrl::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_address_that_would_be_passed_over_or_misread_is_refused() {
        for url in [
            "",
            "proxy.example",
            "proxy.example:3128",
            "socks5://proxy.example:1080",
            "http://",
            "http://proxy.example:99999",
            "http://user:pass/word@proxy.example:3128",
            "http://proxy.example/?to=elsewhere",
            "http://proxy.example/proxy.pac",
        ] {
            assert!(ProxyUrl::parse(url).is_err(), "{url}");
        }
    }
}
