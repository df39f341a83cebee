//! The door to the merchant's list: the admin token in, a session's cookie out.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{MerchantForm, PageForm};
use super::layout;
use crate::cookie;
use crate::sessions::{LIFETIME, Session};
use crate::shop::Shop;
use crate::visit::Visit;

const COOKIE: &str = "merchant";

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin/login", get(ask).post(enter))
        .route("/admin/logout", post(leave))
}

/// Proof that this browser has shown the admin token. Without it, the way leads to the login.
pub(super) struct LoggedIn {
    id: String,
    session: Session,
}

impl LoggedIn {
    /// What every form that changes something has to carry.
    pub(super) fn csrf(&self) -> &str {
        &self.session.csrf
    }
}

impl FromRequestParts<Shop> for LoggedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Redirect> {
        let id = cookie::read(&parts.headers, COOKIE);
        let session = id.and_then(|id| Some((id.to_owned(), shop.sessions().get(id)?)));
        match session {
            Some((id, session)) => Ok(Self { id, session }),
            None => Err(Redirect::to("/admin/login")),
        }
    }
}

async fn ask(visit: Visit) -> Markup {
    page(&visit, None)
}

#[derive(Deserialize)]
struct Login {
    token: String,
}

async fn enter(
    State(shop): State<Shop>,
    visit: Visit,
    PageForm(login): PageForm<Login>,
) -> Response {
    if !shop.token().is(login.token.trim()) {
        tracing::warn!("a login with a wrong admin token");
        let page = page(&visit, Some(visit.words().login.wrong));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    let id = shop.sessions().open();
    (set_cookie(&id, LIFETIME.as_secs()), Redirect::to("/admin")).into_response()
}

/// The button says it all.
#[derive(Deserialize)]
struct Logout {}

async fn leave(
    State(shop): State<Shop>,
    MerchantForm(login, Logout {}): MerchantForm<Logout>,
) -> impl IntoResponse {
    shop.sessions().close(&login.id);
    (set_cookie("", 0), Redirect::to("/admin/login"))
}

fn set_cookie(id: &str, age: u64) -> impl axum::response::IntoResponseParts + use<> {
    let cookie = format!("{COOKIE}={id}; Path=/admin; Max-Age={age}; HttpOnly; SameSite=Strict");
    AppendHeaders([(SET_COOKIE, cookie)])
}

fn page(visit: &Visit, trouble: Option<&str>) -> Markup {
    let words = &visit.words().login;
    let content = html! {
        section.sheet.login {
            h1 { (words.title) }
            @if let Some(trouble) = trouble { p.note.bad id="trouble" role="alert" { (trouble) } }
            form method="post" action="/admin/login" {
                input type="hidden" name="csrf" value=(visit.form_token());
                label for="token" { (words.token) }
                input id="token" name="token" type="password" required autofocus autocomplete="current-password" aria-describedby="where" aria-invalid=[trouble.map(|_| "true")];
                p.hint id="where" { (words.hint) }
                button.primary { (words.enter) }
            }
        }
    };
    layout::page(visit, words.title, &content)
}
