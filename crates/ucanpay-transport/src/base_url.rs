//! The address in front of every operation's path, checked before anything is sent.

use crate::ConfigError;
use http::Uri;
use std::fmt;

/// The gateway of the published reference, chapter 1.
pub(crate) const GATEWAY: &str = "https://api.ucanpay.ca";

/// An absolute http or https address without query, fragment, credentials or closing slash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    encrypted: bool,
}

impl BaseUrl {
    pub(crate) fn gateway() -> Self {
        Self {
            text: GATEWAY.to_owned(),
            encrypted: true,
        }
    }

    /// Reads `text`, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let refuse = Err;
        // `Uri` drops a fragment without a word.
        if text.contains('#') {
            return refuse("it has a fragment");
        }
        let Ok(uri) = text.parse::<Uri>() else {
            return refuse("it is not a URL");
        };
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return refuse("its scheme is neither http nor https"),
            None => return refuse("it is not absolute: it should start with https://"),
        };
        let Some(authority) = uri.authority() else {
            return refuse("it names no host");
        };
        if authority.host().is_empty() {
            return refuse("it names no host");
        }
        if authority.as_str().contains('@') {
            return refuse("it holds credentials");
        }
        // `Uri` takes any digits for a port.
        let names_port = authority.as_str().len() > authority.host().len();
        if names_port && authority.port_u16().is_none_or(|port| port == 0) {
            return refuse("its port is not a number from 1 to 65535");
        }
        if uri.query().is_some() {
            return refuse("it has a query");
        }
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            encrypted,
        })
    }

    /// Whether it is an https address.
    #[cfg_attr(
        not(feature = "reqwest"),
        allow(dead_code, reason = "asked by `build`")
    )]
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    pub(crate) fn join(&self, path: &'static str) -> Result<Uri, ConfigError> {
        if !path.starts_with('/') {
            return Err(ConfigError::Path(path));
        }
        format!("{}{path}", self.text)
            .parse()
            .map_err(|_| ConfigError::Path(path))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_an_address_that_parses() {
        assert_eq!(BaseUrl::parse(GATEWAY).unwrap(), BaseUrl::gateway());
    }

    #[test]
    fn a_path_in_front_is_kept_and_a_closing_slash_is_not() {
        let base = BaseUrl::parse("http://127.0.0.1:8090/gateway/").unwrap();
        let uri = base.join("/payment/refund").unwrap();
        assert_eq!(
            uri.to_string(),
            "http://127.0.0.1:8090/gateway/payment/refund"
        );
        assert!(!base.is_encrypted());
        for text in ["http://[::1]:65535", "http://[::1]", "https://localhost:1"] {
            assert!(BaseUrl::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_base_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "URL"),
            ("api.ucanpay.ca", "absolute"),
            ("/payment", "absolute"),
            ("ftp://api.ucanpay.ca", "scheme"),
            ("https://", "URL"),
            ("https://:443/", "host"),
            ("https://api.ucanpay.ca:65536", "port"),
            ("https://api.ucanpay.ca:0/", "port"),
            ("https://api.ucanpay.ca:/", "port"),
            ("http://[::1]:99999", "port"),
            ("https://api.ucanpay.ca?x=1", "query"),
            ("https://api.ucanpay.ca/#x", "fragment"),
            ("https://user:secret@api.ucanpay.ca", "credentials"),
            ("https://api ucanpay ca", "URL"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
