//! Forms: read, or refused as a page; and none that another site sends, or that was not made for this browser.

use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, FromRequestParts as _, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::PageError;
use super::login::LoggedIn;
use crate::shop::Shop;
use crate::visit::Visit;

/// The fields of a form that was made for this browser: it carries the browser's form token.
pub(super) struct PageForm<T>(pub(super) T);

/// The fields of a form that was made for this login: it carries the login's own token.
pub(super) struct MerchantForm<T>(pub(super) LoggedIn, pub(super) T);

#[derive(Deserialize)]
struct Token {
    csrf: Option<String>,
}

impl<T: DeserializeOwned> FromRequest<Shop> for PageForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shop: &Shop) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(visit) = Visit::from_request_parts(&mut parts, shop).await;
        let (token, fields) = read(Request::from_parts(parts, body)).await?;
        if !visit.made(&token) {
            return Err(PageError::Foreign.into_response());
        }
        Ok(Self(fields))
    }
}

impl<T: DeserializeOwned> FromRequest<Shop> for MerchantForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shop: &Shop) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let login = LoggedIn::from_request_parts(&mut parts, shop).await;
        let login = login.map_err(IntoResponse::into_response)?;
        let (token, fields) = read(Request::from_parts(parts, body)).await?;
        if token != login.csrf() {
            return Err(PageError::Foreign.into_response());
        }
        Ok(Self(login, fields))
    }
}

/// The form's token and its fields.
async fn read<T: DeserializeOwned>(request: Request) -> Result<(String, T), Response> {
    let unreadable = |status| PageError::Unreadable(status).into_response();
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    let whole = Bytes::from_request(whole, &()).await;
    let whole = whole.map_err(|rejection| unreadable(rejection.status()))?;
    let again = || Request::from_parts(parts.clone(), Body::from(whole.clone()));
    // The token first: what does not come from our own pages is not looked into any further.
    let token = Form::<Token>::from_request(again(), &()).await;
    let Form(token) = token.map_err(|rejection| unreadable(rejection.status()))?;
    let Some(token) = token.csrf else {
        return Err(PageError::Foreign.into_response());
    };
    let fields = Form::from_request(again(), &()).await;
    let Form(fields) = fields.map_err(|rejection| unreadable(rejection.status()))?;
    Ok((token, fields))
}

/// Refuses what a page of another site makes a browser send, before anything of it is read. A browser says so itself; for
/// one that says nothing there are the tokens.
pub(super) async fn from_own_site(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && site.is_some_and(|site| site == "cross-site") {
        return PageError::OtherSite.into_response();
    }
    next.run(request).await
}
