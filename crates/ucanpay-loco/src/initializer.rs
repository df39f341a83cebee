//! The plug-in's part in loco's start: the ledger is opened, notifications are seen to arrive, the reconciler runs.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use loco_rs::app::{AppContext, Initializer};
use loco_rs::bgworker::BackgroundWorker;
use loco_rs::doctor::{Check, CheckStatus};
use loco_rs::environment::Environment;
use loco_rs::{Error, Result};
use ucanpay_axum::self_check;
use ucanpay_storefront::EventHandler;
use ucanpay_storefront::provider::ProviderErrorKind;

use crate::event::{PaymentEvent, Performed};
use crate::one_line::in_one_line;
use crate::plugin::Plugin;
use crate::settings::NotifyUrl;

/// Runs the reconciler and tells the app what happened; looked after by `cargo loco doctor`.
///
/// In `Hooks::initializers`, once. It runs in every mode of `cargo loco start`: any number of processes may, for each row is
/// one's at a time.
pub struct UcanpayInitializer {
    handler: Arc<dyn EventHandler>,
}

impl UcanpayInitializer {
    /// Events go to `W::perform`, in the process that runs the reconciler. One counts as delivered when `perform` has
    /// returned `Ok`; after an error it comes again, and the later events of its payment wait.
    ///
    /// ```
    /// use async_trait::async_trait;
    /// use loco_rs::Result;
    /// use loco_rs::app::{AppContext, Initializer};
    /// use loco_rs::bgworker::BackgroundWorker;
    /// use ucanpay_loco::{PaymentEvent, UcanpayInitializer};
    /// use ucanpay_storefront::ledger::EventKind;
    ///
    /// struct Fulfilment;
    ///
    /// #[async_trait]
    /// impl BackgroundWorker<PaymentEvent> for Fulfilment {
    ///     fn build(_: &AppContext) -> Self {
    ///         Self
    ///     }
    ///
    ///     async fn perform(&self, event: PaymentEvent) -> Result<()> {
    ///         if let (EventKind::PaymentSucceeded, Some(order)) = (event.kind, &event.reference) {
    ///             println!("make {order}"); // write it down, once for each `event.id`
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// // In `impl Hooks for App`:
    /// async fn initializers(ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
    ///     Ok(vec![Box::new(UcanpayInitializer::worker::<Fulfilment>(ctx))])
    /// }
    /// ```
    pub fn worker<W: BackgroundWorker<PaymentEvent> + 'static>(ctx: &AppContext) -> Self {
        Self::handler(Performed::<W>::new(ctx))
    }

    /// Events go to a handler of the app's own. A handler that puts them into a queue returns only after a durable one
    /// (loco's PostgreSQL, SQLite or Redis queue) has taken them: never after `perform_later` in the mode
    /// `BackgroundAsync`, which forgets with the process.
    ///
    /// ```
    /// use loco_rs::Result;
    /// use loco_rs::app::{AppContext, Initializer};
    /// use ucanpay_loco::UcanpayInitializer;
    /// use ucanpay_storefront::on_paid;
    ///
    /// // In `impl Hooks for App`:
    /// async fn initializers(_: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
    ///     let tickets = on_paid(async |order| std::fs::write(format!("{order}.ticket"), ""));
    ///     Ok(vec![Box::new(UcanpayInitializer::handler(tickets))])
    /// }
    /// ```
    pub fn handler(handler: impl EventHandler) -> Self {
        Self {
            handler: Arc::new(handler),
        }
    }
}

#[async_trait]
impl Initializer for UcanpayInitializer {
    fn name(&self) -> String {
        "ucanpay".to_owned()
    }

    async fn before_run(&self, ctx: &AppContext) -> Result<()> {
        let plugin = Plugin::of(ctx)?;
        plugin.ledger.open().await.map_err(|error| {
            Error::Message(format!(
                "{}; migrations are run by `cargo loco db migrate`, and ucanpay_loco::migrations() must be among them",
                in_one_line(&error)
            ))
        })?;
        if !tracing::enabled!(target: "ucanpay_storefront", tracing::Level::WARN) {
            // Said in loco's name, since ours is not heard.
            tracing::warn!(
                target: "loco_rs::ucanpay",
                "what the ledger warns of is not logged: add `ucanpay=info` to logger.override_filter"
            );
        }
        plugin.run(Arc::clone(&self.handler));
        Ok(())
    }

