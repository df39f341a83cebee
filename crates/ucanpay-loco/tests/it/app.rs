//! A small loco app with nothing but payments, its configuration, and the gateway it talks to.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use loco_rs::app::{AppContext, Hooks, Initializer};
use loco_rs::bgworker::{BackgroundWorker, Queue};
use loco_rs::boot::{BootResult, StartMode, create_app, create_context};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::task::Tasks;
use loco_rs::{Error, Result};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt as _;
use ucanpay_core::{Amount, Currency, PrivateKey};
use ucanpay_loco::{PaymentEvent, UcanpayInitializer};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_storefront::{PaymentView, Reference, StartPayment};

pub(crate) struct App;

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        ucanpay_loco::migrations()
    }
}

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        "app"
    }

    async fn boot(
        mode: StartMode,
        environment: &Environment,
        config: Config,
    ) -> Result<BootResult> {
        create_app::<Self, Migrator>(mode, environment, config).await
    }

    async fn after_context(ctx: AppContext) -> Result<AppContext> {
        ctx.shared_store.insert(Told::default());
        ucanpay_loco::after_context(ctx)
    }

    fn routes(ctx: &AppContext) -> AppRoutes {
        AppRoutes::with_default_routes().add_route(ucanpay_loco::routes(ctx))
    }

    async fn initializers(ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        Ok(vec![Box::new(UcanpayInitializer::worker::<Fulfil>(ctx))])
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(tasks: &mut Tasks) {
        ucanpay_loco::register_tasks(tasks);
    }

    async fn truncate(_: &AppContext) -> Result<()> {
        Ok(())
    }

    async fn seed(_: &AppContext, _: &Path) -> Result<()> {
        Ok(())
    }

    async fn on_shutdown(ctx: &AppContext) {
        ucanpay_loco::on_shutdown(ctx).await;
    }
}

/// What the worker was told, and how often it is still to fail.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<(Vec<String>, u32)>>);

impl Told {
    pub(crate) fn of(ctx: &AppContext) -> Self {
        ctx.shared_store.get().unwrap()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn fail(&self, times: u32) {
        self.0.lock().unwrap().1 = times;
    }
}

struct Fulfil(Told);

#[async_trait]
impl BackgroundWorker<PaymentEvent> for Fulfil {
    fn build(ctx: &AppContext) -> Self {
        Self(Told::of(ctx))
    }

    async fn perform(&self, event: PaymentEvent) -> Result<()> {
        let mut told = self.0.0.lock().unwrap();
        if told.1 > 0 {
            told.1 -= 1;
            return Err(Error::string("the kitchen is closed"));
        }
        told.0.push(event.kind.to_string());
        Ok(())
    }
}

/// The gateway, the app's folder, and what the app is configured with.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) config: Value,
    sandbox: Sandbox,
    listener: TcpListener,
    _stop: oneshot::Sender<()>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (own, platform) = (
            PrivateKey::generate(1024).unwrap(),
            PrivateKey::generate(1024).unwrap(),
        );
        let write = |name: &str, pem: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path.display().to_string()
        };
        let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let config = json!({
            "logger": { "enable": false, "level": "off", "format": "compact" },
            "server": { "port": 0, "host": "http://127.0.0.1" },
            "database": {
                "uri": format!("sqlite://{}/app.sqlite?mode=rwc", folder.path().display()),
                "enable_logging": false,
                "min_connections": 1,
                "max_connections": 1,
                "connect_timeout": 500,
                "idle_timeout": 500,
                "auto_migrate": true,
            },
            "workers": { "mode": "BackgroundAsync" },
            "settings": { "ucanpay": {
                "merchant_id": 2000000010,
                "private_key_file": write("own.pem", &own.to_pkcs8_pem()),
                "platform_key_file": write("platform.pub.pem", &platform.public_key().to_spki_pem()),
                "base_url": address(&gateway),
                "notify_base_url": address(&listener),
            }},
        });
        let sandbox = SandboxConfig::new("2000000010", own.public_key().clone(), platform);
        let sandbox = Sandbox::open(sandbox).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = sandbox.clone();
        tokio::spawn(async move { served.serve(gateway, async { drop(stopped.await) }).await });
        Self {
            folder,
            config,
            sandbox,
            listener,
            _stop: stop,
        }
    }

    /// The setting of this name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.config["settings"]["ucanpay"][name] = value.into();
    }

    pub(crate) fn config(&self) -> Config {
        serde_json::from_value(self.config.clone()).unwrap()
    }

    /// The app, started as `cargo loco start` does, but for the serving. Before the context that the app gets, that makes
    /// one which it drops later, or never.
    pub(crate) async fn boot(&self) -> Result<BootResult> {
        let _first = create_context::<App>(&Environment::Test, self.config()).await?;
        App::boot(StartMode::ServerOnly, &Environment::Test, self.config()).await
    }

    /// The app, started and serving.
    pub(crate) async fn start(self) -> Running {
        let boot = self.boot().await.unwrap();
        let router = boot.router.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = router.clone();
        tokio::spawn(async move {
            axum::serve(self.listener, served)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
        });
        Running {
            ctx: boot.app_context,
            router,
            sandbox: self.sandbox,
            _folder: self.folder,
            _stop: (stop, self._stop),
        }
    }
}

/// An app that serves until it is dropped.
pub(crate) struct Running {
    pub(crate) ctx: AppContext,
    pub(crate) router: Router,
    _folder: TempDir,
    sandbox: Sandbox,
    _stop: (oneshot::Sender<()>, oneshot::Sender<()>),
}

impl Running {
    pub(crate) async fn place(&self, reference: &str) -> PaymentView {
        let payments = ucanpay_loco::payments(&self.ctx).unwrap();
        let start = StartPayment {
            provider: None,
            reference: Reference::new(reference).unwrap(),
            amount: Amount::new(450).unwrap(),
            currency: Currency::CAD,
            subject: "coffee".into(),
            description: "one latte".into(),
            expires_after: None,
        };
        payments.start(start).await.unwrap()
    }

    /// The buyer approves, on the phone.
    pub(crate) async fn pay(&self, reference: &str) {
        let path = format!("/_sandbox/orders/{reference}/pay");
        let request = Request::post(path).body(Body::empty()).unwrap();
        let (status, text) = ask(&self.sandbox.router(), request).await;
        assert!(status.is_success(), "{text}");
    }

    pub(crate) async fn status(&self, reference: &str) -> Value {
        let path = format!("/ucanpay/status/{reference}");
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, text) = ask(&self.router, request).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn paid(&self, reference: &str) {
        self.place(reference).await;
        self.pay(reference).await;
        until(async || self.status(reference).await["paid"] == true).await;
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Waits until it is so.
pub(crate) async fn until(so: impl AsyncFn() -> bool) {
    let look = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look)
        .await
        .expect("it should have come about by now");
}
