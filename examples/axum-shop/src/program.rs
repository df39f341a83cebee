//! The whole program: settings in, a running shop out. `process.rs` starts it, and so can a test.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use ucanpay_axum::{Shadowed, self_check};
use ucanpay_sandbox::Sandbox;
use ucanpay_storefront::{PaymentRegistry, Payments, RegistryError, store};

use crate::fulfilment::Fulfilment;
use crate::local_gateway::{self, LocalGateway, LocalGatewayError, http_address};
use crate::orders::Orders;
use crate::server::{self, Limits};
use crate::settings::{DatabaseUrl, GatewaySetting, SettingError, Settings, in_one_line};
use crate::{AdminToken, Shop, admin_token, app, order_table};

/// How long requests under way may take after the shop was told to stop. What is then cut off is taken up by the ledger
/// at the next start.
const GRACE: Duration = Duration::from_secs(10);

/// Where the gateway's notifications come in: the paths of the provider's notify URLs.
const NOTIFY_PATHS: [&str; 2] = ["/ucanpay/payment", "/ucanpay/refund"];

/// A shop with its listeners bound and its files open, not serving yet.
pub struct Program {
    shop: Shop,
    listener: TcpListener,
    address: SocketAddr,
    gateway: Option<LocalGateway>,
    made_token: Option<String>,
}

/// Without the token.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The shop cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The sandbox inside cannot be used.
    #[error(transparent)]
    Gateway(LocalGatewayError),
    /// The payment provider cannot be registered.
    #[error("the payment provider cannot be registered")]
    Registry(#[from] RegistryError),
    /// A layer or a route of the shop's own is in the way of the gateway's notifications.
    #[error("payments would be notified in vain")]
    Shadowed(#[from] Shadowed),
}

impl From<LocalGatewayError> for OpenError {
    fn from(error: LocalGatewayError) -> Self {
        match error {
            LocalGatewayError::Setting(setting) => Self::Setting(setting),
            error => Self::Gateway(error),
        }
    }
}

impl Program {
    /// Binds the addresses and opens the files. Requests that come in from now on wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        make_folders(&settings)?;
        let (listener, address) = bind("LISTEN", settings.listen).await?;
        let (gateway, provider) = match settings.gateway {
            GatewaySetting::Account(provider) => (None, *provider),
            GatewaySetting::Sandbox(listen) => {
                let folder = settings.data_dir.join("sandbox");
                let (gateway, provider) = local_gateway::open(&folder, listen, address).await?;
                (Some(gateway), provider)
            }
        };
        let registry = PaymentRegistry::builder().register(provider).build()?;
        let orders = open_orders(&settings.database_url, registry).await?;
        let (token, made_token) = match settings.admin_token {
            Some(token) => (token, None),
            None => {
                let made = admin_token::kept_in(&settings.data_dir).map_err(|error| {
                    SettingError::new(
                        "SHOP_ADMIN_TOKEN",
                        format!("is not set, and none can be kept in the data folder: {error}"),
                        "set it, or let the shop write to SHOP_DATA_DIR",
                    )
                })?;
                (AdminToken::new(&made), Some(made))
            }
        };
        let shop = Shop::new(orders, token);
        self_check(app(shop.clone()), NOTIFY_PATHS).await?;
        Ok(Self {
            shop,
            listener,
            address,
            gateway,
            made_token,
        })
    }

    /// The shop itself, for [`app`].
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    /// Where the shop listens; the port is the one that was found if the setting said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The sandbox inside, and where it listens.
    pub fn sandbox(&self) -> Option<(&Sandbox, SocketAddr)> {
        let gateway = self.gateway.as_ref()?;
        Some((&gateway.sandbox, gateway.address))
    }

    /// What a person at the terminal is told: a title, then one fact a line, its name before two or more spaces.
    pub fn greeting(&self) -> String {
        let shop = http_address(self.address);
        let token = match &self.made_token {
            Some(token) => token,
            None => "as set in SHOP_ADMIN_TOKEN",
        };
        let gateway = match &self.gateway {
            Some(gateway) => format!(
                "{}  (sandbox: no real money moves)",
                http_address(gateway.address)
            ),
            None => "as set in UCANPAY_BASE_URL".to_owned(),
        };
        format!(
            "Maple & Bean is open\n  \
             shop         {shop}\n  \
             gateway      {gateway}\n  \
             orders       {shop}/admin\n  \
             admin token  {token}\n"
        )
    }

    /// Serves until `shutdown` completes, then finishes what is under way.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) {
        let (stop, stopping) = watch::channel(false);
        let (stop_gateway, gateway_stopping) = watch::channel(false);
        let gateway = self.gateway.map(|gateway| {
            let stopped = told(gateway_stopping);
            tokio::spawn(async move {
                let _lock = gateway.lock;
                gateway.sandbox.serve(gateway.listener, stopped).await
            })
        });
        let orders = self.shop.orders().clone();
        let payments = orders.payments().clone();
        let ledger = payments.spawn(Fulfilment(orders));
        tokio::spawn(check(payments));
        let shop = self.shop.clone();
        tokio::spawn(async move {
            shutdown.await;
            tracing::info!("stopping");
            // Pages that wait for news would wait for ever.
            shop.close();
            // Everybody gone already is fine.
            let _ = stop.send(true);
        });

        let mut ended = stopping.clone();
        tokio::select! {
            () = server::serve(self.listener, app(self.shop), Limits::default(), told(stopping)) => {}
            () = async { told_by(&mut ended).await; tokio::time::sleep(GRACE).await } => {}
        }
        // The last calls of the ledger may still be out at the sandbox, so that goes last.
        let rest = async {
            ledger.stop().await;
            let _ = stop_gateway.send(true);
            if let Some(gateway) = gateway {
                let _ = gateway.await;
            }
        };
        let _ = tokio::time::timeout(GRACE, rest).await;
    }
}

