//! How the pages look. Every page says that no real money moves.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clock::{TimeForm, written};

mod dashboard;
mod phone;

pub(crate) use dashboard::dashboard;
pub(crate) use phone::phone;

const CSS: &str = include_str!("view.css");

/// Replaces the page's content with the current one every two seconds, where it has changed. What a reader has unfolded
/// stays so.
const REFRESH: &str = "setInterval(async () => {
  try {
    const text = await (await fetch(location.href)).text();
    const current = new DOMParser().parseFromString(text, 'text/html').querySelector('main');
    const shown = document.querySelector('main');
    if (!current) return;
    for (const open of shown.querySelectorAll('details[open][id]')) {
      current.querySelector('#' + open.id)?.setAttribute('open', '');
    }
    if (current.innerHTML !== shown.innerHTML) shown.replaceWith(current);
  } catch { /* the sandbox is restarting */ }
}, 2000);";

fn page(title: &str, class: &str, content: &Markup, refresh: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · UCanPay sandbox" }
                link rel="icon" href="data:,";
                style { (PreEscaped(CSS)) }
            }
            body {
                div.notice role="note" { strong { "Local sandbox" } " — for development. No real money moves." }
                main class=(class) { (content) }
                @if refresh { script { (PreEscaped(REFRESH)) } }
            }
        }
    }
}

fn brand() -> Markup {
    html! { div.brand { span.dot aria-hidden="true" { "U" } h1 { "UCanPay sandbox" } } }
}

/// An address that leads to no order.
pub(crate) fn not_found() -> Markup {
    let content = html! {
        (brand())
        section.card {
            div.sign.bad aria-hidden="true" { "?" }
            h2 { "No such order here" }
            p.soft {
                "This link belongs to no order of this sandbox. It may come from another sandbox, "
                "or from one whose state has been removed. Place a new order in the shop and use its link."
            }
        }
        footer { a href="/" { "All sandbox orders" } }
    };
    page("Not found", "phone", &content, false)
}

/// The sandbox could not write its state.
pub(crate) fn unavailable() -> Markup {
    let content = html! {
        (brand())
        section.card {
            div.sign.bad aria-hidden="true" { "!" }
            h2 { "That did not work" }
            p.soft {
                "The sandbox could not write its state, so nothing was changed. Its log says why."
            }
        }
    };
    page("Unavailable", "phone", &content, false)
}

fn pill(tone: &str, text: &str) -> Markup {
    html! { span class=(format!("pill {tone}")) { (text) } }
}

fn tone(status: &str) -> &'static str {
    match status {
        "SUCCESS" => "good",
        "PAYERROR" | "FAIL" | "CLOSED" | "REVOKED" => "bad",
        _ => "wait",
    }
}

/// `2021-01-29 03:55:10`
fn spaced(at: i64) -> String {
    written(at, TimeForm::Spaced)
}

/// `$4.50`
fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
