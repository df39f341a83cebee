//! Cookies, in and out.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::response::AppendHeaders;

/// A header that leaves a cookie with the browser.
pub(crate) type SetCookie = AppendHeaders<[(HeaderName, String); 1]>;

/// The value of the first cookie of this name.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(there, value)| (there == name).then_some(value))
}

/// Leaves this value with the browser for so many seconds, for all of the shop's pages and for no script. Other sites'
/// links bring it along, their forms do not.
pub(crate) fn set(name: &str, value: &str, seconds: u32) -> SetCookie {
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    AppendHeaders([(SET_COOKIE, cookie)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; xcart=no".parse().unwrap());
        headers.append(COOKIE, "b; cart=latte:1".parse().unwrap());
        assert_eq!(read(&headers, "cart"), Some("latte:1"));
        assert_eq!(read(&headers, "none"), None);
    }
}