fn make_folders(settings: &Settings) -> Result<(), SettingError> {
    let make = |setting, folder: &std::path::Path| {
        std::fs::create_dir_all(folder).map_err(|error| {
            SettingError::new(
                setting,
                format!(
                    "needs the folder {}, which cannot be made: {error}",
                    folder.display()
                ),
                "name a folder that the shop may write to",
            )
        })
    };
    make("SHOP_DATA_DIR", &settings.data_dir)?;
    match order_table::folder(&settings.database_url) {
        Some(folder) => make("DATABASE_URL", &folder),
        None => Ok(()),
    }
}

/// The ledger and the shop's own tables, in one database.
async fn open_orders(url: &DatabaseUrl, registry: PaymentRegistry) -> Result<Orders, SettingError> {
    let unusable = |error: &dyn std::error::Error| {
        SettingError::new(
            "DATABASE_URL",
            format!("is {url}, which cannot be used: {}", in_one_line(error)),
            if url.is_postgres() {
                "name a PostgreSQL database in which the shop may make tables, such as postgres://user@host/database"
            } else {
                "name a SQLite file that the shop may write to, such as sqlite://data/shop.sqlite"
            },
        )
    };
    let store = store::open(url.as_str());
    let store = store.await.map_err(|error| unusable(&error))?;
    let payments = Payments::new(store, registry);
    Orders::open(url, payments)
        .await
        .map_err(|error| unusable(&error))
}

/// Listens on the address, and says which it is if the port was left to the system.
pub(crate) async fn bind(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), SettingError> {
    let unusable = |error: io::Error| {
        SettingError::new(
            setting,
            format!("is {address}, which cannot be listened on: {error}"),
            "stop the program that uses it, or choose another address or port",
        )
    };
    let listener = TcpListener::bind(address).await.map_err(unusable)?;
    let bound = listener.local_addr().map_err(unusable)?;
    Ok((listener, bound))
}

async fn told(mut stopping: watch::Receiver<bool>) {
    told_by(&mut stopping).await;
}

async fn told_by(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone has nothing more to run for.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Says in the log whether the gateway takes our calls. The shop opens either way: orders are recorded, and placed later.
async fn check(payments: Payments) {
    for (account, result) in payments.check().await {
        match result {
            Ok(()) => tracing::info!(%account, "the gateway takes this account's calls"),
            Err(error) => tracing::warn!(
                %account,
                error = &error as &dyn std::error::Error,
                "the gateway takes no calls of this account now; orders are recorded, and placed when it does"
            ),
        }
    }
}
