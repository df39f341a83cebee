//! Forms: read, or refused as a page; and none that another site sends.

use axum::extract::{Form, FromRequest, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;

use super::PageError;

/// The fields of a form.
pub(super) struct PageForm<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for PageForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(PageError::Unreadable(rejection.status())),
        }
    }
}

/// Refuses what a page of another site makes a browser send: a form there could fill the buyer's cart, and its cookie
/// would be set although none was sent. A browser says so itself; a program that says nothing has no cookies to abuse.
pub(super) async fn from_own_site(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && site.is_some_and(|site| site == "cross-site") {
        return PageError::OtherSite.into_response();
    }
    next.run(request).await
}