    async fn after_routes(&self, router: Router, ctx: &AppContext) -> Result<Router> {
        let plugin = Plugin::of(ctx)?;
        if plugin.self_check {
            let urls = plugin.notify_urls.iter();
            let paths: Vec<_> = urls.map(|notify| path(&notify.url)).collect();
            self_check(router.clone(), paths).await.map_err(|shadowed| {
                Error::Message(format!(
                    "POST {} does not reach ucanpay-loco, so payments would be notified in vain: add \
                     ucanpay_loco::routes(ctx) to Hooks::routes, and any prefix of theirs to \
                     notify_base_url; behind a proxy that changes paths, set \
                     settings.ucanpay.self_check to false",
                    shadowed.path()
                ))
            })?;
        }
        Ok(router)
    }

    /// Never an error, for loco says nothing of one.
    async fn check(&self, ctx: &AppContext) -> Result<Option<Check>> {
        Ok(Some(check(ctx).await))
    }
}

/// What can be wrong although the settings could be read, which was looked at when the app started: the ledger, the notify
/// address, what waits for a person, and whether each gateway takes calls that are signed with our key.
async fn check(ctx: &AppContext) -> Check {
    let plugin = match Plugin::of(ctx) {
        Ok(plugin) => plugin,
        Err(error) => return found(&[error.to_string()], &[]),
    };
    let (mut problems, mut concerns) = (Vec::new(), Vec::new());
    match plugin.payments.health().await {
        Ok(health) => {
            concerns.extend(health.concerns().iter().map(ToString::to_string));
            for (account, taken) in plugin.payments.check().await {
                let Err(error) = taken else { continue };
                let words = format!("account {account}: {}", in_one_line(&error));
                match error.kind() {
                    // It may take calls again by itself; what is started meanwhile is recorded.
                    ProviderErrorKind::Unreachable
                    | ProviderErrorKind::Later
                    | ProviderErrorKind::Blocked
                    | ProviderErrorKind::Unclear => concerns.push(words),
                    _ => problems.push(words),
                }
            }
        }
        // Without the ledger no gateway is asked either: nobody could say whether it wants to be left alone.
        Err(error) => problems.push(in_one_line(&error)),
    }
    let hidden = plugin
        .notify_urls
        .iter()
        .find(|notify| !is_public(&notify.url));
    if let Some(NotifyUrl { url, setting }) =
        hidden.filter(|_| ctx.environment == Environment::Production)
    {
        problems.push(format!(
            "{setting} gives {url}, which the gateway cannot reach; it is the app's public https address"
        ));
    }
    found(&problems, &concerns)
}

fn found(problems: &[String], concerns: &[String]) -> Check {
    let (status, message, lines) = if !problems.is_empty() {
        (CheckStatus::NotOk, "not fit for payments", problems)
    } else if !concerns.is_empty() {
        // A warning, in the doctor's words: set up well, and somebody should look.
        let message = "fit for payments, and to be looked into";
        (CheckStatus::NotConfigure, message, concerns)
    } else {
        (CheckStatus::Ok, "fit for payments", concerns)
    };
    Check {
        status,
        message: message.to_owned(),
        description: (!lines.is_empty()).then(|| lines.join("\n   ")),
    }
}

/// What stands behind the host of a notify URL, which was checked to be an absolute one.
fn path(url: &str) -> &str {
    let (_, address) = url.split_once("://").unwrap_or(("", url));
    address.find('/').map_or("/", |slash| &address[slash..])
}

fn is_public(url: &str) -> bool {
    let Some(address) = url.strip_prefix("https://") else {
        return false;
    };
    let host = address.split('/').next().unwrap_or_default();
    !["localhost", "127.", "[::1]", "0.0.0.0"]
        .iter()
        .any(|local| host.starts_with(local))
}
