//! The sandbox inside the shop: a gateway of its own, so that the shop can be tried without an account.
//!
//! It runs where the configuration has the block `settings.sandbox`. Its keys, orders and pending notifications are kept in
//! the folder named there: after a restart it is the same gateway. A real shop needs nothing of this file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use loco_rs::app::{AppContext, Initializer};
use loco_rs::{Error, Result};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use ucanpay_core::PrivateKey;
use ucanpay_sandbox::{Sandbox, SandboxConfig, State};

/// The merchant that the sandbox knows.
const MERCHANT_ID: &str = "2000000010";

/// Runs the sandbox, where the configuration says so.
pub struct LocalGateway;

#[derive(Deserialize)]
struct Settings {
    sandbox: Option<Place>,
}

/// Where it listens, and where it keeps what it must not forget.
#[derive(Deserialize)]
struct Place {
    listen: SocketAddr,
    folder: PathBuf,
}

/// A sandbox that runs, until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

impl LocalGateway {
    /// Makes the keys of the sandbox and its merchant, unless they are there.
    ///
    /// # Errors
    /// If they cannot be written.
    pub async fn make_keys(ctx: &AppContext) -> Result<()> {
        let Some(place) = place(ctx)? else {
            return Ok(());
        };
        std::fs::create_dir_all(&place.folder)?;
        for name in ["merchant-key.pem", "platform-key.pem"] {
            let path = place.folder.join(name);
            if !path.exists() {
                // Finding the primes takes a moment that would hold up everything else.
                let made = tokio::task::spawn_blocking(|| PrivateKey::generate(2048)).await;
                let key = made.map_err(Error::wrap)?.map_err(Error::wrap)?;
                write(&path, &key.to_pkcs8_pem())?;
            }
        }
        let platform_key = read(&place.folder.join("platform-key.pem"))?;
        let public = place.folder.join("platform-key.pub.pem");
        write(&public, &platform_key.public_key().to_spki_pem())?;
        Ok(())
    }

    /// Stops the sandbox, if it runs.
    pub async fn stop(ctx: &AppContext) {
        if let Some(Running { stop, ended }) = ctx.shared_store.remove() {
            drop(stop);
            let _ = ended.await;
        }
    }
}

#[async_trait]
impl Initializer for LocalGateway {
    fn name(&self) -> String {
        "sandbox".to_owned()
    }

    async fn before_run(&self, ctx: &AppContext) -> Result<()> {
        let Some(place) = place(ctx)? else {
            return Ok(());
        };
        let merchant_key = read(&place.folder.join("merchant-key.pem"))?;
        let platform_key = read(&place.folder.join("platform-key.pem"))?;
        let config =
            SandboxConfig::new(MERCHANT_ID, merchant_key.public_key().clone(), platform_key)
                .with_state(State::File(place.folder.join("state.sqlite")));
        let listener = TcpListener::bind(place.listen).await.map_err(|error| {
            Error::Message(format!(
                "settings.sandbox.listen is {}, which cannot be listened on: {error}; stop the program that uses it, or \
                 choose another",
                place.listen
            ))
        })?;
        let sandbox = Sandbox::open(config).await.map_err(Error::wrap)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let ended =
            tokio::spawn(
                async move { sandbox.serve(listener, async { drop(stopped.await) }).await },
            );
        tracing::info!("sandbox at http://{} (no real money moves)", place.listen);
        ctx.shared_store.insert(Running { stop, ended });
        Ok(())
    }
}

fn place(ctx: &AppContext) -> Result<Option<Place>> {
    let settings: Settings = ctx.config.settings()?;
    Ok(settings.sandbox)
}

fn read(path: &Path) -> Result<PrivateKey> {
    PrivateKey::from_bytes(&std::fs::read(path)?).map_err(|error| {
        Error::Message(format!(
            "the sandbox's key {} cannot be used: {error}; remove its folder to start afresh",
            path.display()
        ))
    })
}

/// Whole or not at all, readable by its owner only.
fn write(path: &Path, text: &str) -> Result<()> {
    let half_done = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&half_done)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&half_done, path)?;
    Ok(())
}
