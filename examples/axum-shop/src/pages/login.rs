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

use super::form::PageForm;
use super::{PageError, layout};
use crate::cart::{Cart, cookie};
use crate::sessions::{LIFETIME, Session};
use crate::shop::Shop;

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

    /// Refuses a form that was not made for this login.
    pub(super) fn check(&self, csrf: &str) -> Result<(), PageError> {
        if csrf == self.session.csrf {
            Ok(())
        } else {
            Err(PageError::Foreign)
        }
    }
}

impl FromRequestParts<Shop> for LoggedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Redirect> {
        let id = cookie(&parts.headers, COOKIE);
        let session = id.and_then(|id| Some((id.to_owned(), shop.sessions().get(id)?)));
        match session {
            Some((id, session)) => Ok(Self { id, session }),
            None => Err(Redirect::to("/admin/login")),
        }
    }
}

async fn ask() -> Markup {
    page(None)
}

#[derive(Deserialize)]
struct Login {
    token: String,
}

async fn enter(State(shop): State<Shop>, PageForm(login): PageForm<Login>) -> Response {
    if !shop.token().is(login.token.trim()) {
        tracing::warn!("a login with a wrong admin token");
        let page = page(Some("That is not the admin token of this shop."));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    let id = shop.sessions().open();
    (set_cookie(&id, LIFETIME.as_secs()), Redirect::to("/admin")).into_response()
}

#[derive(Deserialize)]
struct Logout {
    csrf: String,
}

async fn leave(
    login: LoggedIn,
    State(shop): State<Shop>,
    PageForm(form): PageForm<Logout>,
) -> Result<Response, PageError> {
    login.check(&form.csrf)?;
    shop.sessions().close(&login.id);
    Ok((set_cookie("", 0), Redirect::to("/admin/login")).into_response())
}

fn set_cookie(id: &str, age: u64) -> impl axum::response::IntoResponseParts + use<> {
    let cookie = format!("{COOKIE}={id}; Path=/admin; Max-Age={age}; HttpOnly; SameSite=Strict");
    AppendHeaders([(SET_COOKIE, cookie)])
}

fn page(trouble: Option<&str>) -> Markup {
    let content = html! {
        section.sheet.login {
            h1 { "Merchant" }
            @if let Some(trouble) = trouble { p.note.bad role="alert" { (trouble) } }
            form method="post" action="/admin/login" {
                label for="token" { "Admin token" }
                input id="token" name="token" type="password" required autofocus autocomplete="current-password" aria-describedby="where";
                p.hint id="where" { "It was printed when the shop started, unless it is set in SHOP_ADMIN_TOKEN." }
                button.primary { "Open the orders" }
            }
        }
    };
    layout::page("Merchant", &Cart::default(), &content)
}
