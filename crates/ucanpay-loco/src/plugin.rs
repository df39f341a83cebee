//! What stands in the app's shared store: [`Payments`], and what the plug-in itself remembers between loco's hooks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loco_rs::app::AppContext;
use loco_rs::environment::Environment;
use loco_rs::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use ucanpay_storefront::{EventHandler, PaymentRegistry, Payments, SettingError};

use crate::ledger::Ledger;
use crate::one_line::told;
use crate::settings::{NotifyUrl, Settings};

/// How long the reconciler may take to end what it has begun. What is then cut off is taken up by the next start.
const GRACE: Duration = Duration::from_secs(10);

/// One for each [`AppContext`]. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    pub(crate) payments: Payments,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) notify_urls: Vec<NotifyUrl>,
    pub(crate) self_check: bool,
    stop: watch::Sender<bool>,
    running: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// Reads and checks `settings.ucanpay`, registers the accounts it describes, and puts [`Payments`] into the app's shared
/// store: in `Hooks::after_context`. Touches no table.
///
/// ```
/// use loco_rs::Result;
/// use loco_rs::app::AppContext;
///
/// // In `impl Hooks for App`:
/// async fn after_context(ctx: AppContext) -> Result<AppContext> {
///     ucanpay_loco::after_context(ctx)
/// }
/// ```
///
/// # Errors
/// A [`SettingError`], whose message says the path of the setting. The app then does not start.
pub fn after_context(ctx: AppContext) -> Result<AppContext> {
    let settings = Settings::from_config(&ctx.config).map_err(told)?;
    let registry = settings.registry().map_err(told)?.build().map_err(told)?;
    install(&ctx, &settings, registry)?;
    Ok(ctx)
}

/// As [`after_context`], with providers of the app's choice beside those of the [settings](Settings::registry), or instead.
///
/// ```
/// use loco_rs::app::AppContext;
/// use loco_rs::{Error, Result};
/// use ucanpay_loco::Settings;
/// use ucanpay_storefront::PaymentProvider;
///
/// # fn birch() -> impl PaymentProvider {
/// #     ucanpay_storefront::UcanpayAccount::from_env().provider().unwrap()
/// # }
/// // In `impl Hooks for App`; `birch` makes the provider of another gateway.
/// async fn after_context(ctx: AppContext) -> Result<AppContext> {
///     let settings = Settings::from_config(&ctx.config).map_err(Error::wrap)?;
///     let accounts = settings.registry().map_err(Error::wrap)?;
///     let registry = accounts.register(birch()).build().map_err(Error::wrap)?;
///     ucanpay_loco::install(&ctx, &settings, registry)?;
///     Ok(ctx)
/// }
/// ```
///
/// # Errors
/// If the ledger would be dropped at this very start: `database.dangerously_recreate` in production.
pub fn install(ctx: &AppContext, settings: &Settings, registry: PaymentRegistry) -> Result<()> {
    if ctx.environment == Environment::Production && ctx.config.database.dangerously_recreate {
        return Err(told(SettingError::new(
            "database.dangerously_recreate",
            "is true in production, and would drop the ledger with all payments",
            "set it to false",
        )));
    }
    let ledger = Arc::new(Ledger::at(&ctx.config.database.uri));
    let mut payments = Payments::new(ledger.clone(), registry).with_policies(settings.policies);
    if let Some(attempts) = settings.delivery_attempts {
        payments = payments.with_delivery_attempts(attempts);
    }
    if let Some(budget) = settings.call_budget {
        payments = payments.with_call_budget(budget);
    }
    ctx.shared_store.insert(payments.clone());
    ctx.shared_store.insert(Plugin {
        payments,
        ledger,
        notify_urls: settings.notify_urls.clone(),
        self_check: settings.self_check,
        stop: watch::Sender::new(false),
        running: Arc::default(),
    });
    Ok(())
}

/// The app's payments: for workers, tasks and models. A controller takes `SharedStore(payments): SharedStore<Payments>`.
///
/// ```
/// use loco_rs::app::AppContext;
/// use loco_rs::{Error, Result};
/// use ucanpay_storefront::Reference;
///
/// /// For a task or a worker of the app.
/// async fn is_paid(ctx: &AppContext, order: &str) -> Result<bool> {
///     let payments = ucanpay_loco::payments(ctx)?;
///     let key = payments.key(Reference::new(order).map_err(Error::wrap)?);
///     let view = payments.payment(&key).await.map_err(Error::wrap)?;
///     Ok(view.is_some_and(|view| view.payment.paid_at.is_some()))
/// }
/// ```
///
/// # Errors
/// If [`after_context`] was not called in the app's `Hooks::after_context`.
pub fn payments(ctx: &AppContext) -> Result<Payments> {
    Plugin::of(ctx).map(|plugin| plugin.payments)
}

/// Ends the reconciler: in `Hooks::on_shutdown`. Waits until what it has begun is ended, at most ten seconds.
///
/// ```
/// use loco_rs::app::AppContext;
///
/// // In `impl Hooks for App`:
/// async fn on_shutdown(ctx: &AppContext) {
///     ucanpay_loco::on_shutdown(ctx).await;
/// }
/// ```
pub async fn on_shutdown(ctx: &AppContext) {
    if let Ok(plugin) = Plugin::of(ctx) {
        plugin.stop().await;
    }
}

impl Plugin {
    pub(crate) fn of(ctx: &AppContext) -> Result<Self> {
        ctx.shared_store.get().ok_or_else(|| {
            Error::string(
                "UCanPay is not set up: call ucanpay_loco::after_context(ctx) in Hooks::after_context",
            )
        })
    }

    /// Starts the reconciler and the delivery of events, unless they run.
    pub(crate) fn run(&self, handler: Arc<dyn EventHandler>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            let (payments, stopped) = (self.payments.clone(), self.stopped());
            *running = Some(tokio::spawn(async move {
                payments.run(handler, stopped).await;
            }));
        }
    }

    /// Completes when the app shuts down.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // A sender that is gone has nothing more to run for.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    async fn stop(&self) {
        self.stop.send_replace(true);
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else { return };
        match tokio::time::timeout(GRACE, running).await {
            Ok(Ok(())) => tracing::info!("the reconciler has ended"),
            Ok(Err(error)) => tracing::error!(reason = %error, "the reconciler broke off"),
            Err(_) => {
                tracing::warn!("the reconciler was cut off; the next start takes up what it left");
            }
        }
    }
}
